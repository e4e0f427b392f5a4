"""What a network takes: RGB clips, optical flow, or both."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch

from ..datasets.flow_cache import FlowCache
from ..datasets.flow_methods import FlowMethod
from ..datasets.flow_views import flow_views
from ..datasets.protocol import Protocol
from ..datasets.video import Clips
from ..datasets.views import make_views
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


class VideoInputs(NamedTuple):
    """What a reader has of a video; its RGB views are made where the network is.

    Attributes:
        kinds: What the network takes.
        clips: The decoded frames.
        protocol: How they become views.
        flow: `[V, 2 * (T - 1), size, size]`; None where the network takes none.
    """

    kinds: tuple[Input, ...]
    clips: Clips
    protocol: Protocol
    flow: torch.Tensor | None

    def on(self, device: torch.device | str) -> Inputs:
        """Return the arguments of a forward of all views, on a device."""
        made: list[torch.Tensor] = []
        for kind in self.kinds:
            if kind == "rgb":
                clips = self.clips
                made.append(make_views(clips.frames, clips.places, self.protocol, device))
            else:
                assert self.flow is not None
                made.append(self.flow.to(device))
        return tuple(made)


def video_inputs(
    path: str | Path,
    clips: Clips,
    protocol: Protocol,
    kinds: Sequence[Input],
    method: FlowMethod,
    cache: FlowCache | None,
) -> VideoInputs:
    """Compute what a network of these `kinds` needs beside the frames of a video.

    Raises:
        KinobenchError: The flow can't be computed or kept; see `flow_views`.
    """
    flow = None
    if "flow" in kinds:
        kept = None if cache is None else cache.of_video(path, clips.numbers)
        flow = flow_views(clips.frames, clips.places, protocol, method, cache=kept)
    return VideoInputs(tuple(kinds), clips, protocol, flow)
