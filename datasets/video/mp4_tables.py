"""What the tables of an MP4 or QuickTime file announce, against what such a file can contain.

FFmpeg makes an entry in memory for every sample that a table announces, however small the file is:
one number in a header can take gigabytes and minutes. So the announced numbers are compared with
the file's size before FFmpeg sees it. Boxes and their fields are those of ISO/IEC 14496-12.
"""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

from ..errors import VideoError

MOST_EDITS = 1000
"""Entries of an edit list; editing programs write a few dozens at most."""
MOST_REPEATS = 16
"""Times that an edit list may show the same media, all its entries together."""
_MOST_UNPACKED_BYTES = 2**26
"""Bytes that are unpacked of a compressed header, which old QuickTime files may have."""

_CONTAINERS = {b"moov", b"trak", b"edts", b"mdia", b"minf", b"stbl", b"moof", b"traf", b"mfra"}
_HEADERS = {b"moov", b"moof", b"mfra"}
"""The boxes of the file itself that contain tables."""
_ENTRY_BYTES = {
    **{b"stts": 8, b"ctts": 8, b"stsc": 12, b"stco": 4, b"co64": 8, b"stss": 4, b"stps": 4},
    b"elst": 12,
}
"""Tables that begin with their number of entries, and the least bytes of one."""
_OTHER_TABLES = (b"stsz", b"stz2", b"trun")
_RUN_FIELDS = (0x100, 0x200, 0x400, 0x800)
"""Flags of a fragment's run: each stands for four bytes of every sample."""


class _Box(NamedTuple):
    name: bytes
    begin: int
    end: int


class _Track:
    """What the boxes of a track say, as far as they were met.

    Attributes:
        is_sound: Its media is sound.
        seconds: Length of its media; 0 where none is announced.
        constant: Samples that are announced to have one size, and take no room in the table.
        first_times: The number of entries of its table of times, and the first one's duration.
        edits: Length of each entry of its edit list, in the movie's unit.
    """

    def __init__(self) -> None:
        self.is_sound = False
        self.seconds = 0.0
        self.constant = 0
        self.first_times = (0, 0)
        self.edits: list[int] = []


def refuse_impossible_tables(path: Path, file: IO[bytes], size: int) -> None:
    """Refuse a file whose tables announce more than it can contain.

    A file of another kind has no such boxes, and is left to FFmpeg.

    Args:
        path: The file, for errors.
        file: The open file.
        size: Its bytes.

    Raises:
        VideoError: It announces more samples than it has bytes, or an edit list too long.
    """
    for box in _boxes_of(file, size):
        if box.name in _HEADERS:
            file.seek(box.begin)
            header = file.read(box.end - box.begin)
            if _is_suspect(header, size):
                _check(path, header, size)


def _is_suspect(header: bytes, size: int) -> bool:
    """Report whether a header may have a table to refuse: the same letters may be something else.

    Going from box to box takes ten times as long, and few files need it.
    """
    if b"cmov" in header:
        return True
    for name in (*_ENTRY_BYTES, *_OTHER_TABLES):
        at = header.find(name)
        while at >= 0:
            body = header[at + 4 : at + 16]
            count, entry = _announced(name, body)
            if count * max(entry, 1) > size or (name == b"elst" and count > MOST_REPEATS):
                return True
            at = header.find(name, at + 4)
    return False


def _boxes_of(file: IO[bytes], size: int) -> Iterator[_Box]:
    """Yield the boxes of a file itself, as far as they are inside it."""
    at = 0
    while at + 8 <= size:
        file.seek(at)
        head = file.read(16)
        if len(head) < 8:
            return
        length, name = struct.unpack_from(">I4s", head)
        begin = at + 8
        if length == 1 and len(head) == 16:
            (length,) = struct.unpack_from(">Q", head, 8)
            begin = at + 16
        end = size if length == 0 else at + length
        if end < begin:
            return
        yield _Box(name, begin, min(end, size))
        at = end


def _check(path: Path, header: bytes, size: int) -> None:
    """Check the boxes inside a header, one after the other, and those inside them."""
    movie_unit = 0
    track = _Track()
    tracks = [track]
    waiting = [_Box(b"moov", 0, len(header))]
    while waiting:
        outer = waiting.pop()
        if outer.name == b"cmov":
            _check(path, _unpacked(header[outer.begin : outer.end]), size)
            continue
        if outer.name in _CONTAINERS:
            if outer.name == b"trak":
                track = _Track()
                tracks.append(track)
            waiting += reversed(list(_boxes_in(header, outer)))
            continue
        body = header[outer.begin : outer.end]
        if outer.name == b"mvhd":
            movie_unit = _unit_and_length(body)[0]
        _refuse_more_than_file(path, outer.name, body, size)
        _note(track, outer.name, body)
    for each in tracks:
        _refuse_track(path, each, movie_unit, size)


