"""Stored predictions of localization as timelines: what happens in a video, and what was found."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from ...datasets.errors import UnknownNameError
from ..metrics.temporal_matching import NOBODY, MatchedSegments
from .score import matched_segments
from .shown import Cut, cut_of, spaced
from .stored import StoredTask

HIT_OVERLAP = 0.5
"""The overlap of a hit in a picture, where the rule has it; else the rule's lowest."""
MOST_FOUND = 60
"""Predictions of a video that are shown, those with the highest scores."""


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """A true or a predicted event.

    Attributes:
        name: Name of its class.
        start_s, end_s: Seconds from the video's beginning.
        hit: Whether a shown prediction finds it; of a prediction, whether it finds a true event.
        score: Confidence, of predictions alone.
    """

    name: str
    start_s: float
    end_s: float
    hit: bool
    score: float | None = None


class Timeline(msgspec.Struct, frozen=True, kw_only=True):
    """A video.

    Attributes:
        video: Its id.
        end_s: Where its axis ends: its length, or the last end of an event in it.
        truths: True events, by start.
        found: Predictions above the cut, by start; `left_out` more are above it.
        ignored: Spans in which a prediction counts neither for nor against.
    """

    video: str
    end_s: float
    truths: tuple[Span, ...]
    found: tuple[Span, ...]
    left_out: int = 0
    ignored: tuple[tuple[float, float], ...] = ()


class Timelines(msgspec.Struct, frozen=True, kw_only=True):
    """Some videos of a network.

    Attributes:
        cut: Which predictions are shown; None if there is none.
        videos: Videos with true events, evenly spaced in the order of the split.
        of: Number of videos that were scored.
        uncounted: Number of predictions of classes without a true event in any of these: they don't
            count, and are not shown.
    """

    cut: Cut | None
    videos: tuple[Timeline, ...]
    of: int
    uncounted: int = 0


class _Seen(NamedTuple):
    """All that timelines are drawn from; columns are of `matched.found` and `matched.truth`."""

    task: StoredTask
    matched: MatchedSegments
    taken: np.ndarray
    shown: np.ndarray
    found_truths: np.ndarray


def timelines_of(task: StoredTask, videos: Sequence[str] | None = None) -> Timelines:
    """Return the timelines of some videos.

    Args:
        task: Stored predictions of localization.
        videos: Ids of the videos; None: a few with true events, evenly spaced.

    Raises:
        KinobenchError: A video was not scored.
    """
    events = task.truth.events
    assert events is not None
    for video in videos or ():
        if video not in task.scored:
            raise UnknownNameError("scored video", video, task.scored)
    matched = matched_segments(events, task.scored, task.columns, len(task.truth.classes))
    at = _threshold(matched)
    taken, scores = matched.taken[:, at], matched.found.score
    assert scores is not None
    counted = np.ones(len(scores), bool)
    if matched.ignored is not None:
        counted = ~matched.ignored | (taken != NOBODY)
    cut = cut_of(
        scores[counted],
        (taken != NOBODY)[counted],
        len(matched.truth.label),
        float(matched.thresholds[at]),
    )
    shown = counted & (scores >= cut.score) if cut is not None else np.zeros(0, bool)
    found_truths = np.zeros(len(matched.truth.label), bool)
    found_truths[taken[shown & (taken != NOBODY)]] = True
    seen = _Seen(task, matched, taken, shown, found_truths)
    if videos is None:
        with_truth = np.unique(matched.truth.video).tolist()
        videos = [task.scored[place] for place in spaced(with_truth)]
    place_of = {video: place for place, video in enumerate(task.scored)}
    drawn = tuple(_timeline(seen, video, place_of[video]) for video in videos)
    return Timelines(cut=cut, videos=drawn, of=len(task.scored), uncounted=matched.left_out)


def _threshold(matched: MatchedSegments) -> int:
    """Return which of the thresholds decides about hits."""
    close = np.flatnonzero(np.isclose(matched.thresholds, HIT_OVERLAP))
    return int(close[0]) if len(close) else int(np.argmin(matched.thresholds))


def _timeline(seen: _Seen, video: str, place: int) -> Timeline:
    truth, found, names = seen.matched.truth, seen.matched.found, seen.task.truth.classes
    assert found.score is not None and seen.task.truth.events is not None
    truths = [
        Span(
            name=names[truth.label[row]],
            start_s=float(truth.start_s[row]),
            end_s=float(truth.end_s[row]),
            hit=bool(seen.found_truths[row]),
        )
        for row in np.flatnonzero(truth.video == place)
    ]
    rows = np.flatnonzero((found.video == place) & seen.shown)
    best = rows[np.argsort(-found.score[rows], kind="stable")][:MOST_FOUND]
    spans = [
        Span(
            name=names[found.label[row]],
            start_s=float(found.start_s[row]),
            end_s=float(found.end_s[row]),
            hit=bool(seen.taken[row] != NOBODY),
            score=float(found.score[row]),
        )
        for row in best
    ]
    annotated = seen.task.truth.events.videos.get(video)
    duration_s = None if annotated is None else annotated.duration_s
    ends = [duration_s or 0.0, *(each.end_s for each in (*truths, *spans))]
    return Timeline(
        video=video,
        end_s=max(ends),
        truths=tuple(sorted(truths, key=_by_time)),
        found=tuple(sorted(spans, key=_by_time)),
        left_out=len(rows) - len(best),
        ignored=() if annotated is None else annotated.ignored,
    )


def _by_time(span: Span) -> tuple[float, float, str]:
    return span.start_s, span.end_s, span.name
