"""What the harness adds to a latency: nothing to time, and a real network beside torch's Timer.

`pytest tests/benchmarks/test_latency_overhead.py --benchmark-only -s`. The rows are whole samples,
with what surrounds the timed call; what a record would report is printed, and in the extra values.
"""

import statistics
import timeit
from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.utils.benchmark import Timer

from kinobench.bench.machine.allocator import memory_kept
from kinobench.bench.measure.latency import INPUTS_IN_ROTATION
from kinobench.bench.measure.reference_kernel import ReferenceKernel
from kinobench.bench.measure.timers import cpu_timer
from kinobench.bench.network.network import Network
from kinobench.bench.records.case import Case
from kinobench.datasets.protocol import preset

TURNS = 300
MOST_OF_NOTHING_S = 20e-6
"""The median that is reported for a module that does nothing should be below this."""
GROUP = "overhead of a latency"


@pytest.mark.benchmark(group=GROUP)
def test_nothing_is_timed(benchmark: Callable) -> None:
    """A module that returns its clip: all that is reported is the harness's own."""
    rotation = [(torch.zeros(1, 3, 16, 64, 64),) for _ in range(INPUTS_IN_ROTATION)]
    once = cpu_timer(nn.Identity().eval(), rotation)
    with torch.inference_mode():
        benchmark.pedantic(once, rounds=5000, warmup_rounds=500)
        reported_s = statistics.median(once().time_s for _ in range(5000))
    benchmark.extra_info["reported_s"] = reported_s  # type: ignore[attr-defined]
    print(
        f"\na module that does nothing: {reported_s * 1e6:.2f} us are reported "
        f"(at most {MOST_OF_NOTHING_S * 1e6:.0f})"
    )


@pytest.mark.benchmark(group=GROUP)
@pytest.mark.parametrize("model", ["early_fusion_tiny", "x3d_tiny", "c3d_tiny"])
def test_a_real_network_is_timed_in_turns_with_torchs_timer(
    benchmark: Callable, model: str
) -> None:
    """The same call in the same process, one forward of each in turn, so that both see the noise.

    The reference kernel is timed before ours, as between the samples of a latency. What counts is
    the median of the ratio of neighbours: it should be within 1 % of 1. Timer has Python's clock:
    its own asks for an accelerator before it reads the end, inside what it times. After a forward,
    with cold caches, that takes some 35 us: 1 to 2 % of the smallest network.
    """
    case = Case(model=model, classes=8, protocol=preset("pointlight"))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        network = Network(case)
        network.settle()
        rotation = network.inputs(1)
        once = cpu_timer(network.forward, rotation)
        reference = ReferenceKernel()
        with torch.inference_mode(), memory_kept():
            timer = Timer(
                "forward(*inputs)",
                timer=timeit.default_timer,
                globals={"forward": network.forward, "inputs": rotation[0]},
                num_threads=1,
            )
            benchmark.pedantic(once, rounds=50, warmup_rounds=20)
            ours, theirs = [], []
            for turn in range(TURNS):
                for of_torch in (turn % 2 == 0, turn % 2 != 0):
                    if of_torch:
                        theirs.append(timer.timeit(1).median)
                    else:
                        once(), once()  # Timer makes two calls before the one that it times
                        reference.time_s()
                        ours.append(once().time_s)
    finally:
        torch.set_num_threads(threads)
    ratio = statistics.median(one / other for one, other in zip(ours, theirs, strict=True))
    told = {
        "ours_s": statistics.median(ours),
        "torch_timer_s": statistics.median(theirs),
        "median_of_ratios": ratio,
        "turns": TURNS,
    }
    benchmark.extra_info.update(told)  # type: ignore[attr-defined]
    print(
        f"\n{model}: {told['ours_s'] * 1e3:.4f} ms, torch's Timer "
        f"{told['torch_timer_s'] * 1e3:.4f} ms, median of {TURNS} ratios {ratio:.4f}"
    )
