"""One video to a smaller file: as many frames, at the same times.

The encoder writes no B-frames, so that packets are in the order of display: each gets the time of
its frame, exactly, in a unit that divides the source's. Without them MP4 says of each frame how
long it is shown, the last one included, and a protocol takes the same frames from both files.
"""

import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av
from av.container import OutputContainer

from ..errors import VideoError
from ..protocol.timed_placement import Timeline
from ..video.clips import with_true_index
from ..video.container import Packet
from ..video.reader import VideoReader
from .form import ENCODERS, Codec, Form
from .picture import UNSPECIFIED, Pictures

SUFFIX = ".mp4"
_FINEST = 10**6
"""Units a second: MP4 counts a frame's duration in 32 bits."""
_TINY = 64
"""With cutree, x265 writes beyond its memory for some pictures with a shorter side."""
_MOST_UNITS = 65535
"""Of a second in MPEG-4's headers (ISO 14496-2, vop_time_increment_resolution)."""

HEADER = "length and rate in the header are those of the frames"
"""A change of files whose header says of them something else, or nothing, as in Matroska: clips
that a protocol places by the header, and not by the frames, may be others."""

Beat = Callable[[int, int], object]
"""Called with the number of frames that are written, and of all."""


class Encoded(NamedTuple):
    """A file that was written.

    Attributes:
        frames: Number of its frames.
        width, height: Of its pictures, in pixels.
        changes: What was changed besides the size, in words.
    """

    frames: int
    width: int
    height: int
    changes: tuple[str, ...]


class UnkeptError(VideoError):
    """A video whose frames or times a smaller file can't keep."""


def encode(source: Path, target: Path, form: Form, beat: Beat = lambda done, of: None) -> Encoded:
    """Write a smaller file of a video, and read its index to see that it keeps frames and times.

    Args:
        source: The video.
        target: The file to write, an MP4 file whatever its name.
        form: The size and the codec.
        beat: Called after every frame.

    Returns:
        What was written.

    Raises:
        VideoError: A frame can't be decoded.
        UnkeptError: Two frames have one time, so that MP4 can't have both; or the written file has
            other frames or times.
        MachineError: The machine failed.
        OSError: The file can't be written.
    """
    with VideoReader(source) as video:
        written = with_true_index(video, lambda: _write(video, target, form, beat))
        wanted = video.timeline
    with VideoReader(target) as copy:
        _refuse_other_times(source, wanted, copy.timeline)
        if _announced(wanted) == _announced(copy.timeline):
            return written
    return written._replace(changes=(*written.changes, HEADER))


def _write(video: VideoReader, target: Path, form: Form, beat: Beat) -> Encoded:
    line = video.timeline
    ticks = _Ticks(video.path, line)
    pictures = Pictures(form.short_side or 0)
    options = {
        # Times are exact only in units of its own; the second unit is that of edit lists, which
        # say when the first frame appears.
        "video_track_timescale": str(ticks.a_second),
        "movie_timescale": str(ticks.a_second),
        "movflags": "+faststart",
        "fflags": "+bitexact",
    }
    count = len(video)
    with av.open(f"file:{target.absolute()}", "w", format="mp4", options=options) as container:
        file: _File | None = None
        for number, frame in video.sound_frames(range(count)):
            made = pictures.smaller(frame)
            if file is None:
                file = _File(container, form, made, pictures, video, ticks)
            file.take(made, number)
            beat(number + 1, count)
        assert file is not None  # a video has a frame
        file.end()
    return Encoded(count, file.width, file.height, tuple(sorted(pictures.changes)))


