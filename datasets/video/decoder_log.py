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
_HARMLESS = ("mmco: unref short failure", "unable to decode APP fields", "VPS 0 does not exist")
"""Errors that sound files cause: a reference that is gone already is to be dropped; cameras' own
fields in MJPEG; HEVC whose first parameter set came late."""


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
