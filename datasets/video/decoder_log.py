"""Log of damage that PyAV's FFmpeg reports, captured in the thread that decodes.

FFmpeg reports most errors in its log alone: it conceals what it can, gives the picture, and some of
its decoders mark it. Warnings don't count: sound files cause many (packed B-frames, old DivX).
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import av
import av.logging

from ..shared_context import SharedContext

_LOST = "undecodable NALU"
"""HEVC: a part of the picture is left out, which FFmpeg logs as a warning only."""
_HARMLESS = (
    "mmco: unref short failure",  # a reference that is gone already is to be dropped
    "VPS 0 does not exist",  # HEVC whose first parameter set came late
    "SEI type ",  # cameras' and drones' own remarks, cut off or too long
    "referenced in buffering period",  # when a hypothetical decoder takes a picture (SEI)
    "Overread VUI by",  # rates and colours of a display
    "num_units_in_tick invalid",
    "low_delay flag set incorrectly",  # MPEG-4 whose header announces no B-frames, and has them
    "ext header missing",  # MS-MPEG4's rate, which old encoders leave out
    "ignoring ext header",
    "unable to decode APP fields",  # cameras' own fields in MJPEG
    "Invalid ICC_PROFILE header in APP2",
    "Invalid sequence number in APP2",
    "Invalid number of markers coded in APP2",
)
"""Errors that sound files cause, by a part of their text: no pixel depends on what they are about.
They come from FFmpeg 8's decoders of H.264, HEVC, MS-MPEG4 and MJPEG."""


@contextmanager
def _captured() -> Iterator[None]:
    """Have FFmpeg's warnings and errors come to PyAV's captures, and nowhere else meanwhile."""
    logger = logging.getLogger("libav")
    level, skip_repeated = av.logging.get_level(), av.logging.get_skip_repeated()
    logger_level = logger.level
    av.logging.set_level(av.logging.WARNING)
    av.logging.set_skip_repeated(False)  # two damaged files log the same
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        av.logging.set_level(level)
        av.logging.set_skip_repeated(skip_repeated)
        logger.setLevel(logger_level)


listening = SharedContext(_captured)
"""Any number of threads may listen at once."""


def reports_damage(messages: list[tuple[int, str, str]]) -> bool:
    """Report whether any of a decoder's messages (level, name, text) is about damage."""
    return any(
        _LOST in text
        or (level <= av.logging.ERROR and not any(harmless in text for harmless in _HARMLESS))
        for level, _, text in messages
    )
