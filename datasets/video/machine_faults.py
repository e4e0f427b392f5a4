"""The machine's own faults, apart from those of a file: they say nothing about a video."""

import errno
import os
from pathlib import Path

import av
import numpy as np

from ..errors import KinobenchError, VideoError

_ALWAYS = {errno.EMFILE, errno.ENFILE, errno.ESTALE, errno.ETIMEDOUT, errno.ENOTCONN}
LARGEST_PIXELS = 2**26
"""The most that is believed of a frame, twice 8K: a damaged header can announce any size."""

_ENOUGH_BYTES = 2**30
"""More bytes than one packet or frame of a real video takes."""


class MachineError(KinobenchError):
    """The machine failed while it read a file; another time it may succeed."""

    def __init__(self, path: str | Path, what: str) -> None:
        """Name the file and what failed."""
        super().__init__(
            f"{path}: {what}: the machine's fault, not the video's, which stays unmeasured; fix "
            "it (open files: `ulimit -n`; memory: fewer processes at once; a disk or a network "
            "mount: its log), and run the same command again: it continues from here"
        )


def reading_error(
    path: Path, what: str, error: Exception, pixels: int = 0
) -> MachineError | VideoError:
    """Return an error of FFmpeg or the file system as the machine's fault, or the file's.

    FFmpeg gives an input error for a damaged file, too, so the file is read once more, to the end.
    And it runs out of memory for whatever a damaged length asks for, so free memory is checked.

    Args:
        path: The file.
        what: Text that says what can't be done with it.
        error: An OSError, an av.FFmpegError or a MemoryError.
        pixels: Pixels of a frame, as the file announces them.
    """
    number = getattr(error, "errno", None)
    reason = f"{what}: {getattr(error, 'strerror', None) or error or type(error).__name__}"
    if isinstance(error, MemoryError) or number == errno.ENOMEM:
        if pixels > LARGEST_PIXELS:
            return VideoError(path, f"{what}: it announces frames of {pixels:,} pixels")
        if isinstance(error, av.FFmpegError) and _is_memory_left():
            return VideoError(path, f"{what}: it asks for more memory than any video needs")
        return MachineError(path, f"{what}: out of memory")
    if number in _ALWAYS or (number == errno.EIO and not _reads_whole(path)):
        return MachineError(path, reason)
    return VideoError(path, reason)


def _is_memory_left() -> bool:
    try:
        np.empty(_ENOUGH_BYTES, dtype=np.uint8)  # never written to: it costs nothing
    except MemoryError:
        return False
    return True


def _reads_whole(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            while os.read(descriptor, 2**20):
                pass
        finally:
            os.close(descriptor)
    except OSError:
        return False
    return True
