"""What a network takes: RGB clips, optical flow, or both."""

from collections.abc import Sequence

import torch

from ..zoo.spec import Input

Inputs = tuple[torch.Tensor, ...]
"""The arguments of one forward, each with the batch first."""


def input_shapes(
    kinds: Sequence[Input], batch: int, frames: int, size: int
) -> tuple[tuple[int, ...], ...]:
    """Return the shape of each argument of a network that takes `kinds`, in order.

    `rgb` is `[batch, 3, frames, size, size]`. `flow` is `[batch, 2 * (frames - 1), size, size]`:
    the displacements in x and in y from each frame to the next.
    """
    shapes = {
        "rgb": (batch, 3, frames, size, size),
        "flow": (batch, 2 * (frames - 1), size, size),
    }
    return tuple(shapes[kind] for kind in kinds)


def random_inputs(
    kinds: Sequence[Input], batch: int, frames: int, size: int, generator: torch.Generator
) -> Inputs:
    """Return random arguments, float32 on the CPU: RGB is normal, flow is uniform in [-1, 1]."""
    shapes = input_shapes(kinds, batch, frames, size)
    return tuple(
        torch.randn(shape, generator=generator)
        if kind == "rgb"
        else torch.rand(shape, generator=generator).mul_(2).sub_(1)
        for kind, shape in zip(kinds, shapes, strict=True)
    )
