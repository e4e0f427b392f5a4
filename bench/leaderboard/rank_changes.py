"""How the order of networks differs between two sets of records, and what of it is noise."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Literal

import msgspec
import numpy as np

from ..measure.columns import rough_mark
from ..statistics.intervals import LEVEL
from ..statistics.tests import holm
from .fields import Field
from .matching import GROUND, Group, Match, Place, settings_apart
from .paired_difference import Tested

Kind = Literal["paired", "interval", "counted", "none"]
"""How a difference is told from noise; see `RankChanges`."""

SHARES: dict[str, int] = {
    "score_percent": 1,
    "top1_percent": 1,
    "hit1_percent": 1,
    "map_percent": 1,
    "top5_percent": 5,
    "hit5_percent": 5,
}
"""Accuracies, which are tested on the videos; and the number of classes that a hit is among."""
COUNTED = ("params_m", "gmacs", "gflops", "video_gmacs")
"""Numbers without noise: they are counted, not measured."""

PairTest = Callable[[Match, int], Tested | str]
"""Tests the accuracies of two rows at k; returns the reason where that isn't possible."""


class Ranked(msgspec.Struct, frozen=True, kw_only=True):
    """What a network has on one side.

    Attributes:
        rank: 1 + the number of matched networks with a better value.
        value: Its value, in the unit of the field.
        interval: The ends of its 95 % interval, if it has one.
        is_rough: It follows from a latency that was disturbed, or that has a wide interval.
        record: Id of the record.
    """

    rank: int
    value: float
    interval: tuple[float, float] | None
    is_rough: bool
    record: str


class RankChange(msgspec.Struct, frozen=True, kw_only=True):
    """A network that is in both sets.

    Attributes:
        name: The network, with the weights and settings that tell it from others of the table.
        model, weights: Its names.
        a, b: What it has on each side.
        moved: Ranks that it moves up from A to B; below 0, down.
        difference: B less A, in the unit of the field.
        ratio: B over A; None for accuracies, or if A is 0.
        interval: The 95 % interval of the difference (accuracies) or of the ratio.
        p: Adjusted for all networks of the table; None if there is no test.
        is_beyond_noise: Whether the value changed; None if that isn't known.
        why: Reason why it isn't known.
    """

    name: str
    model: str
    weights: str
    a: Ranked
    b: Ranked
    moved: int
    difference: float
    ratio: float | None
    interval: tuple[float, float] | None
    p: float | None
    is_beyond_noise: bool | None
    why: str | None


class Agreement(msgspec.Struct, frozen=True, kw_only=True):
    """How far two orders agree, over all pairs of networks.

    Attributes:
        tau: Kendall's tau-b (Kendall 1945): 1 for the same order, -1 for the opposite one; None if
            all values of a side are equal.
        same, opposite: Number of pairs in the same order on both sides, in the opposite one.
        tied: Number of pairs that are equal on a side.
    """

    tau: float | None
    same: int
    opposite: int
    tied: int


class RankChanges(msgspec.Struct, frozen=True, kw_only=True):
    """The order of networks by one number, in two sets of records, A and B.

    Attributes:
        a, b: What the sets are, as they were given.
        ground: The dataset, split, protocol and device of all rows, where A and B share them.
        by: Name of the number.
        head: Its label and unit.
        unit: Its unit.
        better: Which end of it is better.
        kind: `paired`: tested on the same videos; `interval`: from the intervals of both values;
            `counted`: no noise; `none`: noise isn't known.
        changes: The networks of both, in the order of B.
        agreement: How far the two orders agree; None for fewer than two networks.
        only_a, only_b: Networks of one side alone; they have no rank.
        without: Networks of both that lack the number on a side.
        notes: What a reader must know.
    """

    a: str
    b: str
    ground: dict[str, str]
    by: str
    head: str
    unit: str
    better: Literal["less", "more"] | None
    kind: Kind
    changes: tuple[RankChange, ...]
    agreement: Agreement | None
    only_a: tuple[str, ...]
    only_b: tuple[str, ...]
    without: tuple[str, ...]
    notes: tuple[str, ...]


