"""The picture of one moment of a video, as a JPEG of a few kilobytes."""

from pathlib import Path

import msgspec
import numpy as np

from ..clock import WHOLE, Clock
from ..errors import VideoError
from ..protocol import preset
from .windows import WindowReader

LONGEST = 288
"""Longest side of a picture in pixels; smaller ones keep their size."""
BYTES = 16_000
"""Size that a picture stays below, unless it is noise."""
_QUALITIES = (85, 75, 60, 45, 30)


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """A moment of a video.

    Attributes:
        time_s: Seconds from the beginning of the published video.
        clock: How the file counts time.
    """

    time_s: float
    clock: Clock = WHOLE


def picture_at(path: str | Path, moment: Moment) -> bytes:
    """Return the whole frame that is on screen at a moment, as a JPEG.

    Args:
        path: The file, or a folder of numbered pictures.
        moment: The moment.

    Raises:
        VideoError: The file can't be read, or lasts less long, or has no times.
        MachineError: The machine failed.
    """
    one = msgspec.structs.replace(preset("common-112"), frames=1, stride=1, fps=None)
    begins_s, fps = moment.clock.begins_s, moment.clock.fps
    try:
        with WindowReader(path, one, begins_s=begins_s, folder_fps=fps, picture_of=_small) as video:
            (window,) = video.read([moment.time_s])
    except ValueError as error:
        raise VideoError(path, str(error)) from error
    return _jpeg(window[0])


def _small(frame: np.ndarray) -> np.ndarray:
    """Return a frame whose longest side is at most `LONGEST`."""
    import cv2  # it takes long to load, and the reader doesn't need it

    height, width = frame.shape[:2]
    scale = min(1.0, LONGEST / max(height, width))
    if scale == 1.0:
        return np.array(frame)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small: np.ndarray = cv2.resize(np.ascontiguousarray(frame), size, interpolation=cv2.INTER_AREA)
    return small


def _jpeg(frame: np.ndarray) -> bytes:
    import cv2

    coded = np.empty(0, np.uint8)
    for quality in _QUALITIES:
        _, coded = cv2.imencode(".jpg", frame[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
        if len(coded) <= BYTES:
            break
    return coded.tobytes()
