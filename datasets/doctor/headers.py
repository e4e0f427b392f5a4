"""What a video file's header says, without decoding a frame.

A header is read in a few milliseconds. It may be wrong: only a decoder knows how many frames there
are. See frames.py.
"""

from itertools import pairwise
from pathlib import Path

import av
import msgspec
from av.container import InputContainer
from av.stream import Stream

from ..copy_digest import StoredVideo
from ..errors import VideoError, reason_of
from ..files import NotRegularError, check_regular
from ..plurals import quantity
from ..video.container import lists_other_files, open_container, reading_errors, video_stream
from ..video.container_ends import refuse_short_container
from ..video.mp4_tables import refuse_impossible_tables

_TRANSFERS = {16: "PQ", 18: "HLG"}
"""The transfer functions of HDR by their numbers in ITU-T H.273, table 3 (SMPTE ST 2084, and hybrid
log-gamma of ITU-R BT.2100)."""
_UNEVEN = 1.1
"""The longest frame of one rate is at most so many times as long as the shortest: times are often
rounded to milliseconds, and 60 a second are then 16 and 17 ms apart."""
_MP4 = "mp4"
EMPTY = "the file is empty"
"""The reason of the error of such a file."""


class Header(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the header of a file says about its video.

    Attributes:
        bytes: Size of the file.
        container: FFmpeg's name of the format.
        codec: Name of the codec: `h264`.
        width, height: Size of the pictures as they are stored, in pixels.
        duration_s: Length of the video, or else of the file; None where neither is said.
        frames: Number of frames; None where it isn't said.
        fps: Frames per second on average; None where it isn't said.
        is_variable: True if frames are shown for different times; None where the header has no
            table of times.
        pixels: FFmpeg's name of the pixel format, `yuv420p10le`; empty if it isn't known.
        hdr: `PQ` or `HLG`; empty for usual brightness.
    """

    bytes: int
    container: str
    codec: str
    width: int
    height: int
    duration_s: float | None = None
    frames: int | None = None
    fps: float | None = None
    is_variable: bool | None = None
    pixels: str = ""
    hdr: str = ""

    @property
    def size(self) -> str:
        """Width and height: `340x256`."""
        return f"{self.width}x{self.height}"

    @property
    def stored(self) -> StoredVideo:
        """What counts for the digest of a copy."""
        return StoredVideo(self.bytes, self.width, self.height, self.codec)

    @property
    def likely_frames(self) -> int | None:
        """The number of frames: as announced, or else by the length and the rate."""
        if self.frames is not None or self.duration_s is None or self.fps is None:
            return self.frames
        return round(self.duration_s * self.fps)


def header_of(path: Path) -> Header:
    """Read the header of a video file.

    What can't be a whole video by its header, its index or its size is refused, as it is by the
    reader that an evaluation uses. Packets aren't read, so a file can be damaged all the same.

    Args:
        path: The file.

    Raises:
        VideoError: The file is missing, empty, no video, without a video stream, or cut short.
        MachineError: The machine failed: too many open files, no memory, a disk or a mount.
    """
    head, size = checked(path)
    with reading_errors(path, lambda: _unopened(head)):
        container = _opened(path)
    with container, reading_errors(path, "its headers can't be read"):
        stream = video_stream(path, container)
        if _MP4 in container.format.name:
            _refuse_missing_end(path, stream, size)
        return _said(container, stream, size)


def checked(path: Path) -> tuple[bytes, int]:
    """Return the first bytes and the size of a file that FFmpeg may open.

    Raises:
        VideoError: It is missing, empty or no file, or its tables are impossible or cut short.
        MachineError: The machine failed.
    """
    with reading_errors(path, "can't be read"):
        try:
            check_regular(path)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise VideoError(path, "no such file") from error
        except NotRegularError as error:
            raise VideoError(path, reason_of(error)) from error
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(12)
            refuse_impossible_tables(path, file, size)
            refuse_short_container(path, file, size)
    if not head:
        raise VideoError(path, EMPTY)
    return head, size


def _opened(path: Path) -> InputContainer:
    try:
        return open_container(path)
    except av.ArgumentError as error:
        if lists_other_files(path):
            raise VideoError(path, "not a video, but text, or a list of other files") from error
        raise


def _unopened(head: bytes) -> str:
    if head[4:8] == b"ftyp":
        return "an MP4 file without a readable index; it may be cut short"
    return "not a video that FFmpeg can read"


def _refuse_missing_end(path: Path, stream: av.VideoStream, size: int) -> None:
    """Refuse a file that ends before what its own index lists of the video."""
    lost = sum(entry.pos + entry.size > size for entry in stream.index_entries)
    if lost:
        count = quantity(len(stream.index_entries), "packet")
        raise VideoError(path, f"cut short: {lost} of {count} of its video are gone")


def _said(container: InputContainer, stream: av.VideoStream, size: int) -> Header:
    context = stream.codec_context
    return Header(
        bytes=size,
        container=container.format.name,
        codec=context.codec.canonical_name,
        width=stream.width,
        height=stream.height,
        duration_s=_duration_s(container, stream),
        frames=stream.frames or None,
        fps=float(stream.average_rate) if stream.average_rate else None,
        is_variable=_is_variable(stream) if _MP4 in container.format.name else None,
        pixels=context.pix_fmt or "",
        hdr=_TRANSFERS.get(int(context.color_trc or 0), ""),
    )


def _duration_s(container: InputContainer, stream: av.VideoStream) -> float | None:
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    return None if container.duration is None else container.duration / av.time_base


def _is_variable(stream: Stream) -> bool | None:
    """Report whether an index has frames of different lengths, but for the last one.

    It has the times of decoding, which are as far apart as those of display are.
    """
    times = [entry.timestamp for entry in stream.index_entries]
    lengths = [after - before for before, after in pairwise(times)]
    return max(lengths) > _UNEVEN * min(lengths) if len(lengths) > 1 else None
