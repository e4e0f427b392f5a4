"""Results of detection in tubes: from files to columns of numbers, and to scores."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ...datasets.errors import KinobenchError
from ...datasets.events.annotated import TubeFile
from ...datasets.events.found import FoundTubes
from ...datasets.truth import TubesOfVideo
from ..metrics.instances import Floats, Tubes
from ..metrics.spatial.rules import TubeRule
from ..metrics.spatial.tube_map import score_tubes
from .chosen import chosen_videos, refuse_nothing
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
    named = [each.video for each in results]
    chosen = chosen_videos(annotations.subsets, subset, named, named, only=only, without=without)
    true = [
        (chosen.number_of[video], each.label, each.first, np.round(each.boxes * size, 9))
        for video, of, size in _sized(annotations.subsets[subset], chosen.scored)
        for each in of.tubes
    ]
    refuse_nothing("tube", len(chosen.scored), len(true))
    return TubeProblem(
        videos=tuple(chosen.number_of),
        known=len(chosen.scored),
        classes=annotations.classes,
        scored=annotations.scored,
        truth=_tubes(true),
        found=tuple(
            _found(each, chosen.numbers(which, each.video), annotations.classes)
            for which, each in enumerate(results)
        ),
        notes=tuple((*own, *each.notes) for own, each in zip(chosen.notes, results, strict=True)),
    )


def _sized(
    videos: Mapping[str, TubesOfVideo], scored: Sequence[str]
) -> Iterator[tuple[str, TubesOfVideo, tuple[int, int, int, int]]]:
    """Give the videos that are scored with the width and the height of each, twice."""
    for video in scored:
        of = videos[video]
        yield video, of, (of.width, of.height, of.width, of.height)


def _found(found: FoundTubes, video: Sequence[int], classes: Sequence[str]) -> Tubes:
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
        notes.append(f"detections of classes that aren't scored: {scores.unscored}")
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
