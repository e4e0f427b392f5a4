"""Where decoding a stream may begin, and what can be left out: what each codec has to say."""

from enum import Enum
from typing import Protocol


class Begin(Enum):
    """Where decoding may begin: nothing from that packet's display on needs what came before it.

    Pictures of an OPEN group may be decoded after its first one, shown before it, and need others
    from before; a CLOSED group has none.
    """

    CLOSED = "closed"
    OPEN = "open"


class RandomAccess(Protocol):
    """Follows the packets of a stream in the order of decoding."""

    leads_are_disposable: bool
    """True if the disposable packets right after the first of a group are those that are shown
    before it."""

    def begin(self, content: memoryview, is_key: bool) -> Begin | None:
        """Take the next packet; None if decoding may not begin at it.

        Args:
            content: Its bytes.
            is_key: True if the container or FFmpeg's parser marks it as a key frame.
        """

    def is_disposable(self, content: memoryview) -> bool:
        """Report whether a packet can be left out: no other needs it."""
