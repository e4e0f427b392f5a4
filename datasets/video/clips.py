"""The clips that a protocol takes from a video file, decoded by the chosen library."""

from collections.abc import Callable
from pathlib import Path
from stat import S_ISDIR
from typing import NamedTuple, TypeVar

from ..copy_digest import StoredVideo
from ..names import DEFAULT_DECODER, Decoder
from ..protocol import Protocol
from ..sources.paths import path_of
from .container import reading_errors
from .numbering import IndexIsWrongError
from .reader import VideoReader
from .stores import FrameStore, StoreOf, new_room

Result = TypeVar("Result")


class Clips(NamedTuple):
    """The clips of one video: its wanted frames, each once, and the frames of each clip.

    Attributes:
        frames: `[U, H, W, 3]`, uint8, red, green, blue: every frame that any clip shows, once; or
            a store that was written with them.
        places: `[clips][frames]`: indices into `frames`.
        numbers: `[U]`: the number, in the file, of each of `frames`.
    """

    frames: FrameStore
    places: tuple[tuple[int, ...], ...]
    numbers: tuple[int, ...]


def open_video(path: str | Path, decoder: Decoder = DEFAULT_DECODER) -> VideoReader:
    """Open a video file whose frames `decoder` decodes, or a folder of pictures.

    See `VideoReader` and `FrameFolder`; pictures are always decoded by PyAV.
    """
    place = path_of(path)
    with reading_errors(place, "can't be read"):
        is_folder = S_ISDIR(place.stat().st_mode) if place.exists() else False
    if is_folder:
        from .frame_folder import FrameFolder

        return FrameFolder(path)
    if decoder == "torchcodec":
        from .torchcodec import TorchcodecReader

        return TorchcodecReader(path)
    return VideoReader(path)


def read_clips(
    path: str | Path,
    protocol: Protocol,
    store_of: StoreOf = new_room,
    decoder: Decoder = DEFAULT_DECODER,
    remark: Callable[[str], object] = lambda text: None,
    on_open: Callable[[StoredVideo], object] = lambda stored: None,
) -> Clips:
    """Read the clips that the protocol cuts from a video, decoding the file once.

    Args:
        path: The file.
        protocol: Decides the frames of its clips.
        store_of: Gives the array, or the store, that they are written to.
        decoder: The library that decodes it.
        remark: Called with what is unusual about the file; see remarks.py.
        on_open: Called with how the video is stored, also if it can't be read later.

    Raises:
        VideoError: The file can't be read, or not to the last frame that is wanted.
        KinobenchError: The decoder can't be loaded.
    """
    with open_video(path, decoder) as video:
        on_open(video.stored)
        clips = cut_clips(video, protocol, store_of)
        for text in video.remarks:
            remark(text)
        return clips


def cut_clips(video: VideoReader, protocol: Protocol, store_of: StoreOf = new_room) -> Clips:
    """Read the clips that the protocol cuts from an open video; see `read_clips`."""
    return with_true_index(video, lambda: _cut(video, protocol, store_of))


def with_true_index(video: VideoReader, read: Callable[[], Result]) -> Result:
    """Return what `read` reads from a video; if that shows its index to be wrong, read again.

    The numbers and times of the frames may be others the second time: `read` asks for them.

    Raises:
        VideoError: `read` raises it, or the decoder gives no frame.
    """
    try:
        return read()
    except IndexIsWrongError:
        video.index_by_decoding()
        return read()


def _cut(video: VideoReader, protocol: Protocol, store_of: StoreOf) -> Clips:
    with reading_errors(video.path, "its clips have no place in time"):
        numbers = video.placed(protocol)
    wanted = sorted({number for clip in numbers for number in clip})
    place_of = {number: place for place, number in enumerate(wanted)}
    places = tuple(tuple(place_of[number] for number in clip) for clip in numbers)
    return Clips(video.write_frames(wanted, store_of), places, tuple(wanted))
