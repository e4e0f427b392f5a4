"""FLV, ASF and Ogg files that end before their headers say so, which FFmpeg reads without a word.

What is compared are bytes, where the file announces them: a header's duration may be generous. The
fields are those of "Adobe Flash Video File Format Specification" 10.1, annex E, "Advanced Systems
Format (ASF) Specification" 01.20.06, and RFC 3533 (Ogg).
"""

import struct
from pathlib import Path
from typing import IO

from ..errors import VideoError
from ..plurals import quantity

GENEROUS_S = 1.0
"""An FLV file's announced duration may exceed its last tag by so much, as recorders write it."""

_ASF_HEADER = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_ASF_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
_ASF_DATA_HEAD = 50
"""Bytes of the data object before its packets."""
_BROADCAST = 1
"""Flag of a live stream, whose sizes are not known."""
_FLV_TAG = 11
"""Bytes of a tag before its content."""
_FLV_KINDS = (8, 9, 18)
"""Tags of sound, of video, and of a script."""
_AFTER_TAG = 4
"""Bytes of a tag's size, which follows it; some writers leave out the last one."""
_OGG_PAGE = b"OggS\0"
"""A page begins with its name and its version."""
_OGG_PAGE_HEAD = 27
"""Bytes of a page before its table of segments, the last of which is the table's length."""
_MOST_OF_OGG_PAGE = _OGG_PAGE_HEAD + 255 + 255 * 255
_GOES_ON = 255
"""Length of a segment whose packet goes on in the next one."""
_MOST_READ = 2**20
"""Bytes that are read of a header, at most."""


def refuse_short_container(path: Path, file: IO[bytes], size: int) -> None:
    """Refuse an FLV, ASF or Ogg file that lacks its end; another kind is left to FFmpeg.

    Args:
        path: The file, for errors.
        file: The open file.
        size: Its bytes.

    Raises:
        VideoError: It is cut short.
    """
    file.seek(0)
    head = file.read(16)
    if head[:3] == b"FLV":
        _refuse_short_flv(path, file, size)
    elif head == _ASF_HEADER:
        _refuse_short_asf(path, file, size)
    elif head.startswith(_OGG_PAGE):
        _refuse_short_ogg(path, file, size)


def _refuse_short_flv(path: Path, file: IO[bytes], size: int) -> None:
    file.seek(5)
    first = int.from_bytes(file.read(4), "big") + _AFTER_TAG
    end, last_s = _last_tag(file, size) or _walked(file, first, size)
    if end > size:
        raise VideoError(
            path, f"cut short: its last tag lacks {quantity(end - size, 'byte', spec=',')}"
        )
    file.seek(first)
    metadata = file.read(_MOST_READ)
    announced = _number(metadata, b"filesize")
    if announced is not None and end + _AFTER_TAG < announced < 2.0**63:
        raise VideoError(
            path,
            f"cut short: its header announces {quantity(announced, 'byte', spec=',.0f')}, "
            f"{quantity(size, 'is there', 'are there', ',')}",
        )
    seconds = _number(metadata, b"duration")
    if seconds is not None and seconds > last_s + GENEROUS_S:
        raise VideoError(
            path,
            f"cut short: its header announces {seconds:.2f} s, the last tag is at {last_s:.2f} s",
        )


def _last_tag(file: IO[bytes], size: int) -> tuple[int, float] | None:
    """Return the end of the last tag, whose size follows it, and its time in seconds.

    None where the file doesn't end with a whole tag and its size.
    """
    file.seek(max(size - _AFTER_TAG, 0))
    length = int.from_bytes(file.read(_AFTER_TAG), "big")
    if not _FLV_TAG <= length <= size - _AFTER_TAG:
        return None
    file.seek(size - _AFTER_TAG - length)
    tag = file.read(_FLV_TAG)
    if int.from_bytes(tag[1:4], "big") + _FLV_TAG != length:
        return None
    return size - _AFTER_TAG, _seconds(tag)


def _walked(file: IO[bytes], at: int, size: int) -> tuple[int, float]:
    """Go from tag to tag, and return as `_last_tag` does; the end may be after the file's."""
    last_s = 0.0
    end = at - _AFTER_TAG
    while at < size:
        file.seek(at)
        tag = file.read(_FLV_TAG)
        if tag[0] & 0x1F not in _FLV_KINDS:
            return min(end, size), last_s  # something else follows
        if len(tag) < _FLV_TAG:
            return at + _FLV_TAG, last_s
        last_s = _seconds(tag)
        end = at + _FLV_TAG + int.from_bytes(tag[1:4], "big")
        at = end + _AFTER_TAG
    return end, last_s


def _seconds(tag: bytes) -> float:
    return int.from_bytes(tag[7:8] + tag[4:7], "big") / 1000


def _number(metadata: bytes, name: bytes) -> float | None:
    """Return a number of the script tag `onMetaData`: a name, the type 0, and a double."""
    at = metadata.find(len(name).to_bytes(2, "big") + name + b"\0")
    if at < 0 or b"onMetaData" not in metadata[:at]:
        return None
    found = metadata[at + 3 + len(name) :][:8]
    return float(struct.unpack(">d", found)[0]) if len(found) == 8 else None


def _refuse_short_asf(path: Path, file: IO[bytes], size: int) -> None:
    length, _ = struct.unpack("<QI", file.read(12).ljust(12, b"\0"))
    file.seek(30)
    header = file.read(min(max(length - 30, 0), _MOST_READ))
    at = header.find(_ASF_PROPERTIES)
    if at < 0 or at + 104 > len(header):
        return
    (packets,) = struct.unpack_from("<Q", header, at + 56)
    flags, least, most = struct.unpack_from("<III", header, at + 88)
    if flags & _BROADCAST or least != most or not least:
        return
    found = max(size - length - _ASF_DATA_HEAD, 0) // least
    if found < packets:
        raise VideoError(
            path,
            f"cut short: its header announces {quantity(packets, 'packet', spec=',')} of "
            f"{quantity(least, 'byte', spec=',')}, {quantity(found, 'is there', 'are there', ',')}",
        )


def _refuse_short_ogg(path: Path, file: IO[bytes], size: int) -> None:
    """Look at the last page: FFmpeg drops it, and the packets that it holds, if it isn't whole."""
    file.seek(max(size - _MOST_OF_OGG_PAGE, 0))
    end = file.read(_MOST_OF_OGG_PAGE)
    at = end.rfind(_OGG_PAGE)
    if at < 0:
        return
    page = end[at:]
    count = page[_OGG_PAGE_HEAD - 1] if len(page) >= _OGG_PAGE_HEAD else 1  # one isn't there
    segments = page[_OGG_PAGE_HEAD:][:count]
    is_whole = len(segments) == count and _OGG_PAGE_HEAD + count + sum(segments) <= len(page)
    if not is_whole or segments[-1:] == bytes([_GOES_ON]):
        raise VideoError(path, "cut short: its last page is incomplete")
