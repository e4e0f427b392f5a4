"""A small picture of a video: a strip of a few of its frames, as a JPEG of a few kilobytes."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from ..errors import VideoError
from .clips import open_video, with_true_index
from .reader import VideoReader

FRAMES = 4
"""Frames of a strip, spread over the video."""
HEIGHTS = (96, 72, 48)
"""Height of a strip in pixels; the lower ones where it would be too large in bytes."""
LINE = 4
"""Width of the white line between two frames, in pixels."""
WIDEST = 2.4
"""Widest frame, as width over height: wider ones are made smaller, not cropped."""
BYTES = 6000
"""Size that a strip stays below; noise of the lowest height at the worst quality is no larger."""
_QUALITIES = (80, 70, 60, 50, 40, 30)
"""JPEG qualities; the first that is small enough is taken."""


def thumbnail(path: str | Path) -> bytes:
    """Return a strip of frames of a video, from left to right in time, as a JPEG.

    The frames are upright, and their pixels as they are stored, as a network is shown them: pixels
    that are not square are not stretched. If one of the frames can't be decoded, those that can are
    shown.

    Args:
        path: The file, or a folder of numbered pictures.

    Raises:
        VideoError: The file can't be read, or none of the frames.
        MachineError: The machine failed.
    """
    with open_video(path) as video:
        return jpeg_of(with_true_index(video, lambda: _frames(video)))


def _frames(video: VideoReader) -> list[np.ndarray]:
    """Return up to `FRAMES` frames: `[H, W, 3]` each, uint8, red, green, blue."""
    numbers = spread(len(video))
    try:
        return list(video.frames(numbers))
    except VideoError as error:
        found: list[np.ndarray] = []
        for number in numbers:
            with suppress(VideoError):
                found += list(video.frames([number]))
        if not found:
            raise error from None
        return found


def spread(count: int) -> list[int]:
    """Return the numbers of the frames in the middle of `FRAMES` equal parts of a video."""
    return sorted({(2 * part + 1) * count // (2 * FRAMES) for part in range(FRAMES)})


def jpeg_of(frames: Sequence[np.ndarray]) -> bytes:
    """Return frames next to each other as a JPEG.

    Args:
        frames: `[H, W, 3]` each, uint8, red, green, blue; at least one.
    """
    import cv2  # it takes long to load, and the reader doesn't need it

    coded = np.empty(0, np.uint8)
    for height in HEIGHTS:
        line = np.full((height, LINE, 3), 255, np.uint8)
        parts = [part for frame in frames for part in (line, _small(frame, height))]
        strip = np.concatenate(parts[1:], axis=1)
        for quality in _QUALITIES:
            chosen = [cv2.IMWRITE_JPEG_QUALITY, quality]
            _, coded = cv2.imencode(".jpg", strip[..., ::-1], chosen)
            if len(coded) <= BYTES:
                return coded.tobytes()
    return coded.tobytes()


def _small(frame: np.ndarray, high: int) -> np.ndarray:
    """Return a frame that is `high` pixels high, with black above and below if it is very wide."""
    import cv2

    height, width = frame.shape[:2]
    scale = min(high / height, WIDEST * high / width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    made: np.ndarray = cv2.resize(
        np.ascontiguousarray(frame),
        size,
        interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST,
    )
    above = (high - size[1]) // 2
    return np.pad(made, ((above, high - size[1] - above), (0, 0), (0, 0)))
