"""A folder of numbered pictures as a video: its frames, in the order of their numbers.

Pictures have no times. A protocol with a rate places its clips as if the pictures had that rate,
so by their numbers, as the codebases that read such folders do; a remark says so.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import av
import av.logging

from ..copy_digest import StoredVideo
from ..errors import VideoError
from ..plurals import quantity
from ..protocol import Protocol
from ..protocol.placement import Indices
from ..protocol.timed_placement import Timeline
from ..sources.listing import walk
from ..sources.paths import path_of
from ..sources.pictures import has_others, numbered, start_of
from .container import reading_errors
from .decoder_log import listening, reports_damage
from .index import VideoIndex
from .numbering import refuse_wrong_numbers
from .orientation import Matrices
from .reader import VideoReader
from .remarks import KINDS, OTHERS, UNNUMBERED, UNTIMED

NOMINAL_RATE = Fraction(25)
"""Frames per second where nothing asks for a rate: no clip depends on it."""
_FORMATS = (
    (b"\xff\xd8", "mjpeg"),
    (b"\x89PNG", "png"),
    (b"RIFF", "webp"),
    (b"BM", "bmp"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
)
"""How pictures begin, and FFmpeg's names of their decoders: extensions may be wrong."""


class FrameFolder(VideoReader):
    """An open folder of pictures; see `VideoReader`.

    Attributes:
        numbers: The pictures' numbers in their names, ascending.
        names: Their names, in the same order.

    Raises:
        VideoError: There are no numbered pictures, or two of one number.
    """

    def __init__(self, path: str | Path) -> None:
        """List the pictures; none is opened."""
        self.path = path_of(path)
        with reading_errors(self.path, "can't be listed"):
            sizes = {each.name: each.size for each in walk(self.path, 0) if not each.is_folder}
        names = list(sizes)
        start = start_of(names)
        if start is None:
            raise VideoError(path, "a folder without numbered pictures, as img_00001.jpg")
        pictures = numbered(names, start)
        for number, several in pictures.items():
            if len(several) > 1:
                raise VideoError(
                    path,
                    f"two pictures have the number {number}: {several[0]!r} and {several[1]!r}",
                )
        self.numbers = tuple(pictures)
        self.names = [several[0] for several in pictures.values()]
        self._sizes = [sizes[name] for name in self.names]
        self._remarks: set[str] = set()
        if self.numbers[-1] - self.numbers[0] >= len(self.numbers):
            self._remarks.add(UNNUMBERED)
        if has_others(names, start):
            self._remarks.add(OTHERS)
        self._matrices = Matrices()
        self._index = _at_rate(len(self.names), NOMINAL_RATE)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Do nothing: no file stays open."""

    def placed(self, protocol: Protocol) -> Indices:
        """Return the frames of a protocol's clips; its rate is taken for that of the pictures."""
        if protocol.fps is not None:
            self._index = _at_rate(len(self), Fraction(protocol.fps).limit_denominator(1001))
            self._remarks.add(UNTIMED)
        return super().placed(protocol)

    def index_by_decoding(self) -> None:
        """Do nothing: the pictures' names are the index."""

    @property
    def timeline(self) -> Timeline:
        """The times, as a container of the same frames would have them."""
        return self._index.timeline(None, None, None)

    @property
    def stored(self) -> StoredVideo:
        """How the pictures are stored, all bytes together: size and format are the first one's.

        Of a folder whose first picture is damaged nothing is known.
        """
        try:
            ((_, frame),) = self.sound_frames([0])
            with reading_errors(self.path, "its pictures can't be looked at"):
                sizes = zip(self.names, self._sizes, strict=True)
                count = sum(self._bytes_of(name) if size is None else size for name, size in sizes)
            return StoredVideo(count, frame.width, frame.height, self.codec_of(0))
        except VideoError:
            return StoredVideo(0)

    @property
    def pixel_aspect(self) -> Fraction:
        """Width of a stored pixel over its height: pictures have square ones."""
        return Fraction(1)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is unusual about the folder; see remarks.py."""
        return tuple(kind for kind in KINDS if kind in self._remarks)

    def sound_frames(self, numbers: Sequence[int]) -> Iterator[tuple[int, av.VideoFrame]]:
        """Decode the chosen pictures; see `VideoReader.sound_frames`."""
        refuse_wrong_numbers(numbers, len(self))
        size: tuple[int, int] | None = None
        with listening():
            for place, number in enumerate(numbers):
                frame = self._picture(number)
                found = self._shown_size(frame)
                if size is None:
                    size = found
                elif size != found:
                    raise VideoError(
                        self.path,
                        f"{self.names[number]} is {found[0]}x{found[1]}, earlier ones are "
                        f"{size[0]}x{size[1]}",
                    )
                yield place, frame

    def _bytes_of(self, name: str) -> int:
        """Return the size of a picture of which the folder's listing says none."""
        return path_of(f"{self.path}/{name}").stat().st_size

    def codec_of(self, number: int) -> str:
        """Return FFmpeg's name of a picture's format; empty if it is none."""
        with reading_errors(self.path, f"{self.names[number]} can't be read"):
            content = path_of(f"{self.path}/{self.names[number]}").read_bytes()
        return _decoder_of(content) or ""

    def _picture(self, number: int) -> av.VideoFrame:
        """Decode a picture.

        Raises:
            VideoError: It is none, or damaged.
        """
        name = self.names[number]
        with reading_errors(self.path, f"{name} can't be read"):
            content = path_of(f"{self.path}/{name}").read_bytes()
        decoder = _decoder_of(content)
        if decoder is None:
            raise VideoError(self.path, f"{name} is no picture")
        with av.logging.Capture() as messages:
            try:
                frames = _frames(decoder, content)
            except (av.FFmpegError, ValueError):
                frames = []
        if len(frames) != 1 or frames[0].is_corrupt or reports_damage(messages):
            found = quantity(len(self), "picture")
            raise VideoError(self.path, f"{name} is damaged (of {found})")
        return frames[0]


def _decoder_of(content: bytes) -> str | None:
    return next((each for head, each in _FORMATS if content.startswith(head)), None)


def _frames(decoder: str, content: bytes) -> list[av.VideoFrame]:
    context: Any = av.CodecContext.create(decoder, "r")
    context.thread_type, context.thread_count = "NONE", 1
    context.options = {"err_detect": "crccheck+bitstream+buffer"}
    return [*context.decode(av.Packet(content)), *context.decode(None)]


def _at_rate(count: int, rate: Fraction) -> VideoIndex:
    """Return the times of frames that follow each other at a rate."""
    times = tuple(number * rate.denominator / rate.numerator for number in range(count))
    return VideoIndex(times, count * rate.denominator / rate.numerator, None, 1 / rate, 0, rate)
