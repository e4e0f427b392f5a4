"""Calls into a runtime through kinobench, in turns with the runtime's own Python loop.

    python tests/benchmarks/runtime_overhead.py [--turns 600] [--page results/benchmarks.md]

The same exported file, loaded twice with the same options on one thread: once as a case has it, and
once as the runtime's own examples call it (`session.run` with a NumPy array; `infer_request.infer`
with shared memory). One call of each in turn, the order by turns too, so that both see the noise;
what counts is the median of the ratios of neighbours. At most 2 % is the aim.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from sections import put

from kinobench.bench.network.network import Network
from kinobench.bench.network.runtimes.cache import ExportCache
from kinobench.bench.network.runtimes.deployed import Deployed
from kinobench.bench.records.case import Case, Runtime
from kinobench.bench.statistics.intervals import median_interval
from kinobench.datasets.protocol import preset

MODELS = ("early_fusion_tiny", "x3d_tiny", "c3d_tiny")
HEAD = "## Calls into runtimes"
Call = Callable[[], object]


def main() -> None:
    """Measure each network in each runtime, and print the table or put it into a page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=600)
    parser.add_argument("--page", type=Path, help="Page whose section is replaced.")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    lines = [
        HEAD,
        "",
        "A forward through kinobench over the same forward in the runtime's own Python loop: the "
        f"median of the ratios of {asked.turns} neighbouring calls, one thread, batch 1, with its "
        "95 % interval. At most 1.02 is the aim.",
        "",
        "| network | runtime | own loop, ms | kinobench, ms | ratio |",
        "|---|---|---|---|---|",
    ]
    for model in MODELS:
        for runtime, own_loop in OWN_LOOPS.items():
            lines.append(_row(model, runtime, own_loop, asked.turns))
            print(lines[-1], flush=True)
    if asked.page:
        put(asked.page, lines)


def _row(
    model: str, runtime: Runtime, own_loop: Callable[[Path, torch.Tensor], Call], turns: int
) -> str:
    case = Case(model=model, classes=8, protocol=preset("pointlight"), runtime=runtime, threads=1)
    network = Network(case)
    (clip,) = network.one_clip()
    with tempfile.TemporaryDirectory() as folder:
        cache = ExportCache(Path(folder))
        deployed = Deployed(network.module, case, network.kinds, network.digest, cache)
        forward = deployed.at(1).forward
        (file,) = Path(folder).glob("*/model.xml" if runtime == "openvino" else "*/model.onnx")
        plain = own_loop(file, clip)

    def ours() -> object:
        return forward(clip)

    with torch.inference_mode():
        for _ in range(50):
            plain(), ours()
        pairs = [_turn(plain, ours, swapped=turn % 2 == 1) for turn in range(turns)]
    ratios = [ours_s / plain_s for plain_s, ours_s in pairs]
    low, high = median_interval(ratios) or (float("nan"), float("nan"))
    own_ms, ours_ms = (1e3 * statistics.median(each) for each in zip(*pairs, strict=True))
    return (
        f"| {model} | {runtime} | {own_ms:.3f} | {ours_ms:.3f} | "
        f"{statistics.median(ratios):.4f} [{low:.4f}, {high:.4f}] |"
    )


def _turn(plain: Call, ours: Call, *, swapped: bool) -> tuple[float, float]:
    if swapped:
        ours_s, plain_s = _timed(ours), _timed(plain)
    else:
        plain_s, ours_s = _timed(plain), _timed(ours)
    return plain_s, ours_s


def _timed(call: Call) -> float:
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def _onnxruntime(file: Path, clip: torch.Tensor) -> Call:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    feeds = {session.get_inputs()[0].name: clip.numpy()}
    return lambda: session.run(None, feeds)


def _openvino(file: Path, clip: torch.Tensor) -> Call:
    import openvino

    config = {
        "INFERENCE_NUM_THREADS": 1,
        "INFERENCE_PRECISION_HINT": "f32",
        "PERFORMANCE_HINT": "LATENCY",
    }
    request = openvino.Core().compile_model(str(file), "CPU", config).create_infer_request()
    feeds = {0: clip.numpy()}
    return lambda: request.infer(feeds, share_inputs=True, share_outputs=True)


OWN_LOOPS: dict[Runtime, Callable[[Path, torch.Tensor], Call]] = {
    "onnxruntime": _onnxruntime,
    "openvino": _openvino,
}


if __name__ == "__main__":
    main()
