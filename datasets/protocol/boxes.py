"""Where boxes of a frame are in the view that a protocol cuts from it."""

from typing import TYPE_CHECKING

from ..errors import KinobenchError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from . import Protocol


def boxes_in_view(
    protocol: "Protocol", width: int, height: int, boxes: "NDArray[np.float64]"
) -> "NDArray[np.float64]":
    """Move boxes from a whole frame to the one view that a protocol cuts from it.

    Args:
        protocol: The protocol; its resize and its centre crop count.
        width: The frame's width, in pixels.
        height: The frame's height, in pixels.
        boxes: `[N, 4]`: x1, y1, x2, y2 as shares of the frame, from 0 to 1.

    Returns:
        `[N, 4]`: the same as shares of the view, cut at its edges. A box that the crop leaves out
        has no width or no height; see `seen`.

    Raises:
        KinobenchError: The protocol has several crops, or the boxes have another shape.
    """
    import numpy as np

    if protocol.crops != 1:
        raise KinobenchError(
            f"protocol {protocol.name!r} has {protocol.crops} crops; boxes need one view of a "
            "frame: take its centre crop alone, by with_views(1, 1)"
        )
    boxes = np.asarray(boxes, dtype=np.float64)
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise KinobenchError(f"boxes are {list(boxes.shape)}; give [N, 4]: x1, y1, x2, y2")
    tall, wide = protocol.resized(height, width)
    (crop,) = protocol.crops_of(tall, wide)
    scale = np.array([wide, tall, wide, tall], dtype=np.float64)
    corner = np.array([crop.left, crop.top, crop.left, crop.top], dtype=np.float64)
    moved: NDArray[np.float64] = ((boxes * scale - corner) / protocol.size).clip(0, 1)
    return moved


def seen(boxes: "NDArray[np.float64]") -> "NDArray[np.bool_]":
    """Return which boxes `[N, 4]` of `boxes_in_view` have an area, that is, show in the view."""
    found: NDArray[np.bool_] = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    return found
