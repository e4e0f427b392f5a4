"""What PyAV's FFmpeg says of damage while it decodes, heard in the thread that decodes.

Of errors FFmpeg says most only in its log: it conceals what it can, gives the picture, and marks it
in some of its decoders. Warnings don't count: sound files draw many (packed B-frames, old DivX).
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import av
import av.logging

_LOST = "undecodable NALU"
"""Of HEVC: a part of the picture is left out, and that is but a warning."""
_HARMLESS = ("mmco: unref short failure", "unable to decode APP fields", "VPS 0 does not exist")
"""Errors that sound files draw: a reference that is gone already is to be dropped; cameras' own
fields in MJPEG; HEVC whose first parameter set came late."""

_lock = threading.Lock()
_listeners = 0
_before: tuple[int | None, bool, int] = (None, True, 0)


@contextmanager
def listening() -> Iterator[None]:
    """Have FFmpeg's warnings and errors come to `complaints`, and nowhere else meanwhile.

    Any number of threads may listen at once; the last to end puts back what was set before.
    """
    global _listeners, _before
    logger = logging.getLogger("libav")
    with _lock:
        if _listeners == 0:
            _before = av.logging.get_level(), av.logging.get_skip_repeated(), logger.level
            av.logging.set_level(av.logging.WARNING)
            av.logging.set_skip_repeated(False)  # two damaged files say the same
            logger.setLevel(logging.CRITICAL + 1)
        _listeners += 1
    try:
        yield
    finally:
        with _lock:
            _listeners -= 1
            if _listeners == 0:
                level, skip_repeated, logger_level = _before
                av.logging.set_level(level)
                av.logging.set_skip_repeated(skip_repeated)
                logger.setLevel(logger_level)


def tells_damage(said: list[tuple[int, str, str]]) -> bool:
    """Tell whether any of a decoder's messages (level, name, text) speaks of damage."""
    return any(
        _LOST in text
        or (level <= av.logging.ERROR and not any(harmless in text for harmless in _HARMLESS))
        for level, _, text in said
    )
