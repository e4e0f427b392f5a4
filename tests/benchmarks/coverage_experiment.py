"""How often the 95 % interval of one run holds the median of all runs.

    python tests/benchmarks/coverage_experiment.py runs.jsonl                  # an hour
    python tests/benchmarks/coverage_experiment.py runs.jsonl --beside "..."   # another in turn
    python tests/benchmarks/coverage_experiment.py runs.jsonl --table          # what it has so far

A run is `kinobench run` of a suite of five networks, latency alone, with the quick suite's time.
Runs begin at even distances over the hour; between them another command may run, which must end by
itself. `results/benchmarks.md` has the table.
"""

import argparse
import json
import math
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from lines import append_line, read_lines  # type: ignore[import-not-found]

CHECKOUT = Path(__file__).resolve().parents[2]
MODELS = ("early_fusion_tiny", "cnn_lstm_tiny", "c3d_tiny", "x3d_tiny", "mvit_tiny")
RUNS, HOUR_S = 60, 3600.0


def main() -> None:
    """Make the runs that are missing, or print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path, help="JSON lines; .gz can be read by --table")
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--seconds", type=float, default=HOUR_S, help="from the first to the last")
    parser.add_argument("--beside", help="command between two runs, as often as it fits")
    parser.add_argument("--table", action="store_true", help="print the table, and measure nothing")
    given = parser.parse_args()
    if not given.table:
        begin, had = time.monotonic(), len(read_lines(given.file))
        for number in range(had, given.runs):
            append_line(given.file, one_run())
            due = begin + given.seconds * (number + 1 - had) / max(given.runs - 1, 1)
            wait_until(due, given.beside)
    sys.stdout.write(table(read_lines(given.file)))


def wait_until(due: float, beside: str | None) -> None:
    """Wait, or run a command again and again as long as one more is likely to end in time."""
    longest_s = 0.0
    while beside is not None and time.monotonic() + 0.7 * longest_s < due:
        begin = time.monotonic()
        if subprocess.run(shlex.split(beside), check=False).returncode != 0:
            break
        longest_s = max(longest_s, time.monotonic() - begin)
    time.sleep(max(0.0, due - time.monotonic()))


def one_run() -> dict[str, Any]:
    """Run the suite by the command, and keep what it says of each latency."""
    with tempfile.TemporaryDirectory() as folder:
        suite = Path(folder) / "latency.toml"
        suite.write_text(
            f"models = {list(MODELS)}\n"
            'weights = "none"\ndataset = "none"\nprotocol = "pointlight"\nclasses = 8\n'
            'measure = ["latency"]\nthreads = 1\n'
            "[latency]\nprocesses = 3\nmax_processes = 3\n"
            "min_s = 0.75\nmax_s = 2.4\nwarmup_max_s = 0.15\n"
        )
        begin = time.time()
        done = subprocess.run(
            [sys.executable, CHECKOUT / "bench.py", "run", suite, "--json", "--results", folder],
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | {"COLUMNS": "120"},
        )
        seconds = time.time() - begin
    records = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return {
        "began": begin,
        "seconds": seconds,
        "latencies": {
            record["case"]["model"]: {
                "median_s": record["latency"]["median_s"],
                "interval_s": record["latency"]["interval_s"],
                "process_medians_s": record["latency"]["process_medians_s"],
                "process_memory_s": list(of_blocks("memory_s", record["latency"])),
                "process_reference_s": list(of_blocks("reference_s", record["latency"])),
                "is_rough": record["latency"]["is_rough"],
                "disturbed": record["latency"]["disturbed"],
                "discarded": len(record["latency"]["discarded_s"]),
                "blocks": len(record["latency"]["samples_s"]),
            }
            for record in records
            if record["latency"] is not None
        },
    }


def of_blocks(what: str, latency: dict[str, Any]) -> Iterator[float]:
    """Yield the median over the blocks, for each process."""
    times_s = iter([load[what] for load in latency["loads"]])
    for count in latency["blocks_of_processes"]:
        yield statistics.median(islice(times_s, count))


def slope(runs: list[dict[str, Any]], model: str) -> tuple[float, float]:
    """Return by how much runs follow the time of the copy, both as logarithms, and how well.

    Only runs that nothing disturbed count; a run is the mean over its processes.
    """
    mine = [run["latencies"][model] for run in runs if model in run["latencies"]]
    points = [
        tuple(
            statistics.fmean(math.log(value) for value in each[key])
            for key in ("process_memory_s", "process_medians_s")
        )
        for each in mine
        if not each["disturbed"]
    ]
    if len(points) < 3:
        return math.nan, math.nan
    memory, times = zip(*points, strict=True)
    return statistics.linear_regression(memory, times).slope, statistics.correlation(memory, times)


def table(runs: list[dict[str, Any]]) -> str:
    """Return the table in Markdown."""
    if not runs:
        return "No runs yet.\n"
    lines = [
        "## Intervals over an hour",
        "",
        "| network | median of all runs, ms | least to most, ms | intervals that hold it | half "
        "width, median, % | runs marked `~` | blocks discarded | follows the copy by "
        "(correlation) |",
        "|---|---|---|---|---|---|---|---|",
    ]
    held = counted = rough = 0
    for model in MODELS:
        mine = [run["latencies"][model] for run in runs if model in run["latencies"]]
        middle = statistics.median(each["median_s"] for each in mine)
        inside = sum(
            each["interval_s"] is not None
            and each["interval_s"][0] <= middle <= each["interval_s"][1]
            for each in mine
        )
        halves = [
            (each["interval_s"][1] - each["interval_s"][0]) / 2 / each["median_s"]
            for each in mine
            if each["interval_s"] is not None
        ]
        held, counted = held + inside, counted + len(mine)
        marked = sum(each["is_rough"] for each in mine)
        rough += marked
        discarded = sum(each["discarded"] for each in mine)
        blocks = discarded + sum(each["blocks"] for each in mine)
        times = [1e3 * each["median_s"] for each in mine]
        by, correlation = slope(runs, model)
        lines.append(
            f"| {model} | {1e3 * middle:.2f} | {min(times):.2f} to {max(times):.2f} | "
            f"{inside} of {len(mine)} ({100 * inside / len(mine):.0f} %) | "
            f"{100 * statistics.median(halves):.1f} | {marked} | "
            f"{100 * discarded / blocks:.0f} % | {by:.2f} ({correlation:.2f}) |"
        )
    spent = (runs[-1]["began"] - runs[0]["began"]) / 60
    lines += [
        "",
        f"**{100 * held / counted:.1f} %** of {counted} intervals hold the median of all runs (the "
        f"goal: at least 93 %); {rough} are marked `~`. {len(runs)} runs over {spent:.0f} minutes, "
        f"{statistics.median(run['seconds'] for run in runs):.0f} s each in the median; three "
        "processes for each latency, one thread. Written by "
        "`tests/benchmarks/coverage_experiment.py`; the runs are in `results/coverage.jsonl.gz`.",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
