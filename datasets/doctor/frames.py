"""Decoding every frame of a file, and counting those that are damaged.

The rules are those of the reader that an evaluation uses, `datasets/video/reader.py`. It reads all
packets before it decodes, and follows the damage from frame to frame, which costs time. Most files
are sound, and a plain decoder shows it: see `_sound_frames`. Wherever it leaves a doubt, the reader
decides.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import av
import av.logging
import msgspec
from av.container import InputContainer

from ..video.clips import open_video, with_true_index
from ..video.container import Packet, open_container, reading_errors, video_stream
from ..video.cut_short import riff_bytes
from ..video.decoder_log import listening, reports_damage
from ..video.index import LONGEST_S
from ..video.reader import VideoReader
from .headers import checked

_SIGN_FRAMES = 500
"""A sign of life is given every so many frames."""


class Frames(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What decoding a whole file gives.

    Attributes:
        count: Frames that the file has, as an evaluation counts them.
        damaged: Those of them that are damaged, need a damaged one, or don't come.
        first_damaged: Number of the first of these; None where none is.
    """

    count: int
    damaged: int = 0
    first_damaged: int | None = None


def decode_all(path: Path, alive: Callable[[], object] = lambda: None) -> Frames:
    """Decode every frame of a file, in the thread that calls.

    Args:
        path: The file.
        alive: Called every few hundred frames.

    Raises:
        VideoError: The file can't be read, or has no frame.
        MachineError: The machine failed.
    """
    checked(path)
    with reading_errors(path, "it can't be decoded"):
        count = _sound_frames(path, alive)
    if count is not None:
        return Frames(count=count)
    with open_video(path) as video:
        return with_true_index(video, lambda: _judged(video, alive))


def _judged(video: VideoReader, alive: Callable[[], object]) -> Frames:
    """Count frames by the reader's own rule."""
    sound = [False] * len(video)
    for seen, (number, _, damaged) in enumerate(video.decoded_frames()):
        if damaged is None and number < len(sound):
            sound[number] = True
        if seen % _SIGN_FRAMES == 0:
            alive()
    damaged_count = sound.count(False)
    first = sound.index(False) if damaged_count else None
    return Frames(count=len(sound), damaged=damaged_count, first_damaged=first)


def _sound_frames(path: Path, alive: Callable[[], object]) -> int | None:
    """Return the number of frames of a file of which nothing at all is doubtful; else None.

    It is whole by its header, each packet gives one frame, all of one size, in the order of their
    times, and FFmpeg logs no error.
    """
    try:
        container = open_container(path)
    except av.FFmpegError:
        return None
    with container, listening(), av.logging.Capture() as messages:
        kind = next((kind for name, kind in _KINDS.items() if name in container.format.name), None)
        if kind is None or not container.streams.video:
            return None
        stream = video_stream(path, container)
        if not kind.is_whole(path, container):
            return None
        decoded = _decoded(container, stream, kind.has_times, alive)
        if decoded is None or reports_damage(messages):
            return None
        return decoded.frames if kind.is_end(container, stream, decoded) else None


class _Decoded(NamedTuple):
    """What a decoder gave of a whole stream.

    Attributes:
        frames: Frames, each of a packet of its own.
        end: When the last one disappears, in time units; 0 where there are no times.
    """

    frames: int
    end: int


def _decoded(
    container: InputContainer, stream: av.VideoStream, has_times: bool, alive: Callable[[], object]
) -> _Decoded | None:
    """Decode a stream; return what came, or None at the first doubt."""
    stream.thread_type = "NONE"  # other files are decoded on the other cores
    stream.codec_context.thread_count = 1
    stream.codec_context.options = {"err_detect": "crccheck"}
    packets = frames = end = 0
    last: int | None = None
    size = (stream.width, stream.height)
    for packet in container.demux(stream):
        if packet.size:
            if packet.is_corrupt or packet.is_discard or (not packets and _is_odd(packet)):
                return None
            packets += 1
        try:
            decoded = packet.decode()
        except Exception:  # the reader says what is wrong
            return None
        for frame in decoded:
            frames += 1
            if frame.is_corrupt or (frame.width, frame.height) != size:
                return None
            if has_times:
                pts = frame.pts
                if pts is None or (last is not None and pts <= last):
                    return None
                last, end = pts, pts + (frame.duration or 0)
            if frames % _SIGN_FRAMES == 0:
                alive()
    return _Decoded(frames, end) if packets == frames else None


def _is_odd(first: Packet) -> bool:
    """Report whether a file begins with another packet than a key frame, or with a secret."""
    return not first.is_keyframe or first.has_sidedata("encryption_info")


class _Kind(NamedTuple):
    """What shows that a file of some container is whole.

    Attributes:
        is_whole: Reports by the file's index and size whether nothing is missing at its end.
        is_end: Reports whether all came that its header announces.
        has_times: Its packets have times of display.
    """

    is_whole: Callable[[Path, InputContainer], bool]
    is_end: Callable[[InputContainer, av.VideoStream, _Decoded], bool]
    has_times: bool


def _has_packets(path: Path, container: InputContainer) -> bool:
    """Report whether an MP4 file's index lists no packet after its end."""
    size = path.stat().st_size
    return all(
        entry.pos + entry.size <= size
        for stream in container.streams
        for entry in stream.index_entries
    )


def _has_riff(path: Path, container: InputContainer) -> bool:
    """Report whether an AVI file is as long as its first header says."""
    return riff_bytes(path) <= path.stat().st_size


def _is_count(container: InputContainer, stream: av.VideoStream, decoded: _Decoded) -> bool:
    if not stream.average_rate or stream.duration is None or stream.time_base is None:
        return False
    return decoded.frames == stream.frames and stream.duration * stream.time_base < LONGEST_S


def _is_announced_time(
    container: InputContainer, stream: av.VideoStream, decoded: _Decoded
) -> bool:
    """Report whether the video of a Matroska file ends where the file ends by its header."""
    if not stream.average_rate or not container.duration or stream.time_base is None:
        return False
    announced_s = container.duration / av.time_base
    slack_s = 2 / float(stream.average_rate)
    return abs(float(decoded.end * stream.time_base) - announced_s) <= slack_s < LONGEST_S


_KINDS = {
    "mp4": _Kind(_has_packets, _is_count, True),
    "avi": _Kind(_has_riff, _is_count, False),
    "matroska": _Kind(lambda path, container: True, _is_announced_time, True),
}
"""By a part of FFmpeg's name of the format. In AVI the decoder's order counts, as in the reader."""
