"""The parts of video files that a torture can swap, and the fields of their headers.

Boxes of MP4 (ISO/IEC 14496-12), elements of Matroska (RFC 8794), packets of MPEG-TS and packs of
MPEG-PS (ISO/IEC 13818-1), chunks of AVI (RIFF), tags of FLV.
"""

import re
import struct
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple


class Piece(NamedTuple):
    """A part of a file.

    Attributes:
        begin: Its first byte.
        body: The first byte after its head: its name and size.
        end: The byte after its last one.
    """

    begin: int
    body: int
    end: int


class Field(NamedTuple):
    """A number in a header.

    Attributes:
        at: Its first byte.
        size: Its bytes.
    """

    at: int
    size: int


_BOXES = {b"moov", b"trak", b"edts", b"mdia", b"minf", b"dinf", b"stbl", b"moof", b"traf", b"mfra"}
_TABLES = {
    *(b"mvhd", b"tkhd", b"mdhd", b"stsd", b"stts", b"ctts", b"stsc", b"stco", b"co64", b"stsz"),
    *(b"stss", b"elst", b"tfhd", b"tfdt", b"trun", b"sidx", b"trex", b"mehd"),
}
_ELEMENTS = {
    0x18538067,
    0x1549A966,
    0x1654AE6B,
    0xAE,
    0xE0,
    0x1F43B675,
    0xA0,
    0x1C53BB6B,
    0xBB,
    0xB7,
}
"""Segment, Info, Tracks, TrackEntry, Video, Cluster, BlockGroup, Cues, CuePoint, its positions."""
_MEDIA = {0xA3, 0xA1}
"""SimpleBlock, Block: their first four bytes are a header, too."""
_LISTS = (b"RIFF", b"LIST")
_CHUNKS = {b"avih", b"strh", b"strf", b"idx1", b"indx", b"dmlh"}
_TS_BYTES = 188
_PACK = re.compile(rb"\x00\x00\x01[\xba\xe0]")
_FLV_HEAD, _FLV_TAG = 13, 11
_ELSEWHERE = 512
"""Bytes at the beginning of a file of another kind that are taken for its header."""


def siblings(content: bytes) -> list[list[Piece]]:
    """Return the pieces of a file that may change places, those of each parent in a list."""
    kind = _kind(content)
    if kind == "ts":
        count = len(content) // _TS_BYTES
        begins = [number * _TS_BYTES for number in range(count + 1)]
        return [[Piece(begin, begin + 4, end) for begin, end in pairwise(begins)]]
    if kind == "ps":
        begins = [found.start() for found in _PACK.finditer(content)] + [len(content)]
        return [[Piece(begin, begin + 4, end) for begin, end in pairwise(begins)]]
    if kind == "flv":
        return [list(_tags(content))]
    families: list[list[Piece]] = []
    waiting = [Piece(0, 0, len(content))]
    while waiting:
        family = []
        for piece, is_parent in _INSIDE[kind](content, waiting.pop()):
            family.append(piece)
            if is_parent:
                waiting.append(piece)
        families.append(family)
    return [family for family in families if len(family) > 1]


def fields(content: bytes) -> list[Field]:
    """Return the numbers in a file's headers: sizes, times, counts, dimensions."""
    kind = _kind(content)
    families = siblings(content)
    found: list[Field] = []
    for piece in (each for family in families for each in family):
        found += _fields_of(kind, content, piece)
    return found or [Field(at, 4) for at in range(0, min(len(content) - 4, _ELSEWHERE), 2)]


