"""Every network of the zoo on a GPU: float32 eager beside bfloat16, compiled, as a CUDA graph.

    python tests/benchmarks/gpu_zoo.py results/NAME               # nine minutes of it, then goes on
    python tests/benchmarks/gpu_zoo.py results/NAME --minutes 60  # when it is called again
    python tests/benchmarks/gpu_zoo.py results/NAME --table       # what it has so far

Each network has its own input: cost, latency, memory, energy and drift of a batch of 1, and a sweep
of batches to the knee. One network of each family comes first, the cheapest, then the others. What
a folder has is not measured again, so that several calls measure them all; what failed is tried
once more in each call, after all others.

Times are what a user can reach: those of the device, or where the host holds it up (launch bound)
those of the wall clock.
"""

import argparse
import math
import sys
import time
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from pathlib import Path

import msgspec
from rich.console import Console

from kinobench.bench.cost.models import Model, read_index
from kinobench.bench.leaderboard import build as cli_boards
from kinobench.bench.machine import environment
from kinobench.bench.records import store
from kinobench.bench.records.case import Case, Device, Mode, Precision
from kinobench.bench.records.job import Budget
from kinobench.bench.records.latency import Latency
from kinobench.bench.records.record import Record
from kinobench.bench.run import run, suite
from kinobench.bench.run.options import Options, data_roots
from kinobench.bench.run.plan import plan
from kinobench.bench.run.planned import Planned
from kinobench.bench.run.settings import settings_of
from kinobench.bench.text.units import logit_difference as difference
from kinobench.bench.text.units import of_spread

WAYS: dict[Device, tuple[tuple[Precision, Mode], tuple[Precision, Mode]]] = {
    "cuda": (("fp32", "eager"), ("bf16", "compile_cudagraph")),
    "cpu": (("fp32", "eager"), ("bf16", "eager")),
}
"""What is measured beside what; a CPU has no graphs, and is there to test this script."""
MEASURES: tuple[str, ...] = ("flops", "latency", "memory", "energy", "sweep")
LATENCY = Budget(min_s=0.5, max_s=2.0, warmup_max_s=3.0)
CASE_S = 240.0
"""A case that takes longer is ended; compiling the largest networks takes minutes."""
MAX_BATCH = 64


