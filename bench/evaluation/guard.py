"""Reading that no file can end: it is logged, watched, and repeated alone where it failed."""

import os
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TypeVar

from ...datasets.errors import KinobenchError, VideoError, reason_of
from ...datasets.split import Video
from ...datasets.video.machine_faults import MachineError, machine_fault
from ...datasets.video.stores import Room
from ...datasets.visible import one_line
from ..records.files import FREE_SPACE
from .alone import LoneReader
from .given_up import forget, give_up, kept_in
from .reading_log import OVERDUE_EXIT, SUFFIX, ReadingLog, logged

_NAMED = 8
"""Videos that a note names at most, of those that were being read."""

Result = TypeVar("Result")

_one_alone = threading.Lock()
"""Videos that lacked memory are read alone one after the other."""


class Guard:
    """Reads clips for an evaluation.

    Attributes:
        given_up: The reason why a video is not read, by its id.
    """

    def __init__(
        self,
        log: ReadingLog | None = None,
        given_up: Mapping[str, str] | None = None,
        alone: LoneReader | None = None,
    ) -> None:
        """Guard reading.

        Args:
            log: Gets each video while it is read; None logs nothing.
            given_up: See the attribute.
            alone: Reads a file for which there was no memory once more; None doesn't.
        """
        self.given_up = dict(given_up or {})
        self._log = log
        self._alone = alone

    @property
    def unlimited(self) -> tuple[str, ...]:
        """Ids of the videos whose reading may take any time."""
        return () if self._log is None else tuple(sorted(self._log.unlimited))

    def read(self, video: Video, room: Room, read: Callable[[Room], Result]) -> Result:
        """Read a video; return what `read` does.

        Args:
            video: The video.
            room: Gives memory; it may be asked again for a file that is read again.
            read: Reads the video into the memory that the given room gives.

        Raises:
            VideoError: It can't be read, or is given up, or needs more memory than a file may.
            MachineError: The machine failed: no memory though this file needs little, a disk that
                can't be read.
        """
        if video.id in self.given_up:
            raise VideoError(video.path, self.given_up[video.id])
        try:
            try:
                return self._read(video, room, read)
            except MachineError as error:
                if not error.lacks_memory or self._alone is None:
                    raise
                self._refuse_if_greedy(video, error)
            # Another file may have taken the memory, and has lost it by now.
            return self._read(video, room, read)
        except VideoError as error:
            fault = machine_fault(video.path)
            if fault is None:
                raise
            raise MachineError(video.path, f"{error.reason} ({fault})") from error

    def _read(self, video: Video, room: Room, read: Callable[[Room], Result]) -> Result:
        with self._logged(video, room) as logged_room:
            return read(logged_room)

    def _logged(self, video: Video, room: Room) -> AbstractContextManager[Room]:
        """Log that a video is being read into a room; the context gives the room to ask for."""
        return nullcontext(room) if self._log is None else self._log.reading(video, room)

    def _refuse_if_greedy(self, video: Video, error: MachineError) -> None:
        """Read a file alone for which there was no memory."""
        assert self._alone is not None
        with _one_alone:
            (reason,) = self._alone.reasons([video.path])
        if reason is not None:
            raise VideoError(video.path, reason) from error


@contextmanager
def guarded(
    log: Path,
    kept: Path,
    videos: Sequence[Video],
    alone: LoneReader,
    note: Callable[[str], None] = lambda text: None,
    on_alone: Callable[[int], None] = lambda count: None,
    again: bool = False,
    may_end: bool = True,
    unlimited: Collection[str] = (),
) -> Iterator[tuple[Guard, int]]:
    """Find out at which videos earlier processes died, and guard the reading of this one.

    Args:
        log: File for the log of this process, in a folder that only this process writes to.
        kept: Folder of the list of videos that were given up.
        videos: All videos of the split, in their order.
        alone: Reads the videos at which a process died.
        note: Called with a remark about these.
        on_alone: Called with their number, before they are read.
        again: Read alone also what was given up before.
        may_end: End this process if reading a file takes too long.
        unlimited: Ids of videos that may take any time; those join them that an earlier process
            was reading when it died, and that can be read alone.

    Returns:
        The guard, and how many videos were given up now.

    Raises:
        KinobenchError: A file in the folder can't be written; the machine failed.
    """
    try:
        new, innocent = _judge_suspects(log.parent, kept, videos, alone, note, on_alone, again)
        reading = ReadingLog(log, videos, unlimited={*unlimited, *innocent})
    except OSError as error:
        raise KinobenchError(
            f"{log.parent} can't be written: {reason_of(error)}; {FREE_SPACE}"
        ) from error
    try:
        with watched(reading, alone.limits.timeout_s if may_end else None):
            yield Guard(reading, kept_in(kept, videos, alone.digest).reasons, alone), new
    finally:
        reading.close()


def _judge_suspects(
    folder: Path,
    kept: Path,
    videos: Sequence[Video],
    alone: LoneReader,
    note: Callable[[str], None],
    on_alone: Callable[[int], None],
    again: bool,
) -> tuple[int, list[str]]:
    """Read alone what processes were reading when they died.

    Returns:
        How many videos are given up, and the ids of those that a process was reading and that can
        be read alone.
    """
    logs = sorted(folder.glob(f"*{SUFFIX}"))
    once_more = forget(kept, videos, alone.digest) if again else ()
    known = kept_in(kept, videos, alone.digest)
    in_logs = {video.id: video for log in logs for video in logged(log, videos)}
    found = in_logs | {video.id: video for video in (*known.suspects, *once_more)}
    suspects = [video for video in found.values() if video.id not in known.reasons]
    guilty: dict[Video, str] = {}
    if suspects:
        on_alone(len(suspects))
        reasons = alone.each_reason([video.path for video in suspects])
        for video, reason in zip(suspects, reasons, strict=True):
            if reason is not None:
                guilty[video] = reason
                give_up(kept, {video: reason}, alone.digest)  # the case's time may soon be over
        if guilty or in_logs:
            note(_judgement(suspects, guilty))
    elif logs and not in_logs:
        note("a process died while it read no video; another one went on")
    for log in logs:
        log.unlink(missing_ok=True)
    return len(guilty), [each for each, video in in_logs.items() if video not in guilty]


def _judgement(suspects: Sequence[Video], guilty: Mapping[Video, str]) -> str:
    """Return what was found at the videos that a process died at, for a reader of the record."""
    if guilty:
        listed = "; ".join(f"{video.path}: {reason}" for video, reason in guilty.items())
        return f"a process died while it read videos; these can't be read alone either: {listed}"
    names = ", ".join(str(video.path) for video in suspects[:_NAMED])
    more = f" and {len(suspects) - _NAMED} more" if len(suspects) > _NAMED else ""
    return f"a process died while it read {names}{more}; each of them can be read alone"


@contextmanager
def watched(log: ReadingLog, limit_s: float | None) -> Iterator[None]:
    """End this process if reading a file takes longer than that; None: never.

    A thread that hangs can't be ended. The log is left with the files that took too long.
    """
    done = threading.Event()

    def watch(limit_s: float) -> None:
        while not done.wait(min(1.0, limit_s / 4)):
            overdue = log.overdue(limit_s)
            if overdue:
                log.keep_only(overdue)
                text = one_line(f"reading {', '.join(overdue)} took longer than {limit_s:g} s")
                os.write(2, f"{text}: this process is ended\n".encode(errors="replace"))
                os._exit(OVERDUE_EXIT)

    if limit_s is not None:
        threading.Thread(target=watch, args=(limit_s,), name="watch", daemon=True).start()
    try:
        yield
    finally:
        done.set()
