"""The numbers that the videos of pointlight-events are drawn by, and reading them from `--set`."""

from collections.abc import Sequence

import msgspec

from ..errors import KinobenchError
from ..pointlight.options import Counts, Range, read_settings, written

NAME = "pointlight-events"
"""The dataset's name in the catalog."""
PURPOSE = (
    "when a motion begins and ends: six motions of 1 to 6 s in videos of 20 to 60 s, among rest "
    "and flicker; the best possible mAP by ActivityNet's rule is at most 2 % from one frame, "
    "50 % from frames without their order, 100 % from ordered frames"
)
"""What the dataset tests; `ceilings` has the numbers."""
FPS = 16
"""Frames a second: a frame's time is an exact binary fraction, and 16 frames are a second."""
LEAST_PIECE = 4
"""Frames of the shortest piece of a gap that is still or flickers."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The numbers that the videos are drawn by; those of a picture are `pointlight`'s.

    Attributes:
        length: Length of a video in seconds; uniform, in whole frames.
        event: Length of an event in seconds; log-uniform, in whole frames.
        gap: Seconds between two events; uniform, in whole frames. The lower one is also the least
            time from a video's beginning to its first event, and from its last event to its end.
        dots: Number of dots, which all move together.
        speed: Speed in px a frame, of each event; root mean square over the torus for the swirls.
        radius: Standard deviation of a dot's Gaussian profile, in px.
        ground: Luma of the background, in limited range.
        contrast: Luma that the middle of a dot adds.
        size: Side of the picture, in px.
    """

    length: Range = (20.0, 60.0)
    event: Range = (1.0, 6.0)
    gap: Range = (0.5, 5.5)
    dots: Counts = (3, 24)
    speed: Range = (1.0, 3.0)
    radius: Range = (1.0, 2.2)
    ground: Range = (32.0, 110.0)
    contrast: Range = (60.0, 120.0)
    size: int = 64

    def __post_init__(self) -> None:
        """Refuse numbers with which an event couldn't be recognised, or no video written."""
        self._need("size", 16 <= self.size <= 256 and self.size % 2 == 0, "even, from 16 to 256")
        self._need_range("dots", 3, 200, ": a swirl of fewer looks like its reverse")
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
        self._need_range("event", 0.5, 60, ": a shorter one isn't seen as motion")
        self._need_range("gap", LEAST_PIECE / FPS, 60, ": events don't touch")
        least = (2 * self.gap[0] + self.gap[1] + 2 * self.event[1]) + 1 / FPS
        self._need_range("length", least, 600, ": in a shorter one there may be no event")

    def _need_range(self, field: str, least: float, most: float, reason: str = "") -> None:
        low, high = getattr(self, field)
        need = f"from {least:g} to {most:g}, the lower number first{reason}"
        self._need(field, least <= low <= high <= most, need)

    def _need(self, field: str, holds: bool, need: str) -> None:
        if not holds:
            given = written(getattr(self, field))
            raise KinobenchError(f"{NAME}: {field} is {given}; it must be {need}")

    @property
    def options(self) -> dict[str, str]:
        """The value of each option, as `--set` writes it."""
        return {name: written(getattr(self, name)) for name in OPTIONS}


OPTIONS: dict[str, str] = {
    "length": "seconds of a video",
    "event": "seconds of an event, log-uniform",
    "gap": "seconds between two events",
    "dots": "dots, which move together",
    "speed": "pixels per frame (for a swirl: the root mean square)",
    "radius": "standard deviation of a dot's profile, px",
    "ground": "luma of the background",
    "contrast": "luma that the middle of a dot adds",
    "size": "side of the picture, px",
}
"""The options that may be set, and their meaning."""

USUAL = Settings()


def changed(settings: Sequence[str]) -> Settings:
    """Return the usual settings with other numbers.

    Args:
        settings: `FIELD=VALUE`; a value is a number, or `LOW..HIGH` for one that is drawn.

    Raises:
        UnknownNameError: There is no such option; the message has the nearest.
        KinobenchError: A setting isn't of this form, or no video can be drawn with it.
    """
    given = read_settings(settings, Settings, OPTIONS, NAME, USUAL.options.__getitem__)
    return msgspec.structs.replace(USUAL, **given)


def differences(settings: Settings) -> dict[str, str]:
    """Return the options whose values aren't the usual ones, as `--set` writes them."""
    return {name: value for name, value in settings.options.items() if value != USUAL.options[name]}
