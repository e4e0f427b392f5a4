"""Reading runs ahead of the network, in bounded memory."""

import threading
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from math import prod

import numpy as np
import torch

from ...datasets.errors import KinobenchError, VideoError
from ...datasets.split import Video
from ...datasets.video.stores import Room
from ..machine.environment import available_memory_bytes
from ..network.inputs import VideoInputs

AHEAD_BYTES = 2**30
"""The frames that are read ahead may always take this much, however little memory is free."""
AHEAD_SHARE = 1 / 8
"""Share of the free memory; there may be a process for each of eight GPUs."""
READER_BYTES = 2**29
"""Memory meant for one reader: 384 pictures of 256x455 as floats, the clips of a video of 12 s."""

Read = Callable[[Video, Room], VideoInputs]


class FrameRooms:
    """Room for what is kept of the videos that are read ahead, bounded in bytes and used again.

    Room is given out in the order of the videos, so that none waits for one that comes after it. A
    video gets its room, however large, if no other video has any.

    Fresh memory costs the system more than decoding into it: memory that is given back is given out
    again, if it is large enough and not more than twice as large as needed.
    """

    def __init__(self, limit_bytes: int, pinned: bool = False, extra_bytes: int = 0) -> None:
        """Start empty.

        Args:
            limit_bytes: Bound of all rooms together.
            pinned: A GPU can fetch from the memory while it does other work.
            extra_bytes: Memory of a video besides its frames, counted as long as its frames are.
        """
        self._extra_bytes = extra_bytes
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
        """Bytes in use."""
        frames = sum(memory.nbytes for memory in self._given.values())
        return frames + len(self._given) * self._extra_bytes

    def give(self, turn: int, shape: tuple[int, ...]) -> np.ndarray:
        """Wait for the turn and for enough room; return an array of that shape, uint8.

        A turn that asks again, since its video is read again, gives back what it has; it waits for
        no other turn.

        Raises:
            KinobenchError: The rooms are closed.
        """
        wanted = prod(shape)

        def ready() -> bool:
            within = self.bytes_given + wanted + self._extra_bytes <= self._limit_bytes
            return self._closed or (turn == self._next and (not self._given or within))

        with self._changed:
            former = self._given.pop(turn, None)
            if former is None:
                self._changed.wait_for(ready)
            else:
                self._free.append(former)
            if self._closed:
                raise KinobenchError("reading was stopped")
            memory = self._found(wanted)
            self._given[turn] = memory
            self._settle(turn)
        return memory[:wanted].reshape(shape)

    def take_back(self, turn: int) -> None:
        """Take back a turn's memory; a turn that never asked for any will not ask any more."""
        with self._changed:
            memory = self._given.pop(turn, None)
            if memory is not None:
                self._free.append(memory)
            self._settle(turn)

    def close(self) -> None:
        """End all waiting."""
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
        self._free = self._free[1:]  # one is made, one goes: there are never more than were in use
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
    extra_bytes: int = 0,
    pinned: bool = False,
) -> Generator[tuple[Video, VideoInputs | VideoError], None, None]:
    """Yield each video in order with its inputs, or with the reason why it can't be read.

    Threads read `readers` files at the same time, and up to twice as many are read ahead. Their
    frames, and `extra_bytes` for each video, take up to `ahead_bytes`; None lets them take a share
    of the free memory, see `ahead_limit`. Inputs are valid until you ask for the next video.

    Raises:
        KinobenchError: `read` raises it, and it is no VideoError.
    """
    rooms = FrameRooms(
        ahead_limit(readers) if ahead_bytes is None else ahead_bytes, pinned, extra_bytes
    )

    def attempt(turn: int, video: Video) -> VideoInputs | VideoError:
        try:
            return read(video, lambda shape: rooms.give(turn, shape))
        except VideoError as error:
            rooms.take_back(turn)
            return error

    waiting = enumerate(videos)
    ahead: deque[tuple[int, Video, Future[VideoInputs | VideoError]]] = deque()
    # Each operator of torch uses one thread: the other readers keep the processors busy.
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
    """Return how many bytes the frames that are read ahead may take.

    The limit grows with the readers, so that each can read one video and one more can wait, as far
    as a share of the memory that is free now allows. It is the same however many videos there are.
    """
    return max(
        AHEAD_BYTES, min((readers + 1) * READER_BYTES, int(AHEAD_SHARE * available_memory_bytes()))
    )
