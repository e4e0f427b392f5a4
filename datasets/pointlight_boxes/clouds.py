"""Dots that move through a box and stay uniform in it, whatever the motion.

In a box every dot has the velocity `shift + warp * z`, where z is its place in the complex plane,
from the middle of the box: the shift is the mean velocity over the box, an imaginary warp turns
(the curl), a real one expands (the divergence). The flow of a frame is the map

    T(z) = exp(warp) z + shift (exp(warp) - 1) / warp,

which multiplies areas by g = exp(2 Re warp), here 1 or more.

**Every frame shows independent uniform dots.** Let x be uniform in the box D, of area |D|. T(x) has
the density 1 / (g |D|) on T(D). A dot that is still in D is kept; one that left is born again in D
with the density that is missing, in proportion to 1 - [y in T(D)] / g. Both together are 1 / |D|
everywhere in D: the missing mass is the share that left, 1 - |T(D) and D| / (g |D|). So a dot that
is uniform stays so at every step, for any shift, turn and growth, and no frame, first, middle or
last, shows anything of the motion.

**The reverse of a motion is the same film run backwards.** `Contract` isn't drawn by this rule but
as `Expand` in reversed order, and so with each of the 12 pairs of motions (`Motion.is_backwards`):
which of the two it is decides the order of the frames, and nothing else.

Dots outside of boxes keep to the same rule, in the picture less the boxes: each goes straight on, a
direction of its own (g = 1). Backwards they go the opposite way, which is as uniform; so a second
run backwards has the distribution of one in which every motion is its reverse.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .motions import Motion

Floats = NDArray[np.float64]
Places = NDArray[np.complex128]
"""Places in a picture, x + iy in px from its left upper corner; y grows downwards."""
BoxPx = tuple[int, int, int, int]
"""Left, top, right and bottom edge, px."""

_DRAWN_AT_ONCE = 48
"""Places that are tried for a dot that is born again; few in a hundred fit."""


class Region(NamedTuple):
    """Where dots are: each in its own part of the picture.

    Attributes:
        holds: Whether places `[..., dots]` are in the parts of their dots.
        draw: Uniform places `[tries, dots]` of rectangles around the parts of the dots of these
            numbers.
    """

    holds: Callable[[Places, NDArray[np.int64]], NDArray[np.bool_]]
    draw: Callable[[int, NDArray[np.int64]], Places]


class Flow(NamedTuple):
    """The map of a frame for each dot: `T(z) = factor * (z - middle) + middle + step`.

    Attributes:
        factor, middle, step: Complex, `[dots]`.
    """

    factor: Places
    middle: Places
    step: Places

    def forth(self, places: Places) -> Places:
        """Return where places `[..., dots]` go."""
        there: Places = self.factor * (places - self.middle) + self.middle + self.step
        return there

    def back(self, places: Places, dots: NDArray[np.int64]) -> Places:
        """Return where places `[..., dots]` of these dots came from."""
        middle = self.middle[dots]
        there: Places = (places - middle - self.step[dots]) / self.factor[dots] + middle
        return there

    @property
    def growth(self) -> Floats:
        """What it multiplies areas by, `[dots]`."""
        growth: Floats = np.abs(self.factor) ** 2
        return growth


def carry(
    generator: np.random.Generator, region: Region, flow: Flow, start: Places, frames: int
) -> Places:
    """Carry dots along a flow; who leaves the region is born again, so that all stay uniform.

    Args:
        generator: Draws the births.
        region: Where the dots are.
        flow: The map of a frame; it doesn't shrink areas.
        start: Uniform places in the region, `[dots]`.
        frames: Number of frames; the first is the start.

    Returns:
        `[frames, dots]`.
    """
    track = [start]
    every = np.arange(len(start))
    for _ in range(frames - 1):
        places = flow.forth(track[-1])
        gone = every[~region.holds(places, every)]
        while len(gone):
            places[gone], is_born = _births(generator, region, flow, gone)
            gone = gone[~is_born]
        track.append(places)
    return np.stack(track)


def _births(
    generator: np.random.Generator, region: Region, flow: Flow, dots: NDArray[np.int64]
) -> tuple[Places, NDArray[np.bool_]]:
    """Try places for dots; return one for each, and whether it is one where a dot is missing."""
    tried = region.draw(_DRAWN_AT_ONCE, dots)
    covered = region.holds(flow.back(tried, dots), dots) / flow.growth[dots]
    fits = region.holds(tried, dots) & (generator.random(tried.shape) >= covered)
    first = fits.argmax(axis=0)
    which = np.arange(len(dots))
    return tried[first, which], fits[first, which]


def boxes_region(generator: np.random.Generator, boxes: NDArray[np.int64]) -> Region:
    """Return the region of dots each of which has a box of its own.

    Args:
        generator: Draws places.
        boxes: `[dots, 4]`, px.
    """

    def holds(places: Places, dots: NDArray[np.int64]) -> NDArray[np.bool_]:
        return _inside(places, boxes[dots].T)

    def draw(tries: int, dots: NDArray[np.int64]) -> Places:
        left, top, right, bottom = boxes[dots].T
        shape = (tries, len(dots))
        return generator.uniform(left, right, shape) + 1j * generator.uniform(top, bottom, shape)

    return Region(holds, draw)


def outer_region(generator: np.random.Generator, boxes: list[BoxPx], size: int) -> Region:
    """Return the region of dots outside of boxes in a picture of that size, px."""

    def holds(places: Places, dots: NDArray[np.int64]) -> NDArray[np.bool_]:
        inside = _inside(places, (0, 0, size, size))
        for box in boxes:
            inside &= ~_inside(places, box)
        return inside

    def draw(tries: int, dots: NDArray[np.int64]) -> Places:
        across, down = generator.uniform(0, size, (2, tries, len(dots)))
        places: Places = across + 1j * down
        return places

    return Region(holds, draw)


def scattered(region: Region, dots: int) -> Places:
    """Return uniform places of a region, `[dots]`."""
    every = np.arange(dots)
    places = np.zeros(dots, dtype=complex)
    left = every
    while len(left):
        places[left] = region.draw(1, left)[0]
        left = left[~region.holds(places[left], left)]
    return places


def box_flow(box: BoxPx, motion: Motion, speed_px: float) -> tuple[complex, complex, complex]:
    """Return factor, middle and step of a motion's flow in a box; see `Flow`.

    Args:
        box: The box, px.
        motion: One that isn't drawn backwards.
        speed_px: Root mean square speed over the box of its shift and of its warp, px a frame.
    """
    left, top, right, bottom = box
    middle = complex(left + right, top + bottom) / 2
    # The mean of |z|^2 over a rectangle around 0 is (width^2 + height^2) / 12.
    distance = np.sqrt(((right - left) ** 2 + (bottom - top) ** 2) / 12)
    shift, warp = motion.velocity
    shift, warp = speed_px * shift, speed_px / distance * warp
    factor = complex(np.exp(warp))
    return factor, middle, shift * ((factor - 1) / warp if warp else 1)


def _inside(places: Places, box: "BoxPx | NDArray[np.int64]") -> NDArray[np.bool_]:
    left, top, right, bottom = box
    across, down = places.real, places.imag
    inside: NDArray[np.bool_] = (
        (left <= across) & (across < right) & (top <= down) & (down < bottom)
    )
    return inside
