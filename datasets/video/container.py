"""Opening a file with PyAV, choosing its video stream, and reporting what goes wrong with it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any, TypeAlias

import av
import av.logging
from av.container import InputContainer
from av.format import formats_available
from av.stream import Disposition

from ..errors import KinobenchError, VideoError
from ..sources.paths import reopened
from .decoder_log import listening
from .machine_faults import reading_error

Packet: TypeAlias = "av.Packet[Any]"
"""A packet of any stream; PyAV's class takes its argument only where types are checked."""

_TAGS: dict[str, Any] = {}
if int(av.__version__.partition(".")[0]) < 19:
    # Later versions keep a tag's bytes that are not UTF-8, and don't have the argument.
    _TAGS["metadata_errors"] = "ignore"

_OF_OTHER_FILES = frozenset(
    {
        *("concat", "concatf", "hls", "applehttp", "dash", "webm_dash_manifest", "imf"),
        *("image2", "image2pipe", "vobsub", "mlv", "avisynth", "vapoursynth", "lavfi"),
        *("sdp", "rtp", "rtsp", "sap", "fbdev", "kmsgrab", "x11grab", "video4linux2", "v4l2"),
        "tty",
    }
)
"""FFmpeg's names of formats that take their pictures from other files, the network or devices:
lists, playlists, patterns of file names, scripts. And of text, which it paints onto a terminal:
whatever is in a file `list.txt`, FFmpeg takes it for that."""
_REFUSED = "not on whitelist"
"""FFmpeg logs it of a file whose format is none of those that may be used."""


PICTURE_BYTES = 2**26
"""More than a picture's file has."""


@cache
def _formats() -> str:
    """Return FFmpeg's names of the formats that hold all of a video themselves."""
    return ",".join(sorted(formats_available - _OF_OTHER_FILES))


def open_container(path: Path, options: dict[str, str] | None = None) -> InputContainer:
    """Open a media file, with options for FFmpeg's demuxer; no other file is opened for it.

    Raises:
        av.FFmpegError: FFmpeg can't open it.
    """
    elsewhere = reopened(path)
    limits = {"protocol_whitelist": "file", "format_whitelist": _formats()} | (options or {})
    # Without the scheme FFmpeg takes what stands before a colon for the name of a protocol.
    place: Any = f"file:{path.absolute()}" if elsewhere is None else elsewhere
    try:
        container: InputContainer = av.open(place, options=limits, **_TAGS)
    except av.ArgumentError:
        # By its name alone FFmpeg takes a picture for a pattern of names; not by its content.
        if path.stat().st_size > PICTURE_BYTES:
            raise
        container = av.open(BytesIO(path.read_bytes()), options=limits, **_TAGS)
    return container


def lists_other_files(path: Path) -> bool:
    """Report whether FFmpeg doesn't open a file because its format is text or names other files."""
    with listening(), av.logging.Capture() as messages:
        try:
            open_container(path).close()
        except av.FFmpegError:
            return any(_REFUSED in text for _, _, text in messages)
    return False


def video_stream(path: Path, container: InputContainer) -> av.VideoStream:
    """Return the first video stream that is marked as the default, or else the largest.

    Raises:
        VideoError: There is none, or no decoder is known for it.
    """
    films = _films(container)
    if not films:
        kinds = {
            "a cover" if stream.type == "video" else stream.type for stream in container.streams
        }
        found = " and ".join(sorted(kinds)) or "nothing"
        raise VideoError(path, f"no video stream: it holds {found}")
    known = [stream for stream in films if stream.codec_context is not None]
    if not known:
        raise VideoError(path, "no decoder is known for its video stream")
    largest = max(known, key=lambda stream: stream.width * stream.height)
    return next(filter(_is_default, known), largest)


def default_streams(container: InputContainer) -> int:
    """Return how many video streams are marked as the default."""
    return sum(map(_is_default, _films(container)))


def _films(container: InputContainer) -> list[av.VideoStream]:
    """Return the video streams without covers (attached pictures)."""
    return [
        stream
        for stream in container.streams.video
        if not stream.disposition & Disposition.attached_pic
    ]


def _is_default(stream: av.VideoStream) -> bool:
    return bool(stream.disposition & Disposition.default)


@contextmanager
def reading_errors(path: Path, what: str | Callable[[], str]) -> Iterator[None]:
    """Turn whatever a file makes a library raise into an error that names the file.

    Args:
        path: The file.
        what: Text that says what can't be done with it.

    Raises:
        VideoError: The fault is the file's.
        MachineError: The fault is the machine's.
    """
    try:
        yield
    except KinobenchError:
        raise
    except Exception as error:
        text = what if isinstance(what, str) else what()
        raise reading_error(path, text, error) from error
