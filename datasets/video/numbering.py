"""The numbers of decoded frames, and whether they agree with the index."""

from collections.abc import Sequence
from pathlib import Path

from ..errors import VideoError
from .decoding import Decoded, Step
from .index import VideoIndex


class IndexIsWrongError(VideoError):
    """The decoder contradicts an index that was made of packets' headers: it has to decide."""

    def __init__(self, path: Path) -> None:
        """Name the file."""
        super().__init__(
            path, "its packets' headers contradict what its decoder gives; read it once more"
        )


def refuse_wrong_numbers(numbers: Sequence[int], count: int) -> None:
    """Raise ValueError or IndexError unless they are ascending numbers of `count` frames."""
    if not numbers or list(numbers) != sorted(set(numbers)):
        raise ValueError(
            f"frame numbers must ascend without repeats, one at least: {list(numbers)[:8]}..."
        )
    if numbers[0] < 0 or numbers[-1] >= count:
        raise IndexError(f"frames {numbers[0]}..{numbers[-1]} of a video of {count}")


class Numbering:
    """Numbers the frames of a decoder in the order in which it gives them.

    Attributes:
        seen: Frames that came, or should have come.
        is_in_order: False once a frame came whose timestamp is before that of an earlier one.
    """

    def __init__(self, path: Path, index: VideoIndex) -> None:
        """Begin with the first frame."""
        self.seen = 0
        self.is_in_order = True
        self._path, self._index = path, index
        self._lag = 0
        self._lost = False
        self._number_of: dict[int, int | None] = {}  # of damaged packets, by their turn
        self._last_pts: int | None = None

    def take(self, step: Step) -> None:
        """Note whether a packet is damaged, before its frames are numbered."""
        if not step.is_sound:
            self._lost = True
            self._number_of[step.turn] = self._number(step.pts, step.turn - self._lag)

    def of(self, decoded: Decoded) -> int | None:
        """Return the number of the next frame; None if it is not shown.

        Raises:
            IndexIsWrongError: The index has no such frame here.
        """
        if decoded.frame.pts is not None:
            if self._last_pts is not None and decoded.frame.pts < self._last_pts:
                self.is_in_order = False
            self._last_pts = decoded.frame.pts
        self._lost |= decoded.need is not None
        number = self._by_time(decoded) if self._index.number_of else self._by_place(decoded)
        if decoded.need is not None:
            self._number_of[decoded.turn] = number
        return number

    def of_damage(self, turn: int) -> int | None:
        """Return the number of a damaged packet's frame; None if it isn't known."""
        return self._number_of.get(turn)

    def finish(self) -> None:
        """Take notice of the end of the decoder's output.

        Raises:
            IndexIsWrongError: The index has another number of frames.
        """
        index = self._index
        if not index.is_decoded and not self._lost and self.seen != len(index.times_s):
            raise IndexIsWrongError(self._path)

    def _by_time(self, decoded: Decoded) -> int | None:
        number = self._number(decoded.frame.pts, 0)
        if decoded.key_place is not None:
            self._lost, self.seen = False, self.seen if number is None or not self._lost else number
        if number != self.seen and not self._lost:
            raise IndexIsWrongError(self._path)
        self.seen = self.seen + 1 if number is None else number + 1
        return number

    def _by_place(self, decoded: Decoded) -> int | None:
        place = decoded.key_place
        if place is not None and not self._index.is_decoded:
            if self._lost:
                self.seen = place - self._lag
            self._lag = place - self.seen
            self._lost = False
        number = self._number(None, self.seen)
        self.seen += 1
        return number

    def _number(self, pts: int | None, place: int) -> int | None:
        """Return the number of a frame, by its time or by its place; None if it is not shown."""
        if self._index.number_of is not None:
            return None if pts is None else self._index.number_of.get(pts)
        number = place - self._index.skipped
        return number if number >= 0 else None
