"""Generating pointlight, by one process and by all: 200 videos a second on two cores are wanted.

`pytest tests/benchmarks/test_generation_speed.py --benchmark-only`
"""

from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from kinobench.bench.machine.environment import usable_cpus
from kinobench.datasets.pointlight import TEST_VIDEOS, TRAIN_VIDEOS, make_pointlight

VIDEOS = TEST_VIDEOS + TRAIN_VIDEOS


@pytest.mark.benchmark(group=f"generating pointlight, {VIDEOS:,} videos")
@pytest.mark.parametrize(
    "processes", sorted({1, len(usable_cpus())}), ids=lambda number: f"processes-{number}"
)
def test_generate(benchmark: Callable, tmp_path: Path, processes: int) -> None:
    folders = (tmp_path / str(number) for number in count())

    def generate() -> Path:
        return make_pointlight(next(folders), processes=processes)

    benchmark.pedantic(generate, rounds=3, warmup_rounds=0)  # type: ignore[attr-defined]
    if benchmark.stats:  # type: ignore[attr-defined]
        median = benchmark.stats.stats.median  # type: ignore[attr-defined]
        benchmark.extra_info["videos_per_s"] = VIDEOS / median  # type: ignore[attr-defined]
