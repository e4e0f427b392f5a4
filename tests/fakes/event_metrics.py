"""Mean average precision of events, written from its definition: slow, and plain to read."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from kinobench.datasets.truth import EventTruth


class Detection(NamedTuple):
    """A predicted event."""

    video: str
    label: int
    start_s: float
    end_s: float
    score: float


def tiou(one: tuple[float, float], other: tuple[float, float]) -> float:
    """What two segments share, over what they cover together."""
    shared = max(0.0, min(one[1], other[1]) - max(one[0], other[0]))
    return shared / (one[1] - one[0] + other[1] - other[0] - shared)


def mean_ap(
    detections: Iterable[Detection],
    truth: EventTruth,
    classes: int,
    rule: str,
    thresholds: Sequence[float],
) -> float:
    """The mean over classes and thresholds; classes without an event are left out."""
    by_class: list[list[Detection]] = [[] for _ in range(classes)]
    for each in detections:
        by_class[each.label].append(each)
    found = []
    for label in range(classes):
        events = {
            video: [(e.start_s, e.end_s) for e in of_video.events if e.label == label]
            for video, of_video in truth.videos.items()
        }
        if any(events.values()):
            found += [ap_of(by_class[label], events, rule, each) for each in thresholds]
    return sum(found) / len(found)


def ap_of(
    detections: Sequence[Detection],
    events: dict[str, list[tuple[float, float]]],
    rule: str,
    threshold: float,
) -> float:
    """The average precision of a class.

    `activitynet`: each detection, by falling score, takes the free event of the highest tIoU, if
    that is the threshold or more; precision is interpolated. `thumos14`: each event, in order,
    takes the free detection of the highest tIoU, if that is above it; it isn't interpolated.
    """
    ranked = sorted(detections, key=lambda each: (-each.score, each.video, each.start_s))
    match = _by_score if rule == "activitynet" else _by_event
    right = match(ranked, events, threshold)
    positives = sum(map(len, events.values()))
    return average_precision([rank in right for rank in range(len(ranked))], positives, rule)


def average_precision(hits: Sequence[bool], positives: int, rule: str) -> float:
    """The sum over all hits of the precision at it, or at it or later, over all positives."""
    precisions, right = [], 0
    for rank, hit in enumerate(hits, 1):
        right += hit
        precisions.append(right / rank)
    if rule == "activitynet":
        for place in range(len(precisions) - 2, -1, -1):
            precisions[place] = max(precisions[place], precisions[place + 1])
    return sum(p for p, hit in zip(precisions, hits, strict=True) if hit) / positives


def _by_score(
    ranked: Sequence[Detection], events: dict[str, list[tuple[float, float]]], threshold: float
) -> set[int]:
    free = {video: list(segments) for video, segments in events.items()}
    right = set()
    for rank, each in enumerate(ranked):
        reached = [
            (tiou(segment, (each.start_s, each.end_s)), segment)
            for segment in free.get(each.video, [])
        ]
        best = max(reached, default=(-1.0, (0.0, 0.0)))
        if best[0] >= threshold:
            free[each.video].remove(best[1])
            right.add(rank)
    return right


def _by_event(
    ranked: Sequence[Detection], events: dict[str, list[tuple[float, float]]], threshold: float
) -> set[int]:
    of_video: dict[str, list[int]] = {}
    for rank, each in enumerate(ranked):
        of_video.setdefault(each.video, []).append(rank)
    right: set[int] = set()
    for video, segments in events.items():
        for segment in segments:
            reached = [
                (tiou(segment, ranked[rank][2:4]), -rank)
                for rank in of_video.get(video, [])
                if rank not in right
            ]
            best = max(reached, default=(-1.0, 0))
            if best[0] > threshold:
                right.add(-best[1])
    return right
