"""Random arguments of a network."""

from collections.abc import Sequence

import torch

from ...zoo.spec import BOXES_PER_CLIP, Input, input_shapes

LEAST_SIDE = 0.1
"""The least side of a random box, as a share of the frame."""


def random_inputs(
    kinds: Sequence[Input],
    batch: int,
    frames: int,
    size: int,
    generator: torch.Generator,
    boxes: int = BOXES_PER_CLIP,
) -> tuple[torch.Tensor, ...]:
    """Return random arguments, float32 on the CPU.

    RGB is normal, flow is uniform in [-1, 1], and `boxes` of each clip are anywhere in the frame,
    clip by clip.
    """
    shapes = input_shapes(kinds, batch, frames, size, boxes)
    return tuple(
        torch.randn(shape, generator=generator)
        if kind == "rgb"
        else random_boxes(batch, boxes, generator)
        if kind == "boxes"
        else torch.rand(shape, generator=generator).mul_(2).sub_(1)
        for kind, shape in zip(kinds, shapes, strict=True)
    )


def random_boxes(batch: int, boxes: int, generator: torch.Generator) -> torch.Tensor:
    """Return boxes `[batch * boxes, 5]`: the clip's number, then x1, y1, x2, y2 from 0 to 1."""
    sides = torch.rand((batch * boxes, 2), generator=generator) * (1 - LEAST_SIDE) + LEAST_SIDE
    corners = torch.rand((batch * boxes, 2), generator=generator) * (1 - sides)
    clips = torch.arange(batch, dtype=torch.float32).repeat_interleave(boxes)
    return torch.cat([clips[:, None], corners, (corners + sides).clamp(max=1)], dim=1)
