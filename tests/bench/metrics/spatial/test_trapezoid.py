"""The area under straight lines, by hand, by definition, and under weights."""

import math

import numpy as np
import pytest

from kinobench.bench.metrics.spatial import trapezoid
from kinobench.bench.metrics.spatial.trapezoid import resampled_trapezoids, trapezoid_precision

from ....fakes.plain_detection import plain_area


def test_the_area_by_hand() -> None:
    assert trapezoid_precision(np.array([True, True]), 2) == 1
    # Precision 1, 1/2, 2/3 at recall 1/2, 1/2, 1: 1/2 x 1 + 1/2 x (1/2 + 2/3) / 2.
    assert trapezoid_precision(np.array([True, False, True]), 2) == pytest.approx(1 / 2 + 7 / 24)
    # From (0, 1), where the curve begins, over (0, 0) to (1, 1/2).
    assert trapezoid_precision(np.array([False, True]), 1) == 1 / 4
    assert trapezoid_precision(np.zeros(3, bool), 2) == 0
    assert trapezoid_precision(np.zeros(0, bool), 2) == 0
    assert math.isnan(trapezoid_precision(np.zeros(3, bool), 0))


def test_it_is_the_sum_over_all_points() -> None:
    generator = np.random.default_rng(0)
    for _ in range(100):
        hits = generator.random(generator.integers(0, 30)) < generator.random()
        positives = int(hits.sum()) + int(generator.integers(0, 4))
        if positives:
            wanted = plain_area(hits.tolist(), positives, "trapezoid")
            assert trapezoid_precision(hits, positives) == pytest.approx(wanted, abs=1e-12)


def test_a_weight_is_as_many_copies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trapezoid, "_VALUES_AT_ONCE", 100)
    generator = np.random.default_rng(1)
    for detections in (0, 1, 7, 40):
        hits = generator.random((detections, 2)) < [0.6, 0.3]
        video = generator.integers(0, 5, detections)
        positives = np.bincount(video[hits.any(axis=1)], minlength=5) + np.array([1, 0, 0, 2, 0])
        weights = generator.multinomial(5, np.full(5, 0.2), size=30).T.astype(np.int32)
        found = resampled_trapezoids(hits, video, positives, weights)
        for draw, threshold in np.ndindex(30, 2):
            copies = np.repeat(hits[:, threshold], weights[video, draw])
            wanted = trapezoid_precision(copies, int(positives @ weights[:, draw]))
            assert found[threshold, draw] == pytest.approx(wanted, abs=1e-12, nan_ok=True)
