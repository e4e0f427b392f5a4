"""A score as tables and sentences, for a terminal and for Markdown."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ...datasets.plurals import quantity
from ..text.units import ABSENT, percent, percent_interval
from .result import OfClass, Score

DIGITS = 2
"""Papers print mAP in percent to two digits."""


class Sheet(NamedTuple):
    """A table.

    Attributes:
        title: Its title.
        head: Names of the columns.
        rows: Cells.
        left: Places of the columns that are aligned to the left.
        below: Sentences under it.
        spare: Places of the columns that are left out where there is no room, the first ones first.
    """

    title: str
    head: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    left: tuple[int, ...] = (0,)
    below: tuple[str, ...] = ()
    spare: tuple[int, ...] = ()


def summary(score: Score) -> list[str]:
    """Return what was scored, and the score, in a few sentences."""
    interval = percent_interval(score.interval, DIGITS)
    said = (
        f"{score.metric} at {score.overlaps}, rule {score.rule}: {percent(score.value, DIGITS)} %"
    )
    counts = score.counts
    of = f", subset {score.subset}" if score.subset else ""
    lines = [
        f"{said}, 95 % interval {interval}" if interval else said,
        f"{quantity(counts.videos, 'video')}{of}, {quantity(counts.instances, 'instance')}"
        + (f" of {quantity(counts.classes, 'class', 'classes')}" if counts.classes else "")
        + f", {quantity(counts.detections, 'detection')}",
    ]
    if score.interval is None and score.draws:
        lines.append("no interval: the draws of videos don't vary")
    return lines


def sheets(score: Score, *, per_class: bool) -> Iterator[Sheet]:
    """Give the tables of a score.

    Args:
        score: The score.
        per_class: Whether each class has a row.
    """
    yield _by_number(score) if score.kind == "proposals" else _by_overlap(score)
    if score.compared is not None:
        yield _compared(score)
    if score.rules:
        yield rules_sheet(score)
    if score.groups:
        yield _groups(score)
    if score.errors:
        yield _errors(score)
    if per_class:
        yield _classes(score)


def _by_number(score: Score) -> Sheet:
    return Sheet(
        "By number of proposals",
        ("proposals a video", "average recall (%)"),
        [(each.name, percent(each.value, DIGITS)) for each in score.values],
        (),
        (f"Rule {score.rule}: {score.source}.",),
    )


def _by_overlap(score: Score) -> Sheet:
    return Sheet(
        "By overlap",
        ("overlap", "mAP (%)", "95 %"),
        [
            (each.name, percent(each.value, DIGITS), percent_interval(each.interval, DIGITS))
            for each in score.values
        ],
        below=(
            *([f"95 %: by a bootstrap over videos, {score.draws:,} draws."] if score.draws else []),
            f"Rule {score.rule}: {score.source}.",
        ),
    )


def _compared(score: Score) -> Sheet:
    found = score.compared
    assert found is not None
    difference = percent(found.difference, DIGITS, signed=True)
    rows = [
        ("this file", percent(score.value, DIGITS), "", "", ""),
        (
            "the other",
            percent(found.value, DIGITS),
            difference,
            percent_interval(found.interval, DIGITS),
            ABSENT if found.p is None else f"{found.p:.3f}",
        ),
    ]
    return Sheet(
        "Compared",
        ("file", "mAP (%)", "points", "95 %", "p"),
        rows,
        below=(
            verdict(score),
            f"The other: {found.other.path}.",
            "points, their interval and p: by a paired bootstrap, of the same draws of videos.",
        ),
    )


def is_difference(score: Score) -> bool:
    """Return whether another file of results differs by more than the videos' chance."""
    found = score.compared
    return found is not None and found.interval is not None and found.p is not None and found.p < _P


_P = 0.05


def verdict(score: Score) -> str:
    """Return whether another file is better, in a sentence."""
    found = score.compared
    if found is None or found.difference is None:
        return "They can't be compared: one has no score."
    if found.interval is None:
        return "The two score alike, whichever videos are drawn."
    if not is_difference(score):
        return "The two can't be told apart: the interval of the difference has 0 in it."
    return f"The other file is {'better' if found.difference > 0 else 'worse'}."


def rules_sheet(score: Score) -> Sheet:
    """Return the table of the same file under each rule."""
    rules, asked = score.rules, score.rule
    names = next((tuple(v.name for v in each.common) for each in rules if each.common), ())
    several = len(names) > 1
    rows = []
    for each in rules:
        common = {value.name: percent(value.value, DIGITS) for value in each.common}
        rows.append(
            (
                f"{each.rule} *" if each.rule == asked else each.rule,
                percent(each.own, DIGITS),
                each.overlaps or ABSENT,
                *(common.get(name, ABSENT) for name in names),
                *([percent(each.mean, DIGITS)] if several else []),
                "" if each.rule == asked else percent(each.difference, DIGITS, signed=True),
            )
        )
    below = [
        "own: over the overlaps that the rule itself averages. The other columns are at the same "
        "overlaps for all rules; points: there, less the rule that was asked for (*)."
    ]
    below += [f"{each.rule}: {each.error}." for each in rules if each.error is not None]
    mean = (f"{names[0]}:{names[-1]}",) if several and len(names) > _FEW else ("mean",)
    head = ("rule", "own", "its overlaps", *names, *(mean if several else ()), "points")
    # The middle and the ends say most; then 0.5 alone.
    spare = (4, 6, 3, 7) if len(names) == _MANY else ()
    return Sheet("The same file under each rule, mAP (%)", head, rows, (0, 2), tuple(below), spare)


_FEW, _MANY = 2, 5


def _groups(score: Score) -> Sheet:
    rows = [
        (
            each.name,
            str(each.instances),
            percent(each.value, DIGITS),
            percent(each.found, 1),
        )
        for each in score.groups
    ]
    of_time = score.kind == "segments"
    at = f"at {score.values[0].name}" if score.values else "at all"
    return Sheet(
        "By length of the instance" if of_time else "By size of the instance",
        ("length" if of_time else "size", "instances", "mAP (%)", "found (%)"),
        rows,
        below=(f"found: the share of these instances that a detection hits, {at}.",),
    )


def _errors(score: Score) -> Sheet:
    return Sheet(
        f"False positives, at {score.errors_at}",
        ("kind", "number", "share (%)", "without them (points)"),
        [
            (
                each.kind,
                str(each.count),
                percent(each.share, 1),
                percent(each.gain, DIGITS, signed=True),
            )
            for each in score.errors
        ],
        below=(_LOOKED_AT[score.kind],),
    )


_LOOKED_AT = {
    "segments": "Of each class's best detections, ten times as many as it has instances. Points: "
    "how much higher their mAP, normalised as DETAD does, would be.",
    "boxes": "Of each class's best detections, ten times as many as it has instances. Points: how "
    "much higher the mAP would be.",
    "tubes": "",
    "proposals": "",
}


def _classes(score: Score) -> Sheet:
    several = len({each.name for each in score.values}) > 1
    head = ("class", "instances", "detections", "AP (%)")
    rows = [
        (each.name, str(each.instances), str(each.detections), percent(each.value, DIGITS))
        for each in sorted(score.classes, key=_by_value)
    ]
    below = (f"AP: at {score.overlaps}, the lowest first.",) if several else ()
    return Sheet("By class", head, rows, below=below)


def _by_value(each: OfClass) -> tuple[float, str]:
    return (-1.0 if each.value is None else each.value), each.name
