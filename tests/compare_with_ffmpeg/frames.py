"""The frames of a file as three see them: FFmpeg's libraries, FFmpeg's command, kinobench.

Each returns what JSON can hold, with frames as hashes of their pixels.
"""

import hashlib
import re
import struct
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import av.logging
import numpy as np
from av.stream import Disposition
from av.video.reformatter import VideoReformatter

from kinobench.datasets.errors import VideoError
from kinobench.datasets.video.clips import with_true_index
from kinobench.datasets.video.reader import VideoReader

Answer = dict[str, Any]
MOST_FRAMES = 5000
"""Files with more are not compared."""
SMALL = 8
"""Width and height of pictures that are compared only for the way they are turned."""


def by_kinobench(path: Path) -> Answer:
    """Return the hashes of all frames that kinobench's reader gives, or why it refuses the file.

    Of a video of more than `MOST_FRAMES`, return their number, `too_long`.
    Any exception but a `VideoError` leaves: it would end more than this video.
    """
    try:
        with VideoReader(path) as video:
            if len(video) > MOST_FRAMES:
                return {"too_long": len(video)}
            hashes = with_true_index(video, lambda: _hashes(video))
            times_s = video.times_s
    except VideoError as error:
        return {"refused": error.reason}
    return {"hashes": hashes, "times_s": list(times_s)}


def _hashes(video: VideoReader) -> list[str]:
    """Return the hashes of all frames."""
    found = {place: _hash(picture) for place, picture in video.converted_frames(range(len(video)))}
    return [found[place] for place in sorted(found)]


def by_libraries(path: Path) -> Answer:
    """Return what the FFmpeg inside PyAV decodes from a file, in the order in which it comes out.

    Every packet of the chosen stream is decoded; what can't be is passed over, as FFmpeg's command
    does.

    Returns:
        `hashes` in RGB, turned as the display matrix says; `own_hashes` of the decoder's own
        pixels, as `-f framehash` has them, None where PyAV can't lay them out; `times_s`: the
        time that each frame has, if it has one; `corrupt`: numbers
        of frames that the decoder marks; `failed`: the number of packets that it can't decode or
        the container marks; `messages`: those at level ERROR and above, without their numbers, and
        how often each came; `upright`: the first picture that a display matrix turned, in 8x8.
        Or `refused`.
    """
    answer: Answer = {"hashes": [], "own_hashes": [], "times_s": [], "corrupt": [], "failed": 0}
    av.logging.set_level(av.logging.ERROR)
    av.logging.set_skip_repeated(False)
    with av.logging.Capture() as log:
        try:
            with av.open(f"file:{path.resolve()}", metadata_errors="ignore") as container:
                stream = _chosen(container)
                if stream is None:
                    return {"refused": "no video stream that can be decoded"}
                _decode(container, stream, answer)
        except av.FFmpegError as error:
            answer["ended"] = f"{type(error).__name__}: {error.strerror}"
    if not answer["hashes"]:
        return {"refused": answer.get("ended", "no frame")}
    messages = Counter(f"{name}: {_without_numbers(text)}" for _, name, text in log)
    answer["messages"] = dict(messages.most_common(6))
    return answer


def by_command(path: Path, ffmpeg: str, limit_s: float) -> Answer:
    """Return what FFmpeg's command gives: the stream that it chooses, all frames.

    Returns:
        `hashes`: the frames as decoded, not turned nor converted; `upright`: the first frame,
        turned as the command turns it, in 8x8. Or `refused`, or `died`.
    """
    begin = [ffmpeg, "-nostdin", "-v", "error", "-threads", "1"]
    file = ["-i", f"file:{path.resolve()}", "-an", "-sn", "-dn", "-fps_mode", "passthrough"]
    whole = [*begin, "-noautorotate", *file, "-noautoscale", "-f", "framehash", "-hash", "md5", "-"]
    small = f"format=rgb24,scale={SMALL}:{SMALL}:flags=area,format=rgb24"  # as `_small` does it
    first = [*begin, *file, "-vf", small, "-frames:v", "1", "-f", "rawvideo", "-"]
    try:
        run = subprocess.run(whole, capture_output=True, timeout=limit_s)
        lines = run.stdout.decode().splitlines()
        hashes = [line.rpartition(",")[2].strip() for line in lines if line and line[0] != "#"]
        if not hashes:
            last = run.stderr.decode(errors="replace").strip().splitlines() or ["no frame"]
            return {"refused": last[-1]}
        upright = subprocess.run(first, capture_output=True, timeout=limit_s).stdout
    except subprocess.TimeoutExpired:
        return {"died": f"hangs: no end after {limit_s:g} s"}
    return {"hashes": hashes, "upright": list(upright)}


