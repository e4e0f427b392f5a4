"""Results of detection in tubes: from files to columns of numbers, and to scores."""

from collections import Counter
from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np

from ...datasets.errors import KinobenchError
from ...datasets.events.annotated import TubeFile
from ...datasets.events.found import FoundTubes
from ...datasets.plurals import quantity
from ..metrics.instances import Floats, Tubes
from ..metrics.spatial.rules import TubeRule
from ..metrics.spatial.tube_map import score_tubes
from .ids import check_overlap, matched_ids, video_notes
from .result import Measured, OfClass, UnderRule, Value, number

COMMON = (0.2, 0.5)
"""The overlaps that all rules are compared at."""
_SHARES = 1.5
"""Boxes none of which reaches beyond this aren't in pixels."""


class TubeProblem(NamedTuple):
    """Truth and predictions as numbers, boxes in pixels.

    Attributes:
        videos: Ids, sorted; those of videos that only results have come last.
        known: Number of videos that the annotations have.
        classes: Names.
        scored: Labels that are scored; None for all.
        truth: True tubes.
        found: The predictions of each file of results.
        notes: What is to be said of each file of results.
    """

    videos: tuple[str, ...]
    known: int
    classes: tuple[str, ...]
    scored: frozenset[int] | None
    truth: Tubes
    found: tuple[Tubes, ...]
    notes: tuple[tuple[str, ...], ...]


def tube_problem(
    annotations: TubeFile,
    subset: str,
    results: Sequence[FoundTubes],
    *,
    only: Collection[str] | None = None,
    without: Collection[str] = (),
) -> TubeProblem:
    """Return the numbers of one subset of annotations and of results, one file or two.

    Args:
        annotations: The annotations.
        subset: Which of its subsets is scored.
        results: The files of results.
        only: Ids of the videos that are scored; None for all of the subset.
        without: Ids of videos that are left out, of annotations and results.

    Raises:
        KinobenchError: No video of the results is among those that are scored, two ids mean one
            video, a label can't be, boxes aren't in pixels, or there is nothing to score.
    """
    videos = {name: of for name, of in annotations.subsets[subset].items() if name not in without}
    if only is not None:
        listed = set(matched_ids(sorted(only), videos)[0].values())
        without = {*without, *videos} - listed
        videos = {name: of for name, of in videos.items() if name in listed}
    if not any(of.tubes for of in videos.values()):
        raise KinobenchError(
            f"there is no annotated tube in the {quantity(len(videos), 'video')} to score; choose "
            "another --split, or another list of videos"
        )
    elsewhere = {
        video: name for name, of in annotations.subsets.items() if name != subset for video in of
    }
    ids, notes = [], []
    for each in results:
        mine, said = matched_ids(each.video, {*videos, *elsewhere, *without})
        check_overlap(
            {name: video for name, video in mine.items() if video in videos},
            set(each.video),
            sorted(videos),
            subset,
        )
        met = Counter(mine.get(video, video) for video in each.video)
        for video in without:
            met.pop(video, None)
        ids.append(mine)
        notes.append((*said, *each.notes, *video_notes(met, sorted(videos), elsewhere)))
    further = {
        mine.get(video, video)
        for each, mine in zip(results, ids, strict=True)
        for video in each.video
    }
    names = (*sorted(videos), *sorted(further - set(videos) - set(without)))
    number_of = {video: place for place, video in enumerate(names)}
    true = [
        (number_of[video], each.label, each.first, np.round(each.boxes * of_size, 9))
        for video, of in videos.items()
        for of_size in [(of.width, of.height, of.width, of.height)]
        for each in of.tubes
    ]
    return TubeProblem(
        videos=names,
        known=len(videos),
        classes=annotations.classes,
        scored=annotations.scored,
        truth=_tubes(true),
        found=tuple(
            _found(
                each,
                [number_of.get(mine.get(name, name), -1) for name in each.video],
                names,
                annotations.classes,
            )
            for each, mine in zip(results, ids, strict=True)
        ),
        notes=tuple(notes),
    )


