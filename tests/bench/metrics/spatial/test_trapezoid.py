"""The area under straight lines, by hand and by definition."""

import math

import numpy as np
import pytest

from kinobench.bench.metrics.spatial.trapezoid import trapezoid_precision

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
