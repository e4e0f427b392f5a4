"""Results of localization: from files to columns of numbers, and to scores."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ...datasets.errors import KinobenchError
from ...datasets.events.annotated import EventFile
from ...datasets.events.found import FoundSegments
from ...datasets.plurals import quantity
from ...datasets.truth import EventsOfVideo
from ..metrics.bootstrap import bootstrapped
from ..metrics.instances import Segments
from ..metrics.temporal import averaged_columns, score_matched
from ..metrics.temporal_bootstrap import resampled_segments
from ..metrics.temporal_matching import MatchedSegments, match_segments
from ..metrics.temporal_rules import TemporalRule
from .ids import check_overlap, matched_ids, video_notes
from .labels import matched_labels
from .result import Measured, OfClass, UnderRule, Value, number, overlap_names

COMMON = (0.3, 0.4, 0.5, 0.6, 0.7)
"""The overlaps that all rules are compared at: those that THUMOS14's papers average."""


class SegmentProblem(NamedTuple):
    """Truth and predictions as numbers.

    Attributes:
        videos: Ids, sorted; those of videos that only results have come last.
        known: Number of videos that the annotations have.
        classes: Names.
        truth: True instances.
        ignored: Spans in which nothing counts; None if there are none.
        found: The predictions of each file of results.
        notes: What is to be said of each file of results.
    """

    videos: tuple[str, ...]
    known: int
    classes: tuple[str, ...]
    truth: Segments
    ignored: Segments | None
    found: tuple[Segments, ...]
    notes: tuple[tuple[str, ...], ...]


def segment_problem(
    annotations: EventFile,
    subset: str,
    results: Sequence[FoundSegments],
    *,
    numbers: Mapping[int, str] | None = None,
    only: Collection[str] | None = None,
    without: Collection[str] = (),
) -> SegmentProblem:
    """Return the numbers of one subset of annotations and of results, one file or two.

    Args:
        annotations: The annotations.
        subset: Which of its subsets is scored.
        results: The files of results.
        numbers: Number -> name of a list of classes.
        only: Ids of the videos that are scored; None for all of the subset.
        without: Ids of videos that are left out, of annotations and results.

    Raises:
        KinobenchError: No video of the results is among those that are scored, two ids mean one
            video, a label is no class, or there is nothing to score.
    """
    videos = _scored(annotations.subsets[subset], only, without)
    without = {*without, *annotations.subsets[subset]} - set(videos)
    elsewhere = {
        video: name for name, of in annotations.subsets.items() if name != subset for video in of
    }
    notes, ids = [], []
    for found in results:
        mine, said = matched_ids(found.named, {*videos, *elsewhere, *without})
        check_overlap(
            {name: video for name, video in mine.items() if video in videos},
            found.named,
            videos,
            subset,
        )
        ids.append(mine)
        notes.append(said)
    further = {
        mine.get(video, video)
        for found, mine in zip(results, ids, strict=True)
        for video in found.named
    }
    names = (*sorted(videos), *sorted(further - set(videos) - set(without)))
    written = dict.fromkeys(label for found in results for label in found.label)
    labels, classes, said = matched_labels(written, annotations.classes, numbers)
    number_of = {video: place for place, video in enumerate(names)}
    columns = []
    for found, mine, own in zip(results, ids, notes, strict=True):
        columns.append(_found(found, mine, number_of, labels, own))
        met = Counter(mine.get(video, video) for video in found.video)
        for video in without:
            met.pop(video, None)
        own += [*said, *video_notes(met, videos, elsewhere)]
    return SegmentProblem(
        videos=names,
        known=len(videos),
        classes=classes,
        truth=_truth(videos, number_of),
        ignored=_ignored(videos, number_of),
        found=tuple(columns),
        notes=tuple(map(tuple, notes)),
    )


def _scored(
    videos: Mapping[str, EventsOfVideo], only: Collection[str] | None, without: Collection[str]
) -> dict[str, EventsOfVideo]:
    if only is not None:
        listed, _ = matched_ids(sorted(only), videos)
        videos = {video: videos[video] for video in sorted(listed.values())}
    left = {video: of for video, of in videos.items() if video not in without}
    if not any(of.events for of in left.values()):
        raise KinobenchError(
            f"there is no annotated event in the {quantity(len(left), 'video')} to score; choose "
            "another --split, or another list of videos"
        )
    return left


