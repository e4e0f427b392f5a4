"""Clips by the container's own timestamps: as torchvision, pytorchvideo and PySlowFast do it.

Frames are indices of the file, in the order of display.
"""

import math
import struct
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import NamedTuple

from .placement import SHORT_RULES, Indices, Placement, ShortRule


class Timeline(NamedTuple):
    """The exact times at which the frames of a video appear, as its container counts.

    Attributes:
        stamps: Time at which each frame appears, ascending, the first at 0; in time units.
        end: Time at which the last frame disappears, in time units.
        unit_s: Length of a time unit, in seconds.
        rate: Frames per second on average, as the container says.
        announced: Length of the video stream as the container says, in time units; None: it
            doesn't, as Matroska.
        start: The first frame's timestamp as it stands in the file, in time units.
        guessed_rate: Frames per second as FFmpeg guesses them (av_guess_frame_rate): of a variable
            rate, that which all timestamps fit. None: the same as `rate`.
    """

    stamps: tuple[int, ...]
    end: int
    unit_s: Fraction
    rate: Fraction
    announced: int | None
    start: int = 0
    guessed_rate: Fraction | None = None


def timeline_of(times_s: Sequence[float], duration_s: float) -> Timeline:
    """Return the timeline of a video that only has times in seconds."""
    unit_s = Fraction(1, 1_000_000)  # FFmpeg's own, AV_TIME_BASE
    # 30000/1001 is the rate with the largest denominator in use.
    rate = (len(times_s) / Fraction(duration_s)).limit_denominator(1001)
    stamps = tuple(round(time_s / unit_s) for time_s in map(Fraction, times_s))
    end = round(Fraction(duration_s) / unit_s)
    return Timeline(stamps, end, unit_s, rate, end)


def _torchvision(
    video: Timeline, frames: int, stride: int, fps: float, clips: int, short: ShortRule
) -> Indices:
    """Windows of a video resampled to `fps`, of all that there are `clips`, evenly.

    pytorch/vision, torchvision/datasets/video_utils.py (VideoClips) and samplers/clip_sampler.py
    (UniformClipSampler), for the first video of a data set: for later ones the origin's windows
    can shift by one, since it counts them over all videos in single precision. It leaves out
    videos that are shorter than a clip; here they follow `short`.
    """
    count, rate = len(video.stamps), float(video.rate)
    step = rate / fps
    whole = step.is_integer()
    # The resampled video's frames are counted, not listed: a wrong rate makes millions of them.
    resampled = len(range(0, count, int(step))) if whole else math.floor(count * fps / rate) or 1

    def shown(tick: int) -> int:
        # Single precision can round past the last frame, where the origin raises an IndexError.
        return tick * int(step) if whole else min(int(_single(tick * _single(step))), count - 1)

    span = (frames - 1) * stride + 1
    if span > resampled:
        return (tuple(map(shown, SHORT_RULES[short](resampled, frames, stride))),) * clips
    starts = [int(start) for start in linspace(0, resampled - span, clips)]
    return tuple(tuple(map(shown, range(start, start + span, stride))) for start in starts)


def _pytorchvideo(
    video: Timeline, frames: int, stride: int, fps: float, clips: int, short: ShortRule
) -> Indices:
    """Windows of seconds, the last of them one `clips`-th of the room before the end.

    facebookresearch/pytorchvideo 0.1.5: data/clip_sampling.py (ConstantClipsPerVideoSampler); the
    rest in `_decoded_by_pytorchvideo`.
    """
    return _decoded_by_pytorchvideo(video, frames, frames * stride / fps, clips, clips)


def _pytorchvideo_to_end(
    video: Timeline, frames: int, stride: int, fps: float, clips: int, short: ShortRule
) -> Indices:
    """Windows of seconds, the last of them at the end; a single one is at the start.

    facebookresearch/pytorchvideo, its main branch since 2022-04-28, otherwise as 0.1.5.
    """
    parts = max(clips - 1, 1)
    return _decoded_by_pytorchvideo(video, frames, frames * stride / fps, clips, parts)