def _fields_of(kind: str, content: bytes, piece: Piece) -> Iterator[Field]:
    """Yield the fields of a piece: its own size, and numbers in its body where it is a header."""
    head = content[piece.begin : piece.body]
    if kind == "mp4":
        yield Field(piece.begin, 4)
        if head[4:8] in _TABLES:
            yield from (
                Field(at, 4) for at in range(piece.body, min(piece.end, piece.body + 96), 4)
            )
    elif kind == "ebml":
        name, body = _ebml_name(content, piece.begin)
        yield Field(body, piece.body - body)
        size = piece.end - piece.body
        if name in _MEDIA:
            yield Field(piece.body + 1, 2)
        elif name not in _ELEMENTS and 0 < size <= 8:
            yield Field(piece.body, size)
    elif kind == "avi":
        yield Field(piece.begin + 4, 4)
        if head[:4] in _CHUNKS:
            yield from (
                Field(at, 4) for at in range(piece.body, min(piece.end, piece.body + 64), 4)
            )
    elif kind == "flv":
        yield from (Field(piece.begin + 1, 3), Field(piece.begin + 4, 3))
    elif kind == "ts" and head[1] & 0x40:  # a table or the first packet of a picture begins here
        yield from (Field(at, 2) for at in range(piece.begin + 1, piece.begin + 40))
    elif kind == "ps":
        yield from (Field(at, 2) for at in range(piece.body, min(piece.end - 2, piece.body + 16)))


def _kind(content: bytes) -> str:
    if content[4:8] in (b"ftyp", b"moov", b"wide", b"mdat"):
        return "mp4"
    if content[:4] == b"\x1a\x45\xdf\xa3":
        return "ebml"
    if content[:4] == b"RIFF":
        return "avi"
    if content[:3] == b"FLV":
        return "flv"
    if content[:1] == b"G" and content[_TS_BYTES : _TS_BYTES + 1] == b"G":
        return "ts"
    return "ps" if content[:4] == b"\x00\x00\x01\xba" else "other"


def _boxes(content: bytes, outer: Piece) -> Iterator[tuple[Piece, bool]]:
    at = outer.body
    while at + 8 <= outer.end:
        length, name = struct.unpack_from(">I4s", content, at)
        if length < 8 or at + length > outer.end:
            return
        yield Piece(at, at + 8, at + length), name in _BOXES
        at += length


def _elements(content: bytes, outer: Piece) -> Iterator[tuple[Piece, bool]]:
    at = outer.body
    while at + 2 <= outer.end:
        name, size_at = _ebml_name(content, at)
        size, body = _ebml_size(content, size_at)
        end = min(body + size, outer.end)
        if body > end:
            return
        yield Piece(at, body, end), name in _ELEMENTS
        at = end


def _ebml_name(content: bytes, at: int) -> tuple[int, int]:
    length = max(1, 9 - content[at].bit_length())
    return int.from_bytes(content[at : at + length], "big"), at + length


def _ebml_size(content: bytes, at: int) -> tuple[int, int]:
    length = 9 - content[at].bit_length() if content[at] else 8
    number = int.from_bytes(content[at : at + length], "big") & ((1 << 7 * length) - 1)
    return number, at + length


def _chunks(content: bytes, outer: Piece) -> Iterator[tuple[Piece, bool]]:
    at = outer.body
    while at + 8 <= outer.end:
        name, length = struct.unpack_from("<4sI", content, at)
        end = min(at + 8 + length + length % 2, outer.end)
        is_list = name in _LISTS
        yield Piece(at, at + (12 if is_list else 8), end), is_list
        at = end


def _other(content: bytes, outer: Piece) -> Iterator[tuple[Piece, bool]]:
    """Cut a file of another kind into blocks."""
    for begin in range(0, len(content), _ELSEWHERE):
        yield Piece(begin, begin, min(begin + _ELSEWHERE, len(content))), False


_INSIDE = {"mp4": _boxes, "ebml": _elements, "avi": _chunks, "other": _other}


def _tags(content: bytes) -> Iterator[Piece]:
    at = _FLV_HEAD
    while at + _FLV_TAG <= len(content):
        end = at + _FLV_TAG + int.from_bytes(content[at + 1 : at + 4], "big") + 4
        yield Piece(at, at + _FLV_TAG, min(end, len(content)))
        at = end