def _truth(videos: Mapping[str, EventsOfVideo], number_of: Mapping[str, int]) -> Segments:
    rows = [(number_of[video], each) for video, of in videos.items() for each in of.events]
    return Segments(
        video=np.array([row[0] for row in rows], np.int64),
        label=np.array([row[1].label for row in rows], np.int64),
        start_s=np.array([row[1].start_s for row in rows], np.float64),
        end_s=np.array([row[1].end_s for row in rows], np.float64),
    )


def _ignored(videos: Mapping[str, EventsOfVideo], number_of: Mapping[str, int]) -> Segments | None:
    rows = [(number_of[video], *span) for video, of in videos.items() for span in of.ignored]
    if not rows:
        return None
    columns = np.array(rows, np.float64)
    video = columns[:, 0].astype(np.int64)
    return Segments(video, np.zeros_like(video), columns[:, 1], columns[:, 2])


def _found(
    found: FoundSegments,
    ids: Mapping[str, str],
    number_of: Mapping[str, int],
    labels: Mapping[str, int],
    notes: list[str],
) -> Segments:
    video = np.array([number_of.get(ids.get(each, each), -1) for each in found.video], np.int64)
    kept = video >= 0
    if not kept.all():
        notes.append(f"{quantity(int((~kept).sum()), 'detection')} in videos that are left out")
    label = np.array([labels[each] for each in found.label], np.int64)
    segments = Segments(
        video[kept], label[kept], found.start_s[kept], found.end_s[kept], found.score[kept]
    )
    if again := _repeated(segments):
        notes.append(
            f"{quantity(again, 'detection')} with the class and the times of another one: all are "
            "kept, as the official rule keeps them"
        )
    if not len(segments.video):
        notes.append("the results have no detection")
    return segments


def _repeated(found: Segments) -> int:
    """Return how many segments repeat another's video, class and times."""
    keys = (found.end_s, found.start_s, found.label, found.video)
    order = np.lexsort(keys)
    same = np.ones(max(0, len(order) - 1), bool)
    for key in keys:
        same &= np.diff(key[order]) == 0
    return int(same.sum())


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
    thresholds: Sequence[float] | None = None,
    which: int = 0,
    draws: int,
) -> Measured:
    """Score the predictions of one file under a rule.

    Args:
        problem: Truth and predictions.
        rule: The rule.
        thresholds: Overlaps instead of the rule's own.
        which: Number of the file of results.
        draws: Number of draws of the bootstrap over videos; 0 for no intervals.
    """
    pairs = matched(problem, rule, thresholds, which)
    scores = score_matched(pairs)
    columns = averaged_columns(pairs)
    drawn = resampled_segments(pairs, draws=draws) if draws and scores.average is not None else None
    average_draws = None if drawn is None else drawn[columns].mean(axis=0)
    return Measured(
        rule=rule.name,
        source=rule.source,
        overlaps=overlap_names(tuple(pairs.thresholds[columns])),
        value=scores.average,
        interval=None
        if average_draws is None or scores.average is None
        else bootstrapped(scores.average, average_draws).interval,
        values=tuple(
            Value(
                f"{each:g}",
                number(value),
                None if drawn is None else bootstrapped(float(value), drawn[place]).interval,
            )
            for place, (each, value) in enumerate(
                zip(pairs.thresholds, scores.by_threshold, strict=True)
            )
        ),
        classes=tuple(
            OfClass(
                name=name,
                instances=int(scores.instances[label]),
                detections=int(scores.detections[label]),
                value=number(scores.by_class[label, columns].mean()),
                by_overlap=tuple(number(each) for each in scores.by_class[label]),
            )
            for label, name in enumerate(problem.classes)
            if scores.instances[label]
        ),
        draws=average_draws,
        notes=_notes(rule, pairs),
    )


def _notes(rule: TemporalRule, pairs: MatchedSegments) -> tuple[str, ...]:
    notes = []
    if pairs.backwards:
        what = "turned around" if rule.turns else "false positives"
        notes.append(
            f"{quantity(pairs.backwards, 'detection')} that end before they begin: {what}, as the "
            "rule has them"
        )
    if pairs.left_out:
        how = (
            "as the rule leaves them out"
            if rule.without_truth == "leave out"
            else "for which the rule's own code stops"
        )
        notes.append(
            f"{quantity(pairs.left_out, 'detection')} of classes without an instance were left "
            f"out, {how}"
        )
    if pairs.duplicates:
        what = "counted again" if rule.same_within_s is None else "counted once"
        notes.append(
            f"{quantity(pairs.duplicates, 'instance')} repeat another one: {what}, as the rule has "
            "them"
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
