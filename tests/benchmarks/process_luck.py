"""How much processes of one network differ, with glibc's own rules and with its memory kept.

    python tests/benchmarks/process_luck.py processes.jsonl             # some twenty minutes
    python tests/benchmarks/process_luck.py processes.jsonl --table     # what it has so far

A fresh process loads the libraries, and forks one process for each network and setting of the
allocator, in random order; that is done 30 times. In every third of them more forks of two networks
follow, with and without random padding of the heap and random pages before the network is built:
what of a process's luck a fork renews. `results/benchmarks.md` has the table.
"""

import argparse
import json
import math
import mmap
import os
import random
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from lines import append_line, read_lines  # type: ignore[import-not-found]

TINY = ("x3d_tiny", "cnn_lstm_tiny", "c3d_tiny", "slowfast_tiny", "mvit_tiny", "early_fusion_tiny")
FULL = ("r3d_18", "x3d_s")
SETTINGS = ("glibc's own rules", "memory kept")
FORKED = ("x3d_tiny", "c3d_tiny")
FORKS = ("fork", "fork, padded")
PROCESSES, FORKS_EACH, EVERY = 30, 3, 3


def main() -> None:
    """Measure the processes that are missing, or print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path, help="JSON lines; .gz can be read by --table")
    parser.add_argument("--processes", type=int, default=PROCESSES)
    parser.add_argument("--table", action="store_true", help="print the table, and measure nothing")
    parser.add_argument("--parent", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.parent:
        parent()
        return
    if not given.table:
        had = {row["parent"] for row in read_lines(given.file)}
        for number in range(given.processes):
            if number not in had:
                one_parent(number, given.file)
    sys.stdout.write(table(read_lines(given.file)))


def one_parent(number: int, file: Path) -> None:
    """Start a process that loads the libraries, and let it fork all that is to be timed."""
    kinds = [(model, setting) for model in (*TINY, *FULL) for setting in SETTINGS]
    if number % EVERY == 0:
        kinds += [(model, fork) for model in FORKED for fork in FORKS] * FORKS_EACH
    random.Random(number).shuffle(kinds)
    with subprocess.Popen(
        [sys.executable, __file__, str(file), "--parent"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"},
        text=True,
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        for model, kind in kinds:
            process.stdin.write(json.dumps([model, kind]) + "\n")
            process.stdin.flush()
            row = json.loads(process.stdout.readline())
            append_line(file, {"parent": number, "model": model, "kind": kind} | row)
        process.stdin.close()


def parent() -> None:
    """Load the libraries, and fork a process for each line of stdin."""
    from kinobench.bench.run.worker import load_libraries

    load_libraries(None)
    for line in sys.stdin:
        model, kind = json.loads(line)
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.write(writing, json.dumps(timed(model, kind)).encode() + b"\n")
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as answer:
            print(answer.read().strip(), flush=True)
        os.waitpid(pid, 0)


def timed(model: str, kind: str) -> dict[str, Any]:
    """Time a network in this process; every block and what was read of it is returned."""
    import contextlib

    import torch

    from kinobench.bench.measure import latency
    from kinobench.bench.measure.sampling import Until
    from kinobench.bench.network.network import Network
    from kinobench.bench.records.job import Budget
    from kinobench.bench.run.plan import plan
    from kinobench.bench.run.settings import settings_of
    from kinobench.bench.run.suite import Suite

    padding = pad() if kind == "fork, padded" else None
    torch.set_num_threads(1)
    torch.set_num_interop_threads(1)
    full = model in FULL
    suite = Suite(dataset=None if full else "pointlight", weights="none")
    asked = settings_of(threads=1, protocol="common-112" if full else None)
    (entry,) = plan(suite, asked, (model,))
    network = Network(entry.case)
    network.settle(reference=False)
    if kind == SETTINGS[0]:
        latency.memory_kept = contextlib.nullcontext  # type: ignore[assignment]
    budget = Budget(processes=1, max_processes=1, min_s=0.4, max_s=2.5, warmup_max_s=0.4)
    found = latency.measure_latency(network, budget, drift=False, until=Until.share(budget))
    del padding
    every = zip(
        (*found.samples_s, *found.discarded_s),
        (*(found.loads or ()), *found.discarded_loads),
        strict=True,
    )
    return {
        "median_s": found.median_s,
        "disturbed": found.disturbed,
        "blocks": [
            [statistics.median(block), load.reference_s, load.minor_faults, load.forwards]
            for block, load in every
        ],
    }


def pad() -> list[Any]:
    """Take memory at random places, and touch pages that are given back, so that others follow."""
    import ctypes

    draw = random.Random(os.urandom(8))
    kept: list[Any] = []
    for _ in range(50):
        kept += [mmap.mmap(-1, 4096 * draw.randrange(1, 600)), bytearray(draw.randrange(16, 10**5))]
    ctypes.CDLL(None).sbrk(ctypes.c_ssize_t(16 * draw.randrange(2**18)))
    with mmap.mmap(-1, 4096 * draw.randrange(1, 20_000)) as pages:
        for place in range(0, len(pages), 4096):
            pages[place] = 1
    return kept


def table(rows: list[dict[str, Any]]) -> str:
    """Return the tables in Markdown."""
    if not rows:
        return "No processes yet.\n"
    quiet_s: dict[str, float] = {}  # a network may lower the clock by itself
    for row in rows:
        fastest_s = min(block[1] for block in row["blocks"])
        quiet_s[row["model"]] = min(fastest_s, quiet_s.get(row["model"], fastest_s))
    for row in rows:
        kept = [block for block in row["blocks"] if block[1] <= 1.06 * quiet_s[row["model"]]]
        row["kept_s"] = statistics.median(b[0] for b in kept) if len(kept) >= 3 else None
        row["faults"] = statistics.median(block[2] / block[3] for block in row["blocks"])
    lines = [
        "## Processes differ",
        "",
        "| network | glibc | processes | undisturbed | median, ms | spread, % | of all blocks, % | "
        "slowest / median | most page faults a forward |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for model in (*TINY, *FULL):
        for setting in SETTINGS:
            mine = [row for row in rows if (row["model"], row["kind"]) == (model, setting)]
            if mine:
                lines.append(_line(model, setting, mine))
    lines += [
        "",
        "spread: standard deviation of the logarithms of the processes' medians, over undisturbed "
        "blocks, and over all of them. Undisturbed: processes with three blocks or more in which "
        "the reference kernel took at most 1.06 of its fastest time next to that network.",
        "",
        "| network | kind | forks of a process | spread between forks, % | spread between "
        "processes, beyond that of their forks, % |",
        "|---|---|---|---|---|",
    ]
    for model in FORKED:
        for kind in FORKS:
            mine = [row for row in rows if (row["model"], row["kind"]) == (model, kind)]
            mine = [row for row in mine if row["kept_s"] is not None]
            if mine:
                lines.append(_fork_line(model, kind, mine))
    lines += [
        "",
        "Written by `tests/benchmarks/process_luck.py`; the blocks are in "
        "`results/process_luck.jsonl.gz`.",
    ]
    return "\n".join(lines) + "\n"


def _line(model: str, setting: str, rows: list[dict[str, Any]]) -> str:
    fit = [row["kept_s"] for row in rows if row["kept_s"] is not None]
    every = [statistics.median(block[0] for block in row["blocks"]) for row in rows]
    if len(fit) < 2:
        return f"| {model} | {setting} | {len(rows)} | {len(fit)} | – | – | – | – | – |"
    middle = statistics.median(fit)
    return (
        f"| {model} | {setting} | {len(rows)} | {len(fit)} | {1e3 * middle:.2f} | "
        f"{_spread(fit):.1f} | {_spread(every):.1f} | {max(fit) / middle:.2f} | "
        f"{max(row['faults'] for row in rows):.0f} |"
    )


def _fork_line(model: str, kind: str, rows: list[dict[str, Any]]) -> str:
    groups: dict[int, list[float]] = {}
    for row in rows:
        groups.setdefault(row["parent"], []).append(math.log(row["kept_s"]))
    within = [statistics.variance(each) for each in groups.values() if len(each) > 1]
    means = [statistics.fmean(each) for each in groups.values()]
    forks = statistics.fmean(within) if within else math.nan
    size = statistics.fmean(len(each) for each in groups.values())
    between = statistics.variance(means) - forks / size if len(means) > 1 else math.nan
    return (
        f"| {model} | {kind} | {size:.1f} of {len(groups)} | {100 * math.sqrt(forks):.1f} | "
        f"{100 * math.sqrt(max(between, 0.0)):.1f} |"
    )


def _spread(values: list[float]) -> float:
    return 100 * statistics.stdev(math.log(value) for value in values)


if __name__ == "__main__":
    main()
