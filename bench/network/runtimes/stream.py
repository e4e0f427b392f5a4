"""Streaming networks in a runtime: the state of earlier frames is an input and an output."""

from collections import Counter
from collections.abc import Sequence

import torch

from .session import Session, nodes_of


class StreamSession:
    """A stream of frames through two exported steps: the first one, and each one after it."""

    def __init__(self, first: Session, following: Session) -> None:
        """Start before the first frame.

        Args:
            first: A frame `[B, 3, H, W]` -> logits and the state's tensors.
            following: A frame and those tensors -> logits and the next state's.
        """
        self._first, self._following = first, following
        self._state: tuple[torch.Tensor, ...] | None = None
        self.runs_on, self.arithmetic = following.runs_on, following.arithmetic
        self.threads, self.streams = following.threads, following.streams

    def nodes(self) -> dict[str, int]:
        """Return how many nodes of each type both graphs have; none where the runtime says none."""
        found = Counter(nodes_of(self._first))
        found.update(nodes_of(self._following))
        return dict(sorted(found.items()))

    def begin(self) -> None:
        """Forget all frames."""
        self._state = None

    def __call__(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """One more frame `[B, 3, H, W]` -> logits `[B, classes]` of all frames so far."""
        if self._state is None:
            outputs = self._first(*inputs)
        else:
            outputs = self._following(*inputs, *self._state)
        self._state = _own(outputs[1:])
        return outputs[:1]


class ClipsByFrame:
    """A session of whole clips that feeds a stream one frame after another."""

    def __init__(self, stream: StreamSession) -> None:
        """Take a stream of its own."""
        self._stream = stream
        self.runs_on, self.arithmetic = stream.runs_on, stream.arithmetic
        self.threads, self.streams = stream.threads, stream.streams

    def __call__(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """`clip: [B, 3, T, H, W]` -> logits `[B, classes]` after the last frame."""
        (clip,) = inputs
        self._stream.begin()
        outputs: tuple[torch.Tensor, ...] = ()
        for frame in clip.unbind(dim=2):
            outputs = self._stream(frame)
        return outputs


def _own(state: Sequence[torch.Tensor]) -> tuple[torch.Tensor, ...]:
    """Return copies: the next call may write where its outputs are, and reads them."""
    return tuple(each.clone() for each in state)
