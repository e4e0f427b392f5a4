"""The contract of a network: its builder, its inputs, and its steps where it streams."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol

import msgspec

from ..datasets.names import Task

if TYPE_CHECKING:
    import torch
    from torch import nn

Builder = Callable[[int, int, int], "nn.Module"]
Input = Literal["rgb", "flow", "boxes"]
INPUTS: tuple[tuple[Input, ...], ...] = (("rgb",), ("flow",), ("rgb", "flow"), ("rgb", "boxes"))
"""The inputs that a network may take, in this order."""


BOXES_PER_CLIP = 1
"""Boxes of a clip where nobody gives their number: a cost is that of a clip with one person."""


class Architecture(msgspec.Struct, frozen=True, kw_only=True):
    """A network definition under the one contract.

    `build(num_classes, frames, size)` gives a module that takes `clip: [B, 3, frames, size, size]`,
    normalised float, and gives logits `[B, num_classes]`. Everything else (folding frames into the
    batch, splitting pathways, stacking channels) happens inside the module. If `inputs` names
    `flow`, the module takes `flow: [B, 2 * (frames - 1), size, size]` there: channel 2k is the
    displacement in x and 2k + 1 the one in y from frame k to frame k + 1, from -1 to 1, where 1 is
    20 pixels. If it names `boxes` (`task` is `detection`), the module takes `boxes: [N, 5]` there:
    the number of the clip, then x1, y1, x2, y2 as shares of the frame, from 0 to 1; its logits are
    `[N, num_classes]`. If `task` is `localization`, `build` gives a `Localized` (localizers/),
    whose clips are windows of one video, `[windows, 3, frames, size, size]`.

    Attributes:
        name: Lower case; the origin's own name where there is one, as `org/net`.
        build: The builder, called positionally with `(num_classes, frames, size)`.
        family: The kind of network: `single_frame`, `late_fusion`, `c3d`, ...
        paper: Authors, title, venue and year of the paper, or the repository, that it implements.
        year: The paper's year.
        inputs: The inputs of the module, in order.
        native: The input `(frames, stride, size)` of the paper, or of the data that a tiny variant
            is made for; None if there is none.
        task: What it says of a video.
        libraries: Modules that the builder imports, apart from its own. They take seconds to load,
            so a process that forks others loads them first.
    """

    name: str
    build: Builder
    family: str
    paper: str
    year: int | None = None
    inputs: tuple[Input, ...] = ("rgb",)
    native: tuple[int, int, int] | None = None
    task: Task = "classification"
    libraries: tuple[str, ...] = ()


def input_shapes(
    kinds: Sequence[Input], batch: int, frames: int, size: int, boxes: int = BOXES_PER_CLIP
) -> tuple[tuple[int, ...], ...]:
    """Return the shape of each argument of a network that takes `kinds`, in order.

    `rgb` is `[batch, 3, frames, size, size]`. `flow` is `[batch, 2 * (frames - 1), size, size]`:
    the displacements in x and in y from each frame to the next. `boxes` is `[batch * boxes, 5]`,
    the same number for each clip.
    """
    shapes = {
        "rgb": (batch, 3, frames, size, size),
        "flow": (batch, 2 * (frames - 1), size, size),
        "boxes": (batch * boxes, 5),
    }
    return tuple(shapes[kind] for kind in kinds)


class Streaming(Protocol):
    """A network that takes one frame at a time with `step`, and predicts after each.

    After the last frame of a clip, `step` gives the logits that `forward` gives for the clip.
    """

    def step(self, frame: "torch.Tensor", state: Any | None) -> "tuple[torch.Tensor, Any]":
        """Take one more frame.

        Args:
            frame: `[B, 3, H, W]`, float, normalised.
            state: The state from the previous step, any nest of tensors; None for the first frame.

        Returns:
            The logits `[B, num_classes]` of all frames so far, and the state.
        """
        ...


def streams(module: "nn.Module") -> bool:
    """Return whether a network has a `step`, that is, whether it is `Streaming`."""
    return callable(getattr(module, "step", None))
