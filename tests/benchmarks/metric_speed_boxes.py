"""Time and memory of scoring boxes, at more than the size of AVA.

    python -m tests.benchmarks.metric_speed_boxes [RULE]

It scores 2,000,000 detections of 80 classes on 100,000 frames of 500 videos, with the interval, the
kinds of errors and the sizes. Time is that of the processor; memory is the peak of the process, the
boxes included. The aim for matching, scores and interval is 30 s and 2 GB.
"""

import resource
import sys
import time

import numpy as np

from kinobench.bench.metrics.instances import Boxes
from kinobench.bench.metrics.spatial.box_errors import box_errors
from kinobench.bench.metrics.spatial.box_matching import match_boxes
from kinobench.bench.metrics.spatial.box_sizes import scores_by_size
from kinobench.bench.metrics.spatial.frame_map import scores_of_boxes
from kinobench.bench.metrics.spatial.rules import frame_rule

FRAMES, VIDEOS, CLASSES, DETECTIONS, PEOPLE = 100_000, 500, 80, 2_000_000, 3
ACTIONS = 2  # true labels a person; AVA has 1.6 million of 0.58 million people


def people(generator: np.random.Generator) -> np.ndarray:
    """`[FRAMES, PEOPLE, 4]`: where people are."""
    corner = generator.random((FRAMES, PEOPLE, 2)) * 0.6
    size = 0.1 + generator.random((FRAMES, PEOPLE, 2)) * 0.3
    return np.concatenate([corner, corner + size], axis=-1)


def truth_of(generator: np.random.Generator, where: np.ndarray) -> Boxes:
    """Labels of people, the first classes far more often."""
    count = FRAMES * PEOPLE * ACTIONS
    row = np.arange(count) // ACTIONS
    label = (generator.random(count) ** 3 * CLASSES).astype(np.int64)
    return Boxes(row // PEOPLE, label, where.reshape(-1, 4)[row])


def found_of(generator: np.random.Generator, truth: Boxes) -> Boxes:
    """Boxes near those of people, a third of them with a true label, scores of three digits."""
    row = generator.integers(0, len(truth.frame), DETECTIONS)
    right = generator.random(DETECTIONS) < 1 / 3
    other = (generator.random(DETECTIONS) ** 3 * CLASSES).astype(np.int64)
    box = truth.box[row] + generator.normal(0, 0.02, (DETECTIONS, 4))
    box[:, 2:] = np.maximum(box[:, 2:], box[:, :2])
    score = np.round(np.clip(generator.random(DETECTIONS) * 0.7 + right * 0.3, 0, 1), 3)
    return Boxes(truth.frame[row], np.where(right, truth.label[row], other), box, score)


def main() -> None:
    """Time each part."""
    generator = np.random.default_rng(0)
    truth = truth_of(generator, people(generator))
    found = found_of(generator, truth)
    rule = frame_rule(sys.argv[1] if len(sys.argv) > 1 else "ava")
    video_of_frame = np.arange(FRAMES) * VIDEOS // FRAMES
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = [time.process_time()]

    def lap(name: str) -> None:
        started.append(time.process_time())
        print(f"{name:12}{started[-1] - started[-2]:8.1f} s")

    matched = match_boxes(truth, found, frames=FRAMES, classes=CLASSES, rule=rule)
    lap("match")
    scores = scores_of_boxes(matched)
    lap("score")
    whole = scores_of_boxes(matched, video_of_frame)
    lap("interval")
    errors = box_errors(matched)
    lap("errors")
    sizes = scores_by_size(matched)
    lap("sizes")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"{'all':12}{started[-1] - started[0]:8.1f} s")
    print(f"peak {peak / 2**20:.2f} GiB, of which the boxes {before / 2**20:.2f} GiB")
    print(rule.name, scores.map, whole.interval, errors.by_class.sum(axis=1), [*sizes])


if __name__ == "__main__":
    main()
