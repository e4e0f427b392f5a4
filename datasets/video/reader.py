"""Reading chosen frames of a video file: one decode, only wanted frames converted.

One rule holds for a file that is damaged in the middle. Where a wanted frame can't be decoded, or
is decoded from damaged ones, the whole video is unreadable: no other frame takes its place, and it
is not scored. Damage that no wanted frame depends on changes nothing and is not looked for.

Damaged is what FFmpeg marks so, can't decode, or complains of as an error, and, until the next key
frame, whatever is decoded after it. No decoder knows more than its format tells: HEVC alone can
carry a checksum of its pictures, which few encoders write. Damage that can still be decoded passes
for the picture: nearly always in VP8 and VP9, often in HEVC, now and then in AV1 and H.264, seldom
in MPEG-2, MPEG-4 and MJPEG.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from stat import S_ISREG
from types import TracebackType

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from ..errors import VideoError
from ..protocol.timed_placement import Timeline
from .container import open_container
from .damage import Damage, is_key
from .decoder_log import listening, tells_damage
from .machine_faults import reading_error

KEPT_BYTES = 2**20
"""Where a file's video packets are no larger in all, those that indexing read are decoded."""

Room = Callable[[tuple[int, int, int, int]], np.ndarray]
"""Gives an array, uint8, of the shape `[N, H, W, 3]`, whatever is in it."""


def new_room(shape: tuple[int, int, int, int]) -> np.ndarray:
    """Return a new array of a shape `[N, H, W, 3]`, uint8."""
    return np.empty(shape, dtype=np.uint8)


