"""Networks that take a video one frame at a time and predict after each."""

from typing import Any, Protocol

import torch
from torch import nn


class Streaming(Protocol):
    """A network with `step` beside `forward`.

    The frames of a clip, fed one after another from no state, end with what `forward` gives for
    the clip.
    """

    def step(self, frame: torch.Tensor, state: Any | None) -> tuple[torch.Tensor, Any]:
        """Take one more frame.

        Args:
            frame: `[B, 3, H, W]`, float, normalised.
            state: What the step before gave, any nest of tensors; None before the first frame.

        Returns:
            The logits `[B, num_classes]` of all frames so far, and the state.
        """
        ...


def streams(module: nn.Module) -> bool:
    """Tell whether a network has a `step`, and so is `Streaming`."""
    return callable(getattr(module, "step", None))
