"""Boxes as a detector takes them: `[N, 5]`, the number of the clip and x1, y1, x2, y2."""

from collections.abc import Sequence

import torch
from torch._subclasses.fake_tensor import FakeTensor

from ...datasets.errors import KinobenchError

COLUMNS = 5


def check_boxes(boxes: torch.Tensor, clips: int) -> None:
    """Check that boxes lie in their frames, and that their clips exist.

    The shape is always checked. The values are not where they can't be read: while a network is
    compiled, exported or traced, on the meta device, and while a CUDA graph is captured.

    Args:
        boxes: `[N, 5]`, float: the number of the clip in the batch, then x1, y1, x2, y2 as shares
            of the clip's frame, from 0 to 1. Any order, and any number of boxes for a clip.
        clips: Clips in the batch.

    Raises:
        KinobenchError: The shape is another, a number isn't in its range, or a box has no area; the
            message names the first such box.
    """
    if boxes.ndim != 2 or boxes.shape[1] != COLUMNS or not boxes.is_floating_point():
        raise KinobenchError(
            f"boxes are {str(boxes.dtype).removeprefix('torch.')} {list(boxes.shape)}; give floats "
            "[N, 5]: the number of the clip, then x1, y1, x2, y2 from 0 to 1"
        )
    if _are_unreadable(boxes):
        return
    # One copy from a GPU; a loop in Python checks a few boxes sooner than torch or numpy do.
    for place, row in enumerate(boxes.tolist()):
        clip, x1, y1, x2, y2 = row
        in_frame = 0 <= x1 < x2 <= 1 and 0 <= y1 < y2 <= 1  # NaN compares false
        if not (in_frame and 0 <= clip < clips and clip == int(clip)):
            shown = [round(number, 4) for number in row]
            raise KinobenchError(f"box {place} is {shown}: {_fault(row, clips)}")


def _are_unreadable(boxes: torch.Tensor) -> bool:
    if torch.compiler.is_compiling() or boxes.is_meta or isinstance(boxes, FakeTensor):
        return True
    if torch._C._get_tracing_state() is not None:  # torch.jit.trace, as ONNX's old exporter has it
        return True
    return boxes.is_cuda and torch.cuda.is_current_stream_capturing()


def _fault(row: Sequence[float], clips: int) -> str:
    clip, x1, y1, x2, y2 = row
    if not 0 <= clip < clips or clip != int(clip):
        return f"its first number is that of its clip, a whole number from 0 to {clips - 1}"
    if not all(0 <= each <= 1 for each in (x1, y1, x2, y2)):
        return (
            "x1, y1, x2, y2 are shares of the frame, from 0 to 1; divide pixels by the frame's "
            "width and height, and cut what is outside of it"
        )
    return "x2 must be greater than x1, and y2 than y1; leave out boxes without an area"
