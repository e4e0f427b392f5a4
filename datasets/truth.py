"""What happens in a video, and when and where: the ground truth of localization and detection."""

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Event(msgspec.Struct, frozen=True, gc=False):
    """An action in a video that is not trimmed to it.

    Attributes:
        label: Index into the split's classes.
        start_s, end_s: Seconds from the video's beginning.
    """

    label: int
    start_s: float
    end_s: float


class EventsOfVideo(msgspec.Struct, frozen=True):
    """All events of a video.

    Attributes:
        events: Them, as the annotation orders them.
        duration_s: Length of the video in seconds; None if the annotation doesn't say.
        ignored: Spans `(start_s, end_s)` in which a prediction counts neither for nor against
            (THUMOS14's class Ambiguous).
    """

    events: tuple[Event, ...]
    duration_s: float | None = None
    ignored: tuple[tuple[float, float], ...] = ()


class EventTruth(msgspec.Struct, frozen=True, kw_only=True):
    """The ground truth of temporal action localization.

    Attributes:
        rule: Name of the rule that the dataset's papers score by: `activitynet`, `thumos14`.
        videos: Video id -> its events; a video of the split that is missing here has none.
    """

    rule: str
    videos: Mapping[str, EventsOfVideo]


class Box(msgspec.Struct, frozen=True, gc=False):
    """A box in a frame, with all that happens in it.

    Attributes:
        x1, y1, x2, y2: Left, top, right and bottom edge as shares of the frame, from 0 to 1.
        labels: Indices into the split's classes, ascending; empty for a person who does nothing
            that is annotated.
        person: Number of the person or the track; None if the annotation has none.
    """

    x1: float
    y1: float
    x2: float
    y2: float
    labels: tuple[int, ...]
    person: int | None = None


class KeyFrame(msgspec.Struct, frozen=True):
    """An annotated frame.

    Attributes:
        name: Its name in result files, such as AVA's second `0902`.
        time_s: Seconds from the video's beginning.
        boxes: Them; empty for a frame in which nothing is annotated, which is scored all the same.
    """

    name: str
    time_s: float
    boxes: tuple[Box, ...]


class BoxTruth(msgspec.Struct, frozen=True, kw_only=True):
    """The ground truth of detection on key frames.

    Attributes:
        rule: Name of the rule that the dataset's papers score by: `ava`, `frame`.
        videos: Video id -> its key frames, by rising time.
        scored: Classes that are scored; None for all.
        excluded: `(video id, name)` of key frames that are left out.
    """

    rule: str
    videos: Mapping[str, tuple[KeyFrame, ...]]
    scored: frozenset[int] | None = None
    excluded: frozenset[tuple[str, str]] = frozenset()


class Tube(msgspec.Struct, frozen=True):
    """An action of one person: a box in each of consecutive frames.

    Attributes:
        label: Index into the split's classes.
        first: Number of its first frame, from 0.
        boxes: `[frames, 4]`, x1, y1, x2, y2 as shares of the frame, from 0 to 1.
    """

    label: int
    first: int
    boxes: "NDArray[np.float64]"


class TubesOfVideo(msgspec.Struct, frozen=True):
    """All tubes of a video.

    Attributes:
        tubes: Them.
        frames: Number of the video's frames.
        width, height: Its size in pixels, in which rules that count whole pixels compute.
        fps: Frames a second; None if the annotation doesn't say.
    """

    tubes: tuple[Tube, ...]
    frames: int
    width: int
    height: int
    fps: float | None = None


class TubeTruth(msgspec.Struct, frozen=True, kw_only=True):
    """The ground truth of detection in tubes.

    Attributes:
        rule: Name of the rule that the dataset's papers score by: `ucf101-24`, `multisports`.
        videos: Video id -> its tubes.
        scored: Classes that are scored; None for all.
    """

    rule: str
    videos: Mapping[str, TubesOfVideo]
    scored: frozenset[int] | None = None


Truth = EventTruth | BoxTruth | TubeTruth


def truth_digest(truth: Truth) -> bytes:
    """Return a digest of all that a truth says, whatever order its videos have."""
    digest = hashlib.sha256()
    for name in sorted(truth.videos):
        digest.update(f"{name}\n".encode())
        digest.update(_ENCODER.encode(truth.videos[name]))
    for more in (getattr(truth, "scored", None), getattr(truth, "excluded", None)):
        digest.update(_ENCODER.encode(None if more is None else sorted(more)))
    return digest.digest()


def _plain(array: Any) -> list[list[float]]:
    return array.tolist()


_ENCODER = msgspec.json.Encoder(enc_hook=_plain)
