"""Views become full batches, and batches become logits."""

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

import numpy as np
import torch

from ...datasets.errors import KinobenchError
from ...datasets.plurals import quantity
from ..network.failures import out_of_memory
from ..network.inputs import Inputs, ViewSource
from ..network.network import Forward
from ..network.outputs import logits_of

Note = Callable[[str], None]
"""Called with a remark that a reader of the result should know."""

_T = TypeVar("_T")


class Forwards:
    """Views go in one video at a time, logits come out in the same order.

    Every forward has the same number of views: at the end of a shard, the last view is repeated
    until the batch is full, and the logits of the repetitions are dropped. So a result can depend
    neither on the videos of another shard nor on how an operator treats another number of views.

    When memory runs out in a forward, later forwards have half as many views: each batch goes
    through in two halves, and in four quarters if that is still too much. When memory runs out
    while views are made, the finished ones go through, and from then on a batch has room for half
    as many.

    Attributes:
        batch: Views in a forward.
    """

    def __init__(
        self,
        forward: Forward,
        shapes: Sequence[tuple[int, ...]],
        classes: int,
        batch: int,
        *,
        at_most: int | None = None,
        device: torch.device,
        dtype: torch.dtype = torch.float32,
        note: Note = lambda text: None,
    ) -> None:
        """Make room for a batch.

        Args:
            forward: Gives logits `[B, classes]` of views of these shapes, and leaves the views as
                they are: they go through again where memory runs out.
            shapes: Shape of each argument of a forward, without the batch.
            classes: Number of logits of a view.
            batch: Views in a batch, and in a forward if memory allows it.
            at_most: Views in a forward, if it is known that memory allows no more.
            device: Device of the network.
            dtype: Type of its inputs.
            note: Called with a remark that a reader of the result should know.
        """
        self.batch = batch
        self._forward = forward
        self._classes = classes
        self._device = device
        self._note = note
        self._shapes = tuple(shapes)
        self._dtype = dtype
        self._arguments: Inputs = ()
        self._make_room()
        self.batch = min(self.batch, at_most or self.batch)
        self._filled = 0
        self._sent: deque[tuple[torch.Tensor, torch.cuda.Event | None]] = deque()
        self._finished: list[np.ndarray] = []

    def take(self, make: Callable[[], Sequence[ViewSource]]) -> None:
        """Add all views of a video; `make` gives their sources and may be called again."""
        self.add(self._with_less_room(make))

    def add(self, sources: Sequence[ViewSource]) -> None:
        """Add all views of a video; there is a source for each argument of a forward."""
        count = len(sources[0])
        first = 0
        while first < count:
            written = self._with_less_room(partial(self._write, sources, first))
            first += written
            self._filled += written
            if self._filled == self._capacity:
                self._run()

    def _write(self, sources: Sequence[ViewSource], first: int) -> int:
        """Write as many views from `first` on as there is room for; return how many."""
        room = min(self._capacity - self._filled, len(sources[0]) - first)
        for source, argument in zip(sources, self._arguments, strict=True):
            source.write(first, argument[self._filled : self._filled + room])
        return room

    def finish(self) -> np.ndarray:
        """Return the logits of all views since the last time, `[views, classes]`, float32."""
        self._flush()
        while self._sent:
            self._receive()
        finished, self._finished = self._finished, []
        return np.concatenate([np.zeros((0, self._classes), dtype=np.float32), *finished])

    def _flush(self) -> None:
        if self._filled:
            for argument in self._arguments:
                argument[self._filled :] = argument[self._filled - 1]
            self._run()

    def _make_room(self) -> None:
        """Allocate the arguments of `batch` views."""
        self._arguments = self._halving(
            lambda: tuple(
                torch.empty((self.batch, *shape), dtype=self._dtype, device=self._device)
                for shape in self._shapes
            )
        )
        self._capacity = self.batch

    def _with_less_room(self, attempt: Callable[[], _T]) -> _T:
        """Return the attempt's result, with room for fewer views if memory runs out."""
        while True:
            try:
                return attempt()
            except Exception as error:
                if self._capacity == 1 or not out_of_memory(error):
                    raise
            if self._device.type == "cuda":
                torch.cuda.empty_cache()
            self._flush()
            before = self._capacity
            if self.batch == before:
                self.batch //= 2
            self._arguments = ()  # freed before others are made
            if self._device.type == "cuda":
                torch.cuda.empty_cache()
            self._make_room()
            self._note(
                f"out of memory as views were made, with room for {before}; from then on "
                f"{self._capacity}"
            )

    def _run(self) -> None:
        count, self._filled = self._filled, 0
        logits = self._halving(lambda: self._logits(self._arguments))[:count]
        if self._device.type == "cuda":
            # It is fetched while the next batch is computed: nothing waits for it until then.
            host = torch.empty(logits.shape, pin_memory=True).copy_(logits, non_blocking=True)
            event = torch.cuda.Event()
            event.record()
            self._sent.append((host, event))
            if len(self._sent) > 1:
                self._receive()
        else:
            self._finished.append(logits.numpy().copy())  # a network may write there again

    def _receive(self) -> None:
        host, event = self._sent.popleft()
        if event is not None:
            event.synchronize()
        self._finished.append(host.numpy())

    def _logits(self, arguments: Inputs) -> torch.Tensor:
        """Return the logits `[capacity, classes]` of arguments of `capacity` views."""
        parts = []
        for views in zip(*(each.split(self.batch) for each in arguments), strict=True):
            logits = logits_of(self._forward(*views)).float()
            if tuple(logits.shape) != (len(views[0]), self._classes):
                given = quantity(len(views[0]), "view")
                classes = quantity(self._classes, "class", "classes")
                raise KinobenchError(
                    f"the network gives {list(logits.shape)} for {given} and {classes}; logits "
                    "must be [B, classes]"
                )
            # The next forward may write where this one did.
            parts.append(logits.clone() if len(logits) < self._capacity else logits)
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def _halving(self, attempt: Callable[[], _T]) -> _T:
        """Return the attempt's result, with half as many views in a forward if memory runs out."""
        while True:
            try:
                return attempt()
            except Exception as error:
                if self.batch == 1 or not out_of_memory(error):
                    raise
            # Only here is the memory of the failed forward no longer referenced.
            if self._device.type == "cuda":
                torch.cuda.empty_cache()
            self._note(
                f"out of memory with {self.batch} views in a forward; from then on "
                f"{self.batch // 2}"
            )
            self.batch //= 2
