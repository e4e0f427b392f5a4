"""The frames of a decoder that are built on damage."""

import av
from av.video.frame import PictureType


class Damage:
    """Follows a decoder: the damaged packets, and the frames that need them.

    A packet is known by its turn: its place in the order in which packets are decoded.

    A frame may be built on all that was decoded before it, back to the last key frame that was
    displayed before it. So what is decoded after a key frame and displayed before it (the leading
    pictures of an open group) may need what came before, and what is displayed after it doesn't.
    """

    def __init__(self) -> None:
        """Begin without damage."""
        self._damaged: dict[int, int | None] = {}  # turn: presentation time, where there is one
        self._shown: set[int] = set()
        self._losses: set[int] = set()

    def forget(self) -> None:
        """Begin again, as the decoder does: nothing that follows is built on what came."""
        self._damaged.clear()
        self._shown.clear()
        self._losses.clear()

    def found(self, turn: int, pts: int | None) -> None:
        """Note that a packet is damaged."""
        self._damaged.setdefault(turn, pts)

    def lost(self, turn: int, pts: int | None) -> None:
        """Note that a packet is damaged, or that others were lost after it, shown at any time."""
        self.found(turn, pts)
        self._losses.add(turn)

    def of(self, turn: int, frame: av.VideoFrame) -> int | None:
        """Take the next frame in the order of display, and return the first damage that it needs.

        Args:
            turn: The turn of the frame's packet.
            frame: The frame that the packet gave.

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
                and (
                    other in self._losses
                    or (
                        other not in self._shown
                        and (pts is None or frame.pts is None or pts > frame.pts)
                    )
                )
            }
            self._shown = {other for other in self._shown if other > turn}
        self._shown.add(turn)
        return min((other for other in self._damaged if other <= turn), default=None)

    def shown_before(self, turn: int) -> int:
        """Return how many frames of later turns came out; after a sound key frame no more will."""
        return sum(other > turn for other in self._shown)


def is_key(frame: av.VideoFrame) -> bool:
    """Report whether a frame needs no other, and frames displayed after it need no earlier ones.

    H.264 also marks the end of a gradual refresh: such a frame does need others.
    """
    return bool(frame.key_frame) and frame.pict_type == PictureType.I
