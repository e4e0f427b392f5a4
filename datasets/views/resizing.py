"""The resize of a picture and the cut from it, on a CPU, as two products with sparse matrices."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from scipy.sparse import csr_array, eye_array, kron

STRIP_PIXELS = 2**20
"""Pixels that are floats at once: 12 MiB."""
LINES_AT_ONCE = 1024
"""Lines whose weights are asked for at once."""

Size = tuple[int, int]
Span = tuple[int, int]
"""The first pixel, and the one after the last."""


class LinearResize(NamedTuple):
    """Every pixel of a resized picture is a sum of few pixels of the original picture.

    A filter that works on rows and on columns by themselves is two matrices whose rows have some
    four numbers that aren't 0. Only what the cut shows is computed, from what it depends on.

    The sums are those of torch's filters, in another order: results differ by rounding alone.

    Attributes:
        rows, columns: The rows and columns of the original picture that the cut depends on.
        down: `[h, rows]`: a row of the cut from rows of the picture.
        across: `[3 * w, 3 * columns]`: a column of the cut from columns, for each colour.
    """

    rows: Span
    columns: Span
    down: csr_array
    across: csr_array

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """Resize and cut one picture.

        Args:
            pixels: `[H, W, 3]`, uint8.

        Returns:
            `[3, w, h]`, float32, on the scale from 0 to 255; columns come before rows.
        """
        (top, bottom), (left, right) = self.rows, self.columns
        # Of a large picture a strip of columns is a float at a time.
        wide = max(1, STRIP_PIXELS // (bottom - top))
        strips = []
        for begin in range(left, right, wide):
            strip = pixels[top:bottom, begin : min(begin + wide, right)].astype(np.float32)
            strips.append(self.down @ strip.reshape(bottom - top, -1))
        lowered = strips[0] if len(strips) == 1 else np.concatenate(strips, axis=1)
        lowered = lowered.reshape(-1, right - left, 3)
        by_column = np.ascontiguousarray(lowered.transpose(2, 1, 0)).reshape(3 * (right - left), -1)
        resized: np.ndarray = (self.across @ by_column).reshape(3, -1, lowered.shape[0])
        return resized


@lru_cache(maxsize=64)
def linear_resize(
    size: Size, to: Size, rows: Span, columns: Span, interpolation: str, antialias: bool
) -> LinearResize:
    """Return the resize of pictures of a size `(height, width)` and the cut from the result.

    Args:
        size: Size of the original picture.
        to: Size after the resize, before the cut.
        rows: The rows of the resized picture that are kept.
        columns: The columns of the resized picture that are kept.
        interpolation: Name of `torch.nn.functional.interpolate`'s mode, which gives the numbers.
        antialias: True if the filter is wider when it shrinks a picture.
    """
    down, high = _weights(size[0], to[0], rows, interpolation, antialias)
    across, wide = _weights(size[1], to[1], columns, interpolation, antialias)
    one_a_colour = kron(eye_array(3, dtype=np.float32), csr_array(across), format="csr")
    return LinearResize(high, wide, csr_array(down), one_a_colour)


def _weights(
    length: int, to: int, kept: Span, interpolation: str, antialias: bool
) -> tuple[np.ndarray, Span]:
    """Return the weights `[kept, span]` of pixels of a line, and the span of it that they are of.

    They are what torch makes of lines that have a single pixel that isn't 0 each.
    """
    filtered = interpolation != "nearest"
    parts = []
    for first in range(0, length, LINES_AT_ONCE):
        lines = torch.zeros(1, 1, length, min(LINES_AT_ONCE, length - first))
        lines[0, 0, first:].fill_diagonal_(1)
        part = F.interpolate(
            lines,
            size=(to, lines.shape[3]),
            mode=interpolation,
            align_corners=False if filtered else None,
            antialias=antialias and filtered,
        )
        parts.append(part[0, 0, kept[0] : kept[1]])
    weights = torch.cat(parts, dim=1)
    counts = weights.abs().sum(0).nonzero()
    span = int(counts[0]), int(counts[-1]) + 1
    return weights[:, span[0] : span[1]].numpy(), span
