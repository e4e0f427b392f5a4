"""What a network takes and gives, in shapes, and what of it isn't counted."""

from collections.abc import Sequence

from ...datasets.plurals import quantity
from ...zoo.spec import BOXES_PER_CLIP


def taken(inputs: Sequence[str], frames: int, size: int) -> list[str]:
    """Return the shape of each argument of a network's forward."""
    shapes: dict[str, str] = {
        "rgb": f"clip [B, 3, {frames}, {size}, {size}]",
        "flow": f"flow [B, {2 * (frames - 1)}, {size}, {size}]",
        "boxes": "boxes [N, 5]",
    }
    return [shapes[kind] for kind in inputs]


def given(inputs: Sequence[str], classes: int) -> str:
    """Return the shape of its logits: a row a clip, or a row a box."""
    return f"[{'N' if 'boxes' in inputs else 'B'}, {classes}]"


def left_out(inputs: Sequence[str]) -> list[str]:
    """Return remarks on what the counts leave out of a network's inputs."""
    remarks = []
    if "flow" in inputs:
        remarks.append("the optical flow itself isn't counted")
    if "boxes" in inputs:
        number = quantity(BOXES_PER_CLIP, "box", "boxes")
        remarks.append(f"counted with {number} for the clip; what finds the boxes isn't counted")
    return remarks
