"""The check of a network in the runtimes that are installed, besides torch."""

import msgspec

from ...datasets.errors import KinobenchError
from ..measure.modules import case_of
from ..network.digest import network_digest
from ..network.runtimes.deployed import Deployed
from ..network.runtimes.errors import ExportError
from ..network.runtimes.known import KNOWN, installed
from ..records.case import Runtime
from .finding import Finding, failed, passed, skipped, warned
from .subject import Subject, difference

LARGEST_DRIFT = 1e-3
"""Largest difference of logits, as a share of the largest one: other kernels round otherwise."""


def here() -> tuple[Runtime, ...]:
    """Return the installed runtimes that execute an exported file on the CPU."""
    return tuple(
        name for name in installed() if KNOWN[name].module and "cpu" in KNOWN[name].targets
    )


def exported(subject: Subject) -> Finding:
    """Check that each installed runtime executes the network, and gives torch's logits."""
    runtimes = here()
    if not runtimes:
        return skipped("no runtime but torch is installed: see `list runtimes`")
    clip = subject.inputs(1)
    expected = subject.run(clip)
    refused = []
    for runtime in runtimes:
        plain = case_of(subject.architecture.name, subject.shape, "cpu", "fp32", 1, 1)
        case = msgspec.structs.replace(plain, runtime=runtime)
        kinds, digest = subject.architecture.inputs, network_digest(subject.module)
        try:
            loaded = Deployed(subject.module, case, kinds, digest).at(1)
            logits = loaded.of_clips(*clip)
        except ExportError as error:
            refused.append(f"{runtime}: {error.reason}")
            continue
        except KinobenchError as error:
            refused.append(f"{runtime}: {error}")
            continue
        share = difference(expected, logits)
        if share > LARGEST_DRIFT:
            return failed(
                f"in {runtime} it gives other logits, by {share:.1e} of the largest",
                "let the forward depend on the clip and the weights alone, not on its values by "
                f"`if` or `.item()`; --runtime {runtime} would give wrong accuracies",
            )
    if refused:
        return warned("; ".join(refused), "measure it with --runtime torch, or another runtime")
    return passed(f"in {' and '.join(runtimes)} it gives the logits of torch")
