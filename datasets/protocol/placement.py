"""The ticks of a video that make its clips: one function for each way of placing them."""

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Literal, get_args

Placement = Literal[
    "spread",
    "segments",
    "mmaction2",
    "tsn",
    "torchvision",
    "pytorchvideo",
    "pytorchvideo-to-end",
    "pyslowfast-announced",
    "pyslowfast-announced-offset",
    # Retired; see `retired`.
    "pyslowfast",
    "pyslowfast-offset",
]
ShortRule = Literal["loop", "hold", "clamp"]
Indices = tuple[tuple[int, ...], ...]

TIMESTAMP_SLACK_S = 0.5e-3
"""Matroska rounds timestamps to 1 ms: a frame may be stamped half of that after its instant."""


def ticks_in(duration_s: float, fps: float) -> int:
    """Return the number of instants `0, 1/fps, 2/fps, ...` before the end of the video."""
    return max(1, math.ceil(duration_s * fps - TIMESTAMP_SLACK_S * fps))


def frame_at(instant_s: float, times_s: Sequence[float]) -> int:
    """Return the index of the frame that is on screen at an instant."""
    return max(0, bisect_right(times_s, instant_s + TIMESTAMP_SLACK_S) - 1)


def clip_ticks(
    ticks: int, frames: int, stride: int, clips: int, placement: Placement, short: ShortRule
) -> Indices:
    """Return the ticks of every clip: `[clips][frames]`, each from 0 to `ticks - 1`.

    A clip spans `(frames - 1) * stride + 1` ticks. Starts are rounded as the placement says.
    """
    span = (frames - 1) * stride + 1
    if span > ticks:
        return (SHORT_RULES[short](ticks, frames, stride),) * clips
    starts = TICK_PLACEMENTS[placement](ticks, span, clips)
    return tuple(tuple(range(start, start + span, stride)) for start in starts)


def sparse_ticks(
    ticks: int, frames: int, clips: int, placement: Placement, short: ShortRule
) -> Indices:
    """Return the ticks of clips whose pictures are spread over the whole video: `[clips][frames]`.

    The pictures are placed as `clips * frames` clips of one picture would be, and dealt out in
    order (mmaction2 1.2.0, datasets/transforms/loading.py, SampleFrames with clip_len 1).
    """
    single = [tick for (tick,) in clip_ticks(ticks, 1, 1, clips * frames, placement, short)]
    return tuple(tuple(single[clip * frames : (clip + 1) * frames]) for clip in range(clips))


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


def _mmaction2(ticks: int, span: int, clips: int) -> list[int]:
    """open-mmlab/mmaction2 1.2.0, loading.py, SampleFrames._get_test_clips: halves to the even.

    Of clips of several pictures, in 1.0.0rc2 to 1.2.0; clips of one picture stand as `tsn` says.
    """
    room = ticks - span
    if clips == 1:
        return [room // 2]
    between = room / (clips - 1)
    return [round(clip * between) for clip in range(clips)]


def _tsn(ticks: int, span: int, clips: int) -> list[int]:
    """yjxiong/tsn-pytorch, dataset.py, TSNDataSet._get_test_indices, counted from 0.

    For clips of one picture it is also mmaction2's rule, in each release from 0.5.0 to 1.2.0
    (SampleFrames._get_test_clips, without twice_sample).
    """
    segment = (ticks - span + 1) / clips
    return [int(segment / 2 + segment * clip) for clip in range(clips)]


TICK_PLACEMENTS: dict[Placement, Callable[[int, int, int], list[int]]] = {
    "spread": _spread,
    "segments": _segments,
    "mmaction2": _mmaction2,
    "tsn": _tsn,
}
"""Functions of `(ticks, span, clips)` that return the first tick of every clip of a video that
isn't too short."""

SHORT_RULES: dict[ShortRule, Callable[[int, int, int], tuple[int, ...]]] = {
    "loop": lambda ticks, frames, stride: tuple(i * stride % ticks for i in range(frames)),
    "hold": lambda ticks, frames, stride: tuple(min(i * stride, ticks - 1) for i in range(frames)),
    "clamp": lambda ticks, frames, stride: tuple(
        i * (ticks - 1) // max(frames - 1, 1) for i in range(frames)
    ),
}
"""Functions of `(ticks, frames, stride)` that return the one clip of a video that is shorter than
a clip."""

OWN_SHORT_RULE: tuple[Placement, ...] = tuple(
    each for each in get_args(Placement) if each.startswith(("pytorchvideo", "pyslowfast"))
)
"""Placements that decide the clip of a short video themselves: `short` doesn't affect them."""


def retired(placement: Placement, *, single_pictures: bool) -> Placement | None:
    """Return what replaces a placement whose frames weren't its origin's; None if nothing does.

    A digest never changes its meaning, so the corrected rule has another name, and a protocol with
    the old name is read from old records but gives no frames any more.

    Args:
        placement: Its name.
        single_pictures: True if a clip is one picture, or is sparse.
    """
    if placement == "mmaction2" and single_pictures:
        return "tsn"
    replaced: dict[Placement, Placement] = {
        "pyslowfast": "pyslowfast-announced",
        "pyslowfast-offset": "pyslowfast-announced-offset",
    }
    return replaced.get(placement)
