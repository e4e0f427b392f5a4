"""Reading chosen frames of a video file: what they need is decoded once, and they are converted.

One rule applies to a file that is damaged in the middle. If a wanted frame can't be decoded, or is
decoded from damaged ones, the whole video is unreadable: no other frame takes its place, and it is
not scored. Damage that no wanted frame depends on changes nothing, and is not looked for.

groups.py decides what is decoded. Of that, a packet is damaged if FFmpeg marks it, can't decode
it, or logs an error about it; until the next key frame, so is whatever is decoded after it. No
decoder knows more than its format contains: only HEVC can have a checksum of its pictures, which
few encoders write. Damage that can still be decoded passes for the picture: nearly always in VP8
and VP9, often in HEVC, now and then in AV1 and H.264, seldom in MPEG-2, MPEG-4 and MJPEG.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from types import TracebackType

import av
import numpy as np
from av.container import InputContainer
from av.video.reformatter import VideoReformatter

from ..copy_digest import StoredVideo
from ..errors import KinobenchError, VideoError, reason_of
from ..files import NotRegularError, check_regular
from ..plurals import quantity
from ..protocol import Protocol
from ..protocol.placement import Indices
from ..protocol.timed_placement import Timeline
from ..sources.paths import path_of
from .container import (
    Packet,
    default_streams,
    lists_other_files,
    open_container,
    reading_errors,
    video_stream,
)
from .container_ends import refuse_short_container
from .damage import Damage
from .decoder_log import listening
from .decoding import Step, decode, in_turn
from .gaps import gaps_of, heard
from .groups import DoubtError, Groups
from .index import VideoIndex, decoded_index, header_index, read_packets
from .machine_faults import reading_error
from .mp4_tables import refuse_impossible_tables
from .numbering import IndexIsWrongError, Numbering, refuse_wrong_numbers
from .orientation import Matrices, quarter_turns, upright
from .remarks import ASPECT, GAPS, INTERLACED, KINDS, ORDER, STREAMS, TILTED
from .stores import AnyStore, Room, new_room

PROGRESSIVE = 1
"""AV_FIELD_PROGRESSIVE (libavcodec/defs.h): the values above it are orders of two fields."""


class VideoReader:
    """An open video file whose frames are known by number and by time.

    Opening reads the packets' headers once, without decoding: from them come the number of frames
    and the time of each, which containers often lack or get wrong. Where headers aren't sure to say
    what the decoder gives (pictures in two packets, doubled timestamps, joined files), opening
    decodes the file, too: the frames that the decoder gives are the video, in its order. Frames
    count from 0 in the order of display. A copy that begins before its first key frame begins,
    here, at that frame.

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
        self.path = path_of(path)
        with reading_errors(self.path, "can't be read"):
            try:
                check_regular(self.path)
            except (FileNotFoundError, NotADirectoryError) as error:
                raise VideoError(path, "no such file") from error
            except NotRegularError as error:
                raise VideoError(path, reason_of(error)) from error
            self._bytes = self.path.stat().st_size
            with self.path.open("rb") as file:
                self._head = file.read(12)
                refuse_impossible_tables(self.path, file, self._bytes)
                refuse_short_container(self.path, file, self._bytes)
        if not self._head:
            raise VideoError(path, "the file is empty")
        with heard() as messages, reading_errors(self.path, self._unopened):
            self._container = self._opened()
        self._matrices = Matrices()
        try:
            with reading_errors(self.path, "its headers can't be read"):
                self._is_avi = self._container.format.name == "avi"
                self._stream = video_stream(self.path, self._container)
                with heard() as later:
                    self._packets = read_packets(self.path, self._container, self._stream)
                messages += later
                self._remarks = gaps_of(self._container, self._stream, self._packets, messages)
                self._kept = self._packets.kept
                found = header_index(self.path, self._container, self._stream, self._packets)
                if found is not None and GAPS in self._remarks:
                    # A decoder that skips packets takes lost ones for those that were left out.
                    found = found._replace(entries=())
                self._index = self._decoded_index() if found is None else found
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

    def _opened(self) -> InputContainer:
        try:
            return open_container(self.path)
        except av.ArgumentError as error:
            if lists_other_files(self.path):
                what = "not a video, but text, or a list or pattern of files that are never opened"
                raise VideoError(self.path, what) from error
            raise

    def _unopened(self) -> str:
        """Describe a file that FFmpeg can't open."""
        if self._head[4:8] == b"ftyp":
            return "an MP4 file without a readable index; it may be cut short"
        return "not a video that FFmpeg can read"

    def index_by_decoding(self) -> None:
        """Let the decoder decide which frames there are, after `frames` found the index wrong.

        Raises:
            VideoError: There is none, or they have no times.
        """
        self._index = self._decoded_index()

    def _decoded_index(self) -> VideoIndex:
        """Decode the whole file, without converting anything."""
        with reading_errors(self.path, "decoding fails"), self._steps() as steps:
            return decoded_index(self.path, self._stream, self._packets, steps)

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
        stream = self._stream
        return self._index.timeline(stream.duration, stream.time_base, stream.guessed_rate)

    def placed(self, protocol: Protocol) -> Indices:
        """Return which frames make the clips of a protocol; see `Protocol.frame_indices`."""
        return protocol.frame_indices(self.times_s, self.duration_s, self.timeline)

    @property
    def stored(self) -> StoredVideo:
        """How the video is stored."""
        stream = self._stream
        codec = stream.codec_context.codec.canonical_name
        return StoredVideo(self._bytes, stream.width, stream.height, codec)

    @property
    def pixel_aspect(self) -> Fraction:
        """Width of a stored pixel over its height; 1 if the file doesn't say it."""
        return self._stream.sample_aspect_ratio or Fraction(1)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is unusual about the file, as far as it was read; see remarks.py."""
        found = {*self._index.remarks, *self._remarks}
        if default_streams(self._container) > 1:
            found.add(STREAMS)
        if self._stream.sample_aspect_ratio not in (None, 0, 1):
            found.add(ASPECT)
        # PyAV 17 doesn't say it; decoded frames do.
        if getattr(self._stream.codec_context, "field_order", 0) > PROGRESSIVE:
            found.add(INTERLACED)
        return tuple(kind for kind in KINDS if kind in found)

    def frames(self, numbers: Sequence[int], room: Room = new_room) -> np.ndarray:
        """Decode what is needed once and return the chosen frames.

        Args:
            numbers: Numbers of the frames, ascending and without repeats.
            room: Gives the array that they are written to, once their size is known.

        Returns:
            `[N, H, W, 3]`, uint8, red, green, blue, turned and mirrored as the file says.

        Raises:
            VideoError: A wanted frame can't be decoded, or the picture changes its size.
            IndexIsWrongError: The decoder contradicts the numbers; see `index_by_decoding`.
        """
        return self.write_frames(numbers, room)

    def write_frames(
        self, numbers: Sequence[int], store_of: Callable[[tuple[int, ...]], AnyStore]
    ) -> AnyStore:
        """Decode what is needed once and write the chosen frames to a store, each as it is decoded.

        Args:
            numbers: Numbers of the frames, ascending and without repeats.
            store_of: Gives the store for frames of a shape `[N, H, W, 3]`, once that is known.

        Raises:
            VideoError: See `frames`.
        """
        store: AnyStore | None = None
        for place, picture in self.converted_frames(numbers):
            store = self._stored(store, store_of, (len(numbers), *picture.shape), place, picture)
        assert store is not None  # some were asked for, and each came
        return store

    def _stored(
        self,
        store: AnyStore | None,
        store_of: Callable[[tuple[int, ...]], AnyStore],
        shape: tuple[int, ...],
        place: int,
        picture: np.ndarray,
    ) -> AnyStore:
        """Write a frame to the store, which is made for the first one; return the store."""
        try:
            if store is None:
                store = store_of(shape)
            store[place] = picture
        except MemoryError as error:
            what = f"there is no room for {quantity(shape[0], 'frame')} of {shape[2]}x{shape[1]}"
            raise reading_error(self.path, what, error, shape[1] * shape[2]) from error
        return store

    def converted_frames(self, numbers: Sequence[int]) -> Iterator[tuple[int, np.ndarray]]:
        """Decode what is needed once and yield the chosen frames one by one, with their places.

        Each is `[H, W, 3]`, uint8, as in `frames`, and is valid until you ask for the next.

        Raises:
            VideoError: See `frames`.
        """
        converter = VideoReformatter()
        for place, frame in self.sound_frames(numbers):
            try:
                # This thread converts the frame.
                # Starting others takes ten times as long as a small frame does.
                picture = _pixels(converter.reformat(frame, format="rgb24", threads=1))
                matrix = self._matrices.of(frame)
                picture = picture if matrix is None else upright(picture, matrix)
            except KinobenchError:
                raise
            except Exception as error:
                raise reading_error(self.path, "its colours can't be converted", error) from error
            yield place, picture

    def sound_frames(self, numbers: Sequence[int]) -> Iterator[tuple[int, av.VideoFrame]]:
        """Decode what is needed once and yield the chosen frames, not converted, with their places.

        Raises:
            VideoError: See `frames`.
        """
        refuse_wrong_numbers(numbers, len(self))
        wanted = {number: place for place, number in enumerate(numbers)}
        size: tuple[int, int] | None = None
        for number, frame, damaged in self._chosen(numbers):
            place = wanted.pop(number)
            if damaged is not None:
                origin = "" if damaged == number else f", and {self._frame_name(number)} needs it"
                raise VideoError(self.path, f"{self._frame_name(damaged)} is damaged{origin}")
            found = self._shown_size(frame)
            if size is None:
                size = found
            elif size != found:
                raise VideoError(
                    self.path,
                    f"{self._frame_name(number)} is {found[0]}x{found[1]}, earlier ones are "
                    f"{size[0]}x{size[1]}",
                )
            yield place, frame
        if wanted:
            raise VideoError(
                self.path,
                f"{self._frame_name(next(iter(wanted)))} could not be decoded "
                f"({len(numbers) - len(wanted)} of {len(numbers)} wanted frames could)",
            )

    def _shown_size(self, frame: av.VideoFrame) -> tuple[int, int]:
        """Return the width and height of a frame as it is shown."""
        if frame.interlaced_frame:
            self._remarks.add(INTERLACED)
        matrix = self._matrices.of(frame)
        turns = 0 if matrix is None else quarter_turns(matrix)
        if turns is None:
            self._remarks.add(TILTED)
        return (frame.height, frame.width) if turns in (1, 3) else (frame.width, frame.height)

    def _chosen(self, numbers: Sequence[int]) -> Iterator[tuple[int, av.VideoFrame, int | None]]:
        """Yield the chosen frames that can be decoded, as `decoded_frames` yields all.

        They are decoded group by group, unless they are all frames. Where that isn't sure to be
        right, those that are left are decoded from the file's start.
        """
        left = set(numbers)
        if self._index.entries and len(left) < len(self):
            for number, frame in self._of_groups(numbers):
                left.remove(number)
                yield number, frame, None
        if not left:
            return
        for number, frame, damaged in self.decoded_frames():
            if number in left:
                left.remove(number)
                yield number, frame, damaged
            # Where the place counts, only the end shows that no frame was missing.
            if not left and (self._index.number_of is not None or self._index.is_decoded):
                return

    def _of_groups(self, numbers: Sequence[int]) -> Iterator[tuple[int, av.VideoFrame]]:
        """Yield chosen frames, all of them sound, of the groups of pictures that hold them.

        Raises:
            IndexIsWrongError: Frames that came already may be the wrong ones.
        """
        groups = Groups(self._index, self._packets, numbers)
        with (
            reading_errors(
                self.path, lambda: f"decoding fails at {self._frame_name(groups.first_left)}"
            ),
            listening(),
            self._from_the_start() as (stream, packets),
        ):
            needed = groups.needed(stream.codec_context, packets)
            try:
                yield from groups.wanted(
                    decode(self.path, stream, needed, groups.damage, frozenset())
                )
            except DoubtError as doubt:
                self._index = self._index._replace(entries=())
                if doubt.is_of_index:
                    raise IndexIsWrongError(self.path) from doubt

    def decoded_frames(self) -> Iterator[tuple[int, av.VideoFrame, int | None]]:
        """Decode the whole file, and yield what comes, not converted, in the order of display.

        Returns:
            The number of each frame, the frame, and the number of the damaged one that it needs;
            None for a sound frame.

        Raises:
            VideoError: Decoding fails.
            IndexIsWrongError: See `frames`.
        """
        numbering = Numbering(self.path, self._index)
        with (
            reading_errors(
                self.path, lambda: f"decoding fails at {self._frame_name(numbering.seen)}"
            ),
            self._steps() as steps,
        ):
            for step in steps:
                numbering.take(step)
                for decoded in step.frames:
                    number = numbering.of(decoded)
                    if not numbering.is_in_order and not self._is_avi:
                        self._remarks.add(ORDER)
                    if number is None:
                        continue  # it is not shown
                    need = decoded.need
                    if need is None:
                        yield number, decoded.frame, None
                        continue
                    named = None if need == decoded.turn else numbering.of_damage(need)
                    yield number, decoded.frame, number if named is None else named
        numbering.finish()

    @contextmanager
    def _steps(self) -> Iterator[Iterator[Step]]:
        """Give what the decoder gives for each packet, from the first one on."""
        joints = frozenset(self._packets.joints)
        with listening(), self._from_the_start() as (stream, packets):
            yield decode(self.path, stream, in_turn(packets), Damage(), joints)

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
            stream = container.streams[self._stream.index]
            assert isinstance(stream, av.VideoStream)
            yield stream, container.demux(stream)

    def _frame_name(self, number: int) -> str:
        when = f" ({self.times_s[number]:.2f} s)" if number < len(self) else ""
        return f"frame {number} of {len(self)}{when}"


def _pixels(picture: av.VideoFrame) -> np.ndarray:
    """Return the pixels of a picture in RGB, `[H, W, 3]`, uint8, as a view of its memory."""
    (plane,) = picture.planes
    shape = picture.height, picture.width, 3
    pixels: np.ndarray = np.ndarray(
        shape, np.uint8, buffer=memoryview(plane), strides=(plane.line_size, 3, 1)
    )
    return pixels
