"""What a truth has in numbers: events a class, their lengths, boxes, and how much is background."""

import statistics
from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from .truth import BoxTruth, EventTruth, Truth, TubeTruth

Quartiles = tuple[float, float, float, float, float]


class TruthFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Numbers about a truth.

    Attributes:
        instances: Events, tubes, or boxes of people.
        videos: Videos in which something is annotated.
        per_class: How many instances each class has, the most frequent first; classes without any
            last. A box with several labels is one of each.
        scored: How many classes are scored.
        lengths_s: Least, lower quartile, median, upper quartile and most of the lengths of events
            or tubes, in seconds; None of boxes, or if there is no event.
        background: Share of the time, or of the frames, in which nothing happens; of videos whose
            length the annotation says. None if it says none, and of key frames.
        timed_videos: How many videos that is of.
        key_frames: Annotated frames; None of events and tubes.
        empty_key_frames: Those of them without a box.
        boxes: The same five numbers of boxes in a frame that has one; None of events.
    """

    instances: int
    videos: int
    per_class: dict[str, int]
    scored: int
    lengths_s: Quartiles | None = None
    background: float | None = None
    timed_videos: int = 0
    key_frames: int | None = None
    empty_key_frames: int = 0
    boxes: Quartiles | None = None


def truth_facts(truth: Truth, classes: Sequence[str]) -> TruthFacts:
    """Return the numbers of a truth.

    Args:
        truth: The truth.
        classes: The classes' names; labels are indices into them.
    """
    if isinstance(truth, EventTruth):
        return _of_events(truth, classes)
    return _of_tubes(truth, classes) if isinstance(truth, TubeTruth) else _of_boxes(truth, classes)


def _of_events(truth: EventTruth, classes: Sequence[str]) -> TruthFacts:
    events = [event for video in truth.videos.values() for event in video.events]
    timed = [video for video in truth.videos.values() if video.duration_s]
    all_s = sum(video.duration_s or 0.0 for video in timed)
    covered_s = sum(
        _covered(
            (event.start_s, min(event.end_s, video.duration_s or 0.0)) for event in video.events
        )
        for video in timed
    )
    return TruthFacts(
        instances=len(events),
        videos=sum(bool(video.events) for video in truth.videos.values()),
        per_class=_per_class((event.label for event in events), classes),
        scored=len(classes),
        lengths_s=_quartiles([event.end_s - event.start_s for event in events]),
        background=1 - covered_s / all_s if all_s else None,
        timed_videos=len(timed),
    )


def _of_tubes(truth: TubeTruth, classes: Sequence[str]) -> TruthFacts:
    tubes = [(tube, video.fps) for video in truth.videos.values() for tube in video.tubes]
    all_frames = sum(video.frames for video in truth.videos.values())
    covered = 0.0
    boxes: Counter[int] = Counter()
    for video in truth.videos.values():
        covered += _covered((tube.first, tube.first + len(tube.boxes)) for tube in video.tubes)
        frames = Counter(
            number
            for tube in video.tubes
            for number in range(tube.first, tube.first + len(tube.boxes))
        )
        boxes.update(frames.values())
    return TruthFacts(
        instances=len(tubes),
        videos=sum(bool(video.tubes) for video in truth.videos.values()),
        per_class=_per_class((tube.label for tube, _ in tubes), classes),
        scored=len(classes) if truth.scored is None else len(truth.scored),
        lengths_s=_quartiles([len(tube.boxes) / fps for tube, fps in tubes if fps]),
        background=1 - covered / all_frames if all_frames else None,
        timed_videos=len(truth.videos),
        boxes=_quartiles(sorted(boxes.elements())),
    )


def _of_boxes(truth: BoxTruth, classes: Sequence[str]) -> TruthFacts:
    frames = [
        frame
        for video, frames in truth.videos.items()
        for frame in frames
        if (video, frame.name) not in truth.excluded
    ]
    boxes = [box for frame in frames for box in frame.boxes]
    return TruthFacts(
        instances=len(boxes),
        videos=sum(any(frame.boxes for frame in of) for of in truth.videos.values()),
        per_class=_per_class((label for box in boxes for label in box.labels), classes),
        scored=len(classes) if truth.scored is None else len(truth.scored),
        key_frames=len(frames),
        empty_key_frames=sum(not frame.boxes for frame in frames),
        boxes=_quartiles([len(frame.boxes) for frame in frames if frame.boxes]),
    )


def _per_class(labels: Iterable[int], classes: Sequence[str]) -> dict[str, int]:
    counts = Counter(labels)
    order = sorted(range(len(classes)), key=lambda label: (-counts[label], label))
    return {classes[label]: counts[label] for label in order}


def _covered(spans: Iterable[tuple[float, float]]) -> float:
    """Return the length that spans cover together, wherever they overlap."""
    covered, reached = 0.0, 0.0
    for start, end in sorted(spans):
        covered += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return covered


def _quartiles(values: Sequence[float]) -> Quartiles | None:
    if not values:
        return None
    if len(values) == 1:
        only = float(values[0])
        return only, only, only, only, only
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return float(min(values)), low, middle, high, float(max(values))
