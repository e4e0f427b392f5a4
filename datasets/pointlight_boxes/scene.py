"""What a video of pointlight-boxes is drawn from: boxes, motions, dots, pictures.

A video has clouds in boxes that don't overlap and don't move. In each second every cloud has a
motion of its own, drawn evenly among the 24 of motions.py and independent of everything else; in
some seconds there are no clouds. Each second has other dots. Its middle is the key frame: clips
of up to 30 frames around it show this second alone.

So nothing but a box's own dots, in the order of their frames and within its second, shows its
labels: clouds.py has the proof for single frames and reversed ones, and the draws above make
other boxes, other seconds, the place, the size and the number of boxes independent of them.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..pointlight.encode import FPS
from .clouds import (
    BoxPx,
    Flow,
    Places,
    box_flow,
    boxes_region,
    carry,
    outer_region,
    scattered,
)
from .level import GAP_PX, Level
from .motions import MOTIONS, Motion

_LAYOUTS = 20
"""Draws of 64 layouts; of four boxes in a picture, one layout in twenty or so fits."""


_PRODUCTS = 500_000
"""Multiplications of a matrix product: OpenBLAS shares larger ones among threads, which wait
for each other where several processes draw."""


class Plan(NamedTuple):
    """What is in a video: the part of it that the lists say.

    Attributes:
        boxes_px: The boxes of its clouds.
        motions: For each second the motion of each cloud; none for a second without clouds.
    """

    boxes_px: list[BoxPx]
    motions: list[list[Motion]]


class Look(NamedTuple):
    """What the whole of a video has in common, and shows nothing of a motion.

    Attributes:
        dots: Dots a square px.
        radius_px: Standard deviation of a dot's profile.
        ground_luma, contrast_luma: The background, and what the middle of a dot adds to it.
    """

    dots: float
    radius_px: float
    ground_luma: float
    contrast_luma: float


def draw_plan(level: Level, stream: list[int]) -> Plan:
    """Draw the boxes and the motions of a video.

    Args:
        level: Numbers to draw by.
        stream: Numbers that stand for the video.
    """
    places = np.random.default_rng([*stream, 0])
    boxes = draw_boxes(places, level)
    is_empty = places.random(level.seconds) < level.empty
    # A stream of their own: no motion depends on a box.
    drawn = np.random.default_rng([*stream, 1]).integers(len(MOTIONS), size=(level.seconds, 9))
    motions = [
        [] if empty else [MOTIONS[number] for number in row[: len(boxes)]]
        for empty, row in zip(is_empty, drawn, strict=True)
    ]
    return Plan(boxes, motions)


def draw_boxes(generator: np.random.Generator, level: Level) -> list[BoxPx]:
    """Draw the boxes of a video: of any width and height, anywhere, but apart from each other.

    Those that hardly fit are placed in a cell each, of a grid over the picture.
    """
    count = int(generator.integers(*level.clouds, endpoint=True))
    for _ in range(_LAYOUTS):
        sides = generator.integers(*level.side, (64, count, 2), endpoint=True)
        corners = generator.integers(0, level.size - sides, endpoint=True)
        both = np.concatenate([corners, corners + sides], axis=-1)
        fits = _are_apart(both)
        if fits.any():
            return _boxes(both[fits.argmax()])
    sides = generator.integers(*level.side, (count, 2), endpoint=True)
    cells = np.array(np.divmod(generator.permutation(level.in_a_row**2)[:count], level.in_a_row)).T
    room = level.size // level.in_a_row
    corners = cells * room + generator.integers(
        GAP_PX // 2, room - GAP_PX // 2 - sides, endpoint=True
    )
    return _boxes(np.hstack([corners, corners + sides]))


def _are_apart(layouts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Report for layouts `[layouts, boxes, 4]` whether their boxes are apart."""
    one, other = layouts[:, :, None], layouts[:, None]
    is_before = np.any(one[..., 2:] + GAP_PX <= other[..., :2], axis=-1)
    is_apart = is_before | np.swapaxes(is_before, 1, 2) | np.eye(layouts.shape[1], dtype=bool)
    return np.all(is_apart, axis=(1, 2))


def _boxes(edges: NDArray[np.int64]) -> list[BoxPx]:
    return [(int(x1), int(y1), int(x2), int(y2)) for x1, y1, x2, y2 in edges]


