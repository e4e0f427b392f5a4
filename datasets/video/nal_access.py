"""H.264 and HEVC: pictures at which decoding may begin, and those that no other needs."""

from abc import ABC, abstractmethod

from .begin import Begin
from .bits import Bits, EndOfBitsError
from .h264 import size_bytes
from .nal_units import NalUnits, without_guards


class _NalAccess(ABC):
    """H.264 and HEVC: what both have in common.

    Parameter sets stay valid until others take their place. So decoding begins only where all
    that came in the packets so far come again: none that is left out can be missing.
    """

    leads_are_disposable = False
    _PARAMETER_SETS: frozenset[int]

    def __init__(self, size_bytes: int) -> None:
        self._units = NalUnits(size_bytes)
        self._sets: set[bytes] = set()

    @staticmethod
    @abstractmethod
    def _kind(unit: memoryview) -> int: ...

    def begin(self, content: memoryview, is_key: bool) -> Begin | None:
        if not is_key:
            if self._may_have_sets(content):
                self._sets |= self._sets_of(content)
            return None
        before, own = self._sets, self._sets_of(content)
        self._sets = before | own
        return self._begin(content) if before <= own else None

    @abstractmethod
    def _begin(self, content: memoryview) -> Begin | None: ...

    @abstractmethod
    def is_disposable(self, content: memoryview) -> bool: ...

    def _may_have_sets(self, content: memoryview) -> bool:
        """Look at the units before the picture, and at no byte of that."""
        at = self._units.size_bytes
        if 0 < at < len(content) and self._is_of_picture(self._kind(content[at:])):
            return False  # as nearly all packets are
        for head in self._units.heads(content):
            kind = self._kind(head)
            if kind in self._PARAMETER_SETS:
                return True
            if self._is_of_picture(kind):
                return False
        return False

    @abstractmethod
    def _is_of_picture(self, kind: int) -> bool: ...

    def _sets_of(self, content: memoryview) -> set[bytes]:
        return {
            bytes(unit).rstrip(b"\0")
            for unit in self._units.of(content)
            if self._kind(unit) in self._PARAMETER_SETS
        }


class H264Access(_NalAccess):
    """H.264: begins at IDR pictures, and at I pictures that a recovery point says are enough.

    A message of a recovery point (ISO 14496-10, D.1.8) that counts no frames, and says that the
    pictures match exactly, is that of an open group. One that counts some is of intra refresh.
    """

    _PARAMETER_SETS = frozenset({7, 8, 13, 15})
    _SLICE, _PARTITION, _IDR_SLICE, _MESSAGES = 1, 2, 5, 6

    def __init__(self, extradata: bytes) -> None:
        """Take the stream's extradata."""
        super().__init__(size_bytes(extradata))

    @staticmethod
    def _kind(unit: memoryview) -> int:
        return unit[0] & 31

    def _is_of_picture(self, kind: int) -> bool:
        return 1 <= kind <= self._IDR_SLICE

    def _begin(self, content: memoryview) -> Begin | None:
        is_recovered = False
        found: Begin | None = None
        for unit in self._units.of(content):
            kind = self._kind(unit)
            if kind == self._IDR_SLICE:
                return Begin.CLOSED
            if kind == self._MESSAGES:
                is_recovered |= _recovers_at_once(without_guards(unit[1:]))
            elif self._is_of_picture(kind):
                if kind != self._SLICE or not is_recovered or not _is_intra(unit):
                    return None
                found = Begin.OPEN
        return found

    def is_disposable(self, content: memoryview) -> bool:
        """Report whether a packet is of a picture that is no reference, and of nothing else."""
        for head in self._units.heads(content):
            kind = self._kind(head)
            if kind == self._SLICE:
                return head[0] & 0x60 == 0  # so it is in all slices of a picture (7.4.1)
            if self._is_of_picture(kind) or kind in self._PARAMETER_SETS:
                return False
        return False


_RECOVERY_POINT = 6


def _recovers_at_once(messages: bytes) -> bool:
    """Look for a recovery point of no frames, exact and not broken (7.3.2.3.1, D.1.8)."""
    at = 0
    while at + 2 < len(messages):
        numbers = []
        for _ in range(2):  # the kind and the size of a message
            number = 0
            while at < len(messages) and messages[at] == 0xFF:
                number, at = number + 255, at + 1
            if at >= len(messages):
                return False
            numbers.append(number + messages[at])
            at += 1
        kind, size = numbers
        if kind == _RECOVERY_POINT:
            bits = Bits(messages[at : at + size])
            try:
                return bits.take_golomb() == 0 and bits.take(2) == 0b10
            except EndOfBitsError:
                return False
        at += size
    return False


def _is_intra(unit: memoryview) -> bool:
    """Report whether a slice is of the kind I (7.3.3)."""
    bits = Bits(without_guards(unit[1:32]))
    try:
        bits.take_golomb()  # first_mb_in_slice
        return bits.take_golomb() % 5 == 2
    except EndOfBitsError:
        return False


class HevcAccess(_NalAccess):
    """HEVC: begins at the pictures that it calls random access points (ISO 23008-2, 7.4.2.2).

    A picture that no other of its layer in time needs may be needed by one of a higher layer.
    """

    _PARAMETER_SETS = frozenset({32, 33, 34})
    _RANDOM_ACCESS = range(16, 22)
    _WITHOUT_LEADS = 20
    _PICTURE_KINDS = 32

    def __init__(self, extradata: bytes) -> None:
        """Take the stream's extradata: hvcC (ISO 14496-15, 8.3.3), or units with start codes."""
        is_hvcc = extradata[:1] == b"\x01" and len(extradata) > 22
        super().__init__((extradata[21] & 3) + 1 if is_hvcc else 0)
        self._has_layers = False

    @staticmethod
    def _kind(unit: memoryview) -> int:
        return unit[0] >> 1 & 63

    def _is_of_picture(self, kind: int) -> bool:
        return kind < self._PICTURE_KINDS

    def begin(self, content: memoryview, is_key: bool) -> Begin | None:
        """Take the next packet; None if decoding may not begin at it."""
        head = self._first_slice(content)
        self._has_layers |= head is None or len(head) < 2 or head[1] & 7 != 1
        return super().begin(content, is_key)

    def _first_slice(self, content: memoryview) -> memoryview | None:
        heads = self._units.heads(content)
        return next((head for head in heads if self._is_of_picture(self._kind(head))), None)

    def _begin(self, content: memoryview) -> Begin | None:
        head = self._first_slice(content)
        if head is None or self._kind(head) not in self._RANDOM_ACCESS:
            return None
        return Begin.CLOSED if self._kind(head) == self._WITHOUT_LEADS else Begin.OPEN

    def is_disposable(self, content: memoryview) -> bool:
        """Report whether a packet is of a picture that is no reference, and of nothing else."""
        if self._has_layers or self._may_have_sets(content):
            return False
        head = self._first_slice(content)
        return head is not None and self._kind(head) < 16 and self._kind(head) % 2 == 0
