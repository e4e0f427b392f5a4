"""The losses of ActionFormer and TriDet have the values of their equations."""

import math

import pytest
import torch

from kinobench.zoo.localizers.losses import distance_iou_loss, focal_loss, overlap


def test_the_focal_loss_of_an_even_chance():
    # 0.25 * (1 - 0.5)^2 * ln 2 of a true class, 0.75 * 0.5^2 * ln 2 of another.
    found = focal_loss(torch.zeros(2), torch.tensor([1.0, 0.0]))
    assert found.tolist() == pytest.approx([0.0625 * math.log(2), 0.1875 * math.log(2)])


def test_what_is_nearly_right_hardly_counts():
    easy, hard = focal_loss(torch.tensor([4.0, 0.0]), torch.ones(2)).tolist()
    assert easy < hard / 1000


def test_the_overlap_and_the_distance_of_segments_around_a_point():
    # From -1 to 3 and from -2 to 2: they share 3 of 5, and their middles are 1 apart.
    found, true = torch.tensor([[1.0, 3.0]]), torch.tensor([[2.0, 2.0]])
    assert overlap(found, true).item() == pytest.approx(3 / 5)
    assert distance_iou_loss(found, true).item() == pytest.approx(1 - 3 / 5 + (1 / 5) ** 2)


def test_the_same_segment_loses_nothing_and_an_empty_one_all():
    segment = torch.tensor([[1.5, 2.5]])
    assert distance_iou_loss(segment, segment).item() == 0
    assert distance_iou_loss(torch.zeros(1, 2), torch.tensor([[2.0, 2.0]])).item() == 1
