"""Which frames are built on damage, as they come out of a decoder."""

import av
from av.video.frame import PictureType


class Damage:
    """Follows a decoder: what it complained of, and which frames need that.

    Packets are told by their turn: their place in the order in which they are decoded.

    A frame may be built on all that was decoded before it, back to the last key frame that was
    displayed before it. So what is decoded after a key frame and displayed before it (the leading
    pictures of an open group) may need what came before, and what is displayed after it doesn't.
    """

    def __init__(self) -> None:
        """Nothing is damaged yet."""
        self._damaged: dict[int, int | None] = {}  # turn: presentation time, where there is one
        self._shown: set[int] = set()

    def found(self, turn: int, pts: int | None) -> None:
        """Note that a packet is damaged."""
        self._damaged.setdefault(turn, pts)

    def of(self, turn: int, frame: av.VideoFrame) -> int | None:
        """Take the next frame in the order of display, and return the first damage that it needs.

        Args:
            turn: Of the frame's packet.
            frame: What came of it.

        Returns:
            The turn of the damaged packet; None for a sound frame.
        """
        if frame.is_corrupt:
            self.found(turn, frame.pts)
        if is_key(frame) and turn not in self._damaged:
            self._damaged = {
                other: pts
                for other, pts in self._damaged.items()
                if other > turn
                and other not in self._shown
                and (pts is None or frame.pts is None or pts > frame.pts)
            }
            self._shown = {other for other in self._shown if other > turn}
        self._shown.add(turn)
        return min((other for other in self._damaged if other <= turn), default=None)

    def shown_before(self, turn: int) -> int:
        """Return how many frames of later turns came out; of a sound key frame all that ever do."""
        return sum(other > turn for other in self._shown)


def is_key(frame: av.VideoFrame) -> bool:
    """Tell whether a frame needs no other, nor does what is displayed after it need earlier ones.

    H.264 also marks where a gradual refresh is complete: those are no pictures of their own.
    """
    return bool(frame.key_frame) and frame.pict_type == PictureType.I
