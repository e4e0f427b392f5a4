"""An oracle for pointlight-boxes: it finds the dots of a box in decoded frames, and how they move.

It knows the 24 motions and nothing of a video but its pixels and the given boxes: for each motion
and speed it carries the dots of a frame on, and sees how many are where the next frame has one.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from kinobench.datasets.pointlight_boxes.clouds import BoxPx, box_flow
from kinobench.datasets.pointlight_boxes.motions import CLASSES, MOTIONS, Motion

Floats = NDArray[np.float64]
SPEEDS = np.linspace(0.8, 1.6, 6)
CLOSE_PX = 0.5
"""Dots so near to where they should be count by exp(-1/2)."""
_STEPS = np.arange(0, 15, 2)
"""Every second step of a clip is looked at."""
_MOST = 40
"""Dots of a box at most."""


def find_dots(picture: NDArray[np.uint8], box: BoxPx) -> Floats:
    """Return the middles of dots, x + iy in px, `[40]`; NaN where there are no more."""
    left, top, right, bottom = box
    ground = float(np.median(picture))
    above = picture.astype(float) - ground
    peak = ndimage.maximum_filter(above, size=3) == above
    peak &= above > 0.4 * above.max()
    rows, columns = np.nonzero(peak[top:bottom, left:right])
    found = np.full(_MOST, np.nan, dtype=complex)
    places = []
    for row, column in zip(rows + top, columns + left, strict=True):
        patch = np.maximum(above[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2], 0)
        down, across = np.indices(patch.shape)
        x = (patch * across).sum() / patch.sum() + max(column - 1, 0) + 0.5
        y = (patch * down).sum() / patch.sum() + max(row - 1, 0) + 0.5
        places.append(x + 1j * y)
    found[: len(places[:_MOST])] = places[:_MOST]
    return found


def motion_scores(frames: NDArray[np.uint8], box: BoxPx) -> Floats:
    """Return for each motion how well it explains a clip in a box, `[24]`.

    Args:
        frames: Luma, `[16, height, width]`.
        box: The box, px.
    """
    dots = np.stack([find_dots(picture, box) for picture in frames])
    dots = dots[:, : int((~np.isnan(dots)).sum(axis=1).max())]
    here, there = dots[_STEPS], dots[_STEPS + 1]
    scores = np.zeros((len(MOTIONS), len(SPEEDS)))
    for row, motion in zip(scores, MOTIONS, strict=True):
        for column, speed in enumerate(SPEEDS):
            carried = carried_on(here, box, motion, float(speed))
            distance = np.abs(carried[:, :, None] - there[:, None, :])
            near = np.exp(-0.5 * (distance / CLOSE_PX) ** 2)
            row[column] = np.nan_to_num(near).max(axis=2).sum()
    best: Floats = scores.max(axis=1)
    return best


def carried_on(places: Floats, box: BoxPx, motion: Motion, speed_px: float) -> Floats:
    """Return where a motion carries places in a frame."""
    drawn = motion.backwards if motion.is_backwards else motion
    factor, middle, step = box_flow(box, drawn, speed_px)
    there: Floats
    if motion.is_backwards:
        there = (places - middle - step) / factor + middle
    else:
        there = factor * (places - middle) + middle + step
    return there


def label_scores(scores: Floats) -> Floats:
    """Return for each label how much better the best motion with it is than that without, `[8]`."""
    has = np.array(
        [[label in motion.labels for motion in MOTIONS] for label in range(len(CLASSES))]
    )
    with_it = np.where(has, scores, -np.inf).max(axis=1)
    without = np.where(has, -np.inf, scores).max(axis=1)
    found: Floats = with_it - without
    return found
