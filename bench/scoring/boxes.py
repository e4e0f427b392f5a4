"""Scores of detection on key frames, from columns of numbers."""

from collections.abc import Iterator

import numpy as np

from ...datasets.errors import KinobenchError
from ..metrics.spatial.box_errors import KINDS, BoxErrors, box_errors
from ..metrics.spatial.box_matching import LeftOut, MatchedBoxes, match_boxes
from ..metrics.spatial.box_sizes import scores_by_size
from ..metrics.spatial.class_means import ByClass
from ..metrics.spatial.frame_map import scores_of_boxes
from ..metrics.spatial.rules import FrameRule
from .box_problem import BoxProblem
from .result import Measured, OfClass, OfError, OfGroup, UnderRule, Value, number

COMMON = (0.5,)
"""The overlap that all rules are compared at."""


def _matched(problem: BoxProblem, rule: FrameRule, which: int) -> MatchedBoxes:
    if rule.pixel and not problem.in_pixels:
        raise KinobenchError(
            f"the rule {rule.name!r} counts whole pixels, and these annotations have no sizes"
        )
    return match_boxes(
        problem.truth,
        problem.found[which],
        frames=problem.frames,
        classes=len(problem.classes),
        rule=rule,
        scored=problem.scored,
        excluded=problem.excluded,
    )


def measure_boxes(
    problem: BoxProblem, rule: FrameRule, *, which: int = 0, draws: int, whole: bool = True
) -> Measured:
    """Score the predictions of one file under a rule.

    Args:
        problem: Truth and predictions.
        rule: The rule.
        which: Number of the file of results.
        draws: Number of draws of the bootstrap over videos; 0 for no intervals.
        whole: Whether sizes and errors are looked at, too.
    """
    pairs = _matched(problem, rule, which)
    scores = scores_of_boxes(pairs, problem.video_of_frame if draws else None, draws=draws)
    groups = scores_by_size(pairs, frame_area=problem.area) if whole else []
    return Measured(
        rule=rule.name,
        source=rule.source,
        overlaps=f"{rule.thresholds[0]:g}",
        value=scores.map,
        interval=scores.interval,
        values=tuple(Value(name, each.map, each.interval) for name, each in scores.means.items()),
        classes=_classes(problem.classes, scores.by_class),
        groups=tuple(
            OfGroup(
                each.size, each.truths, each.hits / each.truths if each.truths else None, each.map
            )
            for each in groups
        ),
        errors=_errors(box_errors(pairs)) if whole else (),
        errors_at=f"{rule.thresholds[0]:g}",
        draws=next(iter(scores.means.values())).draws,
        notes=(*_scored_note(problem), *_left_out(pairs.left_out)),
    )


def _classes(names: tuple[str, ...], by: ByClass) -> tuple[OfClass, ...]:
    return tuple(
        OfClass(
            name=name,
            instances=int(by.truths[label]),
            detections=int(by.detections[label]),
            value=number(by.precision[0, label]),
            by_overlap=tuple(number(each) for each in by.precision[:, label]),
        )
        for label, name in enumerate(names)
        if by.truths[label] or not np.isnan(by.precision[0, label])
    )


def _errors(errors: BoxErrors) -> tuple[OfError, ...]:
    counts = errors.counts.sum(axis=0).tolist()
    looked_at = sum(counts)
    return tuple(
        OfError(kind, count, count / looked_at if looked_at else None, errors.gains.get(kind))
        for kind, count in zip(KINDS, counts, strict=True)
        if kind != KINDS[0]  # a true positive
    )


def _scored_note(problem: BoxProblem) -> Iterator[str]:
    if problem.scored is not None and len(problem.scored) < len(problem.classes):
        yield (
            f"{len(problem.scored)} of {len(problem.classes)} classes are scored, as their authors "
            "do; another list of classes goes to --classes"
        )


def _left_out(left_out: LeftOut) -> Iterator[str]:
    why = {
        "unscored": "of classes that aren't scored",
        "excluded": "in key frames that are left out",
        "empty": "in key frames without a true box, which the rule leaves out",
        "capped": "beyond the best of their key frame that the rule takes",
        "flat": "without area or with exchanged edges, which the rule leaves out",
    }
    for field, count in left_out._asdict().items():
        if count:
            yield f"detections {why[field]}: {count}"


def boxes_under(problem: BoxProblem, rule: FrameRule) -> UnderRule:
    """Score the first file under a rule."""
    scores = measure_boxes(problem, rule, draws=0, whole=False)
    return UnderRule(
        rule=rule.name,
        source=rule.source,
        own=scores.value,
        overlaps=scores.overlaps,
        common=tuple(each for each in scores.values if each.name == f"{COMMON[0]:g}"),
        mean=scores.value,
    )
