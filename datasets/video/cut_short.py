"""Files that end before they are over: data is missing, not only less than a header announces."""

from pathlib import Path

import av
import av.logging
from av.container import InputContainer

from ..errors import VideoError
from ..plurals import quantity
from .container import open_container
from .decoder_log import listening
from .packets import Packets

_ENDED = "ended prematurely"
"""FFmpeg's reader of Matroska logs it of a file that ends inside an element."""


def refuse_cut_short(
    path: Path, container: InputContainer, stream: av.VideoStream, packets: Packets
) -> None:
    """Refuse a file that ends inside a packet, or well before what its own index lists.

    A header's count or duration alone proves nothing: recorders write one frame too many, the
    duration of a wall clock, or the sound's.

    Raises:
        VideoError: Data is missing.
    """
    if not packets.last_is_whole:
        raise VideoError(path, f"cut short: packet {packets.count - 1} is incomplete")
    kind, announced = container.format.name, stream.frames
    if announced > packets.count and _ends_early(path, kind, stream):
        frames = quantity(announced, "frame")
        there = quantity(packets.count, "is there", "are there")
        raise VideoError(path, f"cut short: its header announces {frames}, {there}")
    if kind == "matroska,webm":
        _refuse_short_matroska(path, container, stream, packets)


def _ends_early(path: Path, kind: str, stream: av.VideoStream) -> bool:
    """Report whether the file ends before its index, or its own size in its header, says so."""
    size = path.stat().st_size
    if kind == "avi":
        return size < riff_bytes(path)
    return any(entry.pos + entry.size > size for entry in stream.index_entries)


def riff_bytes(path: Path) -> int:
    """Return the length of an AVI file as its first header has it, rounded down to even."""
    with path.open("rb") as file:
        head = file.read(8)
    return (int.from_bytes(head[4:8], "little") + 8) & ~1 if head[:4] == b"RIFF" else 0


def _refuse_short_matroska(
    path: Path, container: InputContainer, stream: av.VideoStream, packets: Packets
) -> None:
    announced_s = (container.duration or 0) / av.time_base
    # Some muxers write the length as the last instant, some as the time from the first.
    ends = ((packets.ends.get(each.index, 0), each.time_base) for each in container.streams)
    found_s = max((float(end * unit) for end, unit in ends if unit is not None), default=0.0)
    rate = stream.average_rate
    if found_s >= announced_s - (2 / float(rate) if rate else 0.1):  # the last may lack one
        return
    end = _segment_end(path)
    if path.stat().st_size < end if end is not None else _ends_inside(path):
        raise VideoError(
            path,
            f"cut short: its header announces {announced_s:.2f} s, {found_s:.2f} s are there",
        )


def _segment_end(path: Path) -> int | None:
    """Return where the segment of a Matroska file ends as its header says; None: it doesn't.

    RFC 8794, 4 and 5 (numbers of variable length), and RFC 9559, 5.1: a recorder that could not go
    back to the header leaves the size unknown, all ones.
    """
    with path.open("rb") as file:
        head = file.read(4096)
    at = 0
    while at < len(head):
        name, at, _ = _number(head, at, keeps_marker=True)
        size, at, is_unknown = _number(head, at)
        if name == _SEGMENT:
            return None if is_unknown else at + size
        at += size
    return None


_SEGMENT = 0x18538067


def _number(content: bytes, at: int, *, keeps_marker: bool = False) -> tuple[int, int, bool]:
    """Return a number of variable length, where it ends, and whether all of its bits are ones."""
    first = content[at] if at < len(content) else 0
    length = 9 - first.bit_length() if first else 9
    number = int.from_bytes(content[at : at + length], "big")
    ones = (1 << 7 * length) - 1
    return number if keeps_marker else number & ones, at + length, number & ones == ones


def _ends_inside(path: Path) -> bool:
    """Report whether FFmpeg finds that a file of unknown size ends inside an element."""
    with listening(), av.logging.Capture() as messages, open_container(path) as container:
        for _ in container.demux():
            pass
    return any(_ENDED in text for _, _, text in messages)