def _decoded_by_pytorchvideo(
    video: Timeline, frames: int, length_s: float, clips: int, parts: int
) -> Indices:
    """Spread a clip's pictures over the frames of a window.

    Windows are `length_s` long and start at `room * i / parts`. facebookresearch/pytorchvideo:
    data/encoded_video_pyav.py (get_clip) and transforms/functional.py
    (uniform_temporal_subsample). The window's frames are spread over the clip, so a short video
    needs no rule. From an announced length the first timestamp is taken off, though it isn't part
    of it; where none is announced, the last frame's appearance is taken for the end. In the origin
    a window without any frame gives up the video; here it shows the frame that is on screen. And in
    an AVI file with B-frames it shows frames in the order of timestamps that FFmpeg makes up for
    them, which isn't that of display, as here.
    """
    # The window is a floating-point number first, since the origin's clips get their length so.
    window_s = Fraction(length_s)
    end = video.stamps[-1] if video.announced is None else video.announced - video.start
    room_s = max(end * video.unit_s - window_s, Fraction(0))
    found = []
    for clip in range(clips):
        start_s = room_s * clip / parts
        first = bisect_left(video.stamps, math.ceil(start_s / video.unit_s))
        beyond = bisect_left(video.stamps, math.ceil((start_s + window_s) / video.unit_s))
        if first == beyond:
            first, beyond = max(first - 1, 0), max(first, 1)
        found.append(tuple(first + int(i) for i in linspace(0, beyond - first - 1, frames)))
    return tuple(found)


def _pyslowfast(
    video: Timeline, frames: int, stride: int, fps: float, clips: int, short: ShortRule
) -> Indices:
    """Clips that start at `room * i / clips`; see `_decoded_by_pyslowfast`."""
    return _decoded_by_pyslowfast(video, frames, stride, fps, clips, _part_of_room)


def _pyslowfast_offset(
    video: Timeline, frames: int, stride: int, fps: float, clips: int, short: ShortRule
) -> Indices:
    """Clips that start at `i * floor(room / (clips - 1))`: DATA.USE_OFFSET_SAMPLING."""
    return _decoded_by_pyslowfast(video, frames, stride, fps, clips, _whole_offset)


def _decoded_by_pyslowfast(
    video: Timeline,
    frames: int,
    stride: int,
    fps: float,
    clips: int,
    start_of: Callable[[float, int, int], float],
) -> Indices:
    """Spread a clip's pictures over what the origin decodes for it.

    facebookresearch/SlowFast, slowfast/datasets/decoder.py (torchvision_decode, its default,
    get_multiple_start_end_idx and temporal_sampling), and the decoder of torchvision's releases of
    that time (pytorch/vision, csrc/io/video_reader/video_reader.cpp and csrc/io/decoder).

    Start and end are frame numbers with a fraction. They become timestamps, rounded down, as if a
    time unit were one second divided by its denominator: in an AVI file of 30000/1001 frames a
    second, where it is 1001 of these, nearly all lie behind the end. The first timestamp of the
    file isn't taken off. The frames between the two are taken, both included, and the pictures are
    spread over the length that a clip should have, so that where a fraction costs the last frame,
    the one before it stands in. A video is decoded whole if its stream announces no duration (as in
    Matroska) or one too short for a clip, or if no frame lies between the two; then clips are
    counted in frames, and the last frame stays.

    In three things it isn't followed: it shows the frames of an AVI with B-frames by timestamps
    that FFmpeg makes up for them, those of a file with missing or doubled timestamps likewise, and
    those of a file that can't be sought only from where the seek ends.
    """
    rate = _single(float(video.guessed_rate or video.rate))
    length = max(1.0, stride * frames / fps * rate)
    decoded = _Decoded(video)
    total = rate * decoded.announced_s
    units_per_frame = video.unit_s.denominator / rate
    found = []
    for clip in range(clips):
        first = beyond = 0
        if total > frames * stride:
            start = start_of(max(total - length, 0), clip, clips)
            end = start + length - 1
            first, beyond = decoded.between(
                int(start * units_per_frame), int(end * units_per_frame)
            )
        if first < beyond:
            taken = linspace(0, length - 1, frames)
        else:
            first, beyond = decoded.between(0, -1)
            start = start_of(max(beyond - first - length, 0), clip, clips)
            taken = linspace(start, start + length - 1, frames)
        found.append(tuple(min(first + int(i), beyond - 1) for i in taken))
    return tuple(found)


