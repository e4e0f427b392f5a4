"""Scores of localization, from columns of numbers."""

from collections.abc import Sequence

import numpy as np

from ..metrics.bootstrap import bootstrapped
from ..metrics.instances import Floats, Ints
from ..metrics.temporal import SegmentScores, averaged_columns, score_matched
from ..metrics.temporal_bootstrap import resampled_segments
from ..metrics.temporal_matching import MatchedSegments, match_segments
from ..metrics.temporal_rules import TemporalRule
from .result import Measured, OfClass, UnderRule, Value, number, overlap_names
from .segment_details import by_length, false_positives
from .segment_problem import SegmentProblem

COMMON = (0.3, 0.4, 0.5, 0.6, 0.7)
"""The overlaps that all rules are compared at: those that THUMOS14's papers average."""


def matched(
    problem: SegmentProblem, rule: TemporalRule, thresholds: Sequence[float] | None, which: int = 0
) -> MatchedSegments:
    """Match the predictions of one file under a rule; see `match_segments`."""
    return match_segments(
        problem.truth,
        problem.found[which],
        videos=len(problem.videos),
        classes=len(problem.classes),
        rule=rule,
        thresholds=None if thresholds is None else tuple(thresholds),
        ignored=problem.ignored,
        leave_out=True,
    )


def measure_segments(
    problem: SegmentProblem,
    rule: TemporalRule,
    *,
    which: int = 0,
    draws: int,
) -> Measured:
    """Score the predictions of one file under a rule.

    Args:
        problem: Truth and predictions.
        rule: The rule.
        which: Number of the file of results.
        draws: Number of draws of the bootstrap over videos; 0 for no intervals.
    """
    pairs = matched(problem, rule, None, which)
    scores = score_matched(pairs)
    columns = averaged_columns(pairs)
    drawn = resampled_segments(pairs, draws=draws) if draws and scores.average is not None else None
    errors, errors_at = false_positives(
        problem.truth,
        problem.found[which],
        problem.ignored,
        videos=len(problem.videos),
        classes=len(problem.classes),
        rule=rule,
    )
    average_draws = None if drawn is None else drawn[columns].mean(axis=0)
    return Measured(
        rule=rule.name,
        source=rule.source,
        overlaps=overlap_names(tuple(pairs.thresholds[columns])),
        value=scores.average,
        interval=_interval(scores.average, average_draws),
        values=tuple(
            Value(
                f"{each:g}", number(value), _interval(value, None if drawn is None else drawn[row])
            )
            for row, (each, value) in enumerate(
                zip(pairs.thresholds.tolist(), scores.by_threshold.tolist(), strict=True)
            )
        ),
        classes=_classes(problem.classes, scores, columns),
        groups=by_length(pairs),
        errors=errors,
        errors_at=errors_at,
        draws=average_draws,
        notes=_notes(rule, pairs),
    )


def _interval(value: float | None, draws: Floats | None) -> tuple[float, float] | None:
    return None if value is None or draws is None else bootstrapped(value, draws).interval


def _classes(names: Sequence[str], scores: SegmentScores, columns: Ints) -> tuple[OfClass, ...]:
    return tuple(
        OfClass(
            name=name,
            instances=int(scores.instances[label]),
            detections=int(scores.detections[label]),
            value=number(scores.by_class[label, columns].mean()),
            by_overlap=tuple(number(each) for each in scores.by_class[label]),
        )
        for label, name in enumerate(names)
        if scores.instances[label]
    )


def _notes(rule: TemporalRule, pairs: MatchedSegments) -> tuple[str, ...]:
    notes = []
    if pairs.backwards:
        what = "turned around" if rule.turns else "false positives"
        notes.append(
            f"detections that end before they begin, {what}, as the rule has them: "
            f"{pairs.backwards}"
        )
    if pairs.left_out:
        how = (
            "as the rule leaves them out"
            if rule.without_truth == "leave out"
            else "for which the rule's own code stops"
        )
        notes.append(
            f"detections of classes without an instance, left out, {how}: {pairs.left_out}"
        )
    if pairs.duplicates:
        what = "counted again" if rule.same_within_s is None else "counted once"
        notes.append(
            f"instances that repeat another one, {what}, as the rule has them: {pairs.duplicates}"
        )
    return tuple(notes)


def segments_under(problem: SegmentProblem, rule: TemporalRule) -> UnderRule:
    """Score the first file under a rule: over its own overlaps, and at those of all rules."""
    own = [each for each in rule.averaged if each not in COMMON]
    scores = score_matched(matched(problem, rule, tuple(sorted({*own, *COMMON}))))
    by = dict(zip(scores.thresholds.tolist(), scores.by_threshold.tolist(), strict=True))
    return UnderRule(
        rule=rule.name,
        source=rule.source,
        own=number(float(np.mean([by[each] for each in rule.averaged]))),
        overlaps=overlap_names(rule.averaged),
        common=tuple(Value(f"{each:g}", number(by[each])) for each in COMMON),
        mean=number(float(np.mean([by[each] for each in COMMON]))),
    )
