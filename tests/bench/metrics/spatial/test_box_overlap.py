"""Overlaps of boxes, by hand."""

import numpy as np
import pytest

from kinobench.bench.metrics.spatial.box_overlap import box_area, box_iou


def iou(one: tuple, other: tuple, pixel: float = 0.0) -> float:
    return float(box_iou(np.array([one], float), np.array([other], float), pixel)[0])


def test_half_a_box_shifted_by_half_shares_a_third() -> None:
    assert iou((0, 0, 2, 1), (1, 0, 3, 1)) == 1 / 3
    assert iou((0, 0, 2, 2), (1, 1, 3, 3)) == 1 / 7


def test_the_last_pixel_counts_under_the_convention_of_pixels() -> None:
    # 10 x 10 pixels, 5 columns of which are shared: 50 / 150. As lines: 4 x 9 / (81 + 81 - 36).
    assert iou((0, 0, 9, 9), (5, 0, 14, 9), pixel=1) == 1 / 3
    assert iou((0, 0, 9, 9), (5, 0, 14, 9)) == 36 / 126


def test_boxes_that_touch_share_a_column_of_pixels_but_no_area() -> None:
    assert iou((0, 0, 4, 4), (4, 0, 8, 4)) == 0
    assert iou((0, 0, 4, 4), (4, 0, 8, 4), pixel=1) == 5 / 45
    assert iou((0, 0, 4, 4), (5, 0, 9, 4), pixel=1) == 0


def test_boxes_without_area_overlap_by_nothing_even_where_they_are_the_same() -> None:
    assert iou((1, 1, 1, 5), (1, 1, 1, 5)) == 0
    assert iou((1, 1, 1, 5), (0, 0, 9, 9)) == 0
    assert iou((1, 1, 1, 1), (1, 1, 1, 1), pixel=1) == 1, "one pixel"


def test_boxes_apart_in_both_directions_do_not_overlap() -> None:
    assert iou((0, 0, 1, 1), (5, 5, 6, 6)) == 0, "two negative lengths are no area"


def test_overlap_is_symmetric_between_0_and_1_and_1_with_itself() -> None:
    corners = np.random.default_rng(0).random((500, 2, 2, 2))
    one, other = (np.sort(each, axis=1).reshape(-1, 4) for each in (corners[:, 0], corners[:, 1]))
    shared = box_iou(one, other)
    np.testing.assert_array_equal(shared, box_iou(other, one))
    assert ((shared >= 0) & (shared <= 1)).all()
    assert box_iou(one, one) == pytest.approx(np.ones(500))


def test_areas() -> None:
    boxes = np.array([[1, 2, 4, 4], [1, 1, 1, 9]], float)
    assert box_area(boxes).tolist() == [6, 0]
    assert box_area(boxes, pixel=1).tolist() == [12, 9]
