"""Stored records over commits and versions of torch: what changed beyond noise.

A network's records are one series if they agree in the case, the videos and the machine. A value is
held against its reference: the first of the series, and then each value that was marked. Two values
differ beyond noise if their 95 % intervals don't overlap, which is stricter than a test at 5 %
(Schenker and Gentleman 2001), or, if the number is counted and not measured, if they are not equal.
Memory has no interval: a change of `LARGE` or more is marked as large.
"""

import hashlib
from collections.abc import Mapping, Sequence

import msgspec

from ..leaderboard.fields import Field, numbers
from ..leaderboard.rank_changes import COUNTED
from ..leaderboard.selectors import alone
from ..machine.environment import decisive
from ..records.record import Record
from .history_content import LARGE, Group, History, Kind, Point, Series, Version

FIGURES = ("score_percent", "latency_ms", "memory_mb", "params_m", "gmacs", "j_per_clip")
"""The figures of a history."""
SOFTWARE = ("python", "torch", "CUDA", "cuDNN", "triton", "driver", "variables")
"""Parts of a fingerprint that are no machine: their history is what the page shows."""


def history(
    records: Sequence[Record],
    *,
    title: str,
    made: str,
    version: str,
    order: Mapping[str, int] | None = None,
) -> History:
    """Return the history of records; failed ones are left out.

    Args:
        records: The records.
        title: Title of the page.
        made: The time at which the page is made.
        version: The version of kinobench that makes it.
        order: Place of each commit in its repository; None, or one that lacks a commit, leaves the
            order to the times of the records.
    """
    plain = [each for each in records if each.error is None and each.case.probe is None]
    plain.sort(key=lambda record: (record.started, record.id))
    versions, by_git = _versions(plain, order)
    places = {(each.commit, each.torch): at for at, each in enumerate(versions)}
    known = numbers()
    found: dict[tuple[str, ...], list[Series]] = {}
    facts: dict[tuple[str, ...], tuple[tuple[str, str], ...]] = {}
    for name in FIGURES:
        series: dict[tuple[str, ...], list[Record]] = {}
        for record in plain:
            if known[name].read(*alone(record)) is not None:
                group = _group_of(record)
                key = tuple(text for _, text in group)
                facts[key] = group
                series.setdefault((*key, "\0", _series_of(record)), []).append(record)
        for whole, members in series.items():
            members.sort(key=lambda record: (places[_version_of(record)], record.started))
            key = whole[: whole.index("\0")]
            found.setdefault(key, []).append(
                Series(
                    name=_name(members[-1]),
                    figure=name,
                    points=_points(members, known[name], places),
                )
            )
    groups = tuple(
        Group(title=_title(facts[key]), facts=facts[key], series=tuple(found[key]))
        for key in sorted(found)
    )
    shown = tuple((n, known[n].label, known[n].unit, known[n].better) for n in FIGURES)
    return History(
        title=title,
        made=made,
        version=version,
        figures=shown,
        versions=versions,
        groups=groups,
        by_git=by_git,
    )


def _version_of(record: Record) -> tuple[str, str]:
    environment = record.environment
    return environment.kinobench_commit or "unknown", environment.versions.get("torch", "unknown")


def base_of(commit: str) -> str:
    """Return a commit without the sign of changes of its own."""
    return commit.removesuffix("+")


def _versions(
    records: Sequence[Record], order: Mapping[str, int] | None
) -> tuple[tuple[Version, ...], bool]:
    """Return the commits and torches in their order, and whether git gave it."""
    first: dict[tuple[str, str], str] = {}
    for record in records:
        first.setdefault(_version_of(record), record.started)
    by_git = order is not None and all(base_of(commit) in order for commit, _ in first)

    def key(each: tuple[str, str]) -> tuple[int, bool, str, str]:
        commit, torch = each
        place = (order or {})[base_of(commit)] if by_git else 0
        return place, by_git and commit.endswith("+"), first[each], torch

    ordered = sorted(first, key=key)
    return (
        tuple(Version(commit=c, torch=t, first=first[c, t]) for c, t in ordered),
        by_git,
    )