def main(words: Sequence[str] | None = None) -> list[Record]:
    """Measure for so many minutes what is still to be measured; return all there is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path)
    parser.add_argument("--minutes", type=float, default=9.0)
    parser.add_argument("--model", action="append", help="this one alone; may be repeated")
    parser.add_argument("--device", choices=WAYS, default="cuda")
    parser.add_argument("--table", action="store_true", help="print the table, and measure nothing")
    given = parser.parse_args(words)
    end = time.monotonic() + 60 * given.minutes
    if not given.table:
        environment.require_device(given.device)
        measure(given.results, given.model or order(read_index()), given.device, end)
    records = had(given.results)
    sys.stdout.write(table(records))
    return records


def order(models: Iterable[Model]) -> list[str]:
    """Return all but tiny networks: the cheapest of each family, then the second of each..."""
    families: dict[str, list[Model]] = {}
    for model in models:
        if not model.name.endswith("_tiny"):
            families.setdefault(model.family, []).append(model)
    ranked = [sorted(each, key=lambda m: (m.macs or 0, m.name)) for each in families.values()]
    rounds = zip_longest(*sorted(ranked, key=lambda each: each[0].macs or 0))
    return [model.name for members in rounds for model in members if model is not None]


def cases_of(name: str, device: Device) -> list[Planned]:
    """Return both ways of one network, at its own input."""
    (model,) = (each for each in read_index() if each.name == name)
    planned = []
    for precision, mode in WAYS[device]:
        asked = settings_of(
            device=device, precision=precision, mode=mode, measure=MEASURES, max_batch=MAX_BATCH
        )
        (entry,) = plan(suite.Suite(dataset="none"), asked, (name,))
        protocol = msgspec.structs.replace(
            entry.case.protocol, name="native-input", frames=model.frames, size=model.size
        )
        case = msgspec.structs.replace(entry.case, protocol=protocol, classes=model.classes)
        planned.append(msgspec.structs.replace(entry, case=case))
    return planned


def measure(results: Path, names: Sequence[str], device: Device, end: float) -> None:
    """Measure case after case while, by the longest so far, another one fits in.

    Cases that failed in an earlier call come once more, after all others. A case that takes longer
    than any before is ended when time is up, and counts as failed.
    """
    here = environment.describe(device).fingerprint
    state = {
        record.case.digest: record.error is None
        for record in _standing(had(results))
        if record.environment.fingerprint == here
    }
    cases = [entry for name in names for entry in cases_of(name, device)]
    new = [entry for entry in cases if entry.case.digest not in state]
    failed = [entry for entry in cases if state.get(entry.case.digest) is False]
    longest = 0.0
    for entry in (*new, *failed):
        begin = time.monotonic()
        if end - begin <= longest:
            break
        options = Options(
            data_roots=data_roots(()),
            results=results,
            plugins=(),
            timeout_s=min(CASE_S, end - begin),
            memory_limit_bytes=None,
            skip_unreadable=False,
            strict=False,
        )
        about = suite.Suite(latency=LATENCY)
        for record in run.measure([entry], about, options, Console(stderr=True)):
            told = "done" if record.error is None else f"failed: {record.error.message}"
            print(f"{_named(record.case)}: {told}", file=sys.stderr, flush=True)
        longest = max(longest, time.monotonic() - begin)
    if had(results):
        cli_boards.rebuild(results, print)


def had(results: Path) -> list[Record]:
    """Return the records of a folder; none where there is no folder."""
    return store.read_records(results)[0] if (results / "runs").is_dir() else []


def _standing(records: Iterable[Record]) -> list[Record]:
    """Return what stands for each case on each machine: the newest that did not fail, if any."""
    standing: dict[tuple[str, str], Record] = {}
    for record in sorted(records, key=lambda each: each.started):
        key = record.case.digest, record.environment.fingerprint
        if key not in standing or standing[key].error is not None or record.error is None:
            standing[key] = record
    return list(standing.values())


def table(records: Iterable[Record]) -> str:
    """Return, in Markdown, both ways of each network and how much faster the second is.

    Two records are of one network and input where their cases differ in precision and mode alone.
    Each machine has a table of its own.
    """
    machines: dict[tuple[Device, str], list[Record]] = {}
    for record in _standing(records):
        if (record.case.precision, record.case.mode) in WAYS[record.case.device]:
            key = record.case.device, record.environment.fingerprint
            machines.setdefault(key, []).append(record)
    return "\n".join(_of_a_machine(device, found) for (device, _), found in machines.items())


def _of_a_machine(device: Device, records: Sequence[Record]) -> str:
    ways = WAYS[device]
    pairs: dict[str, dict[tuple[Precision, Mode], Record]] = {}
    for record in records:
        case = msgspec.structs.replace(record.case, precision="fp32", mode="eager")
        pairs.setdefault(case.digest, {})[record.case.precision, record.case.mode] = record
    machine = records[0].environment
    heads = [f"{precision} {mode}, ms" for precision, mode in ways]
    lines = [
        f"On {machine.gpu if device == 'cuda' else machine.cpu}:",
        "",
        f"| model | {heads[0]} | {heads[1]} | times as fast | drift | knee: batch, clips/s |",
        "|---|---|---|---|---|---|",
    ]
    models = [next(iter(pair.values())).case.model for pair in pairs.values()]
    ratios = []
    for pair in pairs.values():
        slow, fast = (pair.get(way) for way in ways)
        if slow is None or fast is None or slow.latency is None or fast.latency is None:
            continue
        ratios.append(slow.latency.reached_s / fast.latency.reached_s)
        alone = models.count(slow.case.model) == 1
        lines.append(
            f"| {slow.case.model if alone else _named_with_input(slow.case)} | "
            f"{_time(slow.latency)} | {_time(fast.latency)} | {ratios[-1]:.2f} | "
            f"{_drift(fast.latency)} | {_knee(fast)} |"
        )
    if ratios:
        mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
        networks = "1 network" if len(ratios) == 1 else f"{len(ratios)} networks"
        lines += ["", f"Geometric mean of {networks}: **{mean:.2f}** times as fast."]
    if waiting := len(pairs) - len(ratios):
        lines += ["", f"Without both times, and not in the mean: {waiting} of {len(pairs)}."]
    if any(record.latency and record.latency.launch_bound for record in records):
        words = "Where a forward is launch bound its time is by the wall clock, which a user can "
        lines += ["", f"{words}reach; what the GPU itself takes is in parentheses."]
    failures = [(record.case, record.error) for record in records if record.error is not None]
    lines += ["", f"Failed: {len(failures)} of {len(records)} cases.", ""]
    lines += [
        f"- {_named(case)}: {error.kind}: {' '.join(error.message.split())}"
        for case, error in failures
    ]
    return "\n".join(lines).rstrip() + "\n"


def _named(case: Case) -> str:
    return f"{_named_with_input(case)}, {case.precision} {case.mode}"


def _named_with_input(case: Case) -> str:
    protocol = case.protocol
    return f"{case.model} ({protocol.frames} x {protocol.size}, batch {case.batch})"


def _time(latency: Latency) -> str:
    of_gpu = f" ({1e3 * latency.median_s:.2f})" if latency.launch_bound else ""
    return f"{1e3 * latency.reached_s:.2f}{of_gpu}"


def _drift(latency: Latency) -> str:
    drift = latency.drift
    if drift is None:
        return "-"
    largest = drift.largest_logit_difference
    told = (of_spread(largest, drift.logit_spread), f"{drift.top1_flips}/{drift.clips}")
    return f"{difference(largest)} ({', '.join(filter(None, told))})"


def _knee(record: Record) -> str:
    sweep = record.sweep
    if sweep is None or sweep.knee is None:
        return "-"
    (point,) = (each for each in sweep.points if each.batch == sweep.knee)
    return f"{point.batch}, {point.throughput_per_s:.1f}"


if __name__ == "__main__":
    main()
