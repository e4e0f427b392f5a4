"""Windows are grouped where their scores cross a threshold."""

import pytest
import torch

from kinobench.zoo.localizers.stretches import Curve, stretches
from kinobench.zoo.localizers.windows import Windows


def cut(scores, threshold, valid=None):
    """Return `(start, end, score)` of the stretches of one row of scores."""
    row = torch.tensor(scores, dtype=torch.float32)[None, None]
    mask = torch.arange(row.shape[-1])[None] < (valid or row.shape[-1])
    curve = Curve(row.masked_fill(~mask[:, None], 0), mask)
    found, ends = stretches(curve, torch.tensor([threshold]))
    which = found[0, 0, 0] > 0
    return [
        (*end.tolist(), score.item())
        for end, score in zip(ends[0, 0, 0][which], found[0, 0, 0][which], strict=True)
    ]


def test_a_plateau_is_cut_at_half_of_its_sides():
    ((start, end, score),) = cut([0, 0, 0, 1, 1, 1, 0, 0, 0], 0.5)
    assert (start, end) == (2.5, 5.5)
    # Inside lie 3 less two triangles of 1/8; outside, on 1.5 steps on each side, these two.
    assert score == pytest.approx(2.75 / 3 - 0.25 / 3)


def test_two_stretches_and_one_at_each_end_of_the_sequence():
    found = cut([0.8, 0.2, 0.2, 0.9], 0.5)
    assert [each[:2] for each in found] == [
        pytest.approx((-0.5, 0.5)),
        pytest.approx((3 - 0.4 / 0.7, 3.5)),
    ]


def test_a_stretch_over_everything_has_nothing_outside():
    assert cut([0.6, 0.6], 0.5) == [(-0.5, 1.5, pytest.approx(0.6))]


def test_the_sequence_ends_at_the_last_valid_window():
    assert cut([0, 0.8, 0.8, 0.8], 0.5, valid=2) == cut([0, 0.8], 0.5)


def test_a_straight_rise_is_cut_best_near_its_middle():
    ramp = [0, 0, 0, 0, 0, 0.25, 0.5, 0.75, 1, 1, 1, 1, 1, 0.75, 0.5, 0.25, 0, 0, 0, 0, 0]
    scores = {step: cut(ramp, step / 20)[0][2] for step in range(1, 20)}
    assert max(scores, key=lambda step: scores[step]) in (8, 9, 10)


@pytest.mark.parametrize("seed", range(5))
def test_the_area_is_the_integral_of_the_straight_lines(seed):
    generator = torch.Generator().manual_seed(seed)
    scores = torch.rand(1, 1, 7, generator=generator)
    curve = Curve(scores, torch.ones(1, 7, dtype=torch.bool))
    low, high = (torch.rand(2, generator=generator) * 3).cumsum(0).sub(0.5).tolist()
    fine = torch.linspace(low, high, 100_001, dtype=torch.float64)
    level = scores[0, 0].double()
    at = fine.clamp(0, 6)
    below = at.floor().long().clamp(max=5)
    heights = level[below] + (at - below) * (level[below + 1] - level[below])
    expected = heights.mean().item() * (high - low)
    ends = curve.area(torch.tensor([low, high]).view(1, 1, 1, 2))[0, 0, 0]
    assert (ends[1] - ends[0]).item() == pytest.approx(expected, abs=1e-3)


def test_a_classifier_that_knows_the_classes_needs_no_training():
    head = Windows(4, 2, background=2)
    weight, bias = torch.randn(4, 4), torch.randn(4)
    assert head.adopt(weight[..., None, None, None], bias)
    assert torch.equal(head.classifier.weight, weight)
    assert not head.adopt(torch.randn(3, 4), torch.randn(3))


def test_what_no_class_takes_up_is_background_s():
    head = Windows(4, 2)
    features = torch.randn(1, 4, 3)
    mask = torch.ones(1, 3, dtype=torch.bool)
    truth = [(torch.tensor([[0.75, 2.0]]), torch.tensor([1]))]
    with torch.no_grad():
        log = head.classifier(features[0].T).log_softmax(-1)
        expected = -(0.25 * log[0, 1] + 0.75 * log[0, 2] + log[1, 1] + log[2, 2]) / 3
        assert head.loss(features, mask, truth).item() == pytest.approx(expected.item(), rel=1e-5)
