"""Parts of a file that FFmpeg's demuxer passes over: it looks for the next packet that it can read.

It says so in its log alone, and gives the packets that are left. They may all be sound: the video
is shorter then, or has a gap, and no decoder notices.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import av
import av.logging
from av.container import InputContainer

from .decoder_log import listening
from .packets import Packets
from .remarks import FEWER, GAPS

Messages = list[tuple[int, str, str]]
"""Level, name and text of each message of FFmpeg's log."""
_ONE_TOO_MANY = 1
"""Frames that a recorder's header may announce beyond those that it wrote."""


@contextmanager
def heard() -> Iterator[Messages]:
    """Give a list that gets what FFmpeg logs in this thread."""
    with listening(), av.logging.Capture() as messages:
        yield messages


def gaps_of(
    container: InputContainer, stream: av.VideoStream, packets: Packets, messages: Messages
) -> set[str]:
    """Return the remarks on what a file lacks.

    Args:
        container: The open file.
        stream: Its video stream.
        packets: What its packets' headers say.
        messages: What FFmpeg logged while it opened the file and read its packets. Decoders'
            own are left out: a stream's headers may look odd to them, and hold all that there is.
    """
    name = container.format.name
    found = set()
    if packets.marked or any(
        level <= av.logging.ERROR and source == name for level, source, _ in messages
    ):
        found.add(GAPS)
    if stream.frames > packets.count + _ONE_TOO_MANY:
        found.add(FEWER)
    return found
