"""A forward captured in a CUDA graph, which the host replays in one call."""

import gc
from collections.abc import Callable
from typing import Any

import torch

from ...datasets.errors import KinobenchError
from .inputs import Inputs
from .outputs import logits_of
from .own_clips import Witness


class CapturedForward:
    """Copies arguments into the captured ones and replays the graph.

    Attributes:
        writes: The forward writes into its arguments; they are filled again before each replay.
        peak_activation_bytes: Peak of the capture, less what was resident before it.
        peak_allocated_bytes: Peak of the capture as a whole.
        peak_reserved_bytes: Most that CUDA's allocator reserved during the capture.
        pool: The graph's own memory pool, as torch numbers it.
    """

    def __init__(self, forward: Callable[..., Any], inputs: Inputs, model: str) -> None:
        """Capture a forward of arguments of this shape.

        Three forwards on a side stream come before the capture, as torch's notes on CUDA graphs
        ask; whatever is compiled or tuned is so in them.

        Raises:
            KinobenchError: The forward of `model` does what can't be captured, or gives no logits.
        """
        self._inputs = tuple(each.clone() for each in inputs)
        self._batch = len(self._inputs[0])
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.inference_mode(), torch.cuda.stream(side):
            witness = Witness(self._inputs)
            for _ in range(3):
                forward(*_aliases(self._inputs))
        torch.cuda.current_stream().wait_stream(side)
        torch.cuda.synchronize()
        with torch.inference_mode():
            self.writes = witness.changed()
        del witness
        # A capture begins so too, but only after the peaks are set back: they would be those of
        # what earlier forwards left.
        gc.collect()
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        resident = torch.cuda.memory_allocated()
        self._graph = torch.cuda.CUDAGraph()
        try:
            with torch.inference_mode(), torch.cuda.graph(self._graph):
                self._logits = logits_of(forward(*_aliases(self._inputs)), model)
        except RuntimeError as error:
            first = _first(error)
            if isinstance(first, torch.OutOfMemoryError):
                raise first from None
            raise KinobenchError(_why_not(model, first)) from error
        self.peak_allocated_bytes = torch.cuda.max_memory_allocated()
        self.peak_activation_bytes = self.peak_allocated_bytes - resident
        self.peak_reserved_bytes = torch.cuda.max_memory_reserved()
        self.pool = self._graph.pool()

    def __call__(self, *inputs: torch.Tensor) -> torch.Tensor:
        """Arguments of any number of clips -> logits `[B, classes]`.

        They go through the captured batch; the last ones share it with old content. Logits of one
        batch are in the memory that the next replay writes.
        """
        parts = []
        for arguments in zip(*(each.split(self._batch) for each in inputs), strict=True):
            clips = len(arguments[0])
            for captured, given in zip(self._inputs, arguments, strict=True):
                captured[:clips].copy_(given)
            self._graph.replay()
            parts.append(self._logits[:clips])
            if len(inputs[0]) > self._batch:
                parts[-1] = parts[-1].clone()
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def pool_bytes(self) -> int | None:
        """Return the bytes of the graph's pool; None where torch doesn't report them."""
        segments = torch.cuda.memory_snapshot()
        sizes = [
            segment["total_size"]
            for segment in segments
            if tuple(segment.get("segment_pool_id", ())) == tuple(self.pool)
        ]
        return sum(sizes) if sizes else None


def _aliases(inputs: Inputs) -> Inputs:
    """Return tensors of the same memory: a forward may give them other shapes in place."""
    return tuple(each.view(each.shape) for each in inputs)


def _first(error: BaseException) -> BaseException:
    """Return what failed first: ending a broken capture fails once more, with another message."""
    while error.__context__ is not None:
        error = error.__context__
    return error


def _why_not(model: str, error: BaseException) -> str:
    said = next(iter(str(error).strip().splitlines()), "no message")
    return (
        f"{model} can't be captured in a CUDA graph: its forward does what a capture forbids, "
        f"such as copying from the host or waiting for the GPU (CUDA's message: {said}); "
        "measure it with --mode eager or --mode compile"
    )
