"""Frame mAP by size, by hand."""

import numpy as np
import pytest

from kinobench.bench.metrics.spatial.box_matching import MatchedBoxes, match_boxes
from kinobench.bench.metrics.spatial.box_sizes import scores_by_size
from kinobench.bench.metrics.spatial.rules import FRAME_RULES
from kinobench.datasets.errors import KinobenchError

from ....fakes.plain_detection import PlainBox, boxes_of

SMALL, MEDIUM, LARGE = (0.0, 0.0, 0.1, 0.4), (0.0, 0.0, 0.4, 0.5), (0.0, 0.0, 0.5, 0.5)
"""Shares of 4 %, 20 % and 25 %; large and medium overlap by 0.8."""


def matched(truth: list[PlainBox], found: list[PlainBox], rule: str = "ava") -> MatchedBoxes:
    return match_boxes(
        boxes_of(truth), boxes_of(found, scored=True), frames=4, classes=1, rule=FRAME_RULES[rule]
    )


def test_each_size_by_itself() -> None:
    truth = [PlainBox(0, 0, SMALL), PlainBox(1, 0, MEDIUM), PlainBox(2, 0, LARGE)]
    found = [
        PlainBox(3, 0, SMALL, 0.9),  # false, and small
        PlainBox(0, 0, SMALL, 0.8),
        PlainBox(2, 0, MEDIUM, 0.7),  # hits a large box, so that it counts there
    ]
    small, medium, large = scores_by_size(matched(truth, found))
    assert small == ("small", 1 / 2, 1, 1)
    assert medium == ("medium", 0, 1, 0)
    assert large == ("large", 1, 1, 1)


def test_a_size_without_truth_has_no_score() -> None:
    small, _, large = scores_by_size(matched([PlainBox(0, 0, SMALL)], [PlainBox(0, 0, LARGE, 0.9)]))
    assert small == ("small", 0, 1, 0)
    assert large == ("large", None, 0, 0)


def test_the_limits_are_of_the_larger_size_and_can_be_others() -> None:
    boxes = matched([PlainBox(0, 0, LARGE)], [])
    assert [each.truths for each in scores_by_size(boxes)] == [0, 0, 1]
    assert [each.truths for each in scores_by_size(boxes, limits=(0.2, 0.3))] == [0, 1, 0]
    assert [each.truths for each in scores_by_size(boxes, limits=(0.3, 0.5))] == [1, 0, 0]


def test_boxes_in_pixels_need_the_area_of_their_frame() -> None:
    truth = [PlainBox(frame, 0, (0, 0, 9, 9)) for frame in range(2)]  # 100 pixels
    boxes = matched(truth, [], "ucf101-24")
    area = np.array([300.0, 10_000, 1, 1])
    assert [each.truths for each in scores_by_size(boxes, frame_area=area)] == [1, 0, 1]
    assert [each.truths for each in scores_by_size(boxes, frame_area=1000)] == [0, 2, 0]
    for bad in ({"frame_area": 0.0}, {"limits": (0.3, 0.3)}, {"limits": (0.0, 0.3)}):
        with pytest.raises(KinobenchError, match="give two rising ones above 0"):
            scores_by_size(boxes, **bad)  # type: ignore[arg-type]
