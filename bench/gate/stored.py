"""The weaker check of the speed gate: against stored times of another day.

Two runs at different times differ by more than most regressions, even on the same machine, because
the sides can't take turns. So this check needs machines with the same fingerprint. If both sides
timed a reference kernel (the large matrix product of a record's `peak`), the times are divided by
the time of that kernel.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from ...datasets.visible import one_line
from ..machine.environment import RUNTIME_PACKAGES, UnfitEnvironmentError
from ..records.case import Case
from ..records.record import Environment, Record

Clock = Literal["wall", "device"]


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """A stored time of a case.

    Attributes:
        case: The case.
        median_s: Median time of one forward of the batch, in seconds.
        interval_s: 95 % interval of that median; None if there are too few samples.
        fingerprint: Fingerprint of the machine and the libraries.
        machine: The machine, for people.
        clock: The clock that was read; on a CPU always the wall clock.
        reference_s: Seconds that the reference kernel took for 10^9 FLOPs on the same occasion;
            None if it was not timed.
        disturbed: Other work disturbed it, so it says little of the case.
    """

    case: Case
    median_s: float
    interval_s: tuple[float, float] | None
    fingerprint: str
    machine: str
    clock: Clock = "wall"
    reference_s: float | None = None
    disturbed: bool = False


class StoredCheck(msgspec.Struct, frozen=True, kw_only=True):
    """The comparison of today's time with the one in a file.

    Attributes:
        case: The case.
        verdict: `broken` for a network that can't be timed now, `new` for one that the file has no
            time of, or only that of another machine.
        now_s: Today's time, in seconds.
        slowdown: The slowdown as a fraction; None if one of the times is missing.
        low, high: Its interval, from the ends of both intervals, so it is wider than 95 %; None
            without them.
        normalised: True if both times are in units of the reference kernel's time.
        reason: The reason of the verdict, if the numbers don't show it.
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
    """Return the time in a record; None if it has none by that clock.

    Args:
        record: The record of a case.
        clock: Clock of a GPU's times: `device` (the default), or `wall` with a synchronise, which
            the fixture `model_benchmark` reads.
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
        reference_s=None if record.peak is None else record.peak.reference_s,
        disturbed=latency.disturbed,
    )


def refuse_other_machine(stored: Sequence[Stored], here: Environment) -> None:
    """Check that the file's times are from this machine.

    Raises:
        UnfitEnvironmentError: They aren't; the message names both machines.
    """
    for each in stored:
        if each.fingerprint != here.fingerprint:
            there = one_line(f"{each.machine}, fingerprint {each.fingerprint}")
            raise UnfitEnvironmentError(
                f"{each.case.model}: the file's times are from {there}; this is {_machine(here)}, "
                f"fingerprint {here.fingerprint}. Times of different machines or versions can't be "
                "compared: measure the baseline here, or check against a commit"
            )


def compare(old: Stored, new: Stored, budget: float) -> StoredCheck:
    """Compare two times of a case.

    FAIL: the interval's lower end is above 0 and the ratio above the budget; PASS: the upper end
    is below the budget. A time that was disturbed says neither.

    Args:
        old: The file's time.
        new: Today's time, by the same clock.
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
        reason = _disturbed(old, new)
        if reason is not None:
            verdict = "inconclusive"
        elif low > 0 and slowdown > budget:
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


def _disturbed(old: Stored, new: Stored) -> str | None:
    """Return which of two times was disturbed, and the cure; None if neither was."""
    if new.disturbed:
        return "other work disturbed today's time: check again while nothing else runs"
    if old.disturbed:
        return "other work disturbed the file's time: measure it again while nothing else runs"
    return None


def machine_name(cpu: str | None, gpu: str | None, versions: Mapping[str, str]) -> str:
    """Return the name of a machine in messages: its processor, GPU, torch and runtime."""
    named = ("torch", *RUNTIME_PACKAGES)
    libraries = (f"{name} {versions[name]}" for name in named if name in versions)
    return ", ".join(part for part in (cpu, gpu, *libraries) if part)


def _machine(here: Environment) -> str:
    return machine_name(here.cpu, here.gpu, here.versions)
