"""The levels of pointlight: the numbers that its videos are drawn by, under a name.

Every level is a dataset of the catalog. At each of them one frame shows nothing of the class, as
dots.py explains. Each level's `purpose` has what the best possible network reaches from one frame,
from frames without their order, from ordered frames and from short windows.
"""

import math
from collections.abc import Sequence

import msgspec

from ..errors import KinobenchError
from ..plurals import quantity
from .options import Counts, Range, read_settings, written

MOST_FRAMES = 512
SUBSTEPS = 4
"""Runge-Kutta steps a frame at the speeds of `pointlight`: the error stays below 1e-3 px."""


class Level(msgspec.Struct, frozen=True, kw_only=True):
    """The numbers that the videos of a level are drawn by.

    Attributes:
        name: The dataset's name; not among the options.
        purpose: Ability that the level tests, and the best possible score; not among the options.
        dots: Dots that carry the motion: from three, the fewest that distinguish a swirl from its
            reverse, to as many as still leave gaps.
        speed: Speed in px a frame; root mean square over the torus for the swirls.
        noise: Dots that don't carry it; see noise_dots.py.
        lifetime: Frames after which a noise dot is drawn again.
        radius: Standard deviation of a dot's Gaussian profile, in px: from 1, where sampling shows
            no grid.
        ground: Luma of the background, in limited range.
        contrast: Luma that the middle of a dot adds; together they stay inside 16..235.
        size: Side of the picture, in px.
        frames: Frames of a video.
        rest: Frames between two movements, whose turn is the class; 0: one movement. See turns.py.
    """

    name: str
    purpose: str
    dots: Counts = (3, 24)
    speed: Range = (1.0, 3.0)
    noise: Counts = (0, 0)
    lifetime: int = 4
    radius: Range = (1.0, 2.2)
    ground: Range = (32.0, 110.0)
    contrast: Range = (60.0, 120.0)
    size: int = 64
    frames: int = 16
    rest: int = 0

    def __post_init__(self) -> None:
        """Refuse numbers with which no class could be recognised, or no video written."""
        least = 1 if self.rest else 3
        reason = "" if self.rest else ": a swirl of fewer looks like its reverse"
        self._need("size", 16 <= self.size <= 256 and self.size % 2 == 0, "even, from 16 to 256")
        self._need("frames", 2 <= self.frames <= MOST_FRAMES, f"from 2 to {MOST_FRAMES}")
        self._need_range("dots", least, 200, reason)
        self._need_range("noise", 0, 200)
        self._need("lifetime", 1 <= self.lifetime <= MOST_FRAMES, f"from 1 to {MOST_FRAMES}")
        most = self.size / 2
        self._need(
            "speed",
            0 < self.speed[0] <= self.speed[1] < most,
            f"positive and below {most:g}, half of the size: faster, left is right",
        )
        self._need_range("radius", 0.5, self.size / 8, ", an eighth of the size")
        self._need_range("ground", 16, 235)
        self._need_range("contrast", 10, 219, ": fainter dots don't outlast the encoder")
        brightest = self.ground[1] + self.contrast[1]
        self._need(
            "contrast",
            brightest <= 235,
            f"such that ground and contrast together, {brightest:g}, are 235 or less",
        )
        moving = self.frames - self.rest
        self._need(
            "rest",
            self.rest == 0 or (self.rest > 0 and moving >= 4 and moving % 2 == 0),
            f"0, or such that two movements of the same length, 2 frames or more, are left of the "
            f"{quantity(self.frames, 'frame')}",
        )

    def _need_range(self, field: str, least: float, most: float, reason: str = "") -> None:
        low, high = getattr(self, field)
        need = f"from {least:g} to {most:g}, the lower number first{reason}"
        self._need(field, least <= low <= high <= most, need)

    def _need(self, field: str, holds: bool, need: str) -> None:
        if not holds:
            given = written(getattr(self, field))
            raise KinobenchError(f"{self.name}: {field} is {given}; it must be {need}")

    @property
    def substeps(self) -> int:
        """Runge-Kutta steps a frame: as many a wavelength of the swirl as at `pointlight`."""
        return max(SUBSTEPS, math.ceil(SUBSTEPS * self.speed[1] * 64 / (3 * self.size)))

    @property
    def options(self) -> dict[str, str]:
        """The value of each option, as `--set` writes it."""
        return {name: written(getattr(self, name)) for name in OPTIONS}


