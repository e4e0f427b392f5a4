"""Frame mAP and video mAP as their definitions say them: slow, in plain Python, row by row."""

import itertools
import math
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from kinobench.bench.metrics.instances import Boxes, Tubes
from kinobench.bench.metrics.spatial.rules import FrameRule, TubeRule

Box = tuple[float, float, float, float]


class PlainBox(NamedTuple):
    frame: int
    label: int
    box: Box
    score: float = 0.0


class PlainTube(NamedTuple):
    video: int
    label: int
    boxes: tuple[tuple[int, Box], ...]
    score: float = 0.0


def boxes_of(rows: Sequence[PlainBox], scored: bool = False) -> Boxes:
    return Boxes(
        np.array([row.frame for row in rows], np.int64),
        np.array([row.label for row in rows], np.int64),
        np.array([row.box for row in rows], float).reshape(-1, 4),
        np.array([row.score for row in rows], float) if scored else None,
    )


def tubes_of(rows: Sequence[PlainTube], scored: bool = False) -> Tubes:
    boxes = [each for row in rows for each in row.boxes]
    return Tubes(
        video=np.array([row.video for row in rows], np.int64),
        label=np.array([row.label for row in rows], np.int64),
        offset=np.cumsum([0, *(len(row.boxes) for row in rows)]),
        frame=np.array([frame for frame, _ in boxes], np.int64),
        box=np.array([box for _, box in boxes], float).reshape(-1, 4),
        score=np.array([row.score for row in rows], float) if scored else None,
    )


def plain_iou(one: Box, other: Box, pixel: float) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0]) + pixel
    height = min(one[3], other[3]) - max(one[1], other[1]) + pixel
    common = max(width, 0) * max(height, 0)
    areas = [(x2 - x1 + pixel) * (y2 - y1 + pixel) for x1, y1, x2, y2 in (one, other)]
    union = areas[0] + areas[1] - common
    return common / union if union > 0 else 0.0


def plain_tube_iou(one: PlainTube, other: PlainTube, rule: TubeRule) -> float:
    a, b = dict(one.boxes), dict(other.boxes)
    first, last = max(min(a), min(b)), min(max(a), max(b))
    united = max(max(a), max(b)) - min(min(a), min(b)) + rule.frame
    if last < first or (last == first and not rule.one_frame_counts) or united == 0:
        return 0.0
    overlaps = [
        plain_iou(a[frame], b[frame], rule.pixel) if frame in a and frame in b else 0.0
        for frame in range(first, last + 1)
        if frame in a or frame in b
    ]
    mean = sum(overlaps) / len(overlaps) if overlaps else 0.0
    return mean * ((last - first + rule.frame) / united)


def plain_area(hits: Sequence[bool], positives: int, area: str) -> float:
    """Return the area under precision and recall, point by point."""
    points = [
        (sum(hits[: n + 1]) / positives, sum(hits[: n + 1]) / (n + 1)) for n in range(len(hits))
    ]
    if area == "trapezoid":
        curve = [(0.0, 1.0), *points]
        return sum((r - s) * (p + q) / 2 for (s, q), (r, p) in itertools.pairwise(curve))
    total, before = 0.0, 0.0
    for number, (recall, _) in enumerate(points):
        total += (recall - before) * max(precision for _, precision in points[number:])
        before = recall
    return total


def plain_hits(
    found: Iterable[Any], truth: Sequence[Any], overlap: Callable, rule: Any, threshold: float
) -> list[bool]:
    """Match ranked detections of one class with its true instances, in the order of preference."""
    taken: set[int] = set()
    hits = []
    for detection in found:
        best, highest = None, -math.inf
        for number, instance in enumerate(truth):
            if rule.match == "best free" and number in taken:
                continue
            shared = overlap(detection, instance)
            if shared is not None and shared > highest:
                best, highest = number, shared
        enough = highest > threshold if rule.strict else highest >= threshold
        hits.append(best is not None and enough and best not in taken)
        if hits[-1]:
            taken.add(best)  # type: ignore[arg-type]
    return hits


def plain_frame_precisions(
    truth: Sequence[PlainBox],
    found: Sequence[PlainBox],
    rule: FrameRule,
    *,
    classes: int,
    scored: Collection[int],
    excluded: Collection[int],
) -> list[float]:
    """Return the average precision of each class at the first threshold; NaN outside the mean."""
    truth = [row for row in truth if row.label in scored and row.frame not in excluded]
    found = [row for row in found if row.label in scored and row.frame not in excluded]
    if not rule.empty_counts:
        found = [row for row in found if row.frame in {true.frame for true in truth}]
    if rule.decimals is not None:
        found = [
            row._replace(
                score=round(row.score, rule.decimals),
                box=tuple(round(each, rule.decimals) for each in row.box),
            )
            for row in found
        ]
    found = sorted(found, key=lambda row: (-row.score, row.frame, row.box, row.label))
    if rule.cap is not None:
        counts: dict[int, int] = {}
        kept = []
        for row in found:
            counts[row.frame] = counts.get(row.frame, 0) + 1
            if counts[row.frame] <= rule.cap:
                kept.append(row)
        found = kept
    if not rule.flat_counts:
        found = [row for row in found if row.box[0] < row.box[2] and row.box[1] < row.box[3]]

    def overlap(one: PlainBox, other: PlainBox) -> float | None:
        return plain_iou(one.box, other.box, rule.pixel) if one.frame == other.frame else None

    precisions = []
    for label in range(classes):
        real = sorted((row for row in truth if row.label == label), key=lambda row: row.box)
        own = [row for row in found if row.label == label]
        hits = plain_hits(own, real, overlap, rule, rule.thresholds[0])
        precisions.append(_precision(hits, len(real), rule, label in scored))
    return precisions


def plain_tube_precisions(
    truth: Sequence[PlainTube],
    found: Sequence[PlainTube],
    rule: TubeRule,
    threshold: float,
    *,
    classes: int,
    scored: Collection[int],
) -> list[float]:
    """Return the average precision of each class at a threshold; NaN outside the mean."""

    def content(row: PlainTube) -> Any:
        frames, boxes = zip(*row.boxes, strict=True)
        return row.video, frames[0], boxes[0], frames, boxes

    def overlap(one: PlainTube, other: PlainTube) -> float | None:
        return plain_tube_iou(one, other, rule) if one.video == other.video else None

    precisions = []
    for label in range(classes):
        real = sorted((row for row in truth if row.label == label), key=content)
        own = [row for row in found if row.label == label and label in scored]
        own = sorted(own, key=lambda row: (-row.score, *content(row)))
        hits = plain_hits(own, real, overlap, rule, threshold)
        precisions.append(_precision(hits, len(real), rule, label in scored))
    return precisions


def _precision(hits: Sequence[bool], positives: int, rule: Any, scored: bool) -> float:
    if not scored:
        return math.nan
    if not positives:
        return 0.0 if rule.mean_over == "all scored" else math.nan
    if not hits and rule.mean_over == "with truth and detections":
        return math.nan
    return plain_area(hits, positives, rule.area)
