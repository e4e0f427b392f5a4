"""The number of frames that a packet shows, from the first bits of its pictures: no decoding.

Most packets show one. Some only feed later ones (VP8, VP9), say that nothing changed (MPEG-4), hold
two pictures (packed MPEG-4) or half of one (a field of H.264 or MPEG-2).
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

from av.codec import Codec

from .bits import Bits, EndOfBitsError
from .h264 import H264Frames

Count = Callable[[memoryview, bool], int | None]
"""Called with the bytes of a packet, in the order of decoding, and with whether it is a key frame;
returns the number of frames that it shows, or None if its headers don't say that."""

_ONE_A_PACKET = frozenset(
    {
        *("hevc", "av1", "libdav1d", "libaom-av1", "flv", "h263", "h263p", "vp6", "vp6f"),
        *("cinepak", "gif", "ffv1", "wmv1", "wmv2", "msmpeg4v1", "msmpeg4v2", "msmpeg4"),
    }
)
"""Decoders, by FFmpeg's names, whose every packet is one frame; so it is without references."""


def counter_of(codec: Codec, extradata: bytes | None) -> Count:
    """Return what counts the frames of a stream's packets, for its decoder and its extradata."""
    counters: dict[str, Callable[[bytes], Count]] = {
        "h264": H264Frames,
        "mpeg4": _Mpeg4Frames,
        "mpeg1video": lambda _: _of_mpeg12,
        "mpeg2video": lambda _: _of_mpeg12,
        "vp8": lambda _: _of_vp8,
        "libvpx": lambda _: _of_vp8,
        "vp9": lambda _: _of_vp9,
        "libvpx-vp9": lambda _: _of_vp9,
    }
    if codec.name in counters:
        return counters[codec.name](extradata or b"")
    if codec.name in _ONE_A_PACKET or codec.intra_only:
        return lambda content, is_key: 1
    return lambda content, is_key: None


def _of_vp8(content: memoryview, is_key: bool) -> int:
    """RFC 6386, 9.1: show_frame is bit 4."""
    return int(content[0] & 0x10 != 0)


def _of_vp9(content: memoryview, is_key: bool) -> int:
    """VP9 bitstream specification 0.6, 6.2 and annex B (superframes)."""
    return sum(_is_shown_vp9(first) for first in first_bytes(content))


def first_bytes(content: memoryview) -> Iterator[int]:
    """Yield the first byte of each frame of a superframe, or of the only frame."""
    marker = content[-1]
    count, bytes_a_size = (marker & 7) + 1, (marker >> 3 & 3) + 1
    length = 2 + bytes_a_size * count
    if marker & 0xE0 != 0xC0 or len(content) < length or content[-length] != marker:
        yield content[0]
        return
    at = 0
    sizes = content[-length + 1 : -1]
    for number in range(count):
        size = int.from_bytes(sizes[number * bytes_a_size :][:bytes_a_size], "little")
        if size and at < len(content) - length:
            yield content[at]
        at += size


def _is_shown_vp9(first: int) -> bool:
    """frame_marker, profile, (a reserved bit,) show_existing_frame, frame_type, show_frame."""
    after = first if first & 0x30 != 0x30 else first << 1
    return bool(after & 0x08 or after & 0x02)


_MPEG12_PICTURE = re.compile(rb"\x00\x00\x01(?:\x00|\xb5[\x80-\x8f].(.))", re.DOTALL)
_WHOLE_FRAME = 3


def _of_mpeg12(content: memoryview, is_key: bool) -> int | None:
    """ISO 13818-2, 6.2.3: picture headers, and picture_structure in their extensions."""
    halves = 0
    for found in _MPEG12_PICTURE.finditer(content):
        if found[1] is None:
            halves += 2  # a frame, as always in MPEG-1, unless its extension says otherwise
        elif found[1][0] & 3 != _WHOLE_FRAME:
            halves -= 1
    return halves // 2 if halves % 2 == 0 else None


class _Mpeg4Frames:
    """Counts the coded pictures in packets of MPEG-4 part 2 (ISO 14496-2, 6.2.3 and 6.2.5)."""

    _START = re.compile(rb"\x00\x00\x01[\x20-\x2f\xb6]")

    def __init__(self, extradata: bytes) -> None:
        self._time_bits: int | None = None
        self(memoryview(extradata), False)

    def __call__(self, content: memoryview, is_key: bool) -> int | None:
        count, pictures = 0, 0
        for found in self._START.finditer(content):
            end = found.end()
            if content[end - 1] != _PICTURE:
                self._time_bits = _time_bits(Bits(content[end : end + 32]))
            elif self._time_bits is None:
                return None
            else:
                pictures += 1
                count += _is_coded(content[end : end + 8], self._time_bits)
        return count if pictures else 1  # damaged


_PICTURE = 0xB6


def _time_bits(bits: Bits) -> int | None:
    """Read a video object layer as far as vop_time_increment_resolution; None if it is damaged."""
    try:
        bits.skip(1 + 8)
        version = 1
        if bits.take(1):
            version = bits.take(4)
            bits.skip(3)
        if bits.take(4) == 0xF:
            bits.skip(16)  # the aspect of a pixel
        if bits.take(1):
            bits.skip(2 + 1)
            if bits.take(1):
                bits.skip(79)  # vbv_parameters
        if bits.take(2) == 3 and version != 1:
            bits.skip(4)
        bits.skip(1)
        return max(1, (bits.take(16) - 1).bit_length())
    except EndOfBitsError:
        return None


def _is_coded(head: memoryview, time_bits: int) -> int:
    """Return vop_coded of a picture; a cut one is taken for coded."""
    number = int.from_bytes(head, "big")
    at = 8 * len(head) - 3
    while at > 0 and number >> at & 1:
        at -= 1  # modulo_time_base
    at -= 3 + time_bits  # vop_time_increment, between two ones
    return number >> at & 1 if at >= 0 else 1


def count_of(counter: Count, packet: Any) -> int | None:
    """Return how many frames a packet shows, None if its headers don't say that."""
    return counter(memoryview(packet), packet.is_keyframe)
