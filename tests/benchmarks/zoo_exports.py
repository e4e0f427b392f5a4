"""Every network of the zoo in every runtime of the CPU: exported and equal to eager, or why not.

    python tests/benchmarks/zoo_exports.py FILE               # all networks that FILE lacks
    python tests/benchmarks/zoo_exports.py FILE --minutes 60 --runtime openvino --tiny

Each network has its own input and random weights, made such that its logits depend on the clip; one
clip goes through eager fp32 and through the runtime, on one thread. Each is in a process of its
own, which may crash or take too long; its exported files are removed afterwards. What the file has
of the same versions isn't made again.
Latencies are not measured here: this is about whether, and how exactly.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from kinobench.bench.cost.models import Model, read_index
from kinobench.bench.network.runtimes.known import KNOWN, versions_of
from kinobench.bench.records.case import Case, Runtime
from kinobench.bench.run import suite
from kinobench.bench.run.plan import plan
from kinobench.bench.run.settings import settings_of

if TYPE_CHECKING:
    from torch import nn

    from kinobench.bench.network.inputs import Inputs

RUNTIMES: tuple[Runtime, ...] = ("onnxruntime", "openvino")
NETWORK_S = 900.0
"""A network that takes longer in all runtimes together is ended."""


class Outcome(msgspec.Struct, kw_only=True):
    """What became of a network in a runtime.

    Attributes:
        model, runtime: What it is about.
        versions: Versions of torch and of the runtime's packages.
        reason: Why it isn't there; None if it is.
        path: How it got there.
        opset: Version of ONNX's operators.
        export_s, load_s, first_call_s: Seconds.
        size_bytes: Size of the exported files.
        difference: Largest difference of a logit from eager fp32.
        largest_logit: Largest logit of eager fp32, by its amount.
        between_clips: Largest difference between the logits of two clips, in eager fp32: an equal
            output says little of a network that gives the same for all.
        notes: Remarks of the export.
    """

    model: str
    runtime: str
    versions: dict[str, str]
    reason: str | None = None
    path: str | None = None
    opset: int | None = None
    export_s: float | None = None
    load_s: float | None = None
    first_call_s: float | None = None
    size_bytes: int | None = None
    difference: float | None = None
    largest_logit: float | None = None
    between_clips: float | None = None
    notes: tuple[str, ...] = ()


def main(words: Sequence[str] | None = None) -> None:
    """Export what the file lacks, for so many minutes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--minutes", type=float, default=600.0)
    parser.add_argument("--runtime", action="append", choices=list(KNOWN))
    parser.add_argument("--model", action="append", help="this one alone; may be repeated")
    parser.add_argument("--tiny", action="store_true", help="the tiny networks alone")
    parser.add_argument("--again", action="store_true", help="what failed before, too")
    given = parser.parse_args(words)
    end = time.monotonic() + 60 * given.minutes
    runtimes: list[Runtime] = given.runtime or list(RUNTIMES)
    classifiers = (each for each in read_index() if each.task == "classification")
    models = sorted(classifiers, key=lambda model: (model.macs or 0, model.name))
    had = read(given.file)
    for model in models:
        if given.model and model.name not in given.model:
            continue
        if given.tiny and not model.name.endswith("_tiny"):
            continue
        missing = [
            each
            for each in runtimes
            if not _is_had(had.get((model.name, each)), each, again=given.again)
        ]
        if missing and time.monotonic() < end:
            for outcome in in_own_process(model.name, missing):
                had[model.name, outcome.runtime] = outcome
                told = outcome.reason or f"{outcome.difference:.2g} of {outcome.between_clips:.3g}"
                print(f"{model.name} {outcome.runtime}: {told}", flush=True)
            write(given.file, had)


def _is_had(outcome: Outcome | None, runtime: Runtime, *, again: bool) -> bool:
    if outcome is None or outcome.versions != _versions(runtime):
        return False
    return outcome.reason is None or not again


def read(file: Path) -> dict[tuple[str, str], Outcome]:
    """Return what a file has, by network and runtime."""
    if not file.exists():
        return {}
    lines = msgspec.json.Decoder(Outcome).decode_lines(file.read_bytes())
    return {(each.model, each.runtime): each for each in lines}


def write(file: Path, outcomes: dict[tuple[str, str], Outcome]) -> None:
    """Write a file as a whole, a line each."""
    file.parent.mkdir(parents=True, exist_ok=True)
    lines = msgspec.json.Encoder().encode_lines([outcomes[key] for key in sorted(outcomes)])
    new = file.with_suffix(".new")
    new.write_bytes(lines)
    new.replace(file)


