"""Which points of a pyramid answer for which action.

Zhang, Wu, Li, "ActionFormer", ECCV 2022, section 3.5; happyharrycn/actionformer_release,
libs/modeling/meta_archs.py, `label_points_single_video`.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch

from .grid import TimeGrid
from .pyramid import Points

RADIUS = 1.5
"""Points at most so many strides from an action's middle answer for it (center sampling)."""
SAME_LENGTH = 1e-3
"""Actions whose lengths differ by less, in steps, count at a point together."""

Truth = Sequence[tuple[torch.Tensor, torch.Tensor]]
"""For each video: segments `[n, 2]` in seconds, and labels `[n]`."""


class Targets(NamedTuple):
    """What the points of a batch should say.

    Attributes:
        classes: `[B, P, classes]`, 0 or 1.
        offsets: `[B, P, 2]`: distances back to the start and on to the end, in strides; without
            meaning where all classes are 0.
    """

    classes: torch.Tensor
    offsets: torch.Tensor


def targets_of(points: Points, truth: Truth, grid: TimeGrid, classes: int) -> Targets:
    """Return what each point of each video should say.

    A point answers for the shortest action that it lies in, whose middle is near, and whose farther
    end is at a distance that its level is for.
    """
    found = [
        _of_video(points, (segments.to(points.time) - grid.first_s) / grid.step_s, labels, classes)
        for segments, labels in truth
    ]
    return Targets(*(torch.stack(column) for column in zip(*found, strict=True)))


def _of_video(
    points: Points, segments: torch.Tensor, labels: torch.Tensor, classes: int
) -> tuple[torch.Tensor, torch.Tensor]:
    count = points.time.shape[0]
    if not len(segments):
        return points.time.new_zeros(count, classes), points.time.new_zeros(count, 2)
    start, end = segments.unbind(1)
    distances = torch.stack(
        [points.time[:, None] - start, end - points.time[:, None]], dim=-1
    )  # [P, n, 2]
    farther = distances.amax(-1)
    from_middle = (points.time[:, None] - (start + end) / 2).abs()
    answers = (
        (distances.amin(-1) > 0)
        & (from_middle < RADIUS * points.stride[:, None])
        & (farther >= points.least[:, None])
        & (farther <= points.most[:, None])
    )
    lengths = (end - start).expand(count, -1).masked_fill(~answers, float("inf"))
    shortest, which = lengths.min(dim=1)
    alike = (lengths <= shortest[:, None] + SAME_LENGTH) & answers
    one_hot = torch.nn.functional.one_hot(labels.to(points.time.device), classes)
    said = (alike.to(start.dtype) @ one_hot.to(start.dtype)).clamp(max=1)
    nearest = distances[torch.arange(count, device=start.device), which]
    return said, nearest / points.stride[:, None]