def rank_changes(
    group: Group, by: Field, texts: tuple[str, str], test: PairTest, notes: Sequence[str] = ()
) -> RankChanges | None:
    """Compare the order of a group's networks by a number; None if no network has it on both sides.

    A rank counts the matched networks alone, so that one that is added moves nobody. Of numbers of
    which neither end is better, the least comes first.

    Args:
        group: The matched rows.
        by: The number.
        texts: What A and B are.
        test: Tests two accuracies.
        notes: What a reader must know.
    """
    known: list[tuple[Match, float, float]] = []
    without = []
    for pair in group.matches:
        value_a, value_b = (_value(by, each) for each in pair)
        if value_a is None or value_b is None:
            without.append(pair)
        else:
            known.append((pair, value_a, value_b))
    if not known:
        return None
    matches = [pair for pair, _, _ in known]
    kind = _kind(by, matches)
    of_a, of_b = np.array([values for _, *values in known], float).T
    better = -1 if by.better == "more" else 1
    ranks = [ranks_of(better * values) for values in (of_a, of_b)]
    tested = [_tested(kind, by, pair, test) for pair in matches]
    changes = _changes(by, matches, ranks, tested, kind)
    return RankChanges(
        a=texts[0],
        b=texts[1],
        ground=_ground(matches[0]),
        by=by.name,
        head=by.head,
        unit=by.unit,
        better=by.better,
        kind=kind,
        changes=tuple(sorted(changes, key=lambda each: (each.b.rank, each.a.rank, each.name))),
        agreement=agreement(of_a, of_b) if len(known) > 1 else None,
        only_a=_names(group.only_a),
        only_b=_names(group.only_b),
        without=_names([pair.a for pair in without]),
        notes=tuple(notes),
    )


def _value(by: Field, place: Place) -> float | None:
    """Return a number of a row; an accuracy of random weights ranks nothing."""
    value = by.read(*place)
    if value is None or (by.name in SHARES and not place.row.is_trained):
        return None
    return float(value) if math.isfinite(value) else None


def ranks_of(values: np.ndarray) -> list[int]:
    """Return 1 + the number of lower values, for each: equal values share a rank."""
    order = np.sort(values)
    return [int(place) + 1 for place in np.searchsorted(order, values, side="left")]


def agreement(a: np.ndarray, b: np.ndarray) -> Agreement:
    """Return how far the orders of two lists of values agree; the same end is better in both."""
    same = opposite = 0
    for number in range(len(a)):  # row by row: all pairs of 10,000 networks take gigabytes
        rest = slice(number + 1, None)
        product = np.sign(a[rest] - a[number]) * np.sign(b[rest] - b[number])
        same += int(np.count_nonzero(product > 0))
        opposite += int(np.count_nonzero(product < 0))
    pairs = len(a) * (len(a) - 1) // 2
    untied = math.prod(pairs - _tied(values) for values in (a, b))
    return Agreement(
        tau=(same - opposite) / math.sqrt(untied) if untied else None,
        same=same,
        opposite=opposite,
        tied=pairs - same - opposite,
    )


