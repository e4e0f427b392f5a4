"""Odd but real video files, made on the spot: copies, joined files, patched headers."""

import struct
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import numpy as np

from .media import numbered_frames, write_video

Edit = Callable[[int, av.Packet], None]


def write_b_frames(path: Path, count: int = 60, codec: str = "mpeg4") -> Path:
    """Write numbered frames with B-frames, MPEG-4 or H.264."""
    options = {"crf": "10", "bf": "2", "b-adapt": "0"}
    if codec == "mpeg4":
        options = {"bf": "2", "b_strategy": "0", "qscale": "2"}
    return write_video(path, numbered_frames(count), codec=codec, options=options)


def copied(source: Path, target: Path, edit: Edit = lambda number, packet: None) -> Path:
    """Copy the packets of a video as they are, each after an edit of its times."""
    with av.open(str(source)) as read, av.open(str(target), "w") as written:
        stream = written.add_stream_from_template(read.streams.video[0])
        for number, packet in enumerate(p for p in read.demux(read.streams.video[0]) if p.size):
            packet.stream = stream
            edit(number, packet)
            written.mux(packet)
    return target


def by_decoding(number: int, packet: av.Packet) -> None:
    """Give a packet the time of decoding for its time of display."""
    packet.pts = packet.dts


def write_late_contradiction(path: Path) -> Path:
    """Write H.264 whose timestamps, from packet 30 on, are those of decoding."""

    def swap(number: int, packet: av.Packet) -> None:
        if number >= 30:
            packet.pts = packet.dts + delay + 1

    # Not next to it: the folder may be one whose files are all looked at.
    with TemporaryDirectory() as folder:
        source = write_b_frames(Path(folder) / "source.mp4", codec="libx264")
        with av.open(str(source)) as container:
            first = next(container.demux(video=0))
        delay = first.pts - first.dts
        return copied(source, path, swap)


def write_matrix(path: Path, matrix: tuple[int, int, int, int]) -> None:
    """Write a display matrix, its four whole numbers a b c d, into an MP4 file's track header.

    (ISO 14496-12, 8.3.2)
    """
    a, b, c, d = (number << 16 for number in matrix)
    content = bytearray(path.read_bytes())
    box = content.index(b"tkhd")
    assert content[box + 4] == 0, "track header version 1 has longer times"
    begin = box + 4 + 4 + 20 + 8 + 8  # version and flags, times and duration, reserved, layer..
    content[begin : begin + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(content)


def shown_by(picture: np.ndarray, matrix: tuple[int, int, int, int]) -> np.ndarray:
    """Return a picture moved pixel by pixel: (x, y) goes to (a x + c y, b x + d y)."""
    a, b, c, d = matrix
    height, width = picture.shape[:2]
    y, x = np.mgrid[:height, :width]
    to_x, to_y = a * x + c * y, b * x + d * y
    to_x, to_y = to_x - to_x.min(), to_y - to_y.min()
    shown = np.zeros((to_y.max() + 1, to_x.max() + 1, 3), np.uint8)
    shown[to_y, to_x] = picture
    return shown


def patch(path: Path, name: bytes, offset: int, number: int) -> None:
    """Write a number of 32 bits, low byte first, at an offset after the first `name`."""
    content = bytearray(path.read_bytes())
    at = content.index(name) + offset
    content[at : at + 4] = struct.pack("<I", number)
    path.write_bytes(content)


def write_two_streams(path: Path, small_is_cover: bool = False) -> Path:
    """Write a preview of 16x16, then the numbered frames, which are the default stream."""
    with av.open(str(path), "w") as container:
        streams = []
        for size in ((16, 16), (48, 64)):
            stream = container.add_stream("libx264", rate=25)
            stream.height, stream.width = size
            stream.pix_fmt = "yuv420p"
            stream.options = {"crf": "10"}
            streams.append(stream)
        cover = av.stream.Disposition.attached_pic if small_is_cover else av.stream.Disposition(0)
        streams[0].disposition = cover.value
        streams[1].disposition = av.stream.Disposition.default.value
        for picture in numbered_frames(12):
            small = np.zeros((16, 16, 3), np.uint8)
            for stream, pixels in zip(streams, (small, picture), strict=True):
                frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
                container.mux(stream.encode(frame))
        for stream in streams:
            container.mux(stream.encode(None))
    return path


def ascend(numbers: list[int] | tuple[float, ...]) -> bool:
    """Report whether numbers ascend without repeats."""
    return all(before < after for before, after in pairwise(numbers))