def in_own_process(model: str, runtimes: Sequence[Runtime]) -> list[Outcome]:
    """Export a network for runtimes in a process that may crash, or take too long."""
    command = [sys.executable, __file__, "--in-process", model, *runtimes]
    try:
        done = subprocess.run(command, capture_output=True, timeout=NETWORK_S)
        found = msgspec.json.Decoder(Outcome).decode_lines(done.stdout)
        ended = f"its process ended with {done.returncode}"
    except subprocess.TimeoutExpired as error:
        found = msgspec.json.Decoder(Outcome).decode_lines(error.stdout or b"")
        ended = f"it took more than {NETWORK_S:.0f} s"
    told = {each.runtime for each in found}
    return found + [
        Outcome(model=model, runtime=each, versions=_versions(each), reason=ended)
        for each in runtimes
        if each not in told
    ]


def _versions(runtime: Runtime) -> dict[str, str]:
    from importlib.metadata import version

    return {"torch": version("torch")} | versions_of(runtime)


def here(name: str, runtimes: Sequence[Runtime]) -> None:
    """Export a network in this process, and write a line for each runtime."""
    import torch

    from kinobench.bench.network.digest import network_digest
    from kinobench.bench.network.network import Network
    from kinobench.bench.network.outputs import logits_of
    from kinobench.bench.network.runtimes.cache import ExportCache
    from kinobench.bench.network.runtimes.deployed import Deployed

    torch.set_num_threads(1)
    (model,) = (each for each in read_index() if each.name == name)
    network = Network(case_of(model, "torch"))
    inputs = network.one_clip()
    awaken(network.module, network.one_clip())
    digest = network_digest(network.module)
    with torch.inference_mode():
        expected = logits_of(network.module(*(each.clone() for each in inputs))).clone()
        other = logits_of(network.module(*(each.flip(-1).mul(2) for each in inputs)))
        between = float((other - expected).abs().max())
    with tempfile.TemporaryDirectory() as folder:
        for runtime in runtimes:
            outcome = Outcome(model=name, runtime=runtime, versions=_versions(runtime))
            try:
                deployed = Deployed(
                    network.module,
                    case_of(model, runtime),
                    network.kinds,
                    digest,
                    ExportCache(Path(folder)),
                )
                loaded = deployed.at(1)
                begin = time.perf_counter()
                with torch.inference_mode():
                    logits = loaded.of_clips(*inputs)
                outcome.first_call_s = time.perf_counter() - begin
                outcome.difference = float((logits - expected).abs().max())
                outcome.largest_logit = float(expected.abs().max())
                outcome.between_clips = between
                export = loaded.export
                outcome.path, outcome.opset = export.path, export.opset
                outcome.export_s, outcome.load_s = export.export_s, export.load_s
                outcome.size_bytes, outcome.notes = export.size_bytes, loaded.notes
                del deployed, loaded
            except Exception as error:
                outcome.reason = str(error)
            sys.stdout.buffer.write(msgspec.json.encode(outcome) + b"\n")
            sys.stdout.buffer.flush()


def awaken(module: "nn.Module", inputs: "Inputs") -> None:
    """Give an untrained network logits that depend on its clip, in place.

    Many begin as constants: their last layers, or the last scale of each block, are zeros, and
    their activations fade, since batch norms have yet to see any. Zeros get small random values,
    and batch norms the statistics of two clips.
    """
    import torch

    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.numel() > 1 and not parameter.any():
                parameter.copy_(0.05 * torch.randn(parameter.shape, generator=generator))
        for each in module.modules():
            if isinstance(getattr(each, "running_mean", None), torch.Tensor):
                each.momentum = 1.0  # type: ignore[assignment]
        module.train()
        try:
            module(*(torch.cat([clip, clip.flip(-1).mul(2)]) for clip in inputs))
        finally:
            module.eval()


def case_of(model: Model, runtime: Runtime) -> Case:
    """Return a network's case at its own input, on one thread."""
    asked = settings_of(runtime=(runtime,), threads=1, measure=("flops",))
    (entry,) = plan(suite.Suite(dataset="none"), asked, (model.name,))
    protocol = msgspec.structs.replace(
        entry.case.protocol, name="native-input", frames=model.frames, size=model.size
    )
    return msgspec.structs.replace(entry.case, protocol=protocol, classes=model.classes)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--in-process"]:
        here(sys.argv[2], sys.argv[3:])  # type: ignore[arg-type]
    else:
        main()
