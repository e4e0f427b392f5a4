"""Mode `stream`: one frame in, one prediction out; the state of earlier frames is kept."""

from collections import Counter
from typing import Any, cast

import msgspec
import torch
from torch import nn
from torch.utils._pytree import TreeSpec, tree_flatten, tree_unflatten

from ...datasets.errors import KinobenchError
from ...zoo.spec import Streaming
from ..cost.flops import Counted, count_here, count_traffic
from ..cost.traffic import Traffic
from ..records.results import Cost
from .outputs import described


class Stream:
    """A stream of frames through a network; each call takes the next one."""

    def __init__(self, module: nn.Module) -> None:
        """Start before the first frame."""
        self.network = cast(Streaming, module)
        self.state: Any = None

    def __call__(self, frame: torch.Tensor) -> Any:
        """`frame: [B, 3, H, W]` -> logits `[B, num_classes]` of all frames so far.

        Raises:
            KinobenchError: `step` gives no pair of logits and state.
        """
        pair: Any = self.network.step(frame, self.state)
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise KinobenchError(
                f"`step` of {type(self.network).__name__} gives {described(pair)}; it must give "
                "(logits, state)"
            )
        logits, self.state = pair
        return logits


class FrameByFrame(nn.Module):
    """The forward of whole clips that feeds a streaming network one frame after another."""

    def __init__(self, network: nn.Module) -> None:
        """Take a network that has `step`."""
        super().__init__()
        self.network = network

    def forward(self, clip: torch.Tensor) -> Any:
        """`clip: [B, 3, T, H, W]` -> logits `[B, num_classes]` after the last frame."""
        stream: Stream = Stream(self.network)
        logits: Any = None
        for frame in clip.unbind(dim=2):
            logits = stream(frame)
        return logits


def count_step(module: nn.Module, frame: torch.Tensor) -> Counted:
    """Count what one more frame `[1, 3, H, W]` costs, once there is a state, in this process.

    That is the cost of two frames less that of one: the first frame may need less work. All other
    counts are those of two frames.
    """
    steps = FrameByFrame(module).eval()
    clips = (torch.stack([frame] * count, dim=2) for count in (1, 2))
    first, both = (count_here(steps, clip) for clip in clips)
    return msgspec.structs.replace(both, cost=_difference(both.cost, first.cost))


def _difference(two: Cost, one: Cost) -> Cost:
    """Return the cost of two frames less that of one."""
    by_operator = Counter(two.by_operator)
    by_operator.subtract(one.by_operator)
    known = one.torch_macs is not None and two.torch_macs is not None
    return Cost(
        macs=two.macs - one.macs,
        flops=two.flops - one.flops,
        other_flops=two.other_flops - one.other_flops,
        norm_elements=two.norm_elements - one.norm_elements,
        by_operator={name: count for name, count in sorted(by_operator.items()) if count},
        uncounted=two.uncounted,
        torch_macs=cast(int, two.torch_macs) - cast(int, one.torch_macs) if known else None,
    )


class _OneMore(nn.Module):
    """The step of a streaming network as a forward of the frame and the tensors of the state."""

    def __init__(self, network: nn.Module, state: TreeSpec) -> None:
        super().__init__()
        self.network = network
        self.state = state

    def forward(self, frame: torch.Tensor, *state: torch.Tensor) -> Any:
        """`frame: [B, 3, H, W]` -> logits `[B, num_classes]` and the next state."""
        step = cast(Streaming, self.network).step
        return step(frame, tree_unflatten(list(state), self.state))


def step_traffic(module: nn.Module, frame: torch.Tensor) -> Traffic:
    """Count the bytes of one more frame `[B, 3, H, W]`: the state is read and written.

    The network runs one frame before it, for the state.
    """
    with torch.inference_mode():
        _, state = cast(Streaming, module).step(frame, None)
    tensors, spec = tree_flatten(state)
    return count_traffic(_OneMore(module, spec).eval(), frame, *tensors)[1]
