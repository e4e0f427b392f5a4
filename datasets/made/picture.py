"""Frames as they are decoded to smaller ones in 8 bits, 4:2:0, upright.

What can be kept is: range, matrix and transfer of the colours stay and are written to the file, so
that a picture is converted to red, green and blue as its source is. Every change is named.
"""

from typing import NamedTuple

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
from numpy.typing import NDArray

from ..video.orientation import Matrices, quarter_turns, upright

UNSPECIFIED = 2
"""Of a matrix, primaries or a transfer (ITU-T H.273, tables 2 to 4)."""
BT601 = 6
"""Matrix, primaries and transfer of SMPTE 170M, which RGB becomes (the same tables)."""
_FORMAT = "yuv420p"
_RGB_MATRIX = 0


class Colours(NamedTuple):
    """How the numbers of a picture are meant: values of ITU-T H.273 and of FFmpeg.

    Attributes:
        matrix, primaries, transfer: As in tables 2 to 4 of H.273.
        range: 1 for limited, 2 for full range, 0 if unspecified (AVColorRange).
    """

    matrix: int
    primaries: int
    transfer: int
    range: int


def smaller_size(width: int, height: int, short_side: int) -> tuple[int, int]:
    """Return the even width and height of a picture whose short side is at most `short_side`.

    Both sides are scaled by the same factor, never enlarged, and rounded to the nearest even
    number, of two equally near ones to the smaller; a picture is never cropped.
    """
    factor = min(1.0, short_side / min(width, height))
    return _even(width * factor), _even(height * factor)


def _even(side: float) -> int:
    below = max(2, 2 * int(side // 2))
    return below + 2 if side - below > 1 else below


class Pictures:
    """Makes the pictures of one video smaller.

    Attributes:
        changes: What is changed of them, besides their size.
        colours: Those of all pictures that are made; None before the first.
        is_on_its_side: True if a picture was turned by a quarter.
    """

    def __init__(self, short_side: int) -> None:
        """Begin a video.

        Args:
            short_side: The longest short side, in pixels.
        """
        self.changes: set[str] = set()
        self.colours: Colours | None = None
        self.is_on_its_side = False
        self._short_side = short_side
        self._reformatter = VideoReformatter()
        self._matrices = Matrices()

    def smaller(self, frame: av.VideoFrame) -> av.VideoFrame:
        """Return a picture of 8 bits, 4:2:0, smaller and turned as its file says."""
        # Before scaling, which may drop what says how it is turned.
        matrix = self._matrices.of(frame)
        width, height = smaller_size(frame.width, frame.height, self._short_side)
        is_rgb = _is_rgb(frame)
        span = _range(frame)
        made = self._reformatter.reformat(
            frame,
            width=width,
            height=height,
            format=_FORMAT,
            # As FFmpeg's command scales by default.
            interpolation=Interpolation.BICUBIC | Interpolation.ACCURATE_RND,
            dst_colorspace=Colorspace.ITU601 if is_rgb else None,
            src_color_range=span,
            dst_color_range=ColorRange.MPEG if is_rgb else span,
            threads=1,
        )
        if self.colours is None:
            self.colours = _colours(frame, is_rgb, span)
            self.changes |= _changes(frame, is_rgb)
        turns = None if matrix is None else quarter_turns(matrix)
        if matrix is not None and turns is not None:
            made = _turned(made, matrix)
            self.is_on_its_side = turns % 2 == 1
            self.changes.add("turned or mirrored as the file says")
        return made


def _is_rgb(frame: av.VideoFrame) -> bool:
    return frame.format.is_rgb or frame.format.has_palette


def _range(frame: av.VideoFrame) -> ColorRange:
    """Return the range of a picture's numbers as FFmpeg takes it."""
    name = frame.format.name
    if frame.color_range == ColorRange.JPEG or name.startswith("yuvj") or _is_rgb(frame):
        return ColorRange.JPEG
    return ColorRange.MPEG


def _colours(frame: av.VideoFrame, is_rgb: bool, span: ColorRange) -> Colours:
    if is_rgb or frame.colorspace == _RGB_MATRIX:
        return Colours(BT601, BT601, BT601, ColorRange.MPEG.value)
    written = frame.color_range or (span.value if span == ColorRange.JPEG else 0)
    return Colours(frame.colorspace, frame.color_primaries, frame.color_trc, written)


def _changes(frame: av.VideoFrame, is_rgb: bool) -> set[str]:
    changes = set()
    parts = frame.format.components
    deepest = max(part.bits for part in parts)
    if is_rgb:
        changes.add("RGB to 4:2:0 of BT.601")
    elif len(parts) >= 3 and (parts[1].width, parts[1].height) != (
        (frame.width + 1) // 2,
        (frame.height + 1) // 2,
    ):
        changes.add("colour to 4:2:0")
    if deepest > 8:
        changes.add(f"{deepest} bits to 8")
    return changes


def _turned(picture: av.VideoFrame, matrix: tuple[int, ...]) -> av.VideoFrame:
    """Turn and mirror a picture in 4:2:0 plane by plane: no value is changed."""
    planes = [np.ascontiguousarray(upright(each, matrix)) for each in _planes(picture)]
    height, width = planes[0].shape
    made = av.VideoFrame(width, height, _FORMAT)
    for plane, content in zip(made.planes, planes, strict=True):
        rows = np.zeros((plane.height, plane.line_size), dtype=np.uint8)
        rows[:, : content.shape[1]] = content
        plane.update(rows)  # type: ignore[arg-type]  # anything with a buffer is taken
    return made


def _planes(picture: av.VideoFrame) -> list[NDArray[np.uint8]]:
    """Return the planes of a picture in 4:2:0, `[height, width]` each."""
    planes = []
    for plane in picture.planes:
        rows = np.frombuffer(plane, dtype=np.uint8).reshape(-1, plane.line_size)  # type: ignore[call-overload]
        planes.append(rows[: plane.height, : plane.width])
    return planes
