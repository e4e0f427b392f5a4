"""Random arguments of a network."""

from collections.abc import Sequence

import torch

from ...zoo.spec import Input, input_shapes


def random_inputs(
    kinds: Sequence[Input], batch: int, frames: int, size: int, generator: torch.Generator
) -> tuple[torch.Tensor, ...]:
    """Return random arguments, float32 on the CPU: RGB is normal, flow is uniform in [-1, 1]."""
    shapes = input_shapes(kinds, batch, frames, size)
    return tuple(
        torch.randn(shape, generator=generator)
        if kind == "rgb"
        else torch.rand(shape, generator=generator).mul_(2).sub_(1)
        for kind, shape in zip(kinds, shapes, strict=True)
    )
