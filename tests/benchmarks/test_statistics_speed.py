"""All statistics of a Kinetics-sized table of logits: time, and memory of a process of its own.

`pytest tests/benchmarks/test_statistics_speed.py --benchmark-only -m slow`; it writes 2 GB, in
shards of 17 videos as a run does, to the folder that `--basetemp` names.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ..fakes.made_predictions import logits_table, write_file

pytestmark = pytest.mark.slow
VIDEOS, VIEWS, CLASSES = 20_000, 30, 400
IN_A_SHARD = 17  # as many as bench/evaluation/shards.py puts there of 30 views each

PROGRAM = """
import json, resource, sys
from pathlib import Path
from kinobench.bench.analysis.analyse import analyse
from kinobench.bench.analysis.compare import compare
from kinobench.bench.evaluation.predictions import open_predictions
from kinobench.bench.analysis.two_stream import sweep

one, other = (open_predictions(Path(path)) for path in sys.argv[2:])
asked = sys.argv[1]
found = {}
if asked in ("analyse", "all"):
    found["top1"] = analyse(one, clips=10).top1
if asked in ("compare", "all"):
    found["p"] = compare(one, other).top1.p
if asked in ("sweep", "all"):
    found["best"] = sweep(one, other).best
found["peak_bytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Logits of two networks whose top-1 is near 70 %, videos in groups of five."""
    folder = tmp_path_factory.mktemp("logits")
    generator = np.random.default_rng(0)
    for start in range(0, VIDEOS, IN_A_SHARD):
        numbers = range(start, min(start + IN_A_SHARD, VIDEOS))
        labels = generator.integers(0, CLASSES, len(numbers))
        hard = generator.standard_normal((len(numbers), 1, CLASSES), dtype=np.float32)
        for name in ("one", "other"):
            logits = generator.standard_normal((len(numbers), VIEWS, CLASSES), dtype=np.float32)
            own = generator.standard_normal((len(numbers), 1, CLASSES), dtype=np.float32)
            logits += hard + own
            logits[np.arange(len(numbers)), :, labels] += 5
            table = logits_table(
                logits,
                labels,
                videos=[f"v{number:06d}" for number in numbers],
                groups=[f"g{number // 5:05d}" for number in numbers],
            )
            write_file(folder / name / f"shard-{start // IN_A_SHARD:05d}.parquet", table)
    return folder / "one", folder / "other"


@pytest.mark.benchmark(group="statistics of 20,000 videos x 30 views x 400 classes")
@pytest.mark.parametrize("asked", ["analyse", "compare", "sweep", "all"])
def test_statistics_of_a_kinetics_sized_table(
    benchmark: Callable, tables: tuple[Path, Path], asked: str
) -> None:
    """A process from its start to its end, imports and all; its peak is in the extra values."""

    def run() -> dict:
        command = [sys.executable, "-c", PROGRAM, asked, *map(str, tables)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=600)
        return json.loads(done.stdout)

    found = benchmark.pedantic(run, rounds=3, iterations=1)
    benchmark.extra_info.update(found)  # type: ignore[attr-defined]
    assert found["peak_bytes"] < 4 * 2**30
