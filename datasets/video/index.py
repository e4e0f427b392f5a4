"""The frames of a video file and their times, from its packets' headers: no decoding."""

from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av
from av.container import InputContainer

from ..errors import VideoError
from ..protocol.timed_placement import Timeline
from .container import Packet, open_container, reading_errors

KEPT_BYTES = 2**20
"""If a file's video packets are no larger in all, those that indexing read are decoded."""


class VideoIndex(NamedTuple):
    """The frames of a video, in the order of display.

    Attributes:
        times_s: Time at which each frame appears, ascending, the first at 0.
        duration_s: Time at which the last frame disappears.
        number_of: The number of each frame by its timestamp; None where decoded frames are known by
            their place in the decoder's output instead. AVI stores no presentation times: those
            that FFmpeg makes up for it don't ascend where there are B-frames, though the decoder's
            order is right. There, and where timestamps are missing or doubled, the place counts.
        unit_s: The container's unit of time.
        start: The first frame's timestamp, in these units.
        rate: Frames per second, as the container says or FFmpeg guesses.
    """

    times_s: tuple[float, ...]
    duration_s: float
    number_of: dict[int, int] | None
    unit_s: Fraction
    start: int
    rate: Fraction | None

    def timeline(
        self, announced: int | None, time_base: Fraction | None, guessed_rate: Fraction | None
    ) -> Timeline:
        """Return the times in the container's own units, exactly.

        Args:
            announced: Length of the video stream as the container says, in units of its time base.
            time_base: The same unit in seconds; the index has another where timestamps are missing.
            guessed_rate: Frames per second as FFmpeg guesses them.
        """

        def units(time_s: float) -> int:
            return round(time_s * self.unit_s.denominator / self.unit_s.numerator)

        count = len(self.times_s)
        rate = self.rate or Fraction(count / self.duration_s).limit_denominator(1001)
        stamps = tuple(map(units, self.times_s))
        if announced is not None and time_base is not None and time_base != self.unit_s:
            announced = round(announced * time_base / self.unit_s)
        end = units(self.duration_s)
        return Timeline(stamps, end, self.unit_s, rate, announced, self.start, guessed_rate)


def read_index(
    path: Path, container: InputContainer, stream: av.VideoStream
) -> tuple[VideoIndex, list[Packet] | None]:
    """Read the headers of all packets.

    A copy that begins before its first key frame begins, here, at that frame.

    Args:
        path: The file, for errors.
        container: The open file.
        stream: Its video stream.

    Returns:
        The index, and the packets of the video stream, the last of which ends the decoder; None
        if they are too large to be kept.

    Raises:
        VideoError: The file ends before its header says that it does, or has no frame to show.
        MachineError: The machine failed.
    """
    packets = _Packets(stream, of_mpegts=container.format.name == "mpegts")
    with reading_errors(path, "its packets can't be read"):
        for packet in container.demux():
            packets.take(packet)
    if not packets.last_is_whole:
        raise VideoError(path, f"cut short: packet {packets.count - 1} is incomplete")
    _refuse_cut_short(path, container, stream, packets)
    if not packets.shown:
        raise VideoError(path, "its video stream holds no key frame to begin at")
    return _index(path, container, stream, packets), packets.kept


