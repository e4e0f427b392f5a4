"""Reading chosen frames of a video file: it is decoded once, and only wanted frames are converted.

One rule applies to a file that is damaged in the middle. If a wanted frame can't be decoded, or is
decoded from damaged ones, the whole video is unreadable: no other frame takes its place, and it is
not scored. Damage that no wanted frame depends on changes nothing, and is not looked for.

A packet is damaged if FFmpeg marks it, can't decode it, or logs an error about it; until the next
key frame, so is whatever is decoded after it. No decoder knows more than its format contains: only
HEVC can have a checksum of its pictures, which few encoders write. Damage that can still be decoded
passes for the picture: nearly always in VP8 and VP9, often in HEVC, now and then in AV1 and H.264,
seldom in MPEG-2, MPEG-4 and MJPEG.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from stat import S_ISREG
from types import TracebackType

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from ..errors import VideoError
from ..protocol.timed_placement import Timeline
from .container import Packet, open_container, reading_errors
from .cut_short import refuse_cut_short
from .damage import Damage, is_key
from .decoder_log import listening, reports_damage
from .index import read_index
from .machine_faults import reading_error
from .mp4_tables import refuse_impossible_tables

Room = Callable[[tuple[int, int, int, int]], np.ndarray]
"""Gives an array, uint8, of the shape `[N, H, W, 3]`, with any content."""


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
        times_s: Time at which each frame appears, ascending, the first at 0.
        duration_s: Time at which the last frame disappears.

    Raises:
        VideoError: The file is missing, empty, not a video, without a video stream, or ends
            before its header says that it does.
        MachineError: The machine failed: too many open files, no memory, a disk or a mount.
    """

    def __init__(self, path: str | Path) -> None:
        """Open the file and index its frames."""
        self.path = Path(path)
        with reading_errors(self.path, "can't be read"):
            try:
                found = self.path.stat()
            except (FileNotFoundError, NotADirectoryError):
                found = None
            if found is None or not S_ISREG(found.st_mode):
                raise VideoError(path, "no such file")
            with self.path.open("rb") as file:
                self._head = file.read(12)
                refuse_impossible_tables(self.path, file, found.st_size)
                refuse_cut_short(self.path, file, found.st_size)
        if not self._head:
            raise VideoError(path, "the file is empty")
        with reading_errors(self.path, self._unopened):
            self._container = open_container(self.path)
        try:
            with reading_errors(self.path, "its headers can't be read"):
                self._stream = self._video_stream()
                self._index, self._kept = read_index(self.path, self._container, self._stream)
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
        """Describe a file that FFmpeg can't open."""
        if self._head[4:8] == b"ftyp":
            return "an MP4 file without a readable index; it may be cut short"
        return "not a video that FFmpeg can read"

    def _video_stream(self) -> av.VideoStream:
        streams = self._container.streams
        if not streams.video:
            kinds = " and ".join(sorted({stream.type for stream in streams}))
            raise VideoError(self.path, f"no video stream: it holds {kinds or 'nothing'}")
        if streams.video[0].codec_context is None:
            raise VideoError(self.path, "no decoder is known for its video stream")
        return streams.video[0]

    @property
    def times_s(self) -> tuple[float, ...]:
        """Time at which each frame appears, ascending, the first at 0."""
        return self._index.times_s

    @property
    def duration_s(self) -> float:
        """Time at which the last frame disappears."""
        return self._index.duration_s

    @property
    def timeline(self) -> Timeline:
        """The times in the container's own units, exactly."""
        return self._index.timeline(self._stream.duration)

    def frames(self, numbers: Sequence[int], room: Room = new_room) -> np.ndarray:
        """Decode the file once and return the chosen frames.

        Args:
            numbers: Numbers of the frames, ascending and without repeats.
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

        Each is `[H, W, 3]`, uint8, as in `frames`, and is valid until you ask for the next.

        Raises:
            VideoError: See `frames`.
        """
        converter = VideoReformatter()
        for place, frame in self.sound_frames(numbers):
            with reading_errors(self.path, "its colours can't be converted"):
                # This thread converts the frame.
                # Starting others takes ten times as long as a small frame does.
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
            if not wanted and self._index.number_of is not None:
                break
        if wanted:
            raise VideoError(
                self.path,
                f"{self._frame_name(next(iter(wanted)))} could not be decoded "
                f"({len(numbers) - len(wanted)} of {len(numbers)} wanted frames could)",
            )

    def refuse_wrong_numbers(self, numbers: Sequence[int]) -> None:
        """Raise ValueError or IndexError unless they are ascending numbers of frames."""
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
            reading_errors(self.path, lambda: f"decoding fails at {self._frame_name(seen)}"),
            listening(),
            self._from_the_start() as (stream, packets),
        ):
            stream.thread_type = "NONE"  # other files are decoded on the other cores
            stream.codec_context.thread_count = 1  # dav1d's own threads
            stream.codec_context.copy_opaque = True
            stream.codec_context.options = {"err_detect": "crccheck"}  # HEVC's, of whole pictures
            for turn, packet in enumerate(packets):
                packet.opaque = (turn,)  # PyAV goes by identity, which small numbers share
                frames, is_sound = self._of_packet(packet)
                if not is_sound:
                    lost = True
                    damage.found(turn, packet.pts)
                    number_of[turn] = self._number(packet.pts, turn - lag)
                for frame in frames:
                    own = frame.opaque[0] if isinstance(frame.opaque, tuple) else turn
                    need = damage.of(own, frame)
                    if need is None and is_key(frame):
                        # If frames are known by their place, those that never came count, too:
                        # nothing that is decoded before a sound key frame can come after it.
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
        if self._index.number_of is None and seen < len(self) and not lost:
            raise VideoError(
                self.path, f"decoding gives {seen} frames, its packets hold {len(self)}"
            )

    @contextmanager
    def _from_the_start(self) -> Iterator[tuple[av.VideoStream, Iterable[Packet]]]:
        """Give the stream and all of its packets, the last of which ends the decoder.

        The first time they are those that indexing read, if it kept them. Else the file is opened
        again: not every container (MPEG-TS, a broken AVI) can be sought to its start.
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
        if self._index.number_of is None:
            return place
        return None if pts is None else self._index.number_of.get(pts)

    def _of_packet(self, packet: Packet) -> tuple[list[av.VideoFrame], bool]:
        """Decode a packet; return its frames, and whether FFmpeg finds nothing wrong."""
        with av.logging.Capture() as messages:
            try:
                frames = packet.decode()
            except Exception as error:
                found = reading_error(self.path, "it can't be decoded", error, self._pixels)
                if isinstance(found, VideoError):
                    return [], False
                raise found from error
        return frames, not (packet.is_corrupt or reports_damage(messages))

    @property
    def _pixels(self) -> int:
        """Pixels of a frame, as the file announces them."""
        return int(self._stream.width * self._stream.height)

    def _frame_name(self, number: int) -> str:
        when = f" ({self.times_s[number]:.2f} s)" if number < len(self) else ""
        return f"frame {number} of {len(self)}{when}"


def _pixels(picture: av.VideoFrame) -> np.ndarray:
    """Return the pixels of a picture in RGB, `[H, W, 3]`, uint8, as a view of its memory."""
    (plane,) = picture.planes
    lines = np.frombuffer(memoryview(plane), dtype=np.uint8).reshape(-1, plane.line_size)
    return lines[: picture.height, : 3 * picture.width].reshape(picture.height, picture.width, 3)


def _is_on_its_side(frame: av.VideoFrame) -> bool:
    return round(frame.rotation / 90) % 2 == 1
