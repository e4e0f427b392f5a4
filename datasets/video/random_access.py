"""Packets at which decoding may begin, and those that no other needs, by their headers.

A container's mark of a key frame isn't enough: an encoder with intra refresh marks pictures that
need others. Where a codec's headers don't promise it, decoding doesn't begin.
"""

import re
from collections.abc import Callable

from av.codec import Codec

from .begin import Begin, RandomAccess
from .nal_access import H264Access, HevcAccess
from .shown import first_bytes


def random_access_of(codec: Codec, extradata: bytes | None) -> RandomAccess | None:
    """Return what follows a stream's packets; None if decoding may begin nowhere but at its start.

    Args:
        codec: Its decoder.
        extradata: Its extradata.
    """
    known: dict[str, Callable[[bytes], RandomAccess]] = {
        "h264": H264Access,
        "hevc": HevcAccess,
        "mpeg4": lambda _: _MpegAccess(_MPEG4_PICTURE, _mpeg4_kind),
        "mpeg1video": lambda _: _MpegAccess(_MPEG12_PICTURE, _mpeg12_kind, _MPEG12_SEQUENCE),
        "mpeg2video": lambda _: _MpegAccess(_MPEG12_PICTURE, _mpeg12_kind, _MPEG12_SEQUENCE),
        "vp8": lambda _: _KeyAccess(_is_key_of_vp8),
        "libvpx": lambda _: _KeyAccess(_is_key_of_vp8),
        "vp9": lambda _: _KeyAccess(_is_key_of_vp9),
        "libvpx-vp9": lambda _: _KeyAccess(_is_key_of_vp9),
        "av1": lambda _: _KeyAccess(_is_key_of_av1),
        "libdav1d": lambda _: _KeyAccess(_is_key_of_av1),
        "libaom-av1": lambda _: _KeyAccess(_is_key_of_av1),
        **dict.fromkeys(_PICTURES_ALONE, lambda _: _KeyAccess(lambda content: True)),
    }
    return known[codec.name](extradata or b"") if codec.name in known else None


_PICTURES_ALONE = ("mjpeg", "prores", "dnxhd", "rawvideo", "png", "dvvideo", "jpeg2000", "v210")
"""Decoders of pictures each of which stands alone."""


class _KeyAccess:
    """Begins at key frames whose first bits say that they are; leaves nothing out."""

    leads_are_disposable = False

    def __init__(self, is_key_of: Callable[[memoryview], bool]) -> None:
        self._is_key_of = is_key_of

    def begin(self, content: memoryview, is_key: bool) -> Begin | None:
        return Begin.CLOSED if is_key and self._is_key_of(content) else None

    def is_disposable(self, content: memoryview) -> bool:
        return False


def _is_key_of_vp8(content: memoryview) -> bool:
    """RFC 6386, 9.1: bit 0 is that of a frame that needs others, bit 4 show_frame."""
    return content[0] & 0x11 == 0x10


def _is_key_of_vp9(content: memoryview) -> bool:
    """VP9 bitstream specification 0.6, 6.2, of the first frame: a key frame that is shown."""
    first = next(first_bytes(content), 0)
    after = first if first & 0x30 != 0x30 else first << 1
    return after & 0x0E == 0x02


_SEQUENCE_HEADER, _FRAME_HEADER, _FRAME = 1, 3, 6


def _is_key_of_av1(content: memoryview) -> bool:
    """AV1 bitstream specification, 5.3 to 5.9: a sequence header, then a key frame that is shown.

    A key frame that is shown later (a forward key frame) doesn't reset the decoder where it lies.
    """
    at, is_still, has_sequence = 0, False, False
    while at < len(content):
        head = content[at]
        kind = head >> 3 & 15
        at += 2 if head & 4 else 1
        size = len(content) - at
        if head & 2:
            size, at = _leb128(content, at)
        if at >= len(content):
            return False
        if kind == _SEQUENCE_HEADER:
            has_sequence, is_still = True, bool(content[at] & 0x08)
        elif kind in (_FRAME_HEADER, _FRAME):
            return has_sequence and (is_still or content[at] & 0xF0 == 0x10)
        at += size
    return False


def _leb128(content: memoryview, at: int) -> tuple[int, int]:
    """Return a number of variable length, and where it ends (AV1, 4.10.5)."""
    number = 0
    for place in range(8):
        if at >= len(content):
            break
        byte = content[at]
        at += 1
        number |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            break
    return number, at


class _MpegAccess:
    """MPEG-1, MPEG-2 and MPEG-4 part 2: pictures of the kinds I, P and B; none needs a B."""

    leads_are_disposable = True

    def __init__(
        self,
        picture: "re.Pattern[bytes]",
        kind_of: Callable[[bytes], str],
        sequence: bytes = b"",
    ) -> None:
        """Take how a picture's header is found and read, and what its group has to begin with."""
        self._picture, self._kind_of, self._sequence = picture, kind_of, sequence

    def begin(self, content: memoryview, is_key: bool) -> Begin | None:
        if not is_key or self._sequence not in bytes(content[:_SEQUENCE_BYTES]):
            return None
        return Begin.OPEN if self._kind(content) == "I" else None

    def is_disposable(self, content: memoryview) -> bool:
        return self._kind(content) == "B"

    def _kind(self, content: memoryview) -> str:
        found = self._picture.search(content)
        return self._kind_of(found[1]) if found else ""


_SEQUENCE_BYTES = 16
"""A sequence header is the first thing in the packet of a group's first picture."""
_MPEG12_SEQUENCE = b"\x00\x00\x01\xb3"
_MPEG12_PICTURE = re.compile(rb"\x00\x00\x01\x00(..)", re.DOTALL)
_MPEG4_PICTURE = re.compile(rb"\x00\x00\x01\xb6(.)", re.DOTALL)


def _mpeg12_kind(head: bytes) -> str:
    """ISO 13818-2, 6.2.3: temporal_reference, picture_coding_type."""
    return " IPB    "[head[1] >> 3 & 7]


def _mpeg4_kind(head: bytes) -> str:
    """ISO 14496-2, 6.2.5: vop_coding_type."""
    return "IPBS"[head[0] >> 6]
