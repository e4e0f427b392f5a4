"""Average recall of proposals against their number (AR@AN), and the area under that curve."""

from typing import NamedTuple

import numpy as np

from ...datasets.errors import KinobenchError
from .instances import Floats, Ints, Segments
from .segment_iou import segment_iou
from .temporal_inputs import checked_segments

STEPS = 100


class ProposalScores(NamedTuple):
    """Recall of proposals, whose labels don't matter.

    The number of proposals is a percentage of those retrieved of each video, 1 % to 100 %.

    Attributes:
        thresholds: The overlaps, `[T]`.
        recall: `[T, 100]`: share of the instances that a proposal overlaps enough, at each
            percentage.
        average_recall: `[100]`: its mean over the thresholds.
        a_video: `[100]`: number of proposals of a video, on average, at each percentage.
        area: Area under `average_recall` against `a_video` by trapezoid, over the highest
            `a_video`: 0 to 1; None without a proposal.
    """

    thresholds: Floats
    recall: Floats
    average_recall: Floats
    a_video: Floats
    area: float | None


def score_proposals(
    truth: Segments,
    found: Segments,
    *,
    videos: int,
    thresholds: tuple[float, ...] | None = None,
    most_a_video: float | None = None,
) -> ProposalScores:
    """Return AR@AN as ActivityNet's evaluation of proposals has it.

    activitynet/ActivityNet `Evaluation/eval_proposal.py`, `average_recall_vs_avg_nr_proposals`.
    Videos without an instance don't count, but their proposals do where `most_a_video` is made a
    share of all. Proposals of equal score are ranked by their start, then by their end. Several
    instances may be recalled by one proposal.

    Args:
        truth: True instances.
        found: Proposals, with scores.
        videos: Number of videos.
        thresholds: Overlaps to reach; 0.5 to 0.95 in steps of 0.05 if None.
        most_a_video: Number of proposals to retrieve of a video, on average; all if None.

    Raises:
        KinobenchError: Segments aren't what a metric needs (`checked_segments`), there is no
            instance, or the number of proposals isn't above 0.
    """
    least = np.linspace(0.5, 0.95, 10) if thresholds is None else np.array(thresholds, float)
    truth = checked_segments("instance", truth, videos, None)
    found = checked_segments("proposal", found, videos, None, found=True)
    if not len(truth.video):
        raise KinobenchError("there is no instance to recall: give those of the annotations")
    if most_a_video is not None and not most_a_video > 0:
        raise KinobenchError(f"most_a_video {most_a_video!r}: give a number above 0, or None")
    shown = len(np.unique(truth.video))
    most = len(found.video) / shown if most_a_video is None else float(most_a_video)
    places, sizes, retrieved = _first_places(truth, found, videos, least, most)
    if not retrieved.sum():
        nothing = np.zeros(STEPS)
        return ProposalScores(least, np.zeros((len(least), STEPS)), nothing, nothing, None)
    # As the evaluator computes it, rounding included: 29 % of 100 proposals are 28.
    share = np.arange(1, STEPS + 1) / 100.0 * (most * float(shown) / int(retrieved.sum()))
    among = np.minimum((sizes[:, None] * share).astype(np.int64), sizes[:, None])
    recall = np.stack([(place[:, None] < among).mean(axis=0) for place in places.T])
    a_video = share * (float(retrieved.sum()) / shown)
    average = recall.mean(axis=0)
    area = float(np.trapezoid(average, a_video)) / a_video[-1]
    return ProposalScores(least, recall, average, a_video, float(area))


def _first_places(
    truth: Segments, found: Segments, videos: int, thresholds: Floats, most: float
) -> tuple[Ints, Ints, Ints]:
    """Return where each instance is first recalled, of how many proposals, and their numbers.

    Returns:
        `[instances, T]`: the place of the first proposal that reaches the threshold; the number of
        proposals if none does. `[instances]`: the number of its video's proposals that are
        retrieved, and `[videos]`: the same of each video with an instance.
    """
    assert found.score is not None
    order = np.lexsort((found.end_s, found.start_s, -found.score, found.video))
    begin = np.searchsorted(found.video[order], np.arange(videos + 1))
    shown = np.unique(truth.video)
    ratio = most * float(len(shown)) / max(1, len(found.video))
    places = np.zeros((len(truth.video), len(thresholds)), np.int64)
    retrieved = np.zeros(videos, np.int64)
    spans = np.stack([truth.start_s, truth.end_s], axis=1)
    by_video = np.argsort(truth.video, kind="stable")
    ends = np.searchsorted(truth.video[by_video], np.arange(videos + 1))
    for video in shown.tolist():
        own = by_video[ends[video] : ends[video + 1]]
        there = begin[video + 1] - begin[video]
        number = min(int(there * ratio), there)
        retrieved[video] = number
        rows = order[begin[video] : begin[video] + number]
        segments = np.stack([found.start_s[rows], found.end_s[rows]], axis=1)
        reached = segment_iou(spans[own], segments)[:, :, None] >= thresholds
        first = reached.argmax(axis=1) if number else np.zeros(reached.shape[::2], np.int64)
        places[own] = np.where(reached.any(axis=1), first, number)
    return places, retrieved[truth.video], retrieved
