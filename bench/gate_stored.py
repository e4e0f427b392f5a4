"""The weaker check of the speed gate: against times that a file holds, of another day.

Two runs at different times differ by more than most regressions, on the same machine too: what
stands between them can't be taken away by taking turns. So this check is made only where the
machines are the same by their fingerprints, and times are divided by that of a kernel that never
changes, where both sides timed one: the large matrix product of a record's `peak`.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from ..datasets.errors import KinobenchError
from .environment import UnfitEnvironmentError
from .record import Case, Environment, Record, from_json
from .stats import median_interval
from .suite import Suite, plan, settings_of


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """A time of a case.

    Attributes:
        median_s: Of one forward of the batch.
        interval_s: 95 % interval of that median; None where the samples are too few.
        fingerprint: Of the machine and the libraries.
        machine: In words.
        reference_s: Seconds of 10^9 FLOPs of the reference kernel, timed beside it; None where
            none was.
    """

    case: Case
    median_s: float
    interval_s: tuple[float, float] | None
    fingerprint: str
    machine: str
    reference_s: float | None = None


class StoredCheck(msgspec.Struct, frozen=True, kw_only=True):
    """A time now beside one of a file.

    Attributes:
        verdict: `broken` is a network that can't be timed now.
        reason: Why, in words, where the numbers don't say it.
        slowdown: As a fraction; None where one of the times is missing.
        low, high: From the ends of both intervals, which is wider than 95 %; None without them.
        normalised: Whether both are in units of the reference kernel's time.
    """

    case: Case
    verdict: Literal["fail", "broken", "pass", "inconclusive"]
    slowdown: float | None = None
    low: float | None = None
    high: float | None = None
    normalised: bool = False
    reason: str | None = None


def is_stored(against: str | None) -> bool:
    """Tell whether `--against` names a file of times, by how its name ends."""
    return against is not None and against.endswith((".json", ".jsonl"))


def read_stored(path: Path) -> list[Stored]:
    """Read records (.jsonl), or what pytest-benchmark wrote of the fixture `model_benchmark`.

    Of several times of a case the last counts.

    Raises:
        KinobenchError: It can't be read, or has no time of a network.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise KinobenchError(f"--against {path}: {error.strerror or error}") from error
    try:
        if path.suffix == ".jsonl":
            lines = [from_json(line) for line in content.splitlines() if line.strip()]
            found = [stored for record in lines if (stored := of_record(record)) is not None]
        else:
            found = _of_pytest_benchmark(msgspec.json.decode(content, type=_Measured))
    except msgspec.DecodeError as error:
        raise KinobenchError(
            f"--against {path}: neither records of kinobench nor JSON of pytest-benchmark: {error}"
        ) from error
    if not found:
        raise KinobenchError(
            f"--against {path}: no time of a network in it; `python bench.py run` writes records, "
            "and `pytest --benchmark-json` what tests with the fixture `model_benchmark` timed"
        )
    return list({stored.case.digest: stored for stored in found}.values())


def of_record(record: Record) -> Stored | None:
    """Return the time of a record; None where it has none."""
    if record.latency is None:
        return None
    peak = getattr(record, "peak", None)
    return Stored(
        case=record.case,
        median_s=record.latency.median_s,
        interval_s=record.latency.interval_s,
        fingerprint=record.environment.fingerprint,
        machine=_machine(record.environment),
        reference_s=None if peak is None else 1e9 / peak.flops_per_s,
    )


def refuse_other_machine(stored: Sequence[Stored], here: Environment) -> None:
    """See that the file's times are of this machine.

    Raises:
        UnfitEnvironmentError: They aren't; both are told.
    """
    for each in stored:
        if each.fingerprint != here.fingerprint:
            raise UnfitEnvironmentError(
                f"{each.case.model}: times of the file are of {each.machine}, fingerprint "
                f"{each.fingerprint}; this is {_machine(here)}, {here.fingerprint}. Times of "
                "different machines or versions can't be compared: measure the baseline here, or "
                "check against a commit"
            )


def compare(old: Stored, new: Stored, budget: float) -> StoredCheck:
    """Compare two times of a case.

    FAIL: the interval's lower end is above 0 and the ratio above the budget; PASS: the upper end
    is below the budget.

    Args:
        old: Of the file.
        new: Of now.
        budget: The slowdown that is allowed, as a fraction.
    """
    unit = 1.0
    normalised = old.reference_s is not None and new.reference_s is not None
    if old.reference_s is not None and new.reference_s is not None:
        unit = new.reference_s / old.reference_s
    slowdown = new.median_s / old.median_s / unit - 1
    verdict: Literal["fail", "pass", "inconclusive"] = "inconclusive"
    low = high = None
    if old.interval_s is not None and new.interval_s is not None:
        low = new.interval_s[0] / old.interval_s[1] / unit - 1
        high = new.interval_s[1] / old.interval_s[0] / unit - 1
        if low > 0 and slowdown > budget:
            verdict = "fail"
        elif high < budget:
            verdict = "pass"
    return StoredCheck(
        case=old.case,
        verdict=verdict,
        slowdown=slowdown,
        low=low,
        high=high,
        normalised=normalised,
    )


class _Stats(msgspec.Struct, frozen=True):
    median: float
    iqr: float = 0.0
    rounds: int = 0
    data: tuple[float, ...] = ()


class _Benchmark(msgspec.Struct, frozen=True):
    name: str
    stats: _Stats
    extra_info: dict[str, Any] = {}


class _Measured(msgspec.Struct, frozen=True):
    """What is read of pytest-benchmark's JSON."""

    benchmarks: tuple[_Benchmark, ...]


def _of_pytest_benchmark(measured: _Measured) -> list[Stored]:
    """Read the benchmarks that say which network they timed, in `extra_info`."""
    found = []
    for benchmark in measured.benchmarks:
        about = benchmark.extra_info
        if not {"model", "fingerprint"} <= about.keys():
            continue
        found.append(
            Stored(
                case=_case_of(about, benchmark.name),
                median_s=benchmark.stats.median,
                interval_s=_interval(benchmark.stats),
                fingerprint=about["fingerprint"],
                machine=" with ".join(filter(None, (about.get("cpu"), about.get("gpu")))),
            )
        )
    return found


def _case_of(about: dict[str, Any], name: str) -> Case:
    """Return the case that was timed, which must be the same one today."""
    asked = settings_of(
        **{
            field: about.get(field)
            for field in ("protocol", "weights", "classes", "device", "precision", "mode")
        },
        threads=about.get("threads"),
        batch=(about.get("batch", 1),),
    )
    (planned,) = plan(Suite(), asked, (about["model"],))
    if about.get("case") not in (None, planned.case.digest):
        raise KinobenchError(
            f"{name}: the case {about['case']} of the file is not today's {planned.case.digest}; "
            "the protocol or the case has changed, measure the baseline anew"
        )
    return planned.case


def _interval(stats: _Stats) -> tuple[float, float] | None:
    """Return a 95 % interval of the median: of the samples, or of their quartiles.

    Without samples it is the notch of a box plot, 1.57 IQR / sqrt(n) to each side (McGill, Tukey &
    Larsen, Variations of Box Plots, 1978).
    """
    if stats.data:
        return median_interval(stats.data)
    if stats.rounds < 6:
        return None
    notch = 1.57 * stats.iqr / math.sqrt(stats.rounds)
    return stats.median - notch, stats.median + notch


def _machine(here: Environment) -> str:
    parts = (here.cpu, here.gpu, *(f"{k} {v}" for k, v in here.versions.items() if k == "torch"))
    return ", ".join(part for part in parts if part)
