"""The check of bfloat16: the CPU's kernels are there, and the logits stay near those of fp32."""

import torch

from ..network.dtypes import in_dtype
from ..network.kernels import missing_kernels
from .finding import Finding, passed, warned
from .subject import Subject, difference, shown

NEAR = 0.1
"""bfloat16 has 8 bits for a number. Over the zoo's tiny networks logits change by at most 4.4 % of
the largest (swin3d_tiny with the weights that come with kinobench)."""


def bf16(subject: Subject) -> Finding:
    """Check that the network runs in bfloat16, and what that changes."""
    cure = "give --precision fp32, or --device cuda"
    module, given = subject.module, subject.inputs(1)
    exact = subject.run(given)
    try:
        in_dtype(module, torch.bfloat16)
        logits = subject.run(tuple(each.to(torch.bfloat16) for each in given))
    except Exception as error:
        lacking = missing_kernels(subject.architecture.name, subject.shape, "bf16")
        if lacking:
            return warned(f"the CPU has no bfloat16 kernel of {' or '.join(lacking)}", cure)
        return warned(
            f"it can't run in bfloat16: {shown(error)}",
            "make tensors of the clip's own type in the forward, such as clip.new_zeros(...) or "
            f"torch.arange(..., dtype=clip.dtype); else {cure}",
        )
    finally:
        in_dtype(module, torch.float32)
    share = difference(exact, logits.float())
    if not share <= NEAR:
        return warned(
            f"bfloat16 changes the logits by {100 * share:.2g} % of the largest",
            "keep sums, exponentials and normalisations in float32; or give another --precision",
        )
    return passed(f"bfloat16 changes the logits by {100 * share:.2g} % of the largest")
