"""The size of a resized picture, and the squares that are cut from it."""

import math
from collections.abc import Callable
from typing import Literal, NamedTuple

LongSide = Literal["floor", "ratio", "round"]
CropRounding = Literal["floor", "ceil", "even", "steps"]

CROP_COUNTS = (1, 3, 5, 10)


class Crop(NamedTuple):
    """One square of a picture.

    Attributes:
        top, left: Its corner, in pixels.
        mirrored: True if left and right are exchanged after it was cut.
    """

    top: int
    left: int
    mirrored: bool = False


def resized(
    height: int, width: int, short_side: int, long_side: LongSide = "floor"
) -> tuple[int, int]:
    """Return `(height, width)` after the shorter side became `short_side`, aspect kept.

    Args:
        height: The picture's height, in pixels.
        width: The picture's width, in pixels.
        short_side: The shorter side of the result.
        long_side: Rounding of the longer side. `floor`: down (torchvision's `Resize`). `ratio`:
            down, after the ratio of the sides was rounded to a double, which for some sizes gives a
            pixel less (pytorchvideo, transforms/functional.py, short_side_scale; PySlowFast,
            datasets/transform.py). `round`: to the nearest, halves up (mmcv, rescale_size).
    """
    short, long = min(height, width), max(height, width)
    longer = _LONG_SIDES[long_side](long, short, short_side)
    return (short_side, longer) if height <= width else (longer, short_side)


def crops_of(
    height: int, width: int, size: int, crops: int, rounding: CropRounding = "floor"
) -> tuple[Crop, ...]:
    """Return the square crops of a picture, in the order of the views.

    Args:
        height: The resized picture's height, in pixels.
        width: The resized picture's width, in pixels.
        size: Side of a square, in pixels.
        crops: 1: the centre. 3: the two ends and the middle of the longer side. 5: the four
            corners and the centre. 10: these five, each followed by its mirror image.
        rounding: The centre if an odd rest leaves no exact one. `floor`: up and to the left.
            `ceil`: down and to the right (uniform_crop of pytorchvideo and PySlowFast). `even`: to
            the even number (torchvision's `center_crop`). `steps`: the rest is cut into 2 steps (3
            crops) or 4 (5 and 10), rounded down, and a crop is whole steps from the corner; of
            three, the middle is the last (mmaction2, datasets/transforms/processing.py, ThreeCrop
            and TenCrop; yjxiong/tsn-pytorch, transforms.py, GroupOverSample).
    """
    down, right = height - size, width - size
    if rounding == "steps" and crops > 1:
        parts = 2 if crops == 3 else 4
        down, right = down // parts * parts, right // parts * parts
        centre = Crop(down // 2, right // 2)
    else:
        centre = Crop(_HALVES[rounding](down), _HALVES[rounding](right))
    if crops == 1:
        return (centre,)
    if crops == 3:
        first, last = centre._replace(left=0), centre._replace(left=right)
        if height > width:
            first, last = centre._replace(top=0), centre._replace(top=down)
        return (first, last, centre) if rounding == "steps" else (first, centre, last)
    five = (Crop(0, 0), Crop(0, right), Crop(down, 0), Crop(down, right), centre)
    if crops == 5:
        return five
    return tuple(view for crop in five for view in (crop, crop._replace(mirrored=True)))


def with_mirror_images(crops: int) -> bool:
    """Report whether so many crops show each part of a picture mirrored, too."""
    return crops == 10


_LONG_SIDES: dict[LongSide, Callable[[int, int, int], int]] = {
    "floor": lambda long, short, size: long * size // short,
    "ratio": lambda long, short, size: math.floor(long / short * size),
    "round": lambda long, short, size: int(long * (size / short) + 0.5),
}

_HALVES: dict[CropRounding, Callable[[int], int]] = {
    "floor": lambda rest: rest // 2,
    "ceil": lambda rest: -(-rest // 2),
    "even": lambda rest: round(rest / 2),
    "steps": lambda rest: rest // 2,
}
