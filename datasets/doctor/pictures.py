"""A folder of pictures, looked at as a file is: its header is that of its first picture."""

from collections.abc import Callable
from pathlib import Path

from ..errors import VideoError
from ..sources.paths import path_of
from ..video.frame_folder import FrameFolder
from .frames import Frames
from .headers import Header

_SIGN_FRAMES = 100
"""A sign of life is given every so many pictures, which are large and may be far away."""
FORMAT = "pictures"
"""What stands for a container's name."""


def header_of_pictures(path: Path) -> Header:
    """Return what stands for the header of a folder of numbered pictures; one is decoded.

    There are no times in it. The codec is FFmpeg's name of the first picture's format.

    Raises:
        VideoError: There are no numbered pictures, or the first is damaged.
        MachineError: The machine failed.
    """
    video = FrameFolder(path)
    ((_, frame),) = video.sound_frames([0])
    return Header(
        bytes=sum(path_of(f"{path}/{name}").stat().st_size for name in video.names),
        container=FORMAT,
        codec=video.codec_of(0),
        width=frame.width,
        height=frame.height,
        frames=len(video),
        pixels=frame.format.name,
    )


def decode_pictures(path: Path, alive: Callable[[], object] = lambda: None) -> Frames:
    """Decode every picture of a folder; one that is damaged, or of another size, counts as damaged.

    Args:
        path: The folder.
        alive: Called every hundred pictures.

    Raises:
        VideoError: There are no numbered pictures.
        MachineError: The machine failed.
    """
    damaged: list[int] = []
    size: tuple[int, int] | None = None
    video = FrameFolder(path)
    for number in range(len(video)):
        try:
            ((_, frame),) = video.sound_frames([number])
        except VideoError:
            damaged.append(number)
            continue
        size = size or (frame.width, frame.height)
        if size != (frame.width, frame.height):
            damaged.append(number)
        if number % _SIGN_FRAMES == 0:
            alive()
    first = damaged[0] if damaged else None
    return Frames(count=len(video), damaged=len(damaged), first_damaged=first)
