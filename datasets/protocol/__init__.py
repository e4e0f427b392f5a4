"""The clip protocol: everything that turns a video into views, and views into one prediction."""

import hashlib
import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

import msgspec

from ..errors import KinobenchError, UnknownNameError
from .cropping import CROP_COUNTS, Crop, CropRounding, LongSide, crops_of, resized
from .placement import (
    Placement,
    ShortRule,
    clip_ticks,
    frame_at,
    retired,
    sparse_ticks,
    ticks_in,
)
from .presets import ALIASES, COMMON, ORIGINS
from .timed_placement import TIMED_PLACEMENTS, Timeline, timeline_of

Interpolation = Literal["bilinear", "bicubic", "nearest"]
Aggregation = Literal["softmax", "logits"]
ResizeOn = Literal["unit", "normalised", "uint8", "opencv"]


class Protocol(msgspec.Struct, frozen=True, kw_only=True):
    """Rule that cuts views from a video, and makes one prediction of their outputs.

    Attributes:
        name: Its name in tables; not part of the digest.
        frames: Pictures in a clip.
        stride: Distance between two pictures of a clip, in ticks.
        fps: Ticks per second. A tick shows the frame that is on screen at its instant, so that the
            same clip covers the same time in every file. None: a tick is a frame of the file.
        clips: Temporal views of a video.
        placement: Places where clips start. `spread`: the first clip at the first tick, the last
            clip ending with the last tick, the others evenly between, rounded down; a single clip
            is in the middle. `segments`: each clip in the middle of one of `clips` equal parts. The
            others are those of the codebase that they are named after, formula by formula; see
            placement.py and timed_placement.py. Those of the latter choose by the container's own
            timestamps, `fps` being the rate that they bring a video to. Old records can have a
            placement that is `retired`.
        short: The clip of a video that is shorter than a clip. `loop`: it starts over. `hold`: its
            last frame stays. `clamp`: the clip ends with the video, and its pictures are spread
            evenly from the first frame to the last. The placements of pytorchvideo and PySlowFast
            have their own rule.
        short_side: Length of the shorter side after the resize, in pixels (aspect kept).
        interpolation: Filter of the resize.
        antialias: True if the filter is wider when it shrinks a picture.
        crops: Spatial views of a clip: 1 is the centre; 3 are the two ends and the middle of the
            longer side; 5 the corners and the centre; 10 these and their mirror images.
        size: Side of the square crop, in pixels.
        mean, std: Values per colour (red, green, blue), on a scale from 0 to 1.
        aggregation: A video's scores are the mean over its views of the softmax, or of the logits.
        sparse: True if the pictures of a clip are spread over the whole video, like as many clips
            of one picture; the stride then has no effect.
        exact_size: `(height, width)` after a resize that doesn't keep the aspect; its shorter side
            is `short_side`.
        long_side: Rounding of the longer side; see cropping.py.
        crop_rounding: Rounding of the crops' corners; see cropping.py.
        resize_on: Type and scale of the colours that are resized. `unit`: colours from 0 to 1, then
            normalised. `normalised`: colours already normalised. `uint8`: bytes, to which the
            result is rounded. `opencv`: bytes, by OpenCV's fixed-point arithmetic (no antialias,
            and on the CPU).
        origin: Codebase whose frames and pixels it gives, and its version; not part of the digest.
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
    # The fields below came after the first records: a default is not part of the digest.
    sparse: bool = False
    exact_size: tuple[int, int] | None = None
    long_side: LongSide = "floor"
    crop_rounding: CropRounding = "floor"
    resize_on: ResizeOn = "unit"
    origin: str | None = None

    def __post_init__(self) -> None:
        """Refuse numbers that no clip can have."""
        for field in ("frames", "stride", "clips", "short_side", "size"):
            self._need(field, getattr(self, field) >= 1, "1 or more")
        self._need("crops", self.crops in CROP_COUNTS, "1, 3, 5 or 10")
        self._need("fps", self.fps is None or 0 < self.fps < math.inf, "positive")
        self._need("size", self.size <= self.short_side, f"at most short_side, {self.short_side}")
        self._need("std", min(self.std) > 0, "positive")
        self._need(
            "exact_size",
            self.exact_size is None or min(self.exact_size) == self.short_side,
            f"(height, width), the shorter being short_side, {self.short_side}",
        )
        timed = (
            retired(self.placement, single_pictures=False) or self.placement
        ) in TIMED_PLACEMENTS
        self._need("placement", not timed or self.fps is not None, "one that needs no fps, or fps")
        self._need("sparse", not (self.sparse and timed), "false, since its placement goes by time")
        self._need(
            "resize_on",
            self.resize_on != "opencv" or not self.antialias,
            "another where antialias is true: OpenCV's filters don't widen",
        )

    def _need(self, field: str, holds: bool, need: str) -> None:
        if not holds:
            value = getattr(self, field)
            raise KinobenchError(f"protocol {self.name!r}: {field} is {value}; it must be {need}")

    @property
    def digest(self) -> str:
        """16 hexadecimal digits that differ whenever a view or a prediction could."""
        return _digest(self)

    @property
    def views(self) -> int:
        """Views of a video: clips x crops."""
        return self.clips * self.crops

    def with_views(self, clips: int, crops: int) -> "Protocol":
        """Return the same protocol with other numbers of temporal and spatial views.

        As in its origin, a PySlowFast clip of several crops is resized to the crop's own size
        (facebookresearch/SlowFast, slowfast/datasets/kinetics.py, `NUM_SPATIAL_CROPS`).
        """
        if (clips, crops) == (self.clips, self.crops):
            return self
        name = f"{self.name}/{clips}x{crops}"
        resized_to_crop = self.placement.startswith("pyslowfast") and crops > 1
        short_side = self.size if resized_to_crop else self.short_side
        return msgspec.structs.replace(
            self, name=name, clips=clips, crops=crops, short_side=short_side
        )

    def frame_indices(
        self, times_s: Sequence[float], duration_s: float, timeline: Timeline | None = None
    ) -> tuple[tuple[int, ...], ...]:
        """Return which frames of a video make its clips: `[clips][frames]`, indices of the file.

        Args:
            times_s: Time at which each frame of the file appears, ascending, the first at 0.
            duration_s: Time at which the last frame disappears.
            timeline: The same as the container counts it, where that is known: origins whose
                placement goes by time round to its units.

        Raises:
            KinobenchError: The placement is retired.
        """
        single_pictures = self.frames == 1 or self.sparse
        if replacement := retired(self.placement, single_pictures=single_pictures):
            raise KinobenchError(
                f"protocol {self.name!r}: no release of its origin takes the frames of the "
                f"placement {self.placement!r}; use {replacement!r} instead, as the presets do"
            )
        if self.placement in TIMED_PLACEMENTS and self.fps is not None:
            place = TIMED_PLACEMENTS[self.placement]
            video = timeline or timeline_of(times_s, duration_s)
            return place(video, self.frames, self.stride, self.fps, self.clips, self.short)
        ticks = len(times_s) if self.fps is None else ticks_in(duration_s, self.fps)
        if self.sparse:
            clips = sparse_ticks(ticks, self.frames, self.clips, self.placement, self.short)
        else:
            clips = clip_ticks(
                ticks, self.frames, self.stride, self.clips, self.placement, self.short
            )
        if self.fps is None:
            return clips
        # Only of the ticks that are wanted: a file's header can announce a duration of years.
        shown = {tick: frame_at(tick / self.fps, times_s) for clip in clips for tick in clip}
        return tuple(tuple(shown[tick] for tick in clip) for clip in clips)

    def resized(self, height: int, width: int) -> tuple[int, int]:
        """Return `(height, width)` of a picture of that height and width after the resize."""
        return self.exact_size or resized(height, width, self.short_side, self.long_side)

    def crops_of(self, height: int, width: int) -> tuple[Crop, ...]:
        """Return the crops of a resized picture of that height and width, one a spatial view."""
        return crops_of(height, width, self.size, self.crops, self.crop_rounding)


_NEWER = ("sparse", "exact_size", "long_side", "crop_rounding", "resize_on")


@lru_cache(maxsize=256)
def _digest(protocol: Protocol) -> str:
    """Return a protocol's digest; every comparison of two cases asks for it."""
    decisive = msgspec.to_builtins(protocol)
    del decisive["name"], decisive["origin"]
    for field in msgspec.structs.fields(protocol):
        if field.name in _NEWER and getattr(protocol, field.name) == field.default:
            del decisive[field.name]
    return hashlib.sha256(msgspec.json.encode(decisive, order="sorted")).hexdigest()[:16]


PRESETS: dict[str, Protocol] = {
    name: msgspec.convert({"name": name, **fields}, Protocol)
    for name, fields in {**COMMON, **ORIGINS}.items()
}
"""The presets by name: those that are common to all rows first, then one a published recipe."""


def preset(name: str) -> Protocol:
    """Return the preset of that name; an origin's own name gives its most usual one.

    Raises:
        UnknownNameError: There is none; the message has the nearest name.
    """
    name = ALIASES.get(name, name)
    if name not in PRESETS:
        raise UnknownNameError("protocol", name, [*PRESETS, *ALIASES])
    return PRESETS[name]
