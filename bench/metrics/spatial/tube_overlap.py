"""How much tubes overlap, in space and time."""

from typing import NamedTuple

import numpy as np

from ..instances import Floats, Ints, Tubes
from .box_overlap import box_iou

_AT_ONCE = 2**20
"""Number of frames whose boxes are compared together: some 300 bytes each."""


def tube_iou(
    one: Tubes,
    other: Tubes,
    one_index: Ints,
    other_index: Ints,
    *,
    pixel: float = 0.0,
    frame: int = 0,
    one_frame_counts: bool = True,
) -> Floats:
    """Return the spatio-temporal intersection over union of pairs of tubes.

    It is the temporal IoU of the tubes' spans, times the mean IoU of their boxes in the frames that
    both spans have (`iou3dt` of ACT's `ACT_utils.py`; `iou3dt_voc` of MultiSports'
    `evaluate_multisports.py`; `compute_spatio_temporal_iou.m` of gurkirt's
    realtime-action-detection). Those refuse tubes with gaps. Here a frame in which only one of the
    two has a box counts as an IoU of 0, so that leaving out hard frames wins nothing; one in which
    neither has any doesn't count.

    Args:
        one: Tubes.
        other: Tubes, in the same unit.
        one_index: `[pairs]`: number of a tube in `one`.
        other_index: `[pairs]`: number of one in `other`.
        pixel: What is added to each width and height of a box; see `box_iou`.
        frame: What is added to each length in frames: 1 where the last frame is part of the tube
            (ACT, gurkirt), 0 where a length is a difference of frame numbers (MultiSports), so that
            tubes of one frame have no length and overlap by 0.
        one_frame_counts: Whether tubes that share a single frame overlap at all; not for gurkirt,
            who adds the 1 only where the difference is above 0.

    Returns:
        `[pairs]`, from 0 to 1.
    """
    overlap = np.zeros(len(one_index))
    if not len(one_index):
        return overlap
    first_a, last_a = _span(one, one_index)
    first_b, last_b = _span(other, other_index)
    first, last = np.maximum(first_a, first_b), np.minimum(last_a, last_b)
    shared = last - first
    united = np.maximum(last_a, last_b) - np.minimum(first_a, first_b)
    meeting = (shared >= (0 if one_frame_counts else 1)) & (united + frame > 0)
    chosen = np.flatnonzero(meeting)
    columns = _Column.of(one), _Column.of(other)
    for part in _parts(shared[chosen] + 1):
        pairs = chosen[part]
        within = first[pairs], last[pairs]
        mean = _mean_box_iou(*columns, one_index[pairs], other_index[pairs], *within, pixel)
        overlap[pairs] = mean * ((shared[pairs] + frame) / (united[pairs] + frame))
    return overlap


class _Column(NamedTuple):
    """The boxes of all tubes, with a rising number for each: tube times `span` plus frame."""

    key: Ints
    span: int
    frame: Ints
    box: Floats

    @classmethod
    def of(cls, tubes: Tubes) -> "_Column":
        span = int(tubes.frame.max()) + 2
        tube = np.repeat(np.arange(len(tubes.video)), np.diff(tubes.offset))
        return cls(tube * span + tubes.frame, span, tubes.frame, tubes.box)

    def rows(self, index: Ints, first: Ints, last: Ints) -> tuple[Ints, Ints]:
        """Return where in `box` the frames from `first` to `last` of tubes begin and end."""
        start = np.searchsorted(self.key, index * self.span + np.minimum(first, self.span - 1))
        stop = np.searchsorted(self.key, index * self.span + np.minimum(last + 1, self.span - 1))
        return start, stop


def _span(tubes: Tubes, index: Ints) -> tuple[Ints, Ints]:
    """Return the first and the last frame of tubes."""
    return tubes.frame[tubes.offset[index]], tubes.frame[tubes.offset[index + 1] - 1]


def _parts(lengths: Ints) -> list[slice]:
    """Return slices of pairs which together have about `_AT_ONCE` frames each."""
    if not len(lengths):
        return []
    number = np.cumsum(lengths) // _AT_ONCE
    starts = np.flatnonzero(np.diff(number, prepend=-1))
    return [slice(*ends) for ends in zip(starts, [*starts[1:], len(lengths)], strict=True)]


def _mean_box_iou(
    one: _Column,
    other: _Column,
    one_index: Ints,
    other_index: Ints,
    first: Ints,
    last: Ints,
    pixel: float,
) -> Floats:
    """Return the mean IoU from frame `first` to `last` of each pair."""
    start, stop = one.rows(one_index, first, last)
    from_other, to_other = other.rows(other_index, first, last)
    counts = stop - start
    pair = np.repeat(np.arange(len(counts)), counts)
    row = np.arange(len(pair)) - np.repeat(np.cumsum(counts) - counts, counts) + start[pair]
    wanted = other_index[pair] * other.span + np.minimum(one.frame[row], other.span - 1)
    match = np.minimum(np.searchsorted(other.key, wanted), len(other.key) - 1)
    both = other.key[match] == wanted
    overlap = box_iou(one.box[row[both]], other.box[match[both]], pixel)
    total = np.bincount(pair[both], overlap, len(counts))
    common = np.bincount(pair[both], minlength=len(counts))
    either = counts + (to_other - from_other) - common
    mean: Floats = np.divide(total, either, out=np.zeros(len(counts)), where=either > 0)
    return mean
