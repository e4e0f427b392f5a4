"""Intersection over union of segments: known values, and both forms of the union."""

import numpy as np
import pytest

from kinobench.bench.metrics.segment_iou import paired_iou, segment_iou

from ...fakes.segments import overlap


def test_the_values_of_mmaction2() -> None:
    # open-mmlab/mmaction2 tests/evaluation/metrics/test_metric_utils.py
    target = np.array([[1.0, 2.0], [2.0, 3.0]])
    candidate = np.array([[2.0, 3.0], [2.5, 3.0]])
    np.testing.assert_array_equal(segment_iou(target, candidate), [[0, 0], [1, 0.5]])


@pytest.mark.parametrize("union", ["lengths", "hull"])
def test_it_equals_the_definition(union: str) -> None:
    generator = np.random.default_rng(0)
    ends = np.sort(generator.integers(0, 12, (40, 2)), axis=1).astype(float)
    found = segment_iou(ends[:20], ends[20:], union)  # type: ignore[arg-type]
    for row, first in enumerate(ends[:20].tolist()):
        for column, second in enumerate(ends[20:].tolist()):
            assert found[row, column] == pytest.approx(overlap(first, second))


def test_segments_that_touch_or_have_no_length_do_not_overlap() -> None:
    assert paired_iou(*(np.array([value]) for value in (1.0, 2.0, 2.0, 3.0))) == 0
    assert paired_iou(*(np.array([value]) for value in (1.0, 1.0, 1.0, 1.0))) == 0


def test_the_two_forms_of_the_union_differ_in_the_last_bit_alone() -> None:
    ends = np.sort(np.random.default_rng(1).uniform(0, 100, (2000, 4)).round(1), axis=1)
    first = paired_iou(ends[:, 0], ends[:, 2], ends[:, 1], ends[:, 3], "lengths")
    second = paired_iou(ends[:, 0], ends[:, 2], ends[:, 1], ends[:, 3], "hull")
    assert (first != second).any()
    np.testing.assert_allclose(first, second, rtol=1e-12)
