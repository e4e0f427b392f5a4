"""Whether there is room for a copy, before it is made."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import av

from ..errors import DatasetError
from ..video.container import open_container, video_stream
from .form import ENCODERS, Form
from .picture import smaller_size

SAMPLE = 24
"""Files whose headers are read, evenly spread over all."""
BITS_A_PIXEL = 0.3
"""Of a picture's pixels at the usual quality: from 0.17 to 0.41 in recordings at a short side of
128 and groups of 12; larger pictures take less."""
_MOST_TIMES = 8
"""A file that becomes larger was encoded with far less quality, or its header is damaged."""
_HALVED_BY = 6
"""Steps of crf that halve the bits (x264's documentation); of a quantiser, a factor of two does."""


class Room(NamedTuple):
    """The room that a copy takes, as estimated, and the room that there is.

    Attributes:
        needed_bytes: What the files are estimated to take.
        free_bytes: What the disk has.
    """

    needed_bytes: int
    free_bytes: int

    @property
    def text(self) -> str:
        """Both in gigabytes (10^9 bytes)."""
        return (
            f"about {self.needed_bytes / 1e9:.2f} GB are needed, and {self.free_bytes / 1e9:.2f} "
            "GB are free"
        )


def room_for(sources: Sequence[Path], target: Path, form: Form) -> Room:
    """Estimate the room that files take; of files that keep their bytes it is exact.

    Args:
        sources: Files that are to be made smaller.
        target: A folder that exists, on the disk that they are written to.
        form: What they become.
    """
    free = shutil.disk_usage(target).free
    if form.keeps_bytes:
        return Room(sum(map(_size, sources)), free)
    step = max(1, len(sources) // SAMPLE)
    sample = [size for each in sources[::step] if (size := _estimate(each, form)) is not None]
    mean = sum(sample) / len(sample) if sample else 0
    return Room(round(mean * len(sources)), free)


def refuse_too_little(room: Room, target: Path) -> None:
    """Raise DatasetError if a copy takes more room than there is."""
    if room.needed_bytes > room.free_bytes:
        raise DatasetError(
            f"{target}: {room.text}; free some, choose another disk or a smaller form, or give "
            "--ignore-space if you know better"
        )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _estimate(path: Path, form: Form) -> float | None:
    """Return the bytes that a file becomes, by its headers; None if they don't say."""
    try:
        with open_container(path) as container:
            stream = video_stream(path, container)
            seconds = float((stream.duration or 0) * (stream.time_base or 0))
            if not seconds and container.duration is not None:
                seconds = container.duration / av.time_base
            rate = float(stream.average_rate or stream.guessed_rate or 0)
            frames = stream.frames or seconds * rate
            width, height = smaller_size(stream.width, stream.height, form.short_side or 1)
    except Exception:
        return None  # it says so itself when its turn comes
    # A damaged header may announce any number of frames.
    return min(frames * width * height * _bits(form) / 8, _MOST_TIMES * _size(path))


def _bits(form: Form) -> float:
    encoder = ENCODERS[form.codec]
    if encoder.measure == "crf":
        return BITS_A_PIXEL * 2.0 ** ((encoder.usual - form.quality) / _HALVED_BY)
    return 3 * BITS_A_PIXEL * encoder.usual / form.quality