class _Ticks:
    """Times of frames as whole numbers of a unit that MP4 can have: a part of a second."""

    def __init__(self, path: Path, line: Timeline) -> None:
        repeated = next(
            (n for n in range(1, len(line.stamps)) if line.stamps[n] == line.stamps[n - 1]), None
        )
        if repeated is not None:
            when_s = float(line.stamps[repeated] * line.unit_s)
            raise UnkeptError(
                path, f"frames {repeated - 1} and {repeated} have one time ({when_s:.3f} s)"
            )
        # A negative start would be cut off by an edit: it is 0 then, as every reader shows it.
        start = max(line.start, 0)
        unit = line.unit_s
        stamps = [stamp + start for stamp in line.stamps]
        end = line.end + start
        if unit.denominator > _FINEST:
            step = math.gcd(*stamps, end)
            unit, stamps, end = unit * step, [stamp // step for stamp in stamps], end // step
        self.a_second = unit.denominator
        self.stamps = [stamp * unit.numerator for stamp in stamps]
        self.end = end * unit.numerator

    def duration(self, number: int) -> int:
        """Return how long a frame is shown."""
        later = self.stamps[number + 1] if number + 1 < len(self.stamps) else self.end
        return later - self.stamps[number]


class _File:
    """A stream of an MP4 file that takes pictures, and gives their packets its own times."""

    def __init__(
        self,
        container: OutputContainer,
        form: Form,
        first: av.VideoFrame,
        pictures: Pictures,
        video: VideoReader,
        ticks: _Ticks,
    ) -> None:
        self.width, self.height = first.width, first.height
        self._container, self._ticks = container, ticks
        self._muxed = 0
        rate = min(max(Fraction(1), video.timeline.rate), Fraction(1000)).limit_denominator(1001)
        if rate.numerator > _MOST_UNITS:
            rate = Fraction(round(rate))
        # The encoder counts frames at a constant rate; its packets get their own times.
        self._unit = 1 / rate
        stream = container.add_stream(ENCODERS[form.codec].name, rate=rate)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = first.width, first.height, "yuv420p"
        stream.time_base = Fraction(1, ticks.a_second)
        context = stream.codec_context
        context.time_base = self._unit
        context.gop_size = form.gop
        context.max_b_frames = 0
        context.thread_count = 1  # other files are encoded on the other cores
        colours = pictures.colours
        assert colours is not None  # the first picture was made
        context.color_range = colours.range
        for name, value in (
            ("colorspace", colours.matrix),
            ("color_primaries", colours.primaries),
            ("color_trc", colours.transfer),
        ):
            if value != UNSPECIFIED:
                setattr(context, name, value)
        aspect = video.pixel_aspect
        if aspect != 1:
            context.sample_aspect_ratio = 1 / aspect if pictures.is_on_its_side else aspect
        is_tiny = min(self.width, self.height) < _TINY
        stream.options = {**_options(form.codec, form.quality, form.gop, is_tiny)}
        self._stream = stream

    def take(self, picture: av.VideoFrame, number: int) -> None:
        """Encode the next picture."""
        picture.pict_type = 0  # the encoder chooses: none is a key frame because its source is
        picture.pts, picture.time_base = number, self._unit
        self._mux(self._stream.encode(picture))

    def end(self) -> None:
        """Encode what the encoder still has."""
        self._mux(self._stream.encode(None))
        if self._muxed != len(self._ticks.stamps):
            raise UnkeptError(
                self._container.name,
                f"its encoder gave {self._muxed} of {len(self._ticks.stamps)} frames",
            )

    def _mux(self, packets: Iterator[Packet] | list[Packet]) -> None:
        for packet in packets:
            stamp = self._ticks.stamps[self._muxed]
            packet.pts = packet.dts = stamp
            packet.duration = self._ticks.duration(self._muxed)
            packet.time_base = Fraction(1, self._ticks.a_second)
            self._container.mux(packet)
            self._muxed += 1


def _options(codec: Codec, quality: int, gop: int, is_tiny: bool) -> dict[str, str]:
    """Return the encoder's options: closed groups, one thread, and a quality that is constant."""
    if codec == "h264":
        return {
            "preset": "medium",
            "crf": str(quality),
            # With mbtree, x264's bytes differ now and then: it reads memory that nobody wrote to.
            "x264-params": f"keyint={gop}:bframes=0:open-gop=0:mbtree=0:threads=1",
        }
    if codec == "hevc":
        quiet = "log-level=none:info=0" + ":cutree=0" * is_tiny
        return {
            "preset": "medium",
            "crf": str(quality),
            "x265-params": f"keyint={gop}:bframes=0:open-gop=0:pools=none:frame-threads=1:{quiet}",
        }
    return {"qmin": str(quality), "qmax": str(quality), "mbd": "rd"}


def _refuse_other_times(source: Path, wanted: Timeline, made: Timeline) -> None:
    if _seconds(wanted) == _seconds(made):
        return
    raise UnkeptError(
        source,
        f"its smaller file has {len(made.stamps)} frames for {len(wanted.stamps)}, or other times",
    )


def _announced(line: Timeline) -> tuple[Fraction | None, Fraction, Fraction]:
    """Return the length, in seconds, and the rates that a header announces."""
    length = None if line.announced is None else line.announced * line.unit_s
    return length, line.rate, line.guessed_rate or line.rate


def _seconds(line: Timeline) -> list[Fraction]:
    return [stamp * line.unit_s for stamp in (*line.stamps, line.end)]
