"""The states that a video of pointlight-events is in, one after the other."""

from typing import NamedTuple

STILL, FLICKER = "Still", "Flicker"
"""The states in which nothing happens."""


class Span(NamedTuple):
    """Frames of a video in one state.

    Attributes:
        state: A class, `Still` or `Flicker`.
        first, stop: Its first frame, and the one after its last.
    """

    state: str
    first: int
    stop: int

    @property
    def is_event(self) -> bool:
        """Whether a motion happens in it."""
        return self.state not in (STILL, FLICKER)
