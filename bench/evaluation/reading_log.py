"""The videos that a process is reading, in a file that outlives it.

A decoder may end its process. What it was reading then is found in this file: a number of a few
bytes for each thread, written before a video is read and cleared after it.
"""

import glob
import struct
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakSet

from ...datasets.files import read_regular
from ...datasets.names import file_name
from ...datasets.split import Video
from ..records.case import Case

if TYPE_CHECKING:
    import numpy as np

    from ...datasets.video.stores import Room

SUFFIX = ".reading"
"""The end of such a file's name."""
OVERDUE_EXIT = 75
"""Exit code of a process that ended itself because reading a file took too long."""
_PLACE = struct.Struct("<q")
"""The number of a video in its split, from 1; 0 for none."""

_open_logs: "WeakSet[ReadingLog]" = WeakSet()


class ReadingLog:
    """Follows which videos the threads of this process are reading, and since when.

    Attributes:
        path: The file; None keeps none.
        unlimited: Ids of videos that are never overdue.
    """

    def __init__(
        self,
        path: Path | None,
        videos: Sequence[Video],
        clock: Callable[[], float] = time.monotonic,
        unlimited: Collection[str] = (),
    ) -> None:
        """Begin the file.

        Args:
            path: The file; None keeps none.
            videos: All videos of the split, in their order.
            clock: Gives the time in seconds.
            unlimited: Ids of videos that are never overdue.

        Raises:
            OSError: The file can't be made.
        """
        self.path = path
        self._numbers = {video.id: number for number, video in enumerate(videos, 1)}
        self._clock = clock
        self.unlimited = frozenset(unlimited)
        self._lock = threading.Lock()
        self._since: list[float | None] = []
        self._video: list[str] = []
        self._free: list[int] = []
        self._file = None if path is None else path.open("wb", buffering=0)
        _open_logs.add(self)

    @contextmanager
    def reading(self, video: Video, room: "Room") -> "Iterator[Room]":
        """Log that a video is being read, in this thread, for as long as the context lasts.

        The context gives the room to read into: the time of waiting for it doesn't count.
        """
        place = self._begin(video)

        def wait_for_room(shape: tuple[int, ...]) -> "np.ndarray":
            self._since[place] = None
            try:
                return room(shape)
            finally:
                self._since[place] = self._clock()

        try:
            yield wait_for_room
        finally:
            self._end(place)

    def overdue(self, limit_s: float) -> list[str]:
        """Return the ids of the videos that have been read for longer than that."""
        now = self._clock()
        with self._lock:
            return [
                video
                for video, since in zip(self._video, self._since, strict=True)
                if since is not None and now - since > limit_s and video not in self.unlimited
            ]

    def keep_only(self, videos: Sequence[str]) -> None:
        """Clear all others from the file: this process is about to be ended because of these."""
        with self._lock:
            for place, video in enumerate(self._video):
                if video not in videos:
                    self._write(place, 0)

    def close(self) -> None:
        """Remove the file: nothing in it was the end of this process."""
        with self._lock:
            file, self._file = self._file, None
        if file is not None and self.path is not None:
            file.close()
            with suppress(OSError):
                self.path.unlink(missing_ok=True)

    def _begin(self, video: Video) -> int:
        with self._lock:
            place = self._free.pop() if self._free else len(self._video)
            if place == len(self._video):
                self._video.append("")
                self._since.append(None)
            self._video[place] = video.id
            self._since[place] = self._clock()
            self._write(place, self._numbers.get(video.id, 0))
        return place

    def _end(self, place: int) -> None:
        with self._lock:
            self._video[place] = ""
            self._since[place] = None
            self._free.append(place)
            self._write(place, 0)

    def _write(self, place: int, number: int) -> None:
        if self._file is None:
            return
        with suppress(OSError):  # a full disk: the next shard will report it
            self._file.seek(place * _PLACE.size)
            self._file.write(_PLACE.pack(number))


def logged(path: Path, videos: Sequence[Video]) -> list[Video]:
    """Return the videos that a process was reading when it died, from the log that it left."""
    try:
        content = read_regular(path)
    except OSError:
        return []
    whole = content[: len(content) // _PLACE.size * _PLACE.size]
    numbers = {number for (number,) in _PLACE.iter_unpack(whole)}
    return [videos[number - 1] for number in sorted(numbers) if 0 < number <= len(videos)]


def close_all_logs() -> None:
    """Remove the logs of this process, which is about to be ended, and not because of a video."""
    for log in list(_open_logs):
        log.close()


def remove_logs(predictions: Path, case: Case, name: str) -> None:
    """Remove the logs of a process that was ended while it measured a case, whatever it did.

    Args:
        predictions: Folder of the predictions of the results.
        case: The case.
        name: Name of its measurement; see `Job.predictions`.
    """
    folders = f"{glob.escape(file_name(case.model))}-{case.digest}-*"
    timed = predictions / f".{name}-pipeline"
    for log in (*predictions.glob(f"{folders}/*/{name}{SUFFIX}"), *timed.glob(f"*{SUFFIX}")):
        with suppress(OSError):
            log.unlink(missing_ok=True)
    with suppress(OSError):
        timed.rmdir()
