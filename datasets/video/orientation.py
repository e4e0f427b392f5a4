"""Turning and mirroring a picture as its display matrix says, like FFmpeg's command.

The matrix, 9 numbers of 32 bits, maps the stored picture to the shown one (libavutil/display.h; ISO
14496-12, 8.3.2). Its 8 orthogonal cases are the orientations of Exif. The angle and the choice of
mirrored cases are FFmpeg's (fftools/ffmpeg_filter.c, 8.0; libavutil/display.c).
"""

import math
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import av
import numpy as np
from av.sidedata.sidedata import Type


class Matrices:
    """The display matrices of a stream's frames.

    A frame whose side data PyAV was asked for holds itself, so that its memory is only free once
    Python looks for cycles: the first frame is asked, and each whose angle differs from that of the
    frame before.
    """

    def __init__(self) -> None:
        """Begin with the first frame."""
        self._angle: float | None = None
        self._matrix: tuple[int, ...] | None = None

    def of(self, frame: av.VideoFrame) -> tuple[int, ...] | None:
        """Return a frame's matrix, 9 numbers; None for a frame that is shown as it is."""
        if frame.rotation != self._angle:
            self._angle, self._matrix = frame.rotation, _matrix(frame)
        return self._matrix


def _matrix(frame: av.VideoFrame) -> tuple[int, ...] | None:
    try:
        found: Any = frame.side_data
    except ValueError:
        with _all_kinds_named():
            found = frame.side_data
    matrix = found.get(Type.DISPLAYMATRIX)
    return None if matrix is None else struct.unpack("=9i", bytes(matrix)[:36])


@contextmanager
def _all_kinds_named() -> Iterator[None]:
    """Let PyAV give side data of kinds for which it has no name; otherwise it refuses all of it."""
    with _naming:
        Type._missing_ = classmethod(lambda kinds, number: kinds.PANSCAN)  # type: ignore[assignment]
        try:
            yield
        finally:
            del Type._missing_  # the one that it inherits is left


_naming = threading.Lock()


def quarter_turns(matrix: tuple[int, ...]) -> int | None:
    """Return by how many quarter turns, clockwise, a matrix turns; None if by another angle.

    Those that also mirror turn by what FFmpeg computes from their first row alone.
    """
    across, down = math.hypot(matrix[0], matrix[3]), math.hypot(matrix[1], matrix[4])
    if across == 0 or down == 0:
        return None
    degrees = round(math.degrees(math.atan2(matrix[1] / down, matrix[0] / across))) % 360
    turns = round(degrees / 90)
    return turns % 4 if abs(degrees - 90 * turns) < 1 else None


def is_mirrored(matrix: tuple[int, ...]) -> bool:
    """Report whether a matrix mirrors: its determinant is negative."""
    return matrix[0] * matrix[4] < matrix[1] * matrix[3]


def upright(picture: np.ndarray, matrix: tuple[int, ...]) -> np.ndarray:
    """Return a picture, `[H, W, 3]`, as a view that is turned and mirrored as its matrix says.

    A picture that is to be turned by no multiple of 90 degrees stays as it is.
    """
    turns = quarter_turns(matrix)
    if turns == 0:
        return picture[::-1] if matrix[4] < 0 else picture
    if turns == 1:
        return picture.swapaxes(0, 1) if matrix[3] > 0 else np.rot90(picture, k=-1)
    if turns == 2:
        picture = picture[:, ::-1] if matrix[0] < 0 else picture
        return picture[::-1] if matrix[4] < 0 else picture
    if turns == 3:
        return np.rot90(picture, k=-1)[::-1] if matrix[3] < 0 else np.rot90(picture)
    return picture