def _boxes_in(header: bytes, outer: _Box) -> Iterator[_Box]:
    at = outer.begin
    while at + 8 <= outer.end:
        length, name = struct.unpack_from(">I4s", header, at)
        begin = at + 8
        if length == 1 and at + 16 <= outer.end:
            (length,) = struct.unpack_from(">Q", header, begin)
            begin += 8
        end = outer.end if length == 0 else at + length
        if end < begin:
            return
        yield _Box(name, begin, min(end, outer.end))
        at = end


def _unpacked(packed: bytes) -> bytes:
    """Return a compressed header: its box `cmvd` begins with the unpacked size."""
    for box in _boxes_in(packed, _Box(b"cmov", 0, len(packed))):
        if box.name == b"cmvd":
            try:
                unpacked = zlib.decompressobj().decompress(
                    packed[box.begin + 4 : box.end], _MOST_UNPACKED_BYTES
                )
            except zlib.error:
                return b""
            return unpacked[8:]  # without the head of the box moov
    return b""


def _announced(name: bytes, body: bytes) -> tuple[int, int]:
    """Return the entries that a table announces, and the least bytes of each in the file."""
    if name in _ENTRY_BYTES and len(body) >= 8:
        return struct.unpack_from(">I", body, 4)[0], _ENTRY_BYTES[name]
    if name == b"stsz" and len(body) >= 12:
        each, count = struct.unpack_from(">II", body, 4)
        return count, 0 if each else 4
    if name == b"stz2" and len(body) >= 12:
        return struct.unpack_from(">I", body, 8)[0] // 2, 1  # of four bits each, at least
    if name == b"trun" and len(body) >= 8:
        flags, count = struct.unpack_from(">II", body)
        return count, max(1, sum(4 for field in _RUN_FIELDS if flags & field))  # a sample has one
    return 0, 0


def _refuse_more_than_file(path: Path, name: bytes, body: bytes, size: int) -> None:
    """Refuse a table that the file has no room for."""
    count, entry = _announced(name, body)
    if count * entry > size:
        raise VideoError(
            path,
            f"damaged: its table {name.decode()} announces {count:,} entries, and the whole file "
            f"has {size:,} bytes",
        )


def _note(track: _Track, name: bytes, body: bytes) -> None:
    """Keep what a box says about its track."""
    if name == b"hdlr":
        track.is_sound = track.is_sound or body[8:12] == b"soun"
    elif name == b"mdhd":
        unit, length = _unit_and_length(body)
        track.seconds = length / unit if unit else 0.0
    elif name == b"stsz" and len(body) >= 12:
        each, count = struct.unpack_from(">II", body, 4)
        track.constant = count if each else 0
    elif name == b"stts" and len(body) >= 16:
        track.first_times = (
            struct.unpack_from(">I", body, 4)[0],
            struct.unpack_from(">I", body, 12)[0],
        )
    elif name == b"elst" and len(body) >= 8:
        track.edits = _edits(body)


def _unit_and_length(body: bytes) -> tuple[int, int]:
    """Return the units in a second and the length of `mvhd` or `mdhd`."""
    if body[:1] == b"\x01" and len(body) >= 32:
        unit, length = struct.unpack_from(">IQ", body, 20)
        return unit, length
    if len(body) < 20:
        return 0, 0
    unit, length = struct.unpack_from(">II", body, 12)
    return unit, length


def _edits(body: bytes) -> list[int]:
    (count,) = struct.unpack_from(">I", body, 4)
    entry, form = (20, ">Q") if body[0] == 1 else (12, ">I")
    there = min(count, (len(body) - 8) // entry)
    if there > MOST_EDITS:
        return [0] * there  # refused for their number alone
    return [struct.unpack_from(form, body, 8 + entry * number)[0] for number in range(there)]


_CURE = "encode the file again: `ffmpeg -i OLD NEW`"


def _refuse_track(path: Path, track: _Track, movie_unit: int, size: int) -> None:
    # FFmpeg reads sound whose samples last one unit (PCM, as a rule) by chunks, without an entry
    # for each sample, of which there may be several in a byte.
    by_chunks = track.is_sound and track.first_times == (1, 1)
    if track.constant > size and not by_chunks:
        raise VideoError(
            path,
            f"damaged: its table stsz announces {track.constant:,} samples, and the whole file has "
            f"{size:,} bytes",
        )
    if len(track.edits) > MOST_EDITS:
        raise VideoError(
            path,
            f"its edit list has {len(track.edits):,} entries; at most {MOST_EDITS:,} are read; "
            f"{_CURE}",
        )
    if not movie_unit:
        return
    shown = (each / movie_unit / track.seconds if track.seconds else 1 for each in track.edits)
    times = sum(min(1.0, each) for each in shown)
    if times > MOST_REPEATS:
        raise VideoError(
            path,
            f"its edit list shows the same media {times:.0f} times; at most {MOST_REPEATS} are "
            f"read; {_CURE}",
        )
