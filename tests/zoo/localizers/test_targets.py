"""A point answers for the actions that ActionFormer's definition gives it."""

import pytest
import torch

from kinobench.zoo.localizers.grid import TimeGrid
from kinobench.zoo.localizers.pyramid import points_of
from kinobench.zoo.localizers.targets import targets_of

STEPS = TimeGrid(0.0, 1.0, 1.0)


def slow(points, segments, labels, classes):
    """Return targets by the words of section 3.5, point by point."""
    said, offsets = [], []
    for time, stride, least, most in zip(*(column.tolist() for column in points), strict=True):
        able = []
        for (start, end), label in zip(segments, labels, strict=True):
            near = abs(time - (start + end) / 2) < 1.5 * stride
            farther = max(time - start, end - time)
            if start < time < end and near and least <= farther <= most:
                able.append((end - start, start, end, label))
        row = [0.0] * classes
        if able:
            length, start, end, _ = min(able, key=lambda each: each[0])
            for each in able:
                if each[0] <= length + 1e-3:
                    row[each[3]] = 1.0
            offsets.append([(time - start) / stride, (end - time) / stride])
        else:
            offsets.append(None)
        said.append(row)
    return said, offsets


@pytest.mark.parametrize("seed", range(20))
def test_targets_are_those_of_the_definition(seed):
    generator = torch.Generator().manual_seed(seed)
    points = points_of(32, 4, torch.device("cpu"))
    count = int(torch.randint(0, 6, (1,), generator=generator))
    start = torch.rand(count, generator=generator) * 24
    length = 0.5 + torch.rand(count, generator=generator) * 12
    segments = torch.stack([start, start + length], dim=1)
    labels = torch.randint(0, 3, (count,), generator=generator)
    found = targets_of(points, [(segments, labels)], STEPS, 3)
    said, offsets = slow(points, segments.tolist(), labels.tolist(), 3)
    assert found.classes[0].tolist() == said
    for got, expected in zip(found.offsets[0].tolist(), offsets, strict=True):
        assert expected is None or got == pytest.approx(expected, abs=1e-5)


def test_the_levels_share_the_lengths_among_them():
    points = points_of(16, 3, torch.device("cpu"))
    assert points.time.tolist() == [*range(16), *range(0, 16, 2), *range(0, 16, 4)]
    assert points.stride.tolist() == [1] * 16 + [2] * 8 + [4] * 4
    bounds = set(zip(points.least.tolist(), points.most.tolist(), strict=True))
    assert bounds == {(0, 4), (4, 8), (8, float("inf"))}


def test_an_action_of_two_steps_is_that_of_its_middle_in_the_first_level():
    points = points_of(8, 3, torch.device("cpu"))
    truth = [(torch.tensor([[2.0, 4.0]]), torch.tensor([1]))]
    found = targets_of(points, truth, STEPS, 2)
    assert found.classes[0].nonzero().tolist() == [[3, 1]]
    assert found.offsets[0, 3].tolist() == [1, 1]


def test_seconds_become_steps_by_the_grid():
    points = points_of(8, 3, torch.device("cpu"))
    grid = TimeGrid(first_s=0.5, step_s=0.25, window_s=1.0)
    truth = [(torch.tensor([[1.0, 1.5]]), torch.tensor([0]))]
    assert targets_of(points, truth, grid, 1).classes[0].nonzero().tolist() == [[3, 0]]


def test_actions_of_one_length_count_together():
    points = points_of(8, 1, torch.device("cpu"))
    truth = [(torch.tensor([[2.0, 4.0], [2.0, 4.0]]), torch.tensor([0, 2]))]
    assert targets_of(points, truth, STEPS, 3).classes[0, 3].tolist() == [1, 0, 1]


def test_a_video_without_actions_asks_for_nothing():
    points = points_of(8, 2, torch.device("cpu"))
    truth = [(torch.zeros(0, 2), torch.zeros(0, dtype=torch.long))]
    assert not targets_of(points, truth, STEPS, 3).classes.any()
