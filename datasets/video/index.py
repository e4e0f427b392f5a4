"""The frames of a video file and their times.

They come from its packets' headers, without decoding, where these are sure to say what the decoder
gives. Else the decoder's own output counts: see `decoded_index`.
"""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av
from av.container import InputContainer

from ..errors import VideoError
from ..plurals import quantity
from ..protocol.timed_placement import Timeline
from .container import reading_errors
from .cut_short import refuse_cut_short
from .damage import is_key
from .decoding import Step
from .packets import Packets, Shown
from .remarks import COUNT, ORDER, TIMES

KEPT_BYTES = 2**20
"""If a file's video packets are no larger in all, those that indexing read are decoded."""
LONGEST_S = 24 * 60 * 60
"""The longest video that is believed; one wrong timestamp can make it last for years."""
TIMES_LONGER = 1000
"""So many times as long as its frames a video may last, as one with few frames a minute does."""


class Entry(NamedTuple):
    """A packet at which decoding may begin: a group of pictures, or the whole file.

    Attributes:
        turn: The packet's place in the order of decoding.
        number: The number of its frame: this one and all later ones are decoded from there on as
            they are from the start.
    """

    turn: int
    number: int


class VideoIndex(NamedTuple):
    """The frames of a video, in the order of display.

    Attributes:
        times_s: Time at which each frame appears, ascending, the first at 0. Where the file gives
            two frames one time, the first of them is never on screen.
        duration_s: Time at which the last frame disappears.
        number_of: The number of each frame by its timestamp; None where decoded frames are known by
            their place in the decoder's output instead. AVI stores no presentation times: those
            that FFmpeg makes up for it don't ascend where there are B-frames, though the decoder's
            order is right. There, and where timestamps are missing, doubled or contradict the
            decoder, the place counts.
        unit_s: The container's unit of time.
        start: The first frame's timestamp, in these units.
        rate: Frames per second, as the container says or FFmpeg guesses.
        is_decoded: True if the frames are those that a decoder gave.
        skipped: Frames that the decoder gives before the first, which need what was cut off.
        remarks: What a reader of a result should know, of the kinds in remarks.py.
        entries: Where decoding may begin, by turn and by number; none where that isn't sure, and
            the file has to be decoded from its start without a gap.
    """

    times_s: tuple[float, ...]
    duration_s: float
    number_of: dict[int, int] | None
    unit_s: Fraction
    start: int
    rate: Fraction | None
    is_decoded: bool = False
    skipped: int = 0
    remarks: tuple[str, ...] = ()
    entries: tuple[Entry, ...] = ()

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


def read_packets(path: Path, container: InputContainer, stream: av.VideoStream) -> Packets:
    """Read the headers of all packets.

    Raises:
        VideoError: The file is cut short, or its video is empty or encrypted.
        MachineError: The machine failed.
    """
    packets = Packets(stream, kept_bytes=KEPT_BYTES, of_mpegts=container.format.name == "mpegts")
    with reading_errors(path, "its packets can't be read"):
        for packet in container.demux():
            packets.take(packet)
        refuse_cut_short(path, container, stream, packets)
    if packets.count == 0:
        raise VideoError(path, "its video stream holds no packet")
    if packets.is_encrypted:  # some decoders make pictures of it all the same
        raise VideoError(path, "its video is encrypted")
    return packets


def header_index(
    path: Path, container: InputContainer, stream: av.VideoStream, packets: Packets
) -> VideoIndex | None:
    """Return the frames as the packets' headers have them; None where these aren't sure.

    Raises:
        VideoError: It has no times, or absurd ones.
    """
    shown = packets.shown
    stamps = sorted(pts for pts, _ in shown if pts is not None)
    are_distinct = len(set(stamps)) == len(stamps)
    is_sure = packets.frames == len(shown) > 0 and not packets.is_cut
    if not is_sure or packets.joints or not are_distinct:
        return None
    index = _timed(path, stream, sorted(shown, key=_pts))
    is_complete = len(stamps) == len(shown) and packets.is_one_a_packet
    if is_complete and container.format.name != "avi" and _may_be_true(packets.depth, stream):
        number_of = {pts: number for number, pts in enumerate(stamps)}
        return index._replace(number_of=number_of, entries=_entries(packets, number_of))
    if packets.is_one_a_packet and container.format.name == "avi":
        entries = _entries(packets, None)
        return index._replace(entries=entries if len(entries) > 1 else ())
    return index


def _entries(packets: Packets, number_of: dict[int, int] | None) -> tuple[Entry, ...]:
    """Return where decoding may begin.

    Args:
        packets: What the packets' headers say.
        number_of: The number of each frame by its timestamp; None where the place counts.
    """
    if packets.access is None:
        return ()
    shown = set(packets.turns)
    entries = [Entry(0, 0)]
    for key in packets.keys:
        if number_of is not None:
            number = None if key.pts is None else number_of.get(key.pts)
        else:
            number = None if key.leads is None else key.shown_before + key.leads
        if number is not None and number > entries[-1].number and key.turn in shown:
            entries.append(Entry(key.turn, number))
    return tuple(entries)


