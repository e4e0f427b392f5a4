"""Every network of the zoo on a GPU: float32 eager beside bfloat16, compiled, as a CUDA graph.

    python tests/benchmarks/gpu_zoo.py results/NAME               # nine minutes of it, then goes on
    python tests/benchmarks/gpu_zoo.py results/NAME --minutes 60  # when it is called again
    python tests/benchmarks/gpu_zoo.py results/NAME --table       # what it has so far

Each network has its own input: cost, latency, memory, energy and drift of a batch of 1, and a sweep
of batches to the knee. One network of each family comes first, the cheapest, then the others. What
a folder has is not measured again, so that several calls measure them all.
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

from kinobench.bench import cli_boards, environment, run, store, suite
from kinobench.bench.job import Budget
from kinobench.bench.models import Model, read_index
from kinobench.bench.record import Device, Measure, Mode, Precision, Record

WAYS: dict[Device, tuple[tuple[Precision, Mode], tuple[Precision, Mode]]] = {
    "cuda": (("fp32", "eager"), ("bf16", "compile_cudagraph")),
    "cpu": (("fp32", "eager"), ("bf16", "eager")),
}
"""What is measured beside what; a CPU has no graphs, and is there to test this script."""
MEASURES: tuple[Measure, ...] = ("flops", "latency", "memory", "energy", "sweep")
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


def cases_of(name: str, device: Device) -> list[suite.Planned]:
    """Return both ways of one network, at its own input."""
    (model,) = (each for each in read_index() if each.name == name)
    planned = []
    for precision, mode in WAYS[device]:
        asked = suite.settings_of(
            device=device, precision=precision, mode=mode, measure=MEASURES, max_batch=MAX_BATCH
        )
        (entry,) = suite.plan(suite.Suite(dataset="none"), asked, (name,))
        protocol = msgspec.structs.replace(
            entry.case.protocol, name="native-input", frames=model.frames, size=model.size
        )
        case = msgspec.structs.replace(entry.case, protocol=protocol, classes=model.classes)
        planned.append(msgspec.structs.replace(entry, case=case))
    return planned


def measure(results: Path, names: Sequence[str], device: Device, end: float) -> None:
    """Measure network after network while, by the longest so far, another one fits in."""
    options = run.Options(
        data_roots=run.data_roots(()),
        results=results,
        plugins=(),
        timeout_s=CASE_S,
        memory_limit_bytes=None,
        skip_unreadable=False,
        strict=False,
    )
    done = {record.case.digest for record in had(results)}
    longest = 0.0
    for name in names:
        planned = [entry for entry in cases_of(name, device) if entry.case.digest not in done]
        begin = time.monotonic()
        if not planned:
            continue
        if begin + longest > end:
            break
        about = suite.Suite(latency=LATENCY)
        for record in run.measure(planned, about, options, Console(stderr=True)):
            state = "done" if record.error is None else f"failed: {record.error.message}"
            print(f"{name}, {record.case.precision}: {state}", file=sys.stderr, flush=True)
        longest = max(longest, time.monotonic() - begin)
    if had(results):
        cli_boards.rebuild(results)


def had(results: Path) -> list[Record]:
    """Return the records of a folder; none where there is no folder."""
    return store.read_records(results)[0] if (results / "runs").is_dir() else []


def table(records: Iterable[Record]) -> str:
    """Return, in Markdown, both ways of each network and how much faster the second is."""
    pairs: dict[str, dict[Precision, Record]] = {}
    for record in records:
        if record.latency is not None:
            pairs.setdefault(record.case.model, {})[record.case.precision] = record
    lines = [
        "| model | fp32 eager, ms | bf16, ms | times as fast | drift | knee: batch, clips/s |",
        "|---|---|---|---|---|---|",
    ]
    ratios = []
    for name, ways in pairs.items():
        if len(ways) < 2:
            continue
        slow, fast = (_latency(ways[precision]) for precision in ("fp32", "bf16"))
        ratios.append(slow / fast)
        lines.append(
            f"| {name} | {1e3 * slow:.2f} | {1e3 * fast:.2f} | {slow / fast:.2f} | "
            f"{_drift(ways['bf16'])} | {_knee(ways['bf16'])} |"
        )
    if ratios:
        mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
        lines += ["", f"Geometric mean of {len(ratios)} networks: **{mean:.2f}** times as fast."]
    return "\n".join(lines) + "\n"


def _latency(record: Record) -> float:
    assert record.latency is not None
    return record.latency.median_s


def _drift(record: Record) -> str:
    drift = record.latency.drift if record.latency is not None else None
    if drift is None:
        return "-"
    far = drift.largest_logit_difference
    told = "not finite" if far is None else f"{far:.1e}"
    return f"{told} ({drift.top1_flips}/{drift.clips})"


def _knee(record: Record) -> str:
    sweep = record.sweep
    if sweep is None or sweep.knee is None:
        return "-"
    (point,) = (each for each in sweep.points if each.batch == sweep.knee)
    return f"{point.batch}, {point.throughput_per_s:.1f}"


if __name__ == "__main__":
    main()
