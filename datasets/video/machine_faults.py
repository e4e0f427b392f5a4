"""The machine's own faults, apart from those of a file: they say nothing about a video.

Whatever a file makes a library raise is that video's error. A fault of the machine is found by
asking the machine: whether a file can be opened, memory allocated, and this file read to its end.
"""

import errno
import os
from pathlib import Path
from stat import S_ISREG

import av
import numpy as np

from ..errors import KinobenchError, VideoError
from ..sources.paths import SourcePath, path_of

_OF_DESCRIPTORS = {errno.EMFILE, errno.ENFILE}
_OF_DISKS = {errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.ENOTCONN}
_NOT_THERE = {errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EACCES, errno.EPERM}
"""Answers about a file, and none about the disk that it is on."""
LARGEST_PIXELS = 2**26
"""The most that is believed of a frame, twice 8K: a damaged header can announce any size."""

_ENOUGH_BYTES = 2**30
"""More bytes than one packet or frame of a real video takes."""


class MachineError(KinobenchError):
    """The machine failed while it read a file; another time it may succeed.

    Attributes:
        path: The file.
        what: What failed.
        lacks_memory: It ran out of memory. The file may be the reason: read it alone to find out.
    """

    def __init__(self, path: str | Path, what: str, *, lacks_memory: bool = False) -> None:
        """Name the file and what failed."""
        self.path, self.what, self.lacks_memory = str(path), what, lacks_memory
        super().__init__(
            f"{path}: {what}: the machine's fault, not the video's, which stays unmeasured; fix "
            "it (open files: `ulimit -n`; memory: fewer processes at once; a disk, a network mount "
            "or a server: its log), and run the same command again: it continues from here"
        )


def reading_error(
    path: Path, what: str, error: Exception, pixels: int = 0
) -> MachineError | VideoError:
    """Return an error that a file caused in a library as the file's fault, or the machine's.

    Args:
        path: The file.
        what: Text that says what can't be done with it.
        error: Any error of FFmpeg, PyAV, the system or Python.
        pixels: Pixels of a frame, as the file announces them.
    """
    number = getattr(error, "errno", None)
    if isinstance(error, MemoryError) or number == errno.ENOMEM:
        if pixels > LARGEST_PIXELS:
            return VideoError(path, f"{what}: it announces frames of {pixels:,} pixels")
        if isinstance(error, av.FFmpegError) and _is_memory_left():
            return VideoError(path, f"{what}: it asks for more memory than any video needs")
        return MachineError(path, f"{what}: out of memory", lacks_memory=True)
    reason = f"{what}: {_described(error)}"
    # FFmpeg's error is no answer of the system: damaged files have input errors, too, and one that
    # opens itself has no descriptors left, which are free again by now.
    answered = isinstance(error, OSError) and not isinstance(error, av.FFmpegError)
    if answered and number in _OF_DESCRIPTORS | _OF_DISKS - {errno.EIO}:
        return MachineError(path, reason)
    if not _opens() or (number in _OF_DISKS and not _reads(path)):
        return MachineError(path, reason)
    return VideoError(path, reason)


def machine_fault(path: str | Path) -> str | None:
    """Ask the machine why a file can't be read; return what it lacks, or None.

    The file is read to its end, so ask once a file. One that is not there is no fault of the
    machine.
    """
    if not _opens():
        return "no more files can be opened"
    return None if _reads(path) else "the disk can't read it to its end"


def _is_memory_left() -> bool:
    """Report whether a process can still have more memory than a frame of any real video takes."""
    try:
        np.empty(_ENOUGH_BYTES, dtype=np.uint8)  # never written to: it costs nothing
    except MemoryError:
        return False
    return True


def _described(error: Exception) -> str:
    """Return an error's message; its type, too, where the message alone would be a riddle."""
    if isinstance(error, OSError | av.FFmpegError):
        return error.strerror or str(error) or type(error).__name__
    return f"{type(error).__name__}: {error}".rstrip(": ")


def _opens() -> bool:
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        return False
    return True


def _reads(path: str | Path) -> bool:
    try:
        file = path_of(path)
        if not S_ISREG(file.stat().st_mode):  # a pipe or a device may have no end
            return True
        if isinstance(file, SourcePath):
            with file.bytes_file() as opened:
                while opened.read(2**20):
                    pass
            return True
        descriptor = os.open(path, os.O_RDONLY)
        try:
            while os.read(descriptor, 2**20):
                pass
        finally:
            os.close(descriptor)
    except ValueError:  # a NUL in its name
        return True
    except OSError as error:
        return error.errno in _NOT_THERE
    return True
