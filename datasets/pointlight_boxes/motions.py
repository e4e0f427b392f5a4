"""The motions of a cloud: where it shifts, and how it turns or grows; each has its reverse.

A cloud has one motion of 24: a shift (`Left`, `Right`, `Up`, `Down`, or none) together with a warp
(`Clockwise`, `CounterClockwise`, `Expand`, `Contract`, or none), but not none of both. So it has
one label or two. Run backwards, a motion is the one of the opposite shift and the opposite warp.
"""

from itertools import product
from typing import NamedTuple

OPPOSITES = {
    "Left": "Right",
    "Right": "Left",
    "Up": "Down",
    "Down": "Up",
    "Clockwise": "CounterClockwise",
    "CounterClockwise": "Clockwise",
    "Expand": "Contract",
    "Contract": "Expand",
}
"""What each label's motion is backwards; in the order of the class list."""
CLASSES = tuple(OPPOSITES)
_SHIFTS = {"Right": 1 + 0j, "Down": 1j}
_WARPS = {"Clockwise": 1j, "Expand": 1 + 0j}
"""Per unit of speed, in the complex plane x + iy of a picture, whose y grows downwards."""


class Motion(NamedTuple):
    """A shift, a warp, or both.

    Attributes:
        shift, warp: Names of the classes; None for none.
    """

    shift: str | None
    warp: str | None

    @property
    def labels(self) -> tuple[int, ...]:
        """Its labels, ascending."""
        return tuple(CLASSES.index(name) for name in (self.shift, self.warp) if name is not None)

    @property
    def backwards(self) -> "Motion":
        """What it looks like run backwards."""
        return Motion(
            None if self.shift is None else OPPOSITES[self.shift],
            None if self.warp is None else OPPOSITES[self.warp],
        )

    @property
    def is_backwards(self) -> bool:
        """Whether its dots are drawn as those of its reverse, and shown in reversed order.

        One of each pair is: that which contracts or turns counterclockwise, or, if it does neither,
        that which shifts left or up.
        """
        if self.warp is not None:
            return self.warp not in _WARPS
        return self.shift not in _SHIFTS

    @property
    def velocity(self) -> tuple[complex, complex]:
        """The shift and the warp of a motion that isn't drawn backwards, per unit of speed.

        A dot at z from the middle of the box has the velocity `shift + warp * z`.

        Raises:
            ValueError: It is drawn backwards.
        """
        if self.is_backwards:
            raise ValueError(f"{self} is drawn backwards; ask its reverse")
        shift = 0j
        if self.shift is not None:
            forwards = self.shift in _SHIFTS
            shift = _SHIFTS[self.shift] if forwards else -_SHIFTS[OPPOSITES[self.shift]]
        return shift, 0j if self.warp is None else _WARPS[self.warp]


MOTIONS: tuple[Motion, ...] = tuple(
    Motion(shift, warp)
    for shift, warp in product((None, *CLASSES[:4]), (None, *CLASSES[4:]))
    if shift or warp
)
"""All 24. A label is in five of them."""
PREVALENCE = 5 / 24
"""Share of the boxes that have a label, the same for every label."""