def _group_of(record: Record) -> tuple[tuple[str, str], ...]:
    """Return what all series of a group share."""
    case, accuracy = record.case, record.accuracy
    machine = decisive(record.environment, case.device)
    hardware = [
        f"{part} cores" if name == "cores" else str(part)
        for name, part in machine.items()
        if part and name not in SOFTWARE
    ]
    return (
        ("dataset", f"{case.dataset or 'none'}{f', {case.split}' if case.split else ''}"),
        ("videos", "none" if accuracy is None else accuracy.manifest),
        ("protocol", f"{case.protocol.name} ({case.protocol.digest})"),
        ("device", case.device),
        ("machine", ", ".join(hardware)),
    )


def _title(facts: tuple[tuple[str, str], ...]) -> str:
    named = dict(facts)
    protocol = named["protocol"].partition(" ")[0]
    return f"{named['dataset']}; {protocol}; {named['device']}, {named['machine']}"


def _series_of(record: Record) -> str:
    scoring = "" if record.accuracy is None else record.accuracy.scoring
    return hashlib.sha256(f"{record.case.digest} {scoring}".encode()).hexdigest()


def _name(record: Record) -> str:
    case = record.case
    parts = [case.model]
    if case.weights is None:
        parts.append("untrained")
    elif case.weights != case.dataset:
        parts.append(f"weights {case.weights}")
    usual = ((case.precision, "fp32"), (case.mode, "eager"))
    parts += [part for part, default in usual if part != default]
    parts += [f"batch {case.batch}"] if case.batch != 1 else []
    parts += [f"{case.threads} threads"] if case.threads not in (None, 1) else []
    return ", ".join(parts)


def _points(
    records: Sequence[Record], field: Field, places: Mapping[tuple[str, str], int]
) -> tuple[Point, ...]:
    points: list[Point] = []
    reference: Point | None = None
    before: Record | None = None
    for record in records:
        board, row = alone(record)
        value, ends = field.read(board, row), field.ends(board, row)
        point = Point(
            version=places[_version_of(record)],
            value=value,
            ends=ends,
            kind="first",
            against=None if reference is None else reference.value,
            started=record.started,
            record=record.id,
            fingerprint=record.environment.fingerprint,
            remarks=() if before is None else _remarks(before, record),
        )
        kind = _kind(reference, point, field, _is_rough(record, field))
        point = msgspec.structs.replace(point, kind=kind)
        points.append(point)
        if kind not in ("same", "rough"):
            reference = point
        before = record
    return tuple(points)


def _is_rough(record: Record, field: Field) -> bool:
    latency = record.latency
    return field.name == "latency_ms" and latency is not None and latency.is_rough


def _kind(reference: Point | None, point: Point, field: Field, is_rough: bool) -> Kind:
    """Return how a point differs from the reference; see the module."""
    if is_rough:
        return "rough"
    if reference is None:
        return "first"
    old, new = reference, point
    if field.name in COUNTED:
        return "same" if old.value == new.value else "changed"
    if old.ends is None or new.ends is None:
        is_large = abs(new.value - old.value) >= LARGE * abs(old.value) and new.value != old.value
        return "large" if is_large else "same"
    if old.ends[0] <= new.ends[1] and new.ends[0] <= old.ends[1]:
        return "same"
    is_more = new.value > old.value
    return "better" if is_more == (field.better == "more") else "worse"


def _remarks(before: Record, record: Record) -> tuple[str, ...]:
    """Return what besides the commit and torch differs from the record before."""
    found = []
    old, new = (decisive(each.environment, each.case.device) for each in (before, record))
    changed = [name for name in {**new, **old} if old.get(name) != new.get(name)]
    if before.environment.fingerprint != record.environment.fingerprint:
        found.append(f"another fingerprint: {', '.join(changed) or 'older software'}")
    if before.weights_digest != record.weights_digest:
        found.append("other weights")
    copies = [
        each.evaluated.copy.digest if each.evaluated and each.evaluated.copy else None
        for each in (before, record)
    ]
    if copies[0] != copies[1]:
        found.append("another copy of the videos")
    return tuple(found)
