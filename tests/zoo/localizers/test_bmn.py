"""BMN samples, and is told, what its paper says."""

import math

import numpy as np
import pytest
import torch

from kinobench.zoo.localizers.bmn import BMN, _balanced, _peaks
from kinobench.zoo.localizers.boundary_matching import maps_of, sampling
from kinobench.zoo.localizers.grid import TimeGrid


def slow_sampling(length, longest, samples, each, extend):
    """Return the same weights, segment by segment, point by point."""
    weights = np.zeros((length, samples, longest, length))
    for d in range(longest):
        for s in range(length - d):
            margin = (d + 2) * extend
            begin, end = s - margin, s + d + 1 + margin
            times = [
                begin + (end - begin) * k / (samples * each - 1) for k in range(samples * each)
            ]
            for k, time in enumerate(times):
                low = math.floor(time)
                for cell, share in ((low, 1 - (time - low)), (low + 1, time - low)):
                    if 0 <= cell < length:
                        weights[cell, k // each, d, s] += share / each
    return weights.reshape(length, -1)


@pytest.mark.parametrize(("length", "longest", "samples"), [(6, 6, 4), (9, 4, 5), (3, 3, 1)])
def test_the_sampling_is_linear_interpolation(length, longest, samples):
    expected = slow_sampling(length, longest, samples, 3, 0.5)
    assert sampling(length, longest, samples, 3, 0.5) == pytest.approx(expected, abs=1e-6)


def test_a_constant_is_sampled_as_itself_and_a_segment_past_the_end_as_nothing():
    found = sampling(20, 5, 4, 3, 0.25).sum(0).reshape(4, 5, 20)
    assert found[:, 1, 9] == pytest.approx(1, abs=1e-6)
    assert not found[:, 4, 16:].any()


def test_the_maps_of_one_action():
    truth = [(torch.tensor([[2.0, 4.0]]), torch.tensor([0]))]
    maps = maps_of(truth, length=8, longest=8)
    # The region around the start is from 0.5 to 3.5.
    assert maps.start[0].tolist() == [0.5, 1, 1, 0.5, 0, 0, 0, 0]
    assert maps.end[0].tolist() == [0, 0, 0.5, 1, 1, 0.5, 0, 0]
    assert maps.overlap[0, 1, 2] == 1
    assert maps.overlap[0, 0, 2] == 0.5
    assert maps.overlap[0, 3, 1].item() == pytest.approx(2 / 4)
    assert maps.overlap[0, 7, 1:].tolist() == [0] * 7  # they end after the last cell


def test_both_sides_of_the_cross_entropy_weigh_the_same():
    logits = torch.tensor([2.0, -1.0, 0.0, 1.0])
    positive = torch.tensor([True, False, False, False])
    of_one = math.log(1 + math.exp(-2))
    of_others = (math.log(1 + math.exp(-1)) + math.log(2) + math.log(1 + math.exp(1))) / 3
    assert _balanced(logits, positive).item() == pytest.approx((of_one + of_others) / 2)


def test_a_start_is_a_peak_or_likely_or_at_an_end():
    found = _peaks(torch.tensor([[0.1, 0.2, 0.3, 0.9, 0.5, 0.1, 0.2, 0.1]]))
    assert found[0].tolist() == [True, False, False, True, True, False, True, True]


def test_a_video_of_the_network_s_own_length_is_taken_as_it_is():
    head = BMN(8, 2, length=12, samples=4, width=8, sampled_width=8, map_width=4)
    features = torch.randn(1, 8, 12)
    even, scale = head._resampled(features, torch.ones(1, 12, dtype=torch.bool))
    assert torch.allclose(even, features) and scale.tolist() == [1]


def test_a_longer_video_is_resampled_evenly():
    head = BMN(4, 2, length=4, samples=4, width=8, sampled_width=8, map_width=4)
    ramp = torch.arange(8.0).expand(1, 4, 8)
    even, scale = head._resampled(ramp, torch.ones(1, 8, dtype=torch.bool))
    assert even[0, 0].tolist() == [0.5, 2.5, 4.5, 6.5] and scale.tolist() == [2]


def test_segments_are_all_starts_and_lengths_in_seconds():
    head = BMN(4, 2, length=4, longest=2, samples=4, width=8, sampled_width=8, map_width=4).eval()
    head.grid = TimeGrid(first_s=0.5, step_s=1.0, window_s=1.0)
    with torch.inference_mode():
        segments, scores = head(torch.randn(1, 4, 8), torch.ones(1, 8, dtype=torch.bool))
    assert segments[0].tolist() == [
        *([0, 2], [2, 4], [4, 6], [6, 8]),
        *([0, 4], [2, 6], [4, 8], [6, 10]),
    ]
    assert scores[0, -1].tolist() == [0, 0]


def test_without_classes_the_score_is_that_of_the_proposal():
    torch.manual_seed(0)
    head = BMN(4, 5, length=6, samples=4, width=8, sampled_width=8, map_width=4).eval()
    features, mask = torch.randn(1, 4, 6), torch.ones(1, 6, dtype=torch.bool)
    with torch.inference_mode():
        _, classes = head(features, mask)
        head.classifier = None
        _, proposals = head(features, mask)
    assert proposals.shape == (1, 36, 1)
    assert torch.allclose(classes.sum(-1, keepdim=True), proposals, atol=1e-6)
    assert BMN(4, 5, length=6, samples=4, classify=False).class_scores == "none: proposals"


def test_the_classes_of_a_segment_are_those_of_its_mean_feature():
    torch.manual_seed(0)
    head = BMN(4, 3, length=6, samples=4, width=8, sampled_width=8, map_width=4)
    even = torch.randn(1, 4, 6)
    with torch.no_grad():
        found = head._classes(even)
        assert head.classifier is not None
        expected = head.classifier(even[0, :, 2:5].mean(1)).softmax(-1)
    assert torch.allclose(found[0, 2, 2], expected, atol=1e-6)
