"""The numbers that the videos of pointlight-boxes are drawn by, and how to change them."""

from collections.abc import Sequence

import msgspec

from ..errors import KinobenchError
from ..pointlight.options import Counts, Range, read_settings, written

GAP_PX = 6
"""Boxes are at least so far apart: no dot of one reaches into another by more than its rim."""


class Level(msgspec.Struct, frozen=True, kw_only=True):
    """The numbers that videos are drawn by; `OPTIONS` explains them.

    Attributes:
        clouds: Clouds of a video, each in a box of its own.
        side: Width and height of a box, px.
        dots: Dots on 1,000 square px, the same inside and outside of boxes: a box doesn't show in
            how many dots there are.
        speed: Root mean square speed of each part of a motion (the shift, the warp) over the box,
            px a frame. Dots outside of boxes have it too, each its own way.
        empty: Share of the seconds without clouds.
        radius: Standard deviation of a dot's Gaussian profile, px.
        ground: Luma of the background, in limited range.
        contrast: Luma that the middle of a dot adds; together they stay inside 16..235.
        size: Side of the picture, px.
        seconds: Length of a video.
    """

    clouds: Counts = (2, 4)
    side: Counts = (26, 40)
    dots: Range = (8.0, 14.0)
    speed: Range = (0.8, 1.6)
    empty: float = 0.1
    radius: Range = (1.0, 1.8)
    ground: Range = (32.0, 110.0)
    contrast: Range = (60.0, 120.0)
    size: int = 96
    seconds: int = 4

    def __post_init__(self) -> None:
        """Refuse numbers with which no motion could be recognised, or no video drawn."""
        self._need("size", 48 <= self.size <= 256 and self.size % 2 == 0, "even, from 48 to 256")
        self._need("seconds", 1 <= self.seconds <= 60, "from 1 to 60")
        self._need("empty", 0 <= self.empty <= 0.9, "from 0 to 0.9")
        self._need_range("clouds", 1, 9)
        self._need_range("side", 16, self.size // 2)
        widest = self.size // self.in_a_row - GAP_PX
        self._need("side", self.side[1] <= widest, f"up to {widest}, so that the boxes fit apart")
        least = 5e3 / self.side[0] ** 2
        self._need_range("dots", round(least, 1), 40, ": a box needs five dots or more")
        self._need_range("speed", 0.2, self.side[0] / 8, ", an eighth of the smallest box")
        self._need_range("radius", 0.5, self.side[0] / 8, ", an eighth of the smallest box")
        self._need_range("ground", 16, 235)
        self._need_range("contrast", 10, 219, ": fainter dots don't outlast the encoder")
        brightest = self.ground[1] + self.contrast[1]
        self._need("contrast", brightest <= 235, "such that ground and contrast are 235 at most")

    def _need_range(self, field: str, least: float, most: float, reason: str = "") -> None:
        low, high = getattr(self, field)
        need = f"from {least:g} to {most:g}, the lower number first{reason}"
        self._need(field, least <= low <= high <= most, need)

    def _need(self, field: str, holds: bool, need: str) -> None:
        if not holds:
            given = written(getattr(self, field))
            raise KinobenchError(f"{NAME}: {field} is {given}; it must be {need}")

    @property
    def in_a_row(self) -> int:
        """Boxes of the largest size that fit next to each other, if the most are there."""
        return next(count for count in (1, 2, 3) if count**2 >= self.clouds[1])

    @property
    def options(self) -> dict[str, str]:
        """The value of each option, as `--set` writes it."""
        return {name: written(getattr(self, name)) for name in OPTIONS}


NAME = "pointlight-boxes"
OPTIONS: dict[str, str] = {
    "clouds": "clouds of a video, each in its box",
    "side": "width and height of a box, px",
    "dots": "dots on 1,000 square px, inside and outside of boxes",
    "speed": "root mean square speed of each part of a motion, px a frame",
    "empty": "share of the seconds without clouds",
    "radius": "standard deviation of a dot's profile, px",
    "ground": "luma of the background",
    "contrast": "luma that the middle of a dot adds",
    "size": "side of the picture, px",
    "seconds": "length of a video; a key frame a second",
}
"""The options that may be set, and their meaning."""


POINTLIGHT_BOXES = Level()


def changed(settings: Sequence[str]) -> Level:
    """Return the level with other numbers.

    Args:
        settings: `FIELD=VALUE`; a value is a number, or `LOW..HIGH` for one that is drawn.

    Raises:
        UnknownNameError: There is no such option; the message has the nearest.
        KinobenchError: A setting isn't of this form, or no video can be drawn with it.
    """
    usual = POINTLIGHT_BOXES.options
    given = read_settings(settings, Level, OPTIONS, NAME, usual.__getitem__)
    return msgspec.structs.replace(POINTLIGHT_BOXES, **given)


def differences(level: Level) -> dict[str, str]:
    """Return the options whose values aren't the usual ones, as `--set` writes them."""
    usual = POINTLIGHT_BOXES.options
    return {name: value for name, value in level.options.items() if value != usual[name]}
