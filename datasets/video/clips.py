"""The clips that a protocol takes from a video file, decoded by the chosen library."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..names import DEFAULT_DECODER, Decoder
from ..protocol import Protocol
from .container import reading_errors
from .reader import Room, VideoReader, new_room


class Clips(NamedTuple):
    """The clips of one video: its wanted frames, each once, and the frames of each clip.

    Attributes:
        frames: `[U, H, W, 3]`, uint8, red, green, blue: every frame that any clip shows, once.
        places: `[clips][frames]`: indices into `frames`.
        numbers: `[U]`: the number, in the file, of each of `frames`.
    """

    frames: np.ndarray
    places: tuple[tuple[int, ...], ...]
    numbers: tuple[int, ...]


def open_video(path: str | Path, decoder: Decoder = DEFAULT_DECODER) -> VideoReader:
    """Open a video file whose frames `decoder` decodes; see `VideoReader`."""
    if decoder == "torchcodec":
        from .torchcodec import TorchcodecReader

        return TorchcodecReader(path)
    return VideoReader(path)


def read_clips(
    path: str | Path,
    protocol: Protocol,
    room: Room = new_room,
    decoder: Decoder = DEFAULT_DECODER,
) -> Clips:
    """Read the clips that the protocol cuts from a video, decoding the file once.

    Args:
        path: The file.
        protocol: Decides the frames of its clips.
        room: Gives the array that they are written to.
        decoder: The library that decodes it.

    Raises:
        VideoError: The file can't be read, or not to the last frame that is wanted.
        KinobenchError: The decoder can't be loaded.
    """
    with open_video(path, decoder) as video:
        return cut_clips(video, protocol, room)


def cut_clips(video: VideoReader, protocol: Protocol, room: Room = new_room) -> Clips:
    """Read the clips that the protocol cuts from an open video; see `read_clips`."""
    with reading_errors(video.path, "its clips have no place in time"):
        numbers = protocol.frame_indices(video.times_s, video.duration_s, video.timeline)
    wanted = sorted({number for clip in numbers for number in clip})
    place_of = {number: place for place, number in enumerate(wanted)}
    places = tuple(tuple(place_of[number] for number in clip) for clip in numbers)
    return Clips(video.frames(wanted, room), places, tuple(wanted))
