"""The times of a row of features."""

from typing import NamedTuple


class TimeGrid(NamedTuple):
    """Where in a video the features of its windows are.

    Attributes:
        first_s: Middle of the first window, in seconds from the video's beginning.
        step_s: Seconds from the middle of one window to that of the next.
        window_s: Length of a window in seconds.
    """

    first_s: float
    step_s: float
    window_s: float
