"""Video mAP: tubes, each with one score.

Tubes are ranked by (score descending, video, first frame, x1, y1, x2, y2 of the first box), and by
all their frames and boxes where that is the same; of true tubes that one overlaps equally, it takes
the first in that order. So the order of rows never changes a score.
"""

from collections.abc import Collection
from typing import NamedTuple

import numpy as np

from ..average_precision import Flags
from ..bootstrap import DRAWS, SEED
from ..instances import Floats, Ints, Tubes
from .assignment import assigned, overlapping_pairs
from .class_means import ByClass, MeanScore, by_class, mean_scores
from .drawn_means import Ranked
from .inputs import check_tubes, check_unit, members, tube_scores
from .rules import TubeRule
from .tube_overlap import tube_iou


class TubeScores(NamedTuple):
    """Video mAP under a rule.

    Attributes:
        rule: Its name.
        map: The mAP at the rule's headline, from 0 to 1; None if there is no class to score.
        interval: Its 95 % interval over videos; None if it wasn't asked for or nothing varies.
        means: Threshold, such as `0.5`, or name of an average, such as `0.5:0.95` -> the mAP.
        by_class: By class and threshold, those of the averages included.
        unscored: Number of predicted tubes of classes that aren't scored.
    """

    rule: str
    map: float | None
    interval: tuple[float, float] | None
    means: dict[str, MeanScore]
    by_class: ByClass
    unscored: int


def score_tubes(
    truth: Tubes,
    found: Tubes,
    *,
    videos: int,
    classes: int,
    rule: TubeRule,
    scored: Collection[int] | None = None,
    draws: int = DRAWS,
) -> TubeScores:
    """Score predicted tubes.

    A tube without a score of its own gets the mean of its boxes' (`BuildTubes` of ACT's `ACT.py`).

    Args:
        truth: True tubes.
        found: Predicted tubes, with scores or scores of boxes, in the same unit; pixels where the
            rule counts them.
        videos: Number of videos, those without tubes included.
        classes: Number of classes.
        rule: The rule, of `TUBE_RULES`.
        scored: Classes that are scored; None for all. MultiSports scores 60 of its 66.
        draws: Number of draws of the bootstrap over videos; 0 for no interval.

    Raises:
        KinobenchError: A number, a tube or a score can't be.
    """
    check_tubes("true", truth, videos=videos, classes=classes)
    check_tubes("predicted", found, videos=videos, classes=classes)
    check_unit(rule.name, rule.pixel, truth.box)
    ranked = _matched(truth, found, videos, members(scored, classes, "scored class"), rule)
    table = by_class(ranked, _thresholds(rule), area=rule.area, mean_over=rule.mean_over)
    every = mean_scores(ranked, table, dict(rule.averages), area=rule.area, draws=draws, seed=SEED)
    names = [*(f"{each:g}" for each in rule.thresholds), *(name for name, _ in rule.averages)]
    means = {name: every[name] for name in names}
    first = means[rule.headline]
    unscored = len(found.label) - len(ranked.label)
    return TubeScores(rule.name, first.map, first.interval, means, table, unscored)


def _matched(truth: Tubes, found: Tubes, videos: int, scored: Flags, rule: TubeRule) -> Ranked:
    """Return the tubes of scored classes by rank, and what they hit."""
    classes = len(scored)
    score = tube_scores(found)
    rows = np.flatnonzero(scored[found.label])
    rows = rows[_order(found, rows, found.label[rows], -score[rows], found.video[rows])]
    true_rows = np.flatnonzero(scored[truth.label])
    true_group = truth.video * classes + truth.label
    true_rows = true_rows[_order(truth, true_rows, true_group[true_rows])]

    def overlap(one: Ints, other: Ints) -> Floats:
        return tube_iou(
            found,
            truth,
            rows[one],
            true_rows[other],
            pixel=rule.pixel,
            frame=rule.frame,
            one_frame_counts=rule.one_frame_counts,
        )

    thresholds = _thresholds(rule)
    pairs = overlapping_pairs(
        (found.video * classes + found.label)[rows],
        true_group[true_rows],
        overlap,
        least=min(thresholds),
        match=rule.match,
    )
    instance = [
        assigned(pairs, each, strict=rule.strict, match=rule.match, detections=len(rows))
        for each in thresholds
    ]
    hits = np.stack(instance) >= 0
    columns = (truth.label[true_rows], truth.video[true_rows], scored, videos)
    return Ranked(found.label[rows], found.video[rows], hits, *columns)


def _thresholds(rule: TubeRule) -> tuple[float, ...]:
    """Return all thresholds, those of the averages included."""
    every = {*rule.thresholds, *(each for _, several in rule.averages for each in several)}
    return tuple(sorted(every))


def _order(tubes: Tubes, rows: Ints, *columns: Floats | Ints) -> Ints:
    """Return an order of some tubes by columns of theirs, then by their frames and boxes."""
    first = tubes.offset[rows]
    keys = (*columns, tubes.frame[first], *tubes.box[first].T)
    order = np.lexsort(keys[::-1])
    same = np.ones(max(0, len(order) - 1), bool)
    for key in keys:
        same &= np.diff(key[order]) == 0
    edges = np.diff(np.concatenate([[False], same, [False]]).astype(np.int8))
    for start, last in zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1), strict=True):
        tied = order[start : last + 1].tolist()
        order[start : last + 1] = sorted(tied, key=lambda one: _content(tubes, int(rows[one])))
    return order


def _content(tubes: Tubes, row: int) -> tuple[list[int], list[list[float]]]:
    own = slice(tubes.offset[row], tubes.offset[row + 1])
    return tubes.frame[own].tolist(), tubes.box[own].tolist()
