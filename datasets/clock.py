"""When a copy's file begins, in the time that a dataset's annotation counts."""

import msgspec


class Clock(msgspec.Struct, frozen=True, gc=False):
    """How a video's file, or its folder of pictures, counts time.

    Attributes:
        begins_s: Second of the published video at which it begins: 900 for AVA's folders of frames
            and for its videos that were cut to fifteen minutes.
        fps: Pictures a second of a folder of pictures, which has no times of its own; None for a
            video file, and for a folder whose rate nobody states.
    """

    begins_s: float = 0.0
    fps: float | None = None


WHOLE = Clock()
"""The clock of a file that is the published video, from its beginning."""
