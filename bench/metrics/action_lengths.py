"""mAP by the length of the action, or by the share of its video that it covers, as DETAD has it.

Alwassel et al., Diagnosing Error in Temporal Action Detectors, ECCV 2018, section 4.2;
HumamAlwassel/DETAD `src/sensitivity_analysis.py`, whose limits these are. In a bucket only its
instances count, and detections that take an instance of another bucket don't count at all. DETAD
leaves such a detection out at all thresholds from the first where it takes another bucket's on;
here it is left out at those thresholds alone where it does.
"""

from typing import NamedTuple

import numpy as np

from ...datasets.errors import KinobenchError
from .average_precision import Flags, average_precision
from .instances import Floats, Ints
from .temporal import averaged_columns
from .temporal_matching import NOBODY, MatchedSegments

BUCKETS = ("XS", "S", "M", "L", "XL")

LENGTH_LIMITS_S: dict[str, tuple[float, ...]] = {
    "activitynet": (0, 30, 60, 120, 180, float("inf")),
    "thumos14": (0, 3, 6, 12, 18, float("inf")),
}
"""Limits of the length in seconds, by dataset: XS is up to 30 s on ActivityNet, S up to 60 s."""

COVERAGE_LIMITS: dict[str, tuple[float, ...]] = {
    "activitynet": (0, 0.2, 0.4, 0.6, 0.8, 1),
    "thumos14": (0, 0.02, 0.04, 0.06, 0.08, 1),
}
"""Limits of the share of the video that an instance covers."""


class BucketScores(NamedTuple):
    """mAP of the instances in each bucket; NaN for a bucket without any.

    Attributes:
        names: Names of the buckets, `[B]`.
        limits: `[B + 1]`: a bucket has the values above its first limit, up to its second; the
            first one has its first limit too.
        instances: Number of instances in each, `[B]`.
        outside: Number of instances in none.
        average: `[B]`: mean over the classes with an instance in the bucket, and over the rule's
            averaged thresholds.
        normalized: `[B]`: the same of the normalized AP, which is what DETAD prints: buckets with
            few instances compare with those that have many.
    """

    names: tuple[str, ...]
    limits: tuple[float, ...]
    instances: Ints
    outside: int
    average: Floats
    normalized: Floats


def lengths_s(matched: MatchedSegments) -> Floats:
    """Return the length of each instance that counts, in seconds: `[instances]`."""
    return matched.truth.end_s - matched.truth.start_s


def coverages(matched: MatchedSegments, durations_s: Floats) -> Floats:
    """Return the share of its video that each instance that counts covers: `[instances]`.

    Args:
        matched: Detections and what they take.
        durations_s: Seconds of each video, `[videos]`.
    """
    return lengths_s(matched) / np.asarray(durations_s, float)[matched.truth.video]


def score_buckets(
    matched: MatchedSegments,
    values: Floats,
    limits: tuple[float, ...],
    names: tuple[str, ...] = BUCKETS,
) -> BucketScores:
    """Return the mAP of the instances in each bucket.

    Args:
        matched: Detections and what they take.
        values: A value of each instance that counts, `[instances]`, such as `lengths_s`.
        limits: Limits of the buckets, rising, one more than names.
        names: Names of the buckets.

    Raises:
        KinobenchError: There are not as many limits as names and one, or they don't rise.
    """
    if len(limits) != len(names) + 1 or list(limits) != sorted(set(limits)):
        raise KinobenchError(
            f"limits {limits!r}: give {len(names) + 1} rising numbers for {', '.join(names)}"
        )
    bucket = np.searchsorted(limits, values, "left") - 1
    bucket[values == limits[0]] = 0
    bucket[(values < limits[0]) | (bucket >= len(names))] = -1
    instances = np.bincount(bucket[bucket >= 0], minlength=len(names))
    scores = np.array([_bucket_scores(matched, bucket == each) for each in range(len(names))])
    outside = int((bucket < 0).sum())
    return BucketScores(names, tuple(limits), instances, outside, scores[:, 0], scores[:, 1])


def _bucket_scores(matched: MatchedSegments, inside: Flags) -> tuple[float, float]:
    """Return the average mAP of the instances inside, and its normalized form."""
    positives = np.bincount(matched.truth.label[inside], minlength=matched.classes)
    known = np.flatnonzero(positives)
    if not len(known):
        return float("nan"), float("nan")
    typical = typical_instances(matched)
    taken = matched.taken[:, averaged_columns(matched)]
    hits = (taken != NOBODY) & inside[taken]
    counted = hits | (taken == NOBODY)
    if matched.ignored is not None:
        counted &= hits | ~matched.ignored[:, None]
    plain: list[float] = []
    normalized: list[float] = []
    for label in known.tolist():
        own = slice(*matched.first[label : label + 2].tolist())
        for hit, counts in zip(hits[own].T, counted[own].T, strict=True):
            for found, number in ((plain, None), (normalized, typical)):
                precision = average_precision(
                    hit[counts],
                    int(positives[label]),
                    interpolated=matched.rule.interpolated,
                    typical=number,
                )
                found.append(precision)
    return float(np.mean(plain)), float(np.mean(normalized))


def typical_instances(matched: MatchedSegments) -> float:
    """Return the number of instances of a class, on average over those that have any."""
    return len(matched.truth.label) / max(1, len(np.unique(matched.truth.label)))
