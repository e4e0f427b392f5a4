"""The clip protocol: everything that turns a video into views, and views into one prediction."""

import hashlib
import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Literal

import msgspec

from .errors import KinobenchError, UnknownNameError

Placement = Literal["spread", "segments"]
ShortRule = Literal["loop", "hold", "clamp"]
Interpolation = Literal["bilinear", "bicubic", "nearest"]
Aggregation = Literal["softmax", "logits"]

TIMESTAMP_SLACK_S = 0.5e-3
"""Matroska rounds timestamps to 1 ms: a frame may be stamped half of that after its instant."""


class Protocol(msgspec.Struct, frozen=True, kw_only=True):
    """How views are cut from a video, and how their outputs become one prediction.

    Attributes:
        name: What tables call it; not part of the digest.
        frames: Pictures in a clip.
        stride: Distance between two pictures of a clip, in ticks.
        fps: Ticks per second. A tick shows the frame that is on screen at its instant, so that the
            same clip covers the same time in every file. None: a tick is a frame of the file.
        clips: Temporal views of a video.
        placement: Where clips start. `spread`: the first clip at the first tick, the last clip
            ending with the last tick, the others evenly between; one clip stands in the middle.
            `segments`: each clip in the middle of one of `clips` equal parts.
        short: What a video shorter than a clip gives. `loop`: it starts over. `hold`: its last
            frame stays. `clamp`: the clip ends with the video, and its pictures are spread evenly
            from the first frame to the last.
        short_side: Length of the shorter side after the resize, in pixels (aspect kept).
        interpolation: Filter of the resize.
        antialias: Whether the filter widens when it shrinks a picture.
        crops: Spatial views of a clip: 1 is the centre; 3 are the two ends and the middle of the
            longer side.
        size: Side of the square crop, in pixels.
        mean, std: Per colour (red, green, blue), on a scale from 0 to 1.
        aggregation: A video's scores are the mean over its views of the softmax, or of the logits.
    """

    name: str
    frames: int
    stride: int
    fps: float | None = None
    clips: int = 1
    placement: Placement = "spread"
    short: ShortRule = "loop"
    short_side: int
    interpolation: Interpolation = "bilinear"
    antialias: bool = True
    crops: int = 1
    size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    aggregation: Aggregation = "softmax"

    def __post_init__(self) -> None:
        """Refuse numbers that no clip can have."""
        for field in ("frames", "stride", "clips", "short_side", "size"):
            self._need(field, getattr(self, field) >= 1, "1 or more")
        self._need("crops", self.crops in (1, 3), "1 or 3")
        self._need("fps", self.fps is None or 0 < self.fps < math.inf, "positive")
        self._need("size", self.size <= self.short_side, f"at most short_side, {self.short_side}")
        self._need("std", min(self.std) > 0, "positive")

    def _need(self, field: str, holds: bool, need: str) -> None:
        if not holds:
            value = getattr(self, field)
            raise KinobenchError(f"protocol {self.name!r}: {field} is {value}; it must be {need}")

    @property
    def digest(self) -> str:
        """16 hexadecimal digits that differ whenever a view or a prediction could."""
        decisive = {key: value for key, value in msgspec.to_builtins(self).items() if key != "name"}
        return hashlib.sha256(msgspec.json.encode(decisive, order="sorted")).hexdigest()[:16]

    @property
    def views(self) -> int:
        """Views of a video: clips x crops."""
        return self.clips * self.crops

    def with_views(self, clips: int, crops: int) -> "Protocol":
        """Return the same protocol with other numbers of temporal and spatial views."""
        if (clips, crops) == (self.clips, self.crops):
            return self
        name = f"{self.name}/{clips}x{crops}"
        return msgspec.structs.replace(self, name=name, clips=clips, crops=crops)

    def frame_indices(
        self, times_s: Sequence[float], duration_s: float
    ) -> tuple[tuple[int, ...], ...]:
        """Return which frames of a video make its clips: `[clips][frames]`, indices of the file.

        Args:
            times_s: When each frame of the file appears, ascending, the first at 0.
            duration_s: When the last frame disappears.
        """
        if self.fps is None:
            return clip_ticks(
                len(times_s), self.frames, self.stride, self.clips, self.placement, self.short
            )
        ticks = ticks_in(duration_s, self.fps)
        shown = [frame_at(tick / self.fps, times_s) for tick in range(ticks)]
        clips = clip_ticks(ticks, self.frames, self.stride, self.clips, self.placement, self.short)
        return tuple(tuple(shown[tick] for tick in clip) for clip in clips)