class _Decoded:
    """What torchvision's video decoder, which counts in microseconds, gives of a video.

    Attributes:
        announced_s: Length of the stream as the container says; 0.0: it doesn't.
    """

    def __init__(self, video: Timeline) -> None:
        self._stamps, self._start = video.stamps, video.start
        self._unit_us, self._parts = video.unit_s.numerator * 1_000_000, video.unit_s.denominator
        microseconds = self._microseconds(video.announced or 0)
        units = _scaled(microseconds, self._parts, self._unit_us)
        self.announced_s = units * (video.unit_s.numerator / video.unit_s.denominator)

    def _microseconds(self, stamp: int) -> int:
        return _scaled(stamp, self._unit_us, self._parts)

    def between(self, first: int, last: int) -> tuple[int, int]:
        """Return the first frame of a range of timestamps, and the one after its last.

        Args:
            first: Timestamp of the file, in its time units. What comes before 0 isn't shown.
            last: The last one; if it isn't positive, the range has no end.
        """

        def appears(stamp: int) -> int:
            return self._microseconds(stamp + self._start)

        begin = bisect_left(self._stamps, self._microseconds(max(first, 0)), key=appears)
        if last <= 0:
            return begin, len(self._stamps)
        end = self._microseconds(last) + 100  # which it allows for rounding
        return begin, bisect_right(self._stamps, end, key=appears)


def _scaled(number: int, factor: int, divisor: int) -> int:
    """Scale to the nearest whole number, halves away from 0 (FFmpeg's av_rescale_q)."""
    size = (2 * abs(number) * factor + divisor) // (2 * divisor)
    return size if number >= 0 else -size


def _part_of_room(room: float, clip: int, clips: int) -> float:
    return room * clip / clips


def _whole_offset(room: float, clip: int, clips: int) -> float:
    return math.floor(room / 2) if clips == 1 else clip * math.floor(room / (clips - 1))


TIMED_PLACEMENTS: dict[
    Placement, Callable[[Timeline, int, int, float, int, ShortRule], Indices]
] = {
    "torchvision": _torchvision,
    "pytorchvideo": _pytorchvideo,
    "pytorchvideo-to-end": _pytorchvideo_to_end,
    "pyslowfast-announced": _pyslowfast,
    "pyslowfast-announced-offset": _pyslowfast_offset,
}
"""Functions of `(video, frames, stride, fps, clips, short)` that return frames; they need the exact
time."""


def linspace(first: float, last: float, count: int) -> list[float]:
    """Return `count` numbers from `first` to `last`, evenly, in single precision.

    They are those of `torch.linspace`, bit for bit, whose rounding decides which frame an origin
    takes: it counts from the near end, with a fused multiply-add (pytorch/pytorch,
    aten/src/ATen/native/cpu/RangeFactoriesKernel.cpp). Without torch, which takes long to import.
    """
    first, last = _single(first), _single(last)
    if count == 1:
        return [first]
    step = _single(_single(last - first) / (count - 1))
    return [
        _single(first + step * i) if i < count // 2 else _single(last - step * (count - 1 - i))
        for i in range(count)
    ]


def _single(number: float) -> float:
    """Round to single precision."""
    rounded: float = struct.unpack("f", struct.pack("f", number))[0]
    return rounded
