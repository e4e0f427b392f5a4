"""Boxes that a detector refuses, with what is wrong; and those that it takes."""

import math

import pytest
import torch

from kinobench.datasets.errors import KinobenchError
from kinobench.zoo.detectors.boxes import check_boxes


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ([0, 0.1, 0.1, 1.2, 0.5], "shares of the frame, from 0 to 1; divide pixels by"),
        ([0, -0.01, 0.1, 0.2, 0.5], "shares of the frame"),
        ([0, 0.5, 0.1, 0.5, 0.5], "x2 must be greater than x1"),
        ([0, 0.1, 0.6, 0.5, 0.5], "and y2 than y1"),
        ([2, 0.1, 0.1, 0.5, 0.5], "a whole number from 0 to 1"),
        ([-1, 0.1, 0.1, 0.5, 0.5], "a whole number from 0 to 1"),
        ([0.5, 0.1, 0.1, 0.5, 0.5], "a whole number from 0 to 1"),
        ([0, math.nan, 0.1, 0.5, 0.5], "shares of the frame"),
        ([0, 0.1, 0.1, math.inf, 0.5], "shares of the frame"),
    ],
)
def test_a_wrong_box_is_named_with_what_is_wrong(row: list[float], message: str) -> None:
    good = [1.0, 0.0, 0.0, 1.0, 1.0]
    with pytest.raises(KinobenchError) as refused:
        check_boxes(torch.tensor([good, good, row]), 2)
    assert str(refused.value).startswith("box 2 is [") and message in str(refused.value)


def test_the_first_of_several_wrong_boxes_is_named() -> None:
    rows = torch.tensor([[0.0, 0, 0, 1, 1], [0, 1, 0, 1, 1], [7, 0, 0, 1, 1]])
    with pytest.raises(KinobenchError, match=r"box 1 is .*x2 must be greater"):
        check_boxes(rows, 1)


@pytest.mark.parametrize("boxes", [torch.zeros(5), torch.zeros(2, 4), torch.zeros(2, 5).long()])
def test_another_shape_or_type_is_refused(boxes: torch.Tensor) -> None:
    with pytest.raises(KinobenchError, match=r"give floats \[N, 5\]"):
        check_boxes(boxes, 1)
    with pytest.raises(KinobenchError, match=r"give floats \[N, 5\]"):
        check_boxes(boxes.to("meta"), 1)


def test_no_boxes_whole_frames_and_any_order_are_taken() -> None:
    check_boxes(torch.zeros(0, 5), 3)
    check_boxes(torch.tensor([[2.0, 0, 0, 1, 1], [0, 0.5, 0.5, 0.75, 1]]), 3)
    check_boxes(torch.tensor([[1, 0.25, 0.25, 0.5, 1]], dtype=torch.bfloat16), 2)


def test_values_are_not_read_where_they_cannot_be() -> None:
    wrong = torch.tensor([[9.0, 0.9, 0, 0.1, 1]])
    check_boxes(wrong.to("meta"), 1)

    class Checked(torch.nn.Module):
        def forward(self, boxes: torch.Tensor) -> torch.Tensor:
            check_boxes(boxes, 1)
            return boxes + 1

    program = torch.export.export(Checked(), (wrong,))
    assert torch.equal(program.module()(wrong), wrong + 1)