class VideoReader:
    """An open video file whose frames are known by number and by time.

    Opening reads the packets' headers once, without decoding: from them come the number of frames
    and the time of each, which containers often lack or get wrong. Frames count from 0 in the
    order of display. A copy that begins before its first key frame begins, here, at that frame.

    Attributes:
        path: The file.
        times_s: When each frame appears, ascending, the first at 0.
        duration_s: When the last frame disappears.

    Raises:
        VideoError: The file is missing, empty, not a video, without a video stream, or ends
            before its header says that it does.
        MachineError: The machine failed: too many open files, no memory, a disk or a mount.
    """

    def __init__(self, path: str | Path) -> None:
        """Open the file and index its frames."""
        self.path = Path(path)
        with _reported(self.path, "can't be read"):
            try:
                is_file = S_ISREG(self.path.stat().st_mode)
            except (FileNotFoundError, NotADirectoryError):
                is_file = False
            if not is_file:
                raise VideoError(path, "no such file")
            with self.path.open("rb") as file:
                self._head = file.read(12)
        if not self._head:
            raise VideoError(path, "the file is empty")
        with _reported(self.path, self._unopened):
            self._container = open_container(self.path)
        try:
            self._index()
        except BaseException:
            self._container.close()
            raise

    def __enter__(self) -> "VideoReader":
        """Return the reader; leaving closes the file."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file."""
        self._container.close()

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self.times_s)

    def _unopened(self) -> str:
        """Say what a file is that FFmpeg can't open."""
        if self._head[4:8] == b"ftyp":
            return "an MP4 file without a readable index; it may be cut short"
        return "not a video that FFmpeg can read"

    def _index(self) -> None:
        if not self._container.streams.video:
            kinds = " and ".join(sorted({stream.type for stream in self._container.streams}))
            raise VideoError(self.path, f"no video stream: it holds {kinds or 'nothing'}")
        self._stream = self._container.streams.video[0]
        if self._stream.codec_context is None:
            raise VideoError(self.path, "no decoder is known for its video stream")
        stamps: list[tuple[int | None, int]] = []
        self._kept: list[av.Packet] | None = []
        kept_bytes = 0
        first_key: int | None = None
        found, last_is_whole = 0, True
        ends: dict[int, int] = {}  # of each stream, in its own units
        with _reported(self.path, "its packets can't be read"):
            for packet in self._container.demux():
                if self._kept is not None and packet.stream is self._stream:
                    kept_bytes += packet.size
                    self._kept.append(packet)
                    if kept_bytes > KEPT_BYTES:
                        self._kept = None
                if packet.dts is None and packet.size == 0:
                    continue  # the end of a stream, not a part of the file
                last_is_whole = not packet.is_corrupt or (
                    # There a lost part is told, too; of the picture it is found when decoding.
                    packet.stream is not self._stream and self._container.format.name == "mpegts"
                )
                begin = packet.pts if packet.pts is not None else packet.dts
                if begin is not None:
                    number, end = packet.stream.index, begin + (packet.duration or 0)
                    ends[number] = max(ends.get(number, end), end)
                if packet.stream is not self._stream:
                    continue
                found += 1
                if first_key is None:
                    if not packet.is_keyframe:
                        continue  # it needs frames that were cut off
                    first_key = packet.pts if packet.pts is not None else packet.dts
                if packet.is_discard or _shows_nothing(packet):
                    continue
                if packet.pts is not None and first_key is not None and packet.pts < first_key:
                    continue  # a leading picture of an open group: it needs frames that were cut
                stamps.append((packet.pts, packet.duration or 0))
        if not last_is_whole:
            raise VideoError(self.path, f"cut short: packet {found - 1} is incomplete")
        of_streams = ((ends.get(each.index, 0), each.time_base) for each in self._container.streams)
        ends_s = (float(end * unit) for end, unit in of_streams if unit is not None)
        self._refuse_cut_short(found, max(ends_s, default=0.0))
        if not stamps:
            raise VideoError(self.path, "its video stream holds no key frame to begin at")
        self._take_times(stamps)

    def _refuse_cut_short(self, found: int, end_s: float) -> None:
        """Compare what was found with what the header announces, where it announces anything."""
        announced = self._stream.frames
        # An edit list lets FFmpeg leave out frames that are there but are never shown.
        if announced > found and announced > self._packets_with_hidden_ones():
            raise VideoError(
                self.path, f"cut short: its header announces {announced} frames, {found} are there"
            )
        if announced == 0 and self._container.format.name == "matroska,webm":
            announced_s = (self._container.duration or 0) / av.time_base
            # Some muxers write the length as the last instant, some as the time from the first.
            found_s = end_s
            rate = self._stream.average_rate
            if found_s < announced_s - (2 / float(rate) if rate else 0.1):  # the last may lack one
                raise VideoError(
                    self.path,
                    f"cut short: its header announces {announced_s:.2f} s, {found_s:.2f} s are "
                    "there",
                )

    def _packets_with_hidden_ones(self) -> int:
        if "mp4" not in self._container.format.name:
            return 0
        options = {"ignore_editlist": "1"}
        with open_container(self.path, options) as container:
            return sum(packet.size > 0 for packet in container.demux(container.streams.video[0]))

    def _take_times(self, stamps: list[tuple[int | None, int]]) -> None:
        """Set the times of the frames, and whether decoded frames are told by their timestamps.

        AVI stores no presentation times: those that FFmpeg makes up for it don't ascend where
        there are B-frames, though the decoder's order is right. There, and where timestamps are
        missing or doubled, a frame is told by its place in the decoder's output.
        """
        rate = self._stream.average_rate or self._stream.guessed_rate
        shown = sorted((pts, duration) for pts, duration in stamps if pts is not None)
        unique = len({pts for pts, _ in shown}) == len(stamps)
        self._stamps: dict[int, int] | None = None
        if unique and self._stream.time_base is not None:
            base = self._stream.time_base
            times = [float((pts - shown[0][0]) * base) for pts, _ in shown]
            self._unit_s, self._start = base, shown[0][0]
            if self._container.format.name != "avi":
                self._stamps = {pts: number for number, (pts, _) in enumerate(shown)}
            last_s = float(shown[-1][1] * base)
        elif rate:
            times = [float(number / rate) for number in range(len(stamps))]
            self._unit_s, self._start = 1 / rate, 0
            last_s = 0.0
        else:
            raise VideoError(self.path, "it has neither timestamps nor a frame rate")
        if last_s <= 0:
            last_s = float(1 / rate) if rate else (times[-1] / max(len(times) - 1, 1))
        self.times_s: tuple[float, ...] = tuple(times)
        self.duration_s = times[-1] + last_s
        self._rate = rate

    @property
    def timeline(self) -> Timeline:
        """The times in the container's own units, exactly."""

        def units(time_s: float) -> int:
            return round(time_s * self._unit_s.denominator / self._unit_s.numerator)

        rate = self._rate or Fraction(len(self) / self.duration_s).limit_denominator(1001)
        stamps = tuple(map(units, self.times_s))
        announced = self._stream.duration
        return Timeline(stamps, units(self.duration_s), self._unit_s, rate, announced, self._start)

    def frames(self, numbers: Sequence[int], room: Room = new_room) -> np.ndarray:
        """Decode the file once and return the chosen frames.

        Args:
            numbers: Which frames, ascending and without repeats.
            room: Gives the array that they are written to, once their size is known.

        Returns:
            `[N, H, W, 3]`, uint8, red, green, blue, turned upright as the file's rotation says.

        Raises:
            VideoError: A wanted frame can't be decoded, or the picture changes its size.
        """
        pictures: np.ndarray | None = None
        for place, picture in self.converted_frames(numbers):
            if pictures is None:
                pictures = self._room(room, (len(numbers), picture.shape[0], picture.shape[1], 3))
            pictures[place] = picture
        assert pictures is not None  # some were asked for, and each came
        return pictures

    def _room(self, room: Room, shape: tuple[int, int, int, int]) -> np.ndarray:
        try:
            return room(shape)
        except MemoryError as error:
            what = f"{shape[0]} frames of {shape[2]}x{shape[1]} have no room"
            raise reading_error(self.path, what, error, shape[1] * shape[2]) from error

    def converted_frames(self, numbers: Sequence[int]) -> Iterator[tuple[int, np.ndarray]]:
        """Decode the file once and yield the chosen frames one by one, with their places.

        Each is `[H, W, 3]`, uint8, as in `frames`, and holds until the next is asked for.

        Raises:
            VideoError: See `frames`.
        """
        converter = VideoReformatter()
        for place, frame in self.sound_frames(numbers):
            with _reported(self.path, "its colours can't be converted"):
                # By this thread: to start others takes ten times as long as a small frame does.
                picture = _pixels(converter.reformat(frame, format="rgb24", threads=1))
            if frame.rotation % 360:
                picture = np.rot90(picture, k=round(frame.rotation / 90))
            yield place, picture

    def sound_frames(self, numbers: Sequence[int]) -> Iterator[tuple[int, av.VideoFrame]]:
        """Decode the file once and yield the chosen frames, not converted, with their places.

        Raises:
            VideoError: See `frames`.
        """
        self.refuse_wrong_numbers(numbers)
        wanted = {number: place for place, number in enumerate(numbers)}
        size: tuple[int, int] | None = None
        for number, frame, damaged in self._decoded():
            place = wanted.pop(number, None)
            if place is None:
                continue
            if damaged is not None:
                origin = "" if damaged == number else f", and {self._frame_name(number)} needs it"
                raise VideoError(self.path, f"{self._frame_name(damaged)} is damaged{origin}")
            found = frame.width, frame.height
            if _is_on_its_side(frame):
                found = frame.height, frame.width
            if size is None:
                size = found
            elif size != found:
                raise VideoError(
                    self.path,
                    f"{self._frame_name(number)} is {found[0]}x{found[1]}, earlier ones are "
                    f"{size[0]}x{size[1]}",
                )
            yield place, frame
            if not wanted and self._stamps is not None:
                break
        if wanted:
            raise VideoError(
                self.path,
                f"{self._frame_name(next(iter(wanted)))} could not be decoded "
                f"({len(numbers) - len(wanted)} of {len(numbers)} wanted frames could)",
            )

    def refuse_wrong_numbers(self, numbers: Sequence[int]) -> None:
        """Raise ValueError or IndexError where they aren't ascending numbers of frames."""
        if not numbers or list(numbers) != sorted(set(numbers)):
            raise ValueError(
                f"frame numbers must ascend without repeats, one at least: {list(numbers)[:8]}..."
            )
        if numbers[0] < 0 or numbers[-1] >= len(self):
            raise IndexError(f"frames {numbers[0]}..{numbers[-1]} of a video of {len(self)}")

    def _decoded(self) -> Iterator[tuple[int, av.VideoFrame, int | None]]:
        """Yield frames in the order of display: number, frame, number of the damaged one it needs.

        The last is None for a sound frame.
        """
        damage = Damage()
        number_of: dict[int, int | None] = {}  # of damaged packets, by their turn
        seen = lag = 0
        lost = False
        with (
            _reported(self.path, lambda: f"decoding fails at {self._frame_name(seen)}"),
            listening(),
            self._from_the_start() as (stream, packets),
        ):
            stream.thread_type = "NONE"  # as many files side by side as there are cores
            stream.codec_context.thread_count = 1  # dav1d's own
            stream.codec_context.copy_opaque = True
            stream.codec_context.options = {"err_detect": "crccheck"}  # HEVC's, of whole pictures
            for turn, packet in enumerate(packets):
                packet.opaque = (turn,)  # PyAV tells them by identity, which small numbers share
                frames, is_sound = self._of_packet(packet)
                if not is_sound:
                    lost = True
                    damage.found(turn, packet.pts)
                    number_of[turn] = self._number(packet.pts, turn - lag)
                for frame in frames:
                    own = frame.opaque[0] if isinstance(frame.opaque, tuple) else turn
                    need = damage.of(own, frame)
                    if need is None and is_key(frame):
                        # Where frames are told by their place, those that never came count, too:
                        # of what is decoded before a sound key frame nothing can come after it.
                        place = own + damage.shown_before(own)
                        if lost:
                            seen, lost = place - lag, False
                        lag = place - seen
                    number = self._number(frame.pts, seen)
                    seen += 1
                    if number is None:
                        continue  # it is not shown
                    if need is None:
                        yield number, frame, None
                        continue
                    named = None if need == own else number_of.get(need)
                    number_of[own] = number
                    yield number, frame, number if named is None else named
        if self._stamps is None and seen < len(self) and not lost:
            raise VideoError(
                self.path, f"decoding gives {seen} frames, its packets hold {len(self)}"
            )

    @contextmanager
    def _from_the_start(self) -> Iterator[tuple[av.VideoStream, Iterable[av.Packet]]]:
        """Give the stream and all of its packets, the last of which has the decoder end.

        They are those that indexing read, the first time and if they were kept. Else the file is
        opened again: not every container (MPEG-TS, a broken AVI) can be sought to its start.
        """
        kept, self._kept = self._kept, None
        if kept is not None:
            yield self._stream, kept
            return
        with open_container(self.path) as container:
            (stream, *_) = container.streams.video
            yield stream, container.demux(stream)

    def _number(self, pts: int | None, place: int) -> int | None:
        """Return the number of a frame, by its time or by its place; None if it is not shown."""
        if self._stamps is None:
            return place
        return None if pts is None else self._stamps.get(pts)

    def _of_packet(self, packet: av.Packet) -> tuple[list[av.VideoFrame], bool]:
        """Decode a packet; return what comes out, and whether FFmpeg finds nothing wrong."""
        with av.logging.Capture() as said:
            try:
                frames = packet.decode()
            except (av.FFmpegError, MemoryError) as error:
                found = reading_error(self.path, "it can't be decoded", error, self._pixels)
                if isinstance(found, VideoError):
                    return [], False
                raise found from error
        return frames, not (packet.is_corrupt or tells_damage(said))

    @property
    def _pixels(self) -> int:
        """Of a frame, as the file announces it."""
        return int(self._stream.width * self._stream.height)

    def _frame_name(self, number: int) -> str:
        when = f" ({self.times_s[number]:.2f} s)" if number < len(self) else ""
        return f"frame {number} of {len(self)}{when}"


def _pixels(picture: av.VideoFrame) -> np.ndarray:
    """Return the pixels of a picture in RGB, `[H, W, 3]`, uint8, where they lie in its memory."""
    (plane,) = picture.planes
    lines = np.frombuffer(memoryview(plane), dtype=np.uint8).reshape(-1, plane.line_size)
    return lines[: picture.height, : 3 * picture.width].reshape(picture.height, picture.width, 3)


def _shows_nothing(packet: av.Packet) -> bool:
    """Tell whether a VP8 packet only feeds later frames (RFC 6386, 9.1: show_frame, bit 4)."""
    return packet.stream.codec_context.name in ("vp8", "libvpx") and not bytes(packet)[0] & 0x10


@contextmanager
def _reported(path: Path, what: str | Callable[[], str]) -> Iterator[None]:
    """Turn an error of FFmpeg's, or of the file system, into a VideoError that names the file."""
    try:
        yield
    except (av.FFmpegError, OSError, MemoryError) as error:
        said = what if isinstance(what, str) else what()
        raise reading_error(path, said, error) from error


def _is_on_its_side(frame: av.VideoFrame) -> bool:
    return round(frame.rotation / 90) % 2 == 1
