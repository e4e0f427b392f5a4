"""Segments for tests of localization's metrics, and metrics written from their definitions."""

import json
from pathlib import Path

import numpy as np

from kinobench.bench.metrics.instances import Segments
from kinobench.bench.metrics.temporal_rules import TemporalRule

from .media import SHARED

FIXTURE = SHARED / "eval_fixtures"

Row = tuple[int, int, float, float]
Scored = tuple[int, int, float, float, float]


def instances(*rows: Row) -> Segments:
    """Instances from rows of video, label, start and end."""
    columns = list(zip(*rows, strict=True)) if rows else [(), (), (), ()]
    video, label = (np.array(column, np.int64) for column in columns[:2])
    start, end = (np.array(column, float) for column in columns[2:])
    return Segments(video, label, start, end)


def detections(*rows: Scored) -> Segments:
    """Detections from rows of video, label, start, end and score."""
    scores = np.array([row[4] for row in rows], float)
    return instances(*(row[:4] for row in rows))._replace(score=scores)


def mmaction_fixture() -> tuple[Segments, Segments]:
    """The instances and detections of mmaction2's `tests/data/eval_localization`."""
    truth = json.loads((FIXTURE / "eval_localization_gt.json").read_text())
    found = json.loads((FIXTURE / "eval_localization_result.json").read_text())["results"]
    videos = sorted(truth)
    labels = sorted({each["label"] for video in truth.values() for each in video["annotations"]})
    rows = [
        (videos.index(video), labels.index(each["label"]), *each["segment"])
        for video in truth
        for each in truth[video]["annotations"]
    ]
    scored = [
        (videos.index(f"v_{video}"), labels.index(each["label"]), *each["segment"], each["score"])
        for video in found
        for each in found[video]
    ]
    return instances(*rows), detections(*scored)


def random_problem(
    generator: np.random.Generator, videos: int = 3, classes: int = 3
) -> tuple[Segments, Segments, Segments]:
    """Instances, detections and ignored spans on a grid of few times and scores: many ties."""

    def segments(count: int) -> Segments:
        start = generator.integers(0, 6, count)
        end = start + generator.integers(1, 5, count)
        video, label = generator.integers(0, videos, count), generator.integers(0, classes, count)
        return Segments(video, label, start.astype(float), end.astype(float))

    truth = segments(int(generator.integers(1, 12)))
    found = segments(int(generator.integers(0, 40)))
    found = found._replace(score=generator.integers(0, 4, len(found.video)) / 4)
    return truth, found, segments(int(generator.integers(0, 3)))


def overlap(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Intersection over union of two segments, from its definition."""
    shared = min(a[1], b[1]) - max(a[0], b[0])
    return max(0.0, shared) / (max(a[1], b[1]) - min(a[0], b[0])) if shared > 0 else 0.0


def slow_average_precision(
    truth: Segments,
    found: Segments,
    label: int,
    rule: TemporalRule,
    threshold: float,
    ignored: Segments | None = None,
) -> float:
    """Average precision of a class by loops over every detection and instance.

    Written from the evaluators' definitions, without any part of the fast form.
    """
    spans = [(v, (s, e)) for v, _, s, e in _rows(truth) if _ == label]
    ranked = sorted(
        ((v, (s, e), score) for v, own, s, e, score in _rows(found) if own == label),
        key=lambda row: (-row[2], row[0], row[1]),
    )
    hit = _taken(spans, ranked, rule, threshold)
    unclear = [(v, (s, e)) for v, _, s, e in _rows(ignored)] if ignored and rule.ignores else []
    true = false = 0
    curve = []  # after each detection that counts: precision, and whether it is a hit
    for number, (video, span, _) in enumerate(ranked):
        if number in hit:
            true += 1
        elif any(video == v and overlap(span, other) > 0 for v, other in unclear):
            continue
        else:
            false += 1
        curve.append((true / (true + false), number in hit))
    total = 0.0
    for place, (precision, is_hit) in enumerate(curve):
        if is_hit:
            rest = [later for later, _ in curve[place:]]
            total += max(rest) if rule.interpolated else precision
    return total / len(spans)


def _rows(segments: Segments) -> list[tuple]:
    columns = (column.tolist() for column in segments if column is not None)
    return list(zip(*columns, strict=True))


def _taken(spans: list, ranked: list, rule: TemporalRule, threshold: float) -> set[int]:
    """The numbers of the detections that are true positives."""

    def enough(value: float) -> bool:
        return value > threshold if rule.strict else value >= threshold

    free_spans, free_found = set(range(len(spans))), set(range(len(ranked)))
    if rule.matching == "by truth":
        for video, span in spans:
            best, best_overlap = None, -1.0
            for number, (other, segment, _) in enumerate(ranked):
                own = overlap(span, segment)
                if number in free_found and other == video and own > best_overlap:
                    best, best_overlap = number, own
            if best is not None and enough(best_overlap):
                free_found.remove(best)
        return set(range(len(ranked))) - free_found
    hit = set()
    for number, (video, segment, _) in enumerate(ranked):
        order = sorted(
            (index for index, (other, _) in enumerate(spans) if other == video),
            key=lambda index: (-overlap(segment, spans[index][1]), spans[index][1]),
        )
        if rule.matching == "best alone":
            order = order[:1]
        for index in order:
            if index in free_spans and enough(overlap(segment, spans[index][1])):
                free_spans.remove(index)
                hit.add(number)
                break
    return hit


def fixture_is_there() -> bool:
    """Whether the maintainers' files of other evaluators are there."""
    return Path(FIXTURE).is_dir()