def _may_be_true(depth: int, stream: av.VideoStream) -> bool:
    """Report whether timestamps may be those of display, by the packets' depth of reordering.

    A copy of a file that had none carries times of decoding: they ascend, though the pictures are
    decoded in another order than they are shown in.
    """
    of_decoder = int(stream.codec_context.reorder_depth)
    return min(1, of_decoder) <= depth <= of_decoder


def decoded_index(
    path: Path,
    stream: av.VideoStream,
    packets: Packets,
    steps: Iterable[Step],
) -> VideoIndex:
    """Return the frames that a decoder gave, in its order.

    Their times are their timestamps, where these ascend, even if one is doubled here and there; or
    their timestamps sorted, where all of them differ; or else those of the frame rate.

    Args:
        path: The file, for errors.
        stream: Its video stream.
        packets: What its packets' headers say.
        steps: What the decoder gives for each packet, from the first one on.

    Raises:
        VideoError: There is none, or it has no times, or absurd ones.
    """
    outputs, skipped = _outputs(packets, steps)
    if not outputs:
        raise VideoError(path, "its video stream holds no key frame to begin at")
    remarks: list[str] = []
    stamps = [pts for pts, _ in outputs if pts is not None]
    if len(outputs) + skipped != packets.count:
        remarks.append(COUNT)
    if stamps != sorted(stamps):
        are_distinct = len(set(stamps)) == len(outputs)
        if stream.container.format.name != "avi":
            remarks.append(ORDER)
        outputs = sorted(outputs, key=_pts) if are_distinct else [Shown(None, 0)] * len(outputs)
    index = _timed(path, stream, outputs)
    return index._replace(
        duration_s=_with_last_field(index, packets.ends.get(stream.index)),
        is_decoded=True,
        skipped=skipped,
        remarks=tuple({*remarks, *index.remarks}),
    )


def _outputs(packets: Packets, steps: Iterable[Step]) -> tuple[list[Shown], int]:
    """Return the frames that a decoder gives, and how many before them need what was cut off."""
    outputs: list[Shown] = []
    skipped = 0
    has_begun = not packets.is_cut
    for decoded in (each for step in steps for each in step.frames):
        is_before = decoded.turn < packets.first_key
        has_begun |= is_key(decoded.frame) and not is_before
        if not has_begun and (is_before or decoded.need is not None):
            skipped += len(outputs) + 1
            outputs.clear()
        else:
            outputs.append(Shown(decoded.frame.pts, decoded.frame.duration or 0))
    return outputs, skipped


def _with_last_field(index: VideoIndex, end: int | None) -> float:
    """Return when the last frame disappears: a decoder gives it the duration of one field.

    Args:
        index: The frames.
        end: When the last packet's duration ends, in time units; None if that isn't known.
    """
    count = len(index.times_s)
    if end is None or count == 1 or TIMES in index.remarks:
        return index.duration_s
    end_s = float((end - index.start) * index.unit_s)
    usual_s = index.times_s[-1] / (count - 1)
    return (
        end_s if index.duration_s < end_s <= index.times_s[-1] + 2 * usual_s else index.duration_s
    )


def _pts(shown: Shown) -> int:
    return shown.pts or 0


def _timed(path: Path, stream: av.VideoStream, shown: Sequence[Shown]) -> VideoIndex:
    """Return when frames appear: by their timestamps, which ascend, or else by the frame rate."""
    rate = stream.average_rate or stream.guessed_rate
    count = len(shown)
    stamps = [pts for pts, _ in shown if pts is not None]
    remarks: tuple[str, ...] = ()
    if len(stamps) == count and stream.time_base is not None and 2 * len(set(stamps)) > count:
        unit_s, start = stream.time_base, stamps[0]
        # A quotient of whole numbers is that of fractions, rounded once, without their cost.
        times = [(pts - start) * unit_s.numerator / unit_s.denominator for pts in stamps]
        last_s = float(shown[-1].duration * unit_s)
    elif rate:
        unit_s, start, remarks = 1 / rate, 0, (TIMES,)
        times = [number * unit_s.numerator / unit_s.denominator for number in range(count)]
        last_s = 0.0
    else:
        raise VideoError(path, "it has neither timestamps nor a frame rate")
    if last_s <= 0:
        last_s = float(1 / rate) if rate else (times[-1] / max(count - 1, 1))
    duration_s = times[-1] + last_s
    own_s = float(sum(duration for _, duration in shown) * unit_s)
    _refuse_absurd(path, count, duration_s, max(own_s, count / float(rate) if rate else 0.0))
    return VideoIndex(tuple(times), duration_s, None, unit_s, start, rate, remarks=remarks)


def _refuse_absurd(path: Path, count: int, duration_s: float, own_s: float) -> None:
    """Refuse a duration that only a wrong timestamp or unit of time can cause.

    Args:
        path: The file.
        count: Number of frames.
        duration_s: Duration that the timestamps give.
        own_s: Durations of the frames together; 0 where they aren't known.
    """
    if duration_s > LONGEST_S:
        limit = "the longest that is believed is a day"
    elif 0 < TIMES_LONGER * own_s < duration_s:
        limit = f"its frames are shown for {own_s:.2f} s in all"
    else:
        return
    raise VideoError(
        path,
        f"a timestamp or its unit of time is wrong: {quantity(count, 'frame')} would last "
        f"{duration_s:,.0f} s; {limit}",
    )