class _Packets:
    """Facts that the packets of a file say about it.

    Attributes:
        shown: Timestamp and duration of each packet of the video that shows a frame.
        count: Packets of the video.
        kept: The video's packets; None once they are too large.
        last_is_whole: True if the last packet of the file is whole.
        ends: Time at which each stream ends, by its number, in its own units.
    """

    def __init__(self, stream: av.VideoStream, *, of_mpegts: bool) -> None:
        self.shown: list[tuple[int | None, int]] = []
        self.count = 0
        self.kept: list[Packet] | None = []
        self.last_is_whole = True
        self.ends: dict[int, int] = {}
        self._stream, self._of_mpegts = stream, of_mpegts
        self._kept_bytes = 0
        self._first_key: int | None = None

    def take(self, packet: Packet) -> None:
        """Take the next packet of the file."""
        of_video = packet.stream is self._stream
        if of_video and self.kept is not None:
            self._kept_bytes += packet.size
            self.kept.append(packet)
            if self._kept_bytes > KEPT_BYTES:
                self.kept = None
        if packet.dts is None and packet.size == 0:
            return  # the end of a stream, not a part of the file
        # MPEG-TS marks a lost part of another stream, too; that of the picture shows in decoding.
        self.last_is_whole = not packet.is_corrupt or (not of_video and self._of_mpegts)
        begin = packet.pts if packet.pts is not None else packet.dts
        if begin is not None:
            number, end = packet.stream.index, begin + (packet.duration or 0)
            self.ends[number] = max(self.ends.get(number, end), end)
        if of_video:
            self.count += 1
            self._show(packet)

    def _show(self, packet: Packet) -> None:
        if self._first_key is None:
            if not packet.is_keyframe:
                return  # it needs frames that were cut off
            self._first_key = packet.pts if packet.pts is not None else packet.dts
        if packet.is_discard or _shows_nothing(packet):
            return
        if packet.pts is not None and self._first_key is not None and packet.pts < self._first_key:
            return  # a leading picture of an open group: it needs frames that were cut off
        self.shown.append((packet.pts, packet.duration or 0))


def _shows_nothing(packet: Packet) -> bool:
    """Report whether a VP8 packet only feeds later frames (RFC 6386, 9.1: show_frame, bit 4)."""
    return packet.stream.codec_context.name in ("vp8", "libvpx") and not bytes(packet)[0] & 0x10


def _refuse_cut_short(
    path: Path, container: InputContainer, stream: av.VideoStream, packets: _Packets
) -> None:
    """Compare what was found with what the header announces, if it announces anything."""
    announced, found = stream.frames, packets.count
    # An edit list lets FFmpeg leave out frames that are there but are never shown.
    if announced > found and announced > _packets_with_hidden_ones(path, container):
        raise VideoError(
            path, f"cut short: its header announces {announced} frames, {found} are there"
        )
    if announced == 0 and container.format.name == "matroska,webm":
        announced_s = (container.duration or 0) / av.time_base
        # Some muxers write the length as the last instant, some as the time from the first.
        ends = ((packets.ends.get(each.index, 0), each.time_base) for each in container.streams)
        found_s = max((float(end * unit) for end, unit in ends if unit is not None), default=0.0)
        rate = stream.average_rate
        if found_s < announced_s - (2 / float(rate) if rate else 0.1):  # the last may lack one
            raise VideoError(
                path,
                f"cut short: its header announces {announced_s:.2f} s, {found_s:.2f} s are there",
            )


def _packets_with_hidden_ones(path: Path, container: InputContainer) -> int:
    if "mp4" not in container.format.name:
        return 0
    with open_container(path, {"ignore_editlist": "1"}) as again:
        return sum(packet.size > 0 for packet in again.demux(again.streams.video[0]))


def _index(
    path: Path, container: InputContainer, stream: av.VideoStream, packets: _Packets
) -> VideoIndex:
    """Put the frames into the order of display."""
    rate = stream.average_rate or stream.guessed_rate
    count = len(packets.shown)
    stamped = sorted((pts, duration) for pts, duration in packets.shown if pts is not None)
    number_of: dict[int, int] | None = None
    if len({pts for pts, _ in stamped}) == count and stream.time_base is not None:
        unit_s, start = stream.time_base, stamped[0][0]
        times = [float((pts - start) * unit_s) for pts, _ in stamped]
        if container.format.name != "avi":
            number_of = {pts: number for number, (pts, _) in enumerate(stamped)}
        last_s = float(stamped[-1][1] * unit_s)
    elif rate:
        unit_s, start = 1 / rate, 0
        times = [float(number / rate) for number in range(count)]
        last_s = 0.0
    else:
        raise VideoError(path, "it has neither timestamps nor a frame rate")
    if last_s <= 0:
        last_s = float(1 / rate) if rate else (times[-1] / max(count - 1, 1))
    return VideoIndex(
        times_s=tuple(times),
        duration_s=times[-1] + last_s,
        number_of=number_of,
        unit_s=unit_s,
        start=start,
        rate=rate,
    )