def _tied(values: np.ndarray) -> int:
    """Return how many pairs of values are equal."""
    counts = np.unique(values, return_counts=True)[1]
    return int((counts * (counts - 1) // 2).sum())


def _kind(by: Field, pairs: Sequence[Match]) -> Kind:
    if by.name in SHARES:
        return "paired"
    if by.name in COUNTED:
        return "counted"
    has_ends = any(by.ends(*each) is not None for pair in pairs for each in pair)
    return "interval" if has_ends else "none"


def _tested(kind: Kind, by: Field, pair: Match, test: PairTest) -> Tested | str:
    if kind == "paired":
        return test(pair, SHARES[by.name])
    if kind == "interval":
        ends = [by.ends(*each) for each in pair]
        values = [float(by.read(*each)) for each in pair]
        if None in ends:
            return "a value has no interval"
        found = ratio_of(values[0], values[1], *(each for each in ends if each is not None))
        return found if found is not None else "a value isn't above 0"
    return "" if kind == "counted" else "its noise isn't measured"


def ratio_of(
    a: float, b: float, ends_a: tuple[float, float], ends_b: tuple[float, float]
) -> Tested | None:
    """Test the ratio B over A from the 95 % intervals of two independent values.

    Each value is taken for log-normal, with half of its interval's width, on the scale of
    logarithms, as 1.96 standard errors: squares add up (JCGM 100:2008, 5.1.2). An interval by
    Student's t with few processes is wider than that, so the test is careful.

    Returns:
        The logarithm of the ratio, with its interval and p; None if a number isn't above 0.
    """
    if min(a, b, *ends_a, *ends_b) <= 0:
        return None
    from scipy import special

    halves = [math.log(high / low) / 2 for low, high in (ends_a, ends_b)]
    half, middle = math.hypot(*halves), math.log(b / a)
    error = half / float(special.ndtri((1 + LEVEL) / 2))
    p = 2 * float(special.ndtr(-abs(middle) / error)) if error else float(middle == 0)
    return Tested(middle, (middle - half, middle + half), p)


def _changes(
    by: Field,
    matches: Sequence[Match],
    ranks: Sequence[Sequence[int]],
    tested: Sequence[Tested | str],
    kind: Kind,
) -> list[RankChange]:
    tested_at = [number for number, each in enumerate(tested) if isinstance(each, Tested)]
    p = [each.p for each in tested if isinstance(each, Tested)]
    adjusted = dict(zip(tested_at, holm(p), strict=True))
    names = _names([pair.b for pair in matches])
    found = []
    for number, (pair, result) in enumerate(zip(matches, tested, strict=True)):
        sides = [
            Ranked(
                rank=rank[number],
                value=float(by.read(*each)),
                interval=by.ends(*each),
                is_rough=bool(kind == "interval" and rough_mark(each.row.record)),
                record=each.row.record.id,
            )
            for rank, each in zip(ranks, pair, strict=True)
        ]
        a, b = sides
        beyond = adjusted[number] < 1 - LEVEL if number in adjusted else None
        found.append(
            RankChange(
                name=names[number],
                model=pair.b.row.record.case.model,
                weights=pair.b.row.weights,
                a=a,
                b=b,
                moved=a.rank - b.rank,
                difference=b.value - a.value,
                ratio=None if kind == "paired" or not a.value else b.value / a.value,
                interval=_shown_interval(result, kind),
                p=adjusted.get(number),
                is_beyond_noise=a.value != b.value if kind == "counted" else beyond,
                why=result or None if isinstance(result, str) else None,
            )
        )
    return found


def _shown_interval(result: Tested | str, kind: Kind) -> tuple[float, float] | None:
    """Return an interval in points, or of a ratio."""
    if isinstance(result, str) or result.interval is None:
        return None
    low, high = result.interval
    return (100 * low, 100 * high) if kind == "paired" else (math.exp(low), math.exp(high))


_IN_ROWS = (
    "runtime",
    "provider",
    "hint",
    "precision",
    "calibration",
    "mode",
    "batch",
    "threads",
    "flow",
    "classes",
    "eval_batch",
    "step",
    "boxes",
    "proposals",
    "decoder",
)
"""Settings in which rows of a table may differ, besides the network."""


def _names(places: Sequence[Place]) -> tuple[str, ...]:
    """Return a name of each row: its model, and what tells it from others of the same model."""
    models = Counter(place.row.record.case.model for place in places)
    apart = settings_apart(places)
    names = []
    for place in places:
        case = place.row.record.case
        parts = [case.model]
        if models[case.model] > 1:
            parts += [place.row.weights] if "weights" in apart else []
            parts += [_said(name, getattr(case, name)) for name in _IN_ROWS if name in apart]
        names.append(", ".join(parts))
    return tuple(names)


def _said(name: str, value: Any) -> str:
    text = "none" if value is None else str(value)
    return (
        text
        if name in ("runtime", "precision", "mode", "decoder")
        else f"{name.replace('_', ' ')} {text}"
    )


def _ground(pair: Match) -> dict[str, str]:
    """Return what the rows of both sides share."""
    found = {}
    for name in GROUND:
        of_a, of_b = (_of(name, each) for each in pair)
        if of_a == of_b and of_a is not None:
            found[name] = of_a
    return found


def _of(name: str, place: Place) -> str | None:
    value = place.row.record.case.probe if name == "probe" else getattr(place.board, name)
    return None if value is None else str(value)
