"""The layer of BMN that samples the features of every segment, and what the network should say.

Lin, Liu, Li, Ding, Wen, "BMN: Boundary-Matching Network for Temporal Action Proposal Generation",
ICCV 2019, sections 3.2 and 4.2; JJBOY/BMN-Boundary-Matching-Network, models.py and dataset.py.

A sequence has `length` cells. Segment (d, s) is that of the d + 1 cells from cell s on: from s to
s + d + 1 in units of cells.
"""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from .targets import Truth


def sampling(
    length: int, longest: int, samples: int, each: int, extend: float
) -> NDArray[np.float32]:
    """Return the weights `[length, samples * longest * length]` that sample each segment.

    Each segment, longer by a share at both ends, gets `samples` points, each the mean of `each`
    times between which features are interpolated linearly; times outside of the sequence count as
    zeros. (The origin gives the first cell the whole weight of a time up to one cell before it.)
    Segments that end after the last cell get zeros.

    Args:
        length: Cells of the sequence.
        longest: Cells of the longest segment.
        samples: Points of a segment (the paper's N).
        each: Times of a point.
        extend: Share of a segment's length and one cell by which it is lengthened at each end.
    """
    cells, first = np.mgrid[:longest, :length]  # [longest, length]
    margin = (cells + 2) * extend  # the origin adds one cell to the length
    begin, end = first - margin, first + cells + 1 + margin
    share = np.linspace(0, 1, samples * each).reshape(samples, each, 1, 1)
    time = begin + share * (end - begin)
    inside = np.broadcast_to(first + cells < length, time.shape)
    below = np.floor(time).astype(int)
    part = time - below
    place = np.arange(samples * longest * length).reshape(samples, 1, longest, length)
    place = np.broadcast_to(place, time.shape)
    weights = np.zeros(length * samples * longest * length, np.float32)
    for cell, weight in ((below, 1 - part), (below + 1, part)):
        counts = inside & (cell >= 0) & (cell < length)
        index = cell[counts] * (samples * longest * length) + place[counts]
        weights += np.bincount(index, weight[counts] / each, len(weights)).astype(np.float32)
    return weights.reshape(length, -1)


class Maps(NamedTuple):
    """What the network should say of a batch.

    Attributes:
        start, end: `[B, length]`: share of each cell in the region around a start, or an end.
        overlap: `[B, longest, length]`: highest temporal IoU of each segment with an action; 0 for
            those that end after the last cell.
    """

    start: torch.Tensor
    end: torch.Tensor
    overlap: torch.Tensor


REGION = 3.0
"""Cells of the region around a start or an end."""


def maps_of(segments: Truth, length: int, longest: int) -> Maps:
    """Return what the network should say.

    Args:
        segments: For each video, segments `[n, 2]` in cells, and their labels.
        length: Cells of the sequence.
        longest: Cells of the longest segment.
    """
    found = [_of_video(each.clamp(0, length), length, longest) for each, _ in segments]
    return Maps(*(torch.stack(column) for column in zip(*found, strict=True)))


def _of_video(
    segments: torch.Tensor, length: int, longest: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    cell = torch.arange(length, device=segments.device, dtype=segments.dtype)
    if not len(segments):
        return cell * 0, cell * 0, segments.new_zeros(longest, length)
    shares = [
        _shared(cell, cell + 1, ends - REGION / 2, ends + REGION / 2).amax(-1)
        for ends in segments.unbind(1)
    ]
    duration = torch.arange(1, longest + 1, device=cell.device, dtype=cell.dtype)[:, None]
    start, end = cell.expand(longest, -1), cell + duration
    both = _shared(start, end, *segments.unbind(1))
    lengths = segments[:, 1] - segments[:, 0]
    highest = (both / ((end - start)[..., None] + lengths - both)).amax(-1)
    return shares[0], shares[1], highest * (end <= length)


def _shared(
    start: torch.Tensor, end: torch.Tensor, low: torch.Tensor, high: torch.Tensor
) -> torch.Tensor:
    """Return how long intervals `[...]` and others `[n]` overlap, `[..., n]`."""
    last = torch.minimum(end[..., None], high)
    return (last - torch.maximum(start[..., None], low)).clamp(min=0)
