"""Packets of H.264 that hold one field, half a picture (PAFF), by their headers (ISO 14496-10)."""

from typing import NamedTuple

from .bits import Bits, EndOfBitsError
from .nal_units import NalUnits, without_guards

_SLICE, _IDR_SLICE, _SEQUENCE = 1, 5, 7
_HEADER_BYTES = 1024
"""More than the part of a header that is read takes."""
_WITH_CHROMA_FORMAT = {100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135}
"""Profiles whose sequence parameter sets say how chroma is sampled (7.3.2.1.1)."""


class _Sequence(NamedTuple):
    """What a sequence parameter set says of its slices.

    Attributes:
        may_have_fields: True if a picture may be coded as two fields.
        frame_number_bits: Length of a slice's frame_num.
        has_planes: True if each slice names its colour plane.
    """

    may_have_fields: bool
    frame_number_bits: int
    has_planes: bool


def size_bytes(extradata: bytes) -> int:
    """Return the length of the number before each unit; 0 for start codes (ISO 14496-15, 5.3.3)."""
    return (extradata[4] & 3) + 1 if extradata[:1] == b"\x01" and len(extradata) > 6 else 0


class H264Frames:
    """Counts the frames of packets: 1, or None for a field and for what can't be read."""

    def __init__(self, extradata: bytes) -> None:
        """Take a stream's extradata: avcC (ISO 14496-15, 5.3.3), or units with start codes."""
        self._units = NalUnits(size_bytes(extradata))
        self._sequences: set[_Sequence | None] = set()
        if self._units.size_bytes:
            at = 6
            for _ in range(extradata[5] & 31):
                size = int.from_bytes(extradata[at : at + 2], "big")
                self._take_sequence(memoryview(extradata)[at + 2 : at + 2 + size])
                at += 2 + size
        else:
            self._find_sequences(memoryview(extradata))

    def __call__(self, content: memoryview, is_key: bool) -> int | None:
        """Return the number of frames, for the next packet."""
        if is_key or not self._sequences:
            self._find_sequences(content)
        if not self._sequences or None in self._sequences:
            return None
        if not any(each.may_have_fields for each in self._sequences if each is not None):
            return 1
        return self._in_slice(content)

    def _in_slice(self, content: memoryview) -> int | None:
        """Look at field_pic_flag of the first slice (7.3.3)."""
        if len(self._sequences) != 1:
            return None
        (sequence,) = self._sequences
        assert sequence is not None
        for unit in self._units.of(content):
            if unit[0] & 31 not in (_SLICE, _IDR_SLICE):
                continue
            bits = Bits(without_guards(unit[1:64]))
            try:
                for _ in range(3):
                    bits.take_golomb()  # first_mb_in_slice, slice_type, pic_parameter_set_id
                bits.skip(2 * sequence.has_planes + sequence.frame_number_bits)
                return None if bits.take(1) else 1
            except EndOfBitsError:
                return None
        return None

    def _find_sequences(self, content: memoryview) -> None:
        for unit in self._units.of(content):
            if unit[0] & 31 == _SEQUENCE:
                self._take_sequence(unit)

    def _take_sequence(self, unit: memoryview) -> None:
        try:
            found = _sequence(Bits(without_guards(unit[1:_HEADER_BYTES])))
        except EndOfBitsError:
            found = None
        self._sequences.add(found)


def _sequence(bits: Bits) -> _Sequence:
    """Read a sequence parameter set as far as frame_mbs_only_flag (7.3.2.1.1)."""
    profile = bits.take(8)
    bits.skip(16)
    bits.take_golomb()
    has_planes = False
    if profile in _WITH_CHROMA_FORMAT:
        chroma_format = bits.take_golomb()
        if chroma_format == 3:
            has_planes = bool(bits.take(1))
        bits.take_golomb()  # bit depths
        bits.take_golomb()
        bits.skip(1)
        if bits.take(1):
            for number in range(12 if chroma_format == 3 else 8):
                if bits.take(1):
                    _skip_scaling_list(bits, 16 if number < 6 else 64)
    frame_number_bits = bits.take_golomb() + 4
    order = bits.take_golomb()
    if order == 0:
        bits.take_golomb()
    elif order == 1:
        bits.skip(1)
        bits.take_signed_golomb()
        bits.take_signed_golomb()
        for _ in range(bits.take_golomb()):
            bits.take_signed_golomb()
    bits.take_golomb()  # max_num_ref_frames
    bits.skip(1)
    bits.take_golomb()  # width and height
    bits.take_golomb()
    return _Sequence(not bits.take(1), frame_number_bits, has_planes)


def _skip_scaling_list(bits: Bits, size: int) -> None:
    """Pass over a list, which ends early with a zero (7.3.2.1.1.1)."""
    last = 8
    for _ in range(size):
        last = (last + bits.take_signed_golomb()) % 256
        if last == 0:
            return
