"""Decoding only the groups of pictures that hold wanted frames, of them only what is needed.

The packets are read from the file's start all the same, and those of other groups are passed over:
containers of broadcasting (MPEG-TS, MPEG-PS) can't be sought exactly, and reading costs little.
What the decoder gives is compared with the index, group by group. Wherever the two differ, or a
wanted frame is damaged, the whole file is decoded instead, and that decides.
"""

from bisect import bisect_right, insort
from collections.abc import Iterable, Iterator, Sequence

import av

from .container import Packet
from .damage import Damage, is_key
from .decoding import Decoded, Step, in_turn
from .index import Entry, VideoIndex
from .packets import Packets


class DoubtError(Exception):
    """The decoder gives what the index of a group doesn't say.

    Attributes:
        is_of_index: True if nothing is damaged, and frames that came already may be the wrong ones.
    """

    def __init__(self, is_of_index: bool) -> None:
        """Say whether the index is in doubt."""
        super().__init__()
        self.is_of_index = is_of_index


class Groups:
    """Chooses the packets that wanted frames need, and numbers what the decoder gives for them.

    Where frames are known by their timestamps, packets that no other needs are left out, too, and
    decoding stops at the last wanted frame of a group. Where they are known by their place, whole
    groups are decoded, up to the frame that begins the next one: its number shows that none was
    missing and none too many.
    """

    def __init__(self, index: VideoIndex, packets: Packets, numbers: Sequence[int]) -> None:
        """Prepare for wanted frames.

        Args:
            index: The frames, with entries.
            packets: What the packets' headers say.
            numbers: Numbers of wanted frames, ascending and without repeats.
        """
        assert packets.access is not None
        self.damage = Damage()
        self._access = packets.access
        self._number_of = index.number_of or {}
        self._is_by_time = index.number_of is not None
        self._count = len(index.times_s)
        self._entries = index.entries
        self._begins = [entry.number for entry in index.entries]
        self._entry_at = {entry.turn: entry for entry in index.entries}
        self._wanted = list(numbers)
        self._left = set(numbers)
        self._came = 0
        self._target: Entry | None = self._entry_of(self._wanted[0])
        self._begun = Entry(0, 0)  # at which the decoder was begun
        self._due: list[int] = []  # by time: numbers that the decoder has to give, ascending
        self._next: int | None = 0  # by place: the number that it gives next
        self._is_damaged = False
        stamps = zip(packets.turns, packets.shown, strict=True)
        self._number_at = {
            turn: self._number_of[pts] for turn, (pts, _) in stamps if pts in self._number_of
        }

    @property
    def first_left(self) -> int:
        """Number of the first wanted frame that didn't come yet."""
        return self._wanted[min(self._came, len(self._wanted) - 1)]

    def needed(
        self, codec: av.VideoCodecContext, packets: Iterable[Packet]
    ) -> Iterator[tuple[int, Packet]]:
        """Yield the packets that the decoder needs, with their turns; empty it before each gap.

        Args:
            codec: The decoder, which takes each packet before the next one is asked for.
            packets: All packets.
        """
        has_gap = False
        for turn, packet in in_turn(packets):
            if self._target is None:
                return
            if turn < self._target.turn:
                has_gap = True
                continue
            if has_gap:
                has_gap = False
                self._begin_at(self._target, codec)
            number = self._number_at.get(turn)
            if number is not None and packet.size:
                if self._is_dispensable(turn, number, packet):
                    continue
                if number >= self._begun.number:
                    insort(self._due, number)
            yield turn, packet

    def _begin_at(self, entry: Entry, codec: av.VideoCodecContext) -> None:
        codec.flush_buffers()
        self.damage.forget()
        self._begun, self._next = entry, None
        self._due.clear()

    def _is_dispensable(self, turn: int, number: int, packet: Packet) -> bool:
        is_wanted = number in self._left or turn in self._entry_at
        return not is_wanted and self._access.is_disposable(memoryview(packet))

    def wanted(self, steps: Iterable[Step]) -> Iterator[tuple[int, av.VideoFrame]]:
        """Yield the wanted frames with their numbers, of what the decoder gives.

        Raises:
            DoubtError: It gives other frames than the index says, or a wanted one is damaged.
        """
        for step in steps:
            self._is_damaged |= not step.is_sound
            for decoded in step.frames:
                self._is_damaged |= decoded.need is not None
                number = self._number(decoded)
                is_wanted = number in self._left
                if number is not None and is_wanted:
                    if decoded.need is not None:
                        raise DoubtError(False)
                    self._left.remove(number)
                    self._came += 1
                    yield number, decoded.frame
                if is_wanted if self._is_by_time else decoded.turn in self._entry_at:
                    self._target = self._entry_of(self.first_left) if self._left else None
        is_complete = self._is_by_time or self._target is None or self._next == self._count
        if self._left or not is_complete:
            raise self._doubt()

    def _entry_of(self, number: int) -> Entry:
        """Return the last entry that isn't after a frame."""
        return self._entries[bisect_right(self._begins, number) - 1]

    def _doubt(self) -> DoubtError:
        return DoubtError(not self._is_by_time and not self._is_damaged)

    def _number(self, decoded: Decoded) -> int | None:
        """Return the number of the next frame; None if it is shown before the group's first.

        Raises:
            DoubtError: Another one should come.
        """
        return self._by_time(decoded) if self._is_by_time else self._by_place(decoded)

    def _by_time(self, decoded: Decoded) -> int | None:
        pts = decoded.frame.pts
        number = None if pts is None else self._number_of.get(pts)
        if number is not None and number < self._begun.number:
            return None
        if number is None or self._due[:1] != [number]:
            raise self._doubt()
        self._refuse_other_key(decoded, is_first=number == self._begun.number)
        del self._due[0]
        return number

    def _by_place(self, decoded: Decoded) -> int | None:
        entry = self._entry_at.get(decoded.turn)
        if self._next is None:
            if decoded.turn > self._begun.turn:
                return None  # it is shown before the group's first frame
            self._next = self._begun.number
        number, self._next = self._next, self._next + 1
        if entry is not None and entry.number != number:
            raise self._doubt()
        self._refuse_other_key(decoded, is_first=entry is not None)
        return number

    def _refuse_other_key(self, decoded: Decoded, *, is_first: bool) -> None:
        """Raise DoubtError if a group's first frame needs others after all."""
        if is_first and self._begun.turn > 0 and not is_key(decoded.frame):
            raise self._doubt()