def draw_look(generator: np.random.Generator, level: Level) -> Look:
    """Draw what a whole video has in common."""
    return Look(
        dots=generator.uniform(*level.dots) / 1000,
        radius_px=generator.uniform(*level.radius),
        ground_luma=generator.uniform(*level.ground),
        contrast_luma=generator.uniform(*level.contrast),
    )


def draw_second(
    generator: np.random.Generator,
    level: Level,
    look: Look,
    boxes: list[BoxPx],
    motions: list[Motion],
) -> Places:
    """Draw the dots of a second.

    Args:
        generator: Draws the numbers.
        level: Numbers to draw by.
        look: That of the video.
        boxes: Those of the second's clouds.
        motions: Their motions.

    Returns:
        `[frames, dots]`: those of each box one after the other, then those outside.
    """
    speed_px = generator.uniform(*level.speed, len(boxes) + 1)
    counts = [
        round(look.dots * (right - left) * (bottom - top)) for left, top, right, bottom in boxes
    ]
    inner = np.empty((FPS, 0), dtype=complex)
    if boxes:
        inner = _in_boxes(generator, boxes, motions, counts, speed_px)
    outside = round(look.dots * level.size**2) - sum(counts)
    region = outer_region(generator, boxes, level.size)
    direction = np.exp(2j * np.pi * generator.random(outside))
    flow = Flow(
        np.ones(outside, dtype=complex), np.zeros(outside, dtype=complex), speed_px[-1] * direction
    )
    outer = carry(generator, region, flow, scattered(region, outside), FPS)
    return np.concatenate([inner, outer], axis=1)


def _in_boxes(
    generator: np.random.Generator,
    boxes: list[BoxPx],
    motions: list[Motion],
    counts: list[int],
    speed_px: NDArray[np.float64],
) -> Places:
    """Draw the dots in boxes, those of reversed motions in reversed order: `[frames, dots]`."""
    flows = [
        box_flow(box, motion.backwards if motion.is_backwards else motion, float(speed))
        for box, motion, speed in zip(boxes, motions, speed_px[:-1], strict=True)
    ]
    flow = Flow(*np.repeat(np.array(flows), counts, axis=0).T)
    region = boxes_region(generator, np.repeat(np.array(boxes), counts, axis=0))
    track = carry(generator, region, flow, scattered(region, sum(counts)), FPS)
    is_reversed = np.repeat([motion.is_backwards for motion in motions], counts)
    shown: Places = np.where(is_reversed, track[::-1], track)
    return shown


def draw_video(level: Level, stream: list[int]) -> NDArray[np.uint8]:
    """Draw a video: luma `[frames, size, size]`.

    Args:
        level: Numbers to draw by.
        stream: Numbers that stand for the video.
    """
    plan = draw_plan(level, stream)
    generator = np.random.default_rng([*stream, 2])
    look = draw_look(generator, level)
    seconds = [
        render(
            draw_second(generator, level, look, plan.boxes_px if motions else [], motions),
            look,
            level.size,
        )
        for motions in plan.motions
    ]
    return np.concatenate(seconds)


def render(places: Places, look: Look, size_px: int) -> NDArray[np.uint8]:
    """Draw dots with a Gaussian profile, which is antialiased at any position.

    Args:
        places: `[frames, dots]`; the middle of the first pixel is at 0.5 + 0.5j.
        look: Their size and brightness; dots that overlap add up to the brightness of one at most.
        size_px: Side of the picture.

    Returns:
        Luma `[frames, size, size]`.
    """
    pixels = np.arange(size_px, dtype=np.float32) + np.float32(0.5)
    inverse = np.float32(-0.5 / look.radius_px**2)
    # A Gaussian is the product of its profiles along x and y: [frames, dots, size]. Single
    # precision is 1e-5 luma off.
    across, down = (
        np.exp((pixels - part.astype(np.float32)[..., None]) ** 2 * inverse)
        for part in (places.real, places.imag)
    )
    rows = max(1, _PRODUCTS // (places.shape[1] * size_px))
    bands = [
        np.swapaxes(down[..., first : first + rows], 1, 2) @ across
        for first in range(0, size_px, rows)
    ]
    cover = np.concatenate(bands, axis=1)
    luma = np.rint(look.ground_luma + look.contrast_luma * np.minimum(cover, 1.0))
    drawn: NDArray[np.uint8] = luma.astype(np.uint8)
    return drawn
