"""Reading runs ahead of the network, in bounded memory; views become full batches."""

import threading
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from math import prod
from typing import TypeVar

import numpy as np
import torch

from ...datasets.errors import KinobenchError, VideoError
from ...datasets.split import Video
from ...datasets.video.reader import Room
from ..machine.environment import available_memory_bytes
from ..network.failures import out_of_memory
from ..network.inputs import Inputs, VideoInputs, ViewSource
from ..network.network import Forward

AHEAD_BYTES = 2**30
"""The least bound of what readers hold and of what waits for the network, whatever is free."""
AHEAD_SHARE = 1 / 8
"""Of the memory that is free; there may be a process for each of eight GPUs."""
READER_BYTES = 5 * 2**28
"""That are meant for one reader: 187 frames of 1920x1080, the clips of a video of 10 s."""

Read = Callable[[Video, Room], VideoInputs]

Note = Callable[[str], None]
"""Called with what a reader of a result should know."""

_T = TypeVar("_T")


class FrameRooms:
    """Room for the frames of the videos that are read ahead, bounded in bytes and used again.

    It is given out in the order of the videos, so that none waits for one that comes after it. A
    video gets its room, however large, where no other has any.

    Fresh memory costs the system more than it costs to decode into it: what is given back is given
    out again, if it is large enough and not twice too large.
    """

    def __init__(self, limit_bytes: int, pinned: bool = False, beside_bytes: int = 0) -> None:
        """Start empty.

        Args:
            limit_bytes: The bound.
            pinned: A GPU can fetch from it beside its other work.
            beside_bytes: What each video has beside its frames, counted as long as these are.
        """
        self._beside_bytes = beside_bytes
        self._limit_bytes = limit_bytes
        self._pinned = pinned
        self._changed = threading.Condition()
        self._next = 0
        self._settled: set[int] = set()
        self._given: dict[int, np.ndarray] = {}
        self._free: list[np.ndarray] = []
        self._closed = False

    @property
    def bytes_given(self) -> int:
        """How much is in use."""
        frames = sum(memory.nbytes for memory in self._given.values())
        return frames + len(self._given) * self._beside_bytes

    def give(self, turn: int, shape: tuple[int, ...]) -> np.ndarray:
        """Wait for the turn, and for enough room, and return an array of that shape, uint8.

        Raises:
            KinobenchError: Nobody wants it any more.
        """
        wanted = prod(shape)

        def ready() -> bool:
            within = self.bytes_given + wanted + self._beside_bytes <= self._limit_bytes
            return self._closed or (turn == self._next and (not self._given or within))

        with self._changed:
            self._changed.wait_for(ready)
            if self._closed:
                raise KinobenchError("reading was given up")
            memory = self._found(wanted)
            self._given[turn] = memory
            self._settle(turn)
        return memory[:wanted].reshape(shape)

    def take_back(self, turn: int) -> None:
        """Take back what a turn was given; one that never asked will not ask any more."""
        with self._changed:
            memory = self._given.pop(turn, None)
            if memory is not None:
                self._free.append(memory)
            self._settle(turn)

    def close(self) -> None:
        """Let nobody wait any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _settle(self, turn: int) -> None:
        if turn >= self._next:
            self._settled.add(turn)
        while self._next in self._settled:
            self._settled.remove(self._next)
            self._next += 1
        self._changed.notify_all()

    def _found(self, wanted: int) -> np.ndarray:
        fitting = [m for m in self._free if wanted <= m.nbytes <= 2 * wanted]
        if fitting:
            chosen = min(fitting, key=lambda memory: memory.nbytes)
            self._free = [memory for memory in self._free if memory is not chosen]
            return chosen
        self._free = self._free[1:]  # one is made, one goes: there never are more than were in use
        while self._free and self.bytes_given + wanted + self._free_bytes() > self._limit_bytes:
            self._free.pop()
        if self._pinned:
            return torch.empty(wanted, dtype=torch.uint8, pin_memory=True).numpy()
        return np.empty(wanted, dtype=np.uint8)

    def _free_bytes(self) -> int:
        return sum(memory.nbytes for memory in self._free)


def read_ahead(
    videos: Sequence[Video],
    read: Read,
    readers: int,
    *,
    ahead_bytes: int | None = None,
    beside_bytes: int = 0,
    pinned: bool = False,
) -> Generator[tuple[Video, VideoInputs | VideoError], None, None]:
    """Yield each video in order with what was read of it, or why it couldn't be.

    `readers` files are read side by side, in threads, and up to twice as many are ahead, of which
    the frames, and `beside_bytes` of each, take up to `ahead_bytes`; None lets them take a share of
    what memory is free, as `ahead_limit` says. What is yielded holds until the next is asked for.

    Raises:
        KinobenchError: What `read` raises, but for VideoError.
    """
    rooms = FrameRooms(
        ahead_limit(readers) if ahead_bytes is None else ahead_bytes, pinned, beside_bytes
    )

    def attempt(turn: int, video: Video) -> VideoInputs | VideoError:
        try:
            return read(video, lambda shape: rooms.give(turn, shape))
        except VideoError as error:
            rooms.take_back(turn)
            return error

    waiting = enumerate(videos)
    ahead: deque[tuple[int, Video, Future[VideoInputs | VideoError]]] = deque()
    # One operator of torch's uses one thread: there are others to keep the processors busy.
    single = partial(torch.set_num_threads, 1)
    with ThreadPoolExecutor(readers, "reader", single) as pool:
        try:
            while True:
                while len(ahead) < 2 * readers and (following := next(waiting, None)) is not None:
                    ahead.append((*following, pool.submit(attempt, *following)))
                if not ahead:
                    return
                turn, video, future = ahead.popleft()
                yield video, future.result()
                rooms.take_back(turn)
        finally:
            rooms.close()
            pool.shutdown(cancel_futures=True)


def ahead_limit(readers: int) -> int:
    """Return how many bytes the frames of videos may take that readers hold or that wait.

    It grows with the readers, so that each has a video in hand and one more may wait, as far as a
    share of the memory allows that is free now. One bound holds however many videos there are.
    """
    return max(
        AHEAD_BYTES, min((readers + 1) * READER_BYTES, int(AHEAD_SHARE * available_memory_bytes()))
    )


class Forwards:
    """Views go in one video at a time, logits come out in the same order.

    Every forward is of the same number of views: what lacks at the end of a shard is filled up with
    its last view, and what the network gives for that is dropped. So a result can depend neither on
    the videos of another shard nor on how an operator treats another number of views.

    Where memory runs out, forwards are of half as many views from then on: each batch of views goes
    through in two halves, and in four quarters if that is still too much. Where it runs out as
    views are made, those that are there go through, and there is room for half as many from then
    on.

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
            forward: Logits `[B, classes]` of views of these shapes.
            shapes: Of each argument of a forward, without the batch.
            classes: How many logits a view has.
            batch: Views in a batch, and in a forward if memory lets it.
            at_most: Views in a forward where it is known that memory lets no more.
            device: Where the network is.
            dtype: What it takes.
            note: Called with what a reader of the result should know.
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
        """Put in all views of a video, whose sources `make` gives; it may be called again."""
        self.add(self._with_less_room(make))

    def add(self, sources: Sequence[ViewSource]) -> None:
        """Put in all views of a video; `sources` are those of the arguments of a forward."""
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
        """Return what the attempt gives, with room for fewer views where memory ends."""
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
            self._arguments = ()  # before there are others
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
            # Fetched while the next batch is computed: nothing waits for it until then.
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
            logits = self._forward(*views).float()
            if tuple(logits.shape) != (len(views[0]), self._classes):
                raise KinobenchError(
                    f"the network gives {list(logits.shape)} for {len(views[0])} views and "
                    f"{self._classes} classes; logits must be [B, classes]"
                )
            # The next forward may write where this one did.
            parts.append(logits.clone() if len(logits) < self._capacity else logits)
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def _halving(self, attempt: Callable[[], _T]) -> _T:
        """Return what the attempt gives, with half as many views in a forward where memory ends."""
        while True:
            try:
                return attempt()
            except Exception as error:
                if self.batch == 1 or not out_of_memory(error):
                    raise
            # Only here does nothing hold on to what the failed forward had allocated.
            if self._device.type == "cuda":
                torch.cuda.empty_cache()
            self._note(
                f"out of memory with {self.batch} views in a forward; from then on "
                f"{self.batch // 2}"
            )
            self.batch //= 2
