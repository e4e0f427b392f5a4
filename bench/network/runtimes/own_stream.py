"""The CUDA stream of a runtime that doesn't run on torch's own, in order with it."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


class OwnStream:
    """A stream that begins after what is on torch's current one, which then waits for it.

    So CUDA events on torch's stream time what runs on this one. Runtimes take no default stream,
    which is torch's current one: TensorRT waits for the GPU on it, and ONNX Runtime can't be given
    it.

    Attributes:
        address: Where CUDA has the stream.
    """

    def __init__(self) -> None:
        """Make it on torch's current device."""
        self._stream = torch.cuda.Stream()
        self.address: int = self._stream.cuda_stream

    @contextmanager
    def in_order(self) -> Iterator[None]:
        """Let what is put on the stream meanwhile run in order with torch's current one."""
        current = torch.cuda.current_stream()
        self._stream.wait_stream(current)
        yield
        current.wait_stream(self._stream)
