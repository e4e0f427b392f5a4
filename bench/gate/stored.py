"""The weaker check of the speed gate: against times that a file holds, of another day.

Two runs at different times differ by more than most regressions, on the same machine too: what
stands between them can't be taken away by taking turns. So this check is made only where the
machines are the same by their fingerprints, and times are divided by that of a kernel that never
changes, where both sides timed one: the large matrix product of a record's `peak`.
"""

from collections.abc import Sequence
from typing import Literal

import msgspec

from ..machine.environment import UnfitEnvironmentError
from ..records.record import Case, Environment, Record

Clock = Literal["wall", "device"]


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """A time of a case.

    Attributes:
        median_s: Of one forward of the batch.
        interval_s: 95 % interval of that median; None where the samples are too few.
        clock: Whose time it is; on a CPU always the wall's.
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
    clock: Clock = "wall"
    reference_s: float | None = None


class StoredCheck(msgspec.Struct, frozen=True, kw_only=True):
    """A time now beside one of a file.

    Attributes:
        verdict: `broken` is a network that can't be timed now, `new` one that the file has no
            time of, or one of another machine.
        reason: Why, in words, where the numbers don't say it.
        now_s: The time now.
        slowdown: As a fraction; None where one of the times is missing.
        low, high: From the ends of both intervals, which is wider than 95 %; None without them.
        normalised: Whether both are in units of the reference kernel's time.
    """

    case: Case
    verdict: Literal["fail", "broken", "pass", "inconclusive", "new"]
    now_s: float | None = None
    slowdown: float | None = None
    low: float | None = None
    high: float | None = None
    normalised: bool = False
    reason: str | None = None


def of_record(record: Record, clock: Clock | None = None) -> Stored | None:
    """Return the time of a record; None where it has none by that clock.

    Args:
        record: Of a case.
        clock: On a GPU, whether the time is that of the device (the default) or that on the wall
            with a synchronise, as of the fixture `model_benchmark`.
    """
    latency = record.latency
    if latency is None:
        return None
    on_gpu = record.case.device == "cuda"
    median_s, interval_s = latency.median_s, latency.interval_s
    if on_gpu and clock == "wall":
        if latency.wall_median_s is None:
            return None
        median_s, interval_s = latency.wall_median_s, latency.wall_interval_s
    return Stored(
        case=record.case,
        median_s=median_s,
        interval_s=interval_s,
        clock="device" if on_gpu and clock != "wall" else "wall",
        fingerprint=record.environment.fingerprint,
        machine=_machine(record.environment),
        reference_s=None if record.peak is None else 1e9 / record.peak.flops_per_s,
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
        new: Of now, by the same clock.
        budget: The slowdown that is allowed, as a fraction.
    """
    unit = 1.0
    normalised = old.reference_s is not None and new.reference_s is not None
    if old.reference_s is not None and new.reference_s is not None:
        unit = new.reference_s / old.reference_s
    slowdown = new.median_s / old.median_s / unit - 1
    verdict: Literal["fail", "pass", "inconclusive"] = "inconclusive"
    low = high = reason = None
    if old.interval_s is None or new.interval_s is None:
        whose = "the file's time has" if old.interval_s is None else "today's time has"
        reason = f"{whose} no interval: too few samples, or all of them within 0.6 s"
    else:
        low = new.interval_s[0] / old.interval_s[1] / unit - 1
        high = new.interval_s[1] / old.interval_s[0] / unit - 1
        if low > 0 and slowdown > budget:
            verdict = "fail"
        elif high < budget:
            verdict = "pass"
    return StoredCheck(
        case=old.case,
        verdict=verdict,
        now_s=new.median_s,
        slowdown=slowdown,
        low=low,
        high=high,
        normalised=normalised,
        reason=reason,
    )


def machine_in_words(cpu: str | None, gpu: str | None, torch: str | None) -> str:
    """Return a machine as messages call it."""
    return ", ".join(part for part in (cpu, gpu, torch and f"torch {torch}") if part)


def _machine(here: Environment) -> str:
    return machine_in_words(here.cpu, here.gpu, here.versions.get("torch"))
