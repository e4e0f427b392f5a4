"""Time the mAP of localization on many detections, and print seconds and peak memory.

    python tests/benchmarks/metric_speed.py [--videos 5000] [--detections 1000000] [--classes 200]

Detections are made around true instances, about half of them of a class that the video has, with
scores of three decimals so that many are tied. Time is that of the processor; memory is the peak of
the process, the detections included.
"""

import argparse
import resource
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY)]

from kinobench.bench.metrics.action_lengths import (  # noqa: E402
    LENGTH_LIMITS_S,
    lengths_s,
    score_buckets,
)
from kinobench.bench.metrics.false_positives import analyse_false_positives  # noqa: E402
from kinobench.bench.metrics.instances import Segments  # noqa: E402
from kinobench.bench.metrics.proposals import score_proposals  # noqa: E402
from kinobench.bench.metrics.temporal import score_matched  # noqa: E402
from kinobench.bench.metrics.temporal_bootstrap import resampled_segments  # noqa: E402
from kinobench.bench.metrics.temporal_matching import match_segments  # noqa: E402
from kinobench.bench.metrics.temporal_rules import TEMPORAL_RULES  # noqa: E402

AIM_S, AIM_BYTES = 20.0, 2_000_000_000


def made(videos: int, detections: int, classes: int, each: int) -> tuple[Segments, Segments]:
    """Return true instances, `each` a video, and detections, most of them near one."""
    generator = np.random.default_rng(0)
    video = np.repeat(np.arange(videos), each)
    label = np.repeat(generator.integers(0, classes, videos), each)  # one class a video
    start = generator.uniform(0, 180, len(video))
    truth = Segments(video, label, start, start + generator.uniform(2, 60, len(video)))
    near = generator.integers(0, len(video), detections)
    length = truth.end_s[near] - truth.start_s[near]
    begin = truth.start_s[near] + length * generator.normal(0, 0.3, detections)
    end = begin + length * generator.uniform(0.5, 1.5, detections)
    other = generator.random(detections) < 0.5
    named = np.where(other, generator.integers(0, classes, detections), truth.label[near])
    score = np.round(generator.random(detections), 3)
    return truth, Segments(truth.video[near], named, begin, end, score)


def timed(name: str, work: Callable[[], Any]) -> Any:
    """Return what the work returns, and print its time and the peak of memory so far."""
    began = time.process_time()
    found = work()
    taken = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(f"{name:36} {taken:7.2f} s   peak {peak / 1e9:.2f} GB")
    return found


def main() -> None:
    """Make detections, and time each step under each rule."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--videos", type=int, default=5_000)
    parser.add_argument("--detections", type=int, default=1_000_000)
    parser.add_argument("--classes", type=int, default=200)
    parser.add_argument("--instances", type=int, default=4, help="True instances of a video.")
    parser.add_argument("--rules", nargs="*", default=["activitynet", "thumos14"])
    asked = parser.parse_args()
    truth, found = made(asked.videos, asked.detections, asked.classes, asked.instances)
    thresholds = tuple(np.linspace(0.5, 0.95, 10).tolist())
    print(f"aim: {AIM_S:.0f} s, {AIM_BYTES / 1e9:.0f} GB\n")
    sizes = {"videos": asked.videos, "classes": asked.classes, "leave_out": True}
    for name in asked.rules:
        rule = TEMPORAL_RULES[name]
        asking = {**sizes, "rule": rule, "thresholds": thresholds}
        matched = timed(f"{name}: matching", partial(match_segments, truth, found, **asking))
        scores = timed(f"{name}: scores", partial(score_matched, matched))
        timed(f"{name}: bootstrap of 1,000 draws", partial(resampled_segments, matched))
        limits = LENGTH_LIMITS_S["activitynet"]
        timed(f"{name}: by length", partial(score_buckets, matched, lengths_s(matched), limits))
        timed(f"{name}: false positives", partial(analyse_false_positives, truth, found, **asking))
        print(f"{name}: average mAP {scores.average:.4f}\n")
    timed("AR@AN", partial(score_proposals, truth, found, videos=asked.videos))


if __name__ == "__main__":
    main()