OPTIONS: dict[str, str] = {
    "dots": "dots that carry the motion",
    "speed": "pixels per frame (for a swirl: the root mean square)",
    "noise": "dots that do not carry the motion",
    "lifetime": "frames that a noise dot lives",
    "radius": "standard deviation of a dot's profile, px",
    "ground": "luma of the background",
    "contrast": "luma that the middle of a dot adds",
    "size": "side of the picture, px",
    "frames": "frames of a video",
    "rest": "frames between two movements",
}
"""The options that may be set, and their meaning."""

POINTLIGHT = Level(
    name="pointlight",
    purpose="motion alone: 3 to 24 dots move in one of eight ways; the best possible is 12.5 % "
    "from one frame, 62.5 % from frames without their order, 100 % from ordered frames, of which "
    "two neighbours show most",
)

LEVELS: dict[str, Level] = {
    level.name: level
    for level in (
        POINTLIGHT,
        Level(
            name="pointlight-3",
            purpose="following points: the same with three dots, the fewest that distinguish a "
            "swirl from its reverse; the best possible is 12.5 % from one frame, 62.5 % from "
            "frames without their order, 100 % from ordered frames, of which two neighbours show "
            "most",
            dots=(3, 3),
        ),
        Level(
            name="pointlight-noise",
            purpose="motion in common: 8 to 16 dots move together among 8 to 24 noise dots, each "
            "of which drifts as fast, its own way, and lives 4 frames; the best possible is 12.5 % "
            "from one frame, 62.5 % from frames without their order, 100 % from ordered frames; "
            "in a window of up to 4 frames a noise dot moves as smoothly as the others",
            dots=(8, 16),
            noise=(8, 24),
            lifetime=4,
        ),
        Level(
            name="pointlight-long",
            purpose="memory of motion: the dots move, rest 32 frames and move again, and the class "
            "is the turn from one movement to the other; the best possible is 25 % from one frame "
            "and from any window of up to 35 frames, 50 % from frames without their order, 100 % "
            "from all 64 in order",
            frames=64,
            rest=32,
        ),
    )
}
"""The levels by name; `pointlight`, the embedded dataset, first."""


def changed(level: Level, settings: Sequence[str]) -> Level:
    """Return a level with other numbers, and the same name.

    Args:
        level: The level to change.
        settings: `FIELD=VALUE`; a value is a number, or `LOW..HIGH` for one that is drawn.

    Raises:
        UnknownNameError: There is no such option; the message has the nearest.
        KinobenchError: A setting isn't of this form, or no video can be drawn with it.
    """
    given = read_settings(settings, Level, OPTIONS, level.name, _example)
    made = msgspec.structs.replace(level, **given)
    if bool(made.rest) != bool(level.rest):
        raise KinobenchError(
            f"--set rest={made.rest}: with a rest the classes are turns, those of pointlight-long, "
            "and without one those of the other levels; choose the level for its classes"
        )
    if "lifetime" in given and made.noise[1] == 0:
        raise KinobenchError(
            f"--set lifetime={made.lifetime}: {level.name} has no noise dots; add --set noise=10"
        )
    return made


def differences(level: Level) -> dict[str, str]:
    """Return the options whose values aren't those of the named level, as `--set` writes them."""
    named = LEVELS[level.name].options
    return {name: value for name, value in level.options.items() if value != named[name]}


def _example(name: str) -> str:
    return written(getattr(LEVELS["pointlight-noise"], name))