def _chosen(container: av.container.InputContainer) -> av.VideoStream | None:
    """Return the default stream, else the largest; never an attached picture."""
    streams = [
        stream
        for stream in container.streams.video
        if stream.codec_context is not None and not stream.disposition & Disposition.attached_pic
    ]

    def rank(stream: av.VideoStream) -> tuple[bool, int, int]:
        is_default = bool(stream.disposition & Disposition.default)
        return is_default, stream.width * stream.height, -stream.index

    return max(streams, key=rank, default=None)


def _decode(container: av.container.InputContainer, stream: av.VideoStream, answer: Answer) -> None:
    """Decode a stream to its end, and write what comes to `answer`."""
    converter = VideoReformatter()
    stream.thread_type = "NONE"
    for frame in _pictures(container, stream, answer):
        if len(answer["hashes"]) == MOST_FRAMES:
            answer["ended"] = f"more than {MOST_FRAMES} frames"
            return
        if frame.is_corrupt:
            answer["corrupt"].append(len(answer["hashes"]))
        picture = converter.reformat(frame, format="rgb24", threads=1).to_ndarray()
        turned = _turned(picture, frame)
        if turned is not picture and "upright" not in answer:
            answer["upright"] = _small(turned)
        answer["hashes"].append(_hash(turned))
        answer["own_hashes"].append(_own_hash(frame))
        answer["times_s"].append(frame.time)


def _pictures(
    container: av.container.InputContainer, stream: av.VideoStream, answer: Answer
) -> Iterator[av.VideoFrame]:
    """Yield all pictures of a stream; an error of the container ends it, as it ends a file."""
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except av.FFmpegError as error:
            answer["ended"] = f"{type(error).__name__}: {error.strerror}"
            yield from stream.codec_context.decode(None)
            return
        if packet is None:
            return
        answer["failed"] += packet.is_corrupt
        try:
            yield from packet.decode()
        except EOFError:
            return
        except av.FFmpegError:
            answer["failed"] += packet.size > 0  # an empty one says that nothing changes


def _turned(picture: np.ndarray, frame: av.VideoFrame) -> np.ndarray:
    """Return a picture `[H, W, 3]` as its display matrix says.

    The matrix takes (x, y) to (a x + c y, b x + d y); libavutil/display.h.
    """
    if not frame.rotation and not _has_matrix(frame):
        return picture
    matrix: Any = frame.side_data.get("DISPLAYMATRIX")
    a, b, _, c, d, *_ = struct.unpack("=9i", bytes(matrix)[:36])
    if a == d == 0 and b and c:
        picture, a, d = picture.swapaxes(0, 1), c, b
    elif b or c:
        return picture  # by an angle that is no quarter turn, or nothing
    if a < 0:
        picture = picture[:, ::-1]
    return picture[::-1] if d < 0 else picture


def _has_matrix(frame: av.VideoFrame) -> bool:
    """Report whether a frame has a display matrix."""
    try:
        return frame.side_data.get("DISPLAYMATRIX") is not None
    except ValueError:
        return False  # PyAV 18 can't list side data of a kind that it doesn't know


def _small(picture: np.ndarray) -> list[int]:
    """Return a picture, averaged to `[8, 8, 3]`, as a flat list."""
    whole = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
    small = whole.reformat(SMALL, SMALL, interpolation="AREA")
    return [int(value) for value in small.to_ndarray().ravel()]


def _hash(picture: np.ndarray) -> str:
    content = np.ascontiguousarray(picture)
    return hashlib.md5(repr(content.shape).encode() + content.tobytes()).hexdigest()


def _own_hash(frame: av.VideoFrame) -> str | None:
    """Return the MD5 of a frame's planes without padding; None where PyAV can't lay them out."""
    try:
        if frame.format.name in ("pal8", "rgb8", "bgr8"):
            return None
        return hashlib.md5(frame.to_ndarray().tobytes()).hexdigest()
    except (ValueError, AssertionError, av.FFmpegError):
        return None


def _without_numbers(text: str) -> str:
    return re.sub(r"\b(0x[0-9a-fA-F]+|\d+)\b", "#", text.strip())[:120]
