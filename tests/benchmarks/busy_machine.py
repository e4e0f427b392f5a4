"""A network's latency next to busy neighbours, and which reading of a block shows them.

    python tests/benchmarks/busy_machine.py blocks.jsonl            # some six minutes
    python tests/benchmarks/busy_machine.py blocks.jsonl --table    # what it has so far

Each round starts 0, 1, 2 or 4 processes that compute without end, and samples blocks in a process
of its own, as a latency does; the kinds of rounds come in random order. Every block is kept, with
what was read. `results/benchmarks.md` has the table.
"""

import argparse
import multiprocessing
import os
import random
import statistics
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

sys.path.insert(0, str(Path(__file__).parent))

from lines import append_line, read_lines  # type: ignore[import-not-found]

MODELS = ("cnn_lstm_tiny", "x3d_tiny")
NEIGHBOURS = (0, 1, 2, 4)
ROUNDS = 10
SIGNALS = {
    "waited for a processor": "waited_share",
    "involuntary switches": "involuntary_switches",
    "reference kernel": "reference_s",
    "processor time / wall time": "processor_share",
    "page faults": "minor_faults",
}


def main() -> None:
    """Run the rounds that are missing, or print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path, help="JSON lines; .gz can be read by --table")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="of each kind")
    parser.add_argument("--table", action="store_true", help="print the table, and measure nothing")
    given = parser.parse_args()
    if not given.table:
        rounds = [
            (model, count) for _ in range(given.rounds) for model in MODELS for count in NEIGHBOURS
        ]
        random.Random(0).shuffle(rounds)
        spawn = multiprocessing.get_context("spawn")
        for model, count in rounds:
            with burning(count), spawn.Pool(1) as pool:
                row = pool.apply(one_round, (model, count))
            append_line(given.file, row)
    sys.stdout.write(table(read_lines(given.file)))


@contextmanager
def burning(count: int) -> Iterator[None]:
    """Keep so many processes busy."""
    spawn = multiprocessing.get_context("spawn")
    burners = [spawn.Process(target=burn, daemon=True) for _ in range(count)]
    for burner in burners:
        burner.start()
    try:
        yield
    finally:
        for burner in burners:
            burner.kill()
            burner.join()


def burn() -> None:
    """Compute until this process is killed or its parent is gone."""
    parent = os.getppid()
    while os.getppid() == parent:
        sum(range(100_000))


def one_round(model: str, count: int) -> dict[str, Any]:
    """Sample a latency, as the only process of its case does."""
    import torch

    from kinobench.bench.measure.latency import measure_latency
    from kinobench.bench.network.network import Network
    from kinobench.bench.records.job import Budget
    from kinobench.bench.run.plan import plan
    from kinobench.bench.run.settings import settings_of
    from kinobench.bench.run.suite import Suite

    torch.set_num_threads(1)
    (entry,) = plan(Suite(dataset="pointlight", weights="none"), settings_of(threads=1), (model,))
    network = Network(entry.case)
    network.settle()
    budget = Budget(min_s=1.5, max_s=2.5, warmup_max_s=1.0)
    found = measure_latency(network, budget, drift=False)
    blocks = [*found.samples_s, *found.discarded_s]
    loads = [*(found.loads or ()), *found.discarded_loads]
    return {
        "model": model,
        "neighbours": count,
        "median_s": found.median_s,
        "disturbed": found.disturbed,
        "discarded": len(found.discarded_s),
        "others": found.others,
        "blocks": [
            {"median_s": statistics.median(block), "is_kept": place < len(found.samples_s)}
            | msgspec.to_builtins(load)
            for place, (block, load) in enumerate(zip(blocks, loads, strict=True))
        ],
    }


def table(rows: list[dict[str, Any]]) -> str:
    """Return the tables in Markdown."""
    if not rows:
        return "No rounds yet.\n"
    lines = ["## A busy machine", ""]
    lines.append(
        "| network | neighbours | all blocks, ms | waited | reference kernel | kept blocks, ms | "
        "blocks discarded | rounds marked `~` as disturbed |"
    )
    lines.append("|---|---|---|---|---|---|---|---|")
    for model in MODELS:
        of_model = [row for row in rows if row["model"] == model]
        fastest_s = min(b["reference_s"] for row in of_model for b in row["blocks"])
        for count in NEIGHBOURS:
            mine = [row for row in of_model if row["neighbours"] == count]
            if mine:
                lines.append(_line(model, count, mine, fastest_s))
    lines += [
        "",
        "How well a reading of one block separates blocks with neighbours from blocks of ",
    ]
    lines[-1] += "rounds without (area under the curve; 0.5 is chance):"
    lines += ["", "| reading | 1 neighbour | 2 | 4 |", "|---|---|---|---|"]
    for name, key in SIGNALS.items():
        lines.append(f"| {name} | " + " | ".join(_areas(rows, key)) + " |")
    rounds = len(rows) // (len(MODELS) * len(NEIGHBOURS))
    lines += [
        "",
        f"{rounds} rounds of each kind, each in a fresh process, one thread, on "
        f"{os.cpu_count()} processors. Written by `tests/benchmarks/busy_machine.py`; the blocks "
        "are in `results/busy_machine.jsonl.gz`.",
    ]
    return "\n".join(lines) + "\n"


def _line(model: str, count: int, rows: list[dict[str, Any]], fastest_s: float) -> str:
    blocks = [block for row in rows for block in row["blocks"]]
    kept = [
        b["median_s"] for row in rows if not row["disturbed"] for b in row["blocks"] if b["is_kept"]
    ]
    waited = statistics.median(block["waited_share"] for block in blocks)
    reference = statistics.median(block["reference_s"] for block in blocks) / fastest_s
    every = 1e3 * statistics.median(block["median_s"] for block in blocks)
    without = f"{1e3 * statistics.median(kept):.2f}" if kept else "–"
    discarded = sum(not block["is_kept"] for block in blocks)
    marked = sum(row["disturbed"] for row in rows)
    return (
        f"| {model} | {count} | {every:.2f} | {waited:.3f} | {reference:.2f} | {without} | "
        f"{discarded} of {len(blocks)} | {marked} of {len(rows)} |"
    )


def _areas(rows: list[dict[str, Any]], key: str) -> Iterator[str]:
    """Yield the area under the curve for 1, 2 and 4 neighbours, over both networks."""
    for count in NEIGHBOURS[1:]:
        areas = []
        for model in MODELS:
            quiet, busy = (
                [
                    block[key]
                    for row in rows
                    if row["model"] == model and row["neighbours"] == wanted
                    for block in row["blocks"]
                ]
                for wanted in (0, count)
            )
            if quiet and busy:
                above = sum((b > q) + 0.5 * (b == q) for b in busy for q in quiet)
                areas.append(above / (len(busy) * len(quiet)))
        area = statistics.fmean(areas) if areas else 0.5
        yield f"{max(area, 1 - area):.2f}"


if __name__ == "__main__":
    main()
