"""How much boxes overlap."""

import numpy as np

from ..instances import Floats


def box_area(box: Floats, pixel: float = 0.0) -> Floats:
    """Return the areas of boxes.

    Args:
        box: `[N, 4]`: x1, y1, x2, y2.
        pixel: What is added to width and height; see `box_iou`.

    Returns:
        `[N]`, in the square of the boxes' unit.
    """
    area: Floats = (box[:, 2] - box[:, 0] + pixel) * (box[:, 3] - box[:, 1] + pixel)
    return area


def box_iou(one: Floats, other: Floats, pixel: float = 0.0) -> Floats:
    """Return the intersection over union of boxes, row by row (Everingham et al. 2010, eq. 3).

    Two boxes without any area overlap by 0, even where they are the same.

    Args:
        one: `[N, 4]`: x1, y1, x2, y2.
        other: `[N, 4]`, in the same unit.
        pixel: What is added to each width and height: 0 where the edges are lines (AVA,
            MultiSports), 1 where x2 and y2 are the last pixels inside (ACT's `iou2d`, VOC).

    Returns:
        `[N]`, from 0 to 1.
    """
    width = np.minimum(one[:, 2], other[:, 2]) - np.maximum(one[:, 0], other[:, 0]) + pixel
    height = np.minimum(one[:, 3], other[:, 3]) - np.maximum(one[:, 1], other[:, 1]) + pixel
    common = np.maximum(width, 0.0) * np.maximum(height, 0.0)
    union = box_area(one, pixel) + box_area(other, pixel) - common
    overlap: Floats = np.divide(common, union, out=np.zeros(len(common)), where=union > 0)
    return overlap
