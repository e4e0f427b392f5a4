"""Non-maximum suppression of segments: of many that overlap, the best stays."""

from typing import Literal, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from ...datasets.errors import KinobenchError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Suppression(msgspec.Struct, frozen=True, kw_only=True):
    """How overlapping segments are thinned out; all of it stands on a record.

    Attributes:
        kind: `hard`: a segment is dropped that overlaps a better one. `soft`: its score falls by
            exp(-IoU^2 / sigma) instead (Bodla et al., "Soft-NMS", ICCV 2017, equation 3). `none`:
            all stay.
        threshold: Temporal IoU with a better segment at which one is dropped (`hard`), or above
            which its score falls (`soft`; 0 for all that overlap).
        wide: The same for segments as long as the video; between, the threshold grows with the
            better segment's length. None: the same for all (BMN, after BSN, alone has it).
        sigma: How slowly scores fall (`soft`).
        keep: Segments of a video that stay at most.
        by_class: Whether only segments of one class suppress each other.
        least: The score that a segment needs to stay.
        before: Segments with their class that take part, the best ones; None for all.
    """

    kind: Literal["hard", "soft", "none"] = "soft"
    threshold: float = 0.0
    wide: float | None = None
    sigma: float = 0.5
    keep: int = 200
    by_class: bool = True
    least: float = 0.001
    before: int | None = None


class Detections(NamedTuple):
    """Segments of one video; columns `[N]`, by falling score, then start, end and label."""

    label: Ints
    start_s: Floats
    end_s: Floats
    score: Floats


def overlaps(segment: Floats, others: Floats) -> Floats:
    """Return the temporal IoU `[N]` of a segment `[2]` with others `[N, 2]`; of empty ones 0."""
    both = np.minimum(segment[1], others[:, 1]) - np.maximum(segment[0], others[:, 0])
    both = np.maximum(both, 0.0)
    either = (segment[1] - segment[0]) + (others[:, 1] - others[:, 0]) - both
    return np.divide(both, either, out=np.zeros_like(both), where=either > 0)


def nms(segments: Floats, scores: Floats, threshold: float, keep: int | None = None) -> Ints:
    """Return which segments stay, the best first.

    Args:
        segments: `[N, 2]`: starts and ends.
        scores: `[N]`; of equal ones the segment that starts first is the better, then the one that
            ends first, then the one that comes first.
        threshold: Temporal IoU at which the less good segment is dropped.
        keep: Segments that stay at most; None for all.
    """
    left = _order(scores, segments)
    kept: list[int] = []
    while len(left) and (keep is None or len(kept) < keep):
        kept.append(int(left[0]))
        left = left[1:]
        left = left[overlaps(segments[kept[-1]], segments[left]) < threshold]
    return np.array(kept, np.int64)


def soft_nms(
    segments: Floats,
    scores: Floats,
    sigma: float,
    *,
    threshold: float = 0.0,
    wide: float | None = None,
    duration: float | None = None,
    least: float = 0.0,
    keep: int | None = None,
) -> tuple[Ints, Floats]:
    """Return which segments stay, the best first, and their scores after the fall.

    Args:
        segments: As for `nms`.
        scores: As for `nms`.
        sigma: See `Suppression`.
        threshold: See `Suppression`.
        wide: See `Suppression`.
        duration: Length of the video, which `wide` needs.
        least: Score at which a segment stays.
        keep: Segments that stay at most; None for all.
    """
    left = np.flatnonzero(scores >= least)
    now = scores.astype(np.float64)
    kept: list[int] = []
    while len(left) and (keep is None or len(kept) < keep):
        best = left[_order(now[left], segments[left])[0]]
        kept.append(int(best))
        left = left[left != best]
        shared = overlaps(segments[best], segments[left])
        bound = threshold
        if wide is not None and duration:
            length = float(segments[best, 1] - segments[best, 0])
            bound += (wide - threshold) * length / duration
        now[left] *= np.where(shared > bound, np.exp(-(shared**2) / sigma), 1.0)
        left = left[now[left] >= least]
    order = np.array(kept, np.int64)
    return order, now[order]


def suppress(
    segments: NDArray[np.floating],
    scores: NDArray[np.floating],
    how: Suppression,
    duration_s: float | None = None,
) -> Detections:
    """Return the segments of one video that stay.

    Args:
        segments: `[K, 2]`: starts and ends in seconds.
        scores: `[K, classes]`; each class is a segment of its own.
        how: The suppression.
        duration_s: Length of the video; segments end there and begin at 0, and one that is empty
            then is left out. None leaves them as they are.

    Raises:
        KinobenchError: The shapes don't go together, `wide` is given without a duration, or a
            number isn't finite.
    """
    _check(segments, scores, how, duration_s)
    row, label = np.nonzero(scores > 0)
    ends, score = segments[row].astype(np.float64), scores[row, label].astype(np.float64)
    if duration_s is not None:
        ends = ends.clip(0, duration_s)
    stays = (ends[:, 1] > ends[:, 0]) & (score >= how.least)
    ends, label, score = ends[stays], label[stays].astype(np.int64), score[stays]
    order = _order(score, ends)[: how.before]
    ends, label, score = ends[order], label[order], score[order]
    groups = [np.flatnonzero(label == each) for each in np.unique(label)] if how.by_class else []
    found = [_suppressed(ends, score, each, how, duration_s) for each in groups]
    if not how.by_class:
        found = [_suppressed(ends, score, np.arange(len(score)), how, duration_s)]
    which = np.concatenate([np.zeros(0, np.int64), *(each for each, _ in found)])
    fallen = np.concatenate([np.zeros(0), *(each for _, each in found)])
    last = np.lexsort((label[which], ends[which, 1], ends[which, 0], -fallen))[: how.keep]
    which = which[last]
    return Detections(label[which], ends[which, 0], ends[which, 1], fallen[last])


def _suppressed(
    ends: Floats, score: Floats, group: Ints, how: Suppression, duration_s: float | None
) -> tuple[Ints, Floats]:
    """Return which of a group stay, and their scores."""
    if how.kind == "none":
        return group, score[group]
    if how.kind == "hard":
        kept = group[nms(ends[group], score[group], how.threshold, how.keep)]
        return kept, score[kept]
    kept, fallen = soft_nms(
        ends[group],
        score[group],
        how.sigma,
        threshold=how.threshold,
        wide=how.wide,
        duration=duration_s,
        least=how.least,
        keep=how.keep,
    )
    return group[kept], fallen


def _order(scores: Floats, segments: Floats) -> Ints:
    return np.lexsort((segments[:, 1], segments[:, 0], -scores)).astype(np.int64)


def _check(
    segments: NDArray[np.floating],
    scores: NDArray[np.floating],
    how: Suppression,
    duration_s: float | None,
) -> None:
    shapes = f"segments {segments.shape} and scores {scores.shape}"
    if segments.ndim != 2 or scores.ndim != 2 or segments.shape != (len(scores), 2):
        raise KinobenchError(f"{shapes} don't go together; give [K, 2] and [K, classes]")
    if not (np.isfinite(segments).all() and np.isfinite(scores).all()):
        raise KinobenchError("a segment or a score isn't finite; the network gives NaN or infinity")
    if how.wide is not None and duration_s is None and how.kind == "soft":
        raise KinobenchError(f"wide={how.wide} grows with the video's length; give duration_s")
