"""MP4 files whose boxes are changed (ISO/IEC 14496-12), as broken or hostile writers leave them."""

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path


def box(name: bytes, body: bytes) -> bytes:
    """Return a box."""
    return struct.pack(">I4s", 8 + len(body), name) + body


def find(content: bytes, *names: bytes) -> list[tuple[int, int]]:
    """Return begin and end of a box and of those around it, the outermost first."""
    begin, end = 0, len(content)
    found = []
    for wanted in names:
        begin, end = next(
            (at, at + size) for at, size, name in _boxes(content, begin, end) if name == wanted
        )
        found.append((begin, end))
        begin += 8
    return found


def _boxes(content: bytes, begin: int, end: int) -> Iterator[tuple[int, int, bytes]]:
    while begin + 8 <= end:
        size, name = struct.unpack_from(">I4s", content, begin)
        yield begin, size, name
        begin += size


def replaced(path: Path, names: Sequence[bytes], body: bytes) -> None:
    """Give a box of a file another body; the boxes around it grow with it.

    What moves is behind the media, so no table of places changes.
    """
    content = bytearray(path.read_bytes())
    found = find(content, *names)
    begin, end = found[-1]
    assert find(content, b"mdat")[0][1] <= begin, "the media comes first"
    new = box(names[-1], body)
    content[begin:end] = new
    for outer, _ in found[:-1]:
        (size,) = struct.unpack_from(">I", content, outer)
        struct.pack_into(">I", content, outer, size + len(new) - (end - begin))
    path.write_bytes(content)


TRACK = (b"moov", b"trak")
TABLES = (*TRACK, b"mdia", b"minf", b"stbl")


def with_edits(path: Path, edits: Sequence[tuple[int, int]]) -> None:
    """Give a file's one track an edit list: length in milliseconds, first time of the media."""
    entries = b"".join(struct.pack(">IiI", length, first, 1 << 16) for length, first in edits)
    listed = box(b"elst", struct.pack(">II", 0, len(edits)) + entries)
    replaced(path, (*TRACK, b"edts"), listed)