def _found(
    found: FoundTubes, video: Sequence[int], names: Sequence[str], classes: Sequence[str]
) -> Tubes:
    if len(found.label) and not 0 <= int(found.label.min()) <= int(found.label.max()) < len(
        classes
    ):
        raise KinobenchError(
            f"the results have the classes {found.label.min()} to {found.label.max()}, and the "
            f"annotations 0 to {len(classes) - 1}; give the annotations that the results are for"
        )
    if found.boxes and max(float(each.max()) for each in found.boxes) <= _SHARES:
        raise KinobenchError(
            f"no predicted box reaches beyond {_SHARES:g}: they are shares of the frame, and tubes "
            "are in pixels; multiply them by the width and the height"
        )
    kept = [place for place, at in enumerate(video) if at >= 0]
    listed = [
        (video[place], int(found.label[place]), int(found.first[place]), found.boxes[place])
        for place in kept
    ]
    scores = None
    if found.box_score is not None and kept:
        scores = np.concatenate([found.box_score[place] for place in kept])
    return _tubes(listed)._replace(score=found.score[kept], box_score=scores)


def _tubes(listed: Sequence[tuple[int, int, int, Floats]]) -> Tubes:
    lengths = [len(boxes) for *_, boxes in listed]
    return Tubes(
        video=np.array([row[0] for row in listed], np.int64),
        label=np.array([row[1] for row in listed], np.int64),
        offset=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        frame=np.concatenate(
            [np.zeros(0, np.int64), *(row[2] + np.arange(len(row[3])) for row in listed)]
        ),
        box=np.concatenate([np.zeros((0, 4)), *(row[3] for row in listed)]),
    )


def measure_tubes(problem: TubeProblem, rule: TubeRule, *, which: int = 0, draws: int) -> Measured:
    """Score the predictions of one file under a rule.

    Args:
        problem: Truth and predictions.
        rule: The rule.
        which: Number of the file of results.
        draws: Number of draws of the bootstrap over videos; 0 for no intervals.
    """
    scores = score_tubes(
        problem.truth,
        problem.found[which],
        videos=len(problem.videos),
        classes=len(problem.classes),
        rule=rule,
        scored=problem.scored,
        draws=draws,
    )
    by = scores.by_class
    means = dict(rule.averages) | {f"{each:g}": (each,) for each in rule.thresholds}
    rows = [by.thresholds.index(each) for each in means[rule.headline]]
    shown = [by.thresholds.index(each) for each in rule.thresholds]
    notes = []
    if scores.unscored:
        notes.append(f"{quantity(scores.unscored, 'detection')} of classes that aren't scored")
    if problem.scored is not None and len(problem.scored) < len(problem.classes):
        notes.append(
            f"{len(problem.scored)} of {len(problem.classes)} classes are scored, as their authors "
            "do"
        )
    return Measured(
        rule=rule.name,
        source=rule.source,
        overlaps=rule.headline,
        value=scores.map,
        interval=scores.interval,
        values=tuple(Value(name, each.map, each.interval) for name, each in scores.means.items()),
        classes=tuple(
            OfClass(
                name=name,
                instances=int(by.truths[label]),
                detections=int(by.detections[label]),
                value=number(by.precision[rows, label].mean()),
                by_overlap=tuple(number(each) for each in by.precision[shown, label]),
            )
            for label, name in enumerate(problem.classes)
            if by.truths[label] or not np.isnan(by.precision[0, label])
        ),
        draws=scores.means[rule.headline].draws,
        notes=tuple(notes),
    )


def tubes_under(problem: TubeProblem, rule: TubeRule) -> UnderRule:
    """Score the first file under a rule: its own score, and those at the overlaps of all rules."""
    scores = measure_tubes(problem, rule, draws=0)
    names = [f"{each:g}" for each in COMMON]
    common = tuple(each for each in scores.values if each.name in names)
    values = [each.value for each in common if each.value is not None]
    return UnderRule(
        rule=rule.name,
        source=rule.source,
        own=scores.value,
        overlaps=scores.overlaps,
        common=common,
        mean=sum(values) / len(values) if len(values) == len(COMMON) else None,
    )