def ticks_in(duration_s: float, fps: float) -> int:
    """Return how many instants `0, 1/fps, 2/fps, ...` lie before the end of the video."""
    return max(1, math.ceil(duration_s * fps - TIMESTAMP_SLACK_S * fps))


def frame_at(instant_s: float, times_s: Sequence[float]) -> int:
    """Return the index of the frame that is on screen at an instant."""
    return max(0, bisect_right(times_s, instant_s + TIMESTAMP_SLACK_S) - 1)


def clip_ticks(
    ticks: int, frames: int, stride: int, clips: int, placement: Placement, short: ShortRule
) -> tuple[tuple[int, ...], ...]:
    """Return the ticks of every clip: `[clips][frames]`, each from 0 to `ticks - 1`.

    A clip spans `(frames - 1) * stride + 1` ticks. Starts are rounded down.
    """
    span = (frames - 1) * stride + 1
    if span > ticks:
        return (_SHORT_RULES[short](ticks, frames, stride),) * clips
    starts = _PLACEMENTS[placement](ticks, span, clips)
    return tuple(tuple(range(start, start + span, stride)) for start in starts)


def _spread(ticks: int, span: int, clips: int) -> list[int]:
    room = ticks - span
    if clips == 1:
        return [room // 2]
    return [room * clip // (clips - 1) for clip in range(clips)]


def _segments(ticks: int, span: int, clips: int) -> list[int]:
    # The middle of segment i is ticks * (2i + 1) / (2 * clips); a clip is centred on it.
    room = ticks - span
    middles = [(ticks * (2 * clip + 1) - span * clips) // (2 * clips) for clip in range(clips)]
    return [min(max(start, 0), room) for start in middles]


_PLACEMENTS: dict[Placement, Callable[[int, int, int], list[int]]] = {
    "spread": _spread,
    "segments": _segments,
}

_SHORT_RULES: dict[ShortRule, Callable[[int, int, int], tuple[int, ...]]] = {
    "loop": lambda ticks, frames, stride: tuple(i * stride % ticks for i in range(frames)),
    "hold": lambda ticks, frames, stride: tuple(min(i * stride, ticks - 1) for i in range(frames)),
    "clamp": lambda ticks, frames, stride: tuple(
        i * (ticks - 1) // max(frames - 1, 1) for i in range(frames)
    ),
}


def resized(height: int, width: int, short_side: int) -> tuple[int, int]:
    """Return `(height, width)` after the shorter side became `short_side`; the other is floored.

    Flooring is what torchvision's `Resize` and pytorchvideo's `short_side_scale` do.
    """
    if height <= width:
        return short_side, width * short_side // height
    return height * short_side // width, short_side


def crop_corners(height: int, width: int, size: int, crops: int) -> tuple[tuple[int, int], ...]:
    """Return the `(top, left)` corner of every square crop of a picture."""
    top, left = (height - size) // 2, (width - size) // 2
    if crops == 1:
        return ((top, left),)
    if height > width:
        return ((0, left), (top, left), (height - size, left))
    return ((top, 0), (top, left), (top, width - size))


_KINETICS_MEAN, _KINETICS_STD = (0.45, 0.45, 0.45), (0.225, 0.225, 0.225)
"""What PySlowFast and pytorchvideo train with (facebookresearch/SlowFast, config/defaults.py)."""

PRESETS: dict[str, Protocol] = {
    preset.name: preset
    for preset in (
        Protocol(
            name="common-112",
            frames=16,
            stride=4,
            fps=30.0,
            clips=10,
            short_side=128,
            crops=3,
            size=112,
            mean=_KINETICS_MEAN,
            std=_KINETICS_STD,
        ),
        Protocol(
            name="common-224",
            frames=16,
            stride=4,
            fps=30.0,
            clips=10,
            short_side=256,
            crops=3,
            size=224,
            mean=_KINETICS_MEAN,
            std=_KINETICS_STD,
        ),
        Protocol(
            name="pointlight",
            frames=16,
            stride=1,
            short_side=64,
            size=64,
            mean=_KINETICS_MEAN,
            std=_KINETICS_STD,
        ),
    )
}


def preset(name: str) -> Protocol:
    """Return the preset of that name.

    Raises:
        UnknownNameError: There is none; the message has the nearest name.
    """
    if name not in PRESETS:
        raise UnknownNameError("protocol", name, PRESETS)
    return PRESETS[name]
