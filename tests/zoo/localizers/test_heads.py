"""Every head keeps the contract: padding has no influence, seconds follow the grid, it learns."""

from functools import partial

import pytest
import torch

from kinobench.zoo.localizers.families import VARIANTS
from kinobench.zoo.localizers.grid import TimeGrid
from kinobench.zoo.localizers.suppression import suppress

from ...fakes.event_features import (
    CHANNELS,
    CLASSES,
    GRID,
    STEPS,
    event_features,
    mean_average_precision,
)

HEADS = {name: variant.head for name, variant in VARIANTS.items()}
HEADS["bmn_tiny"] = partial(HEADS["bmn_tiny"], length=40, longest=24)  # of a sixth of the cost
NAMES = list(HEADS)
SHIFTED = [name for name in NAMES if name != "bmn_tiny"]
"""BMN resamples a video as a whole."""


def made(name: str, seed: int = 0):
    """Return a small head whose every layer has a say."""
    torch.manual_seed(seed)
    head = HEADS[name](CHANNELS, CLASSES).eval()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in head.parameters():
            parameter += 0.2 * torch.randn(parameter.shape, generator=generator)
    head.grid = GRID
    return head


def noise(videos: int, length: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(videos, CHANNELS, length, generator=torch.Generator().manual_seed(seed))


def found_in(head, features: torch.Tensor, mask: torch.Tensor) -> list[list[float]]:
    """Return all segments with a score, `[start, end, scores...]`, in an order of their own."""
    with torch.inference_mode():
        segments, scores = head(features, mask)
    rows = torch.cat([segments[0], scores[0]], dim=1)[scores[0].amax(1) > 0]
    return sorted([round(value, 3) for value in row] for row in rows.tolist())


def close(some: list[list[float]], others: list[list[float]]) -> bool:
    """Return whether rows are the same, whatever their order among nearly equal ones."""
    if len(some) != len(others):
        return False
    first, second = torch.tensor(some), torch.tensor(others)
    apart = torch.cdist(first, second, compute_mode="donot_use_mm_for_euclid_dist")
    return bool((apart.amin(1) < 0.01).all())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("length", [1, 2, 13, 40])
def test_segments_and_scores_have_the_contract_s_shapes(name, length):
    head = made(name)
    with torch.inference_mode():
        segments, scores = head(noise(2, length), torch.ones(2, length, dtype=torch.bool))
    assert segments.shape == (2, segments.shape[1], 2)
    assert scores.shape == (2, segments.shape[1], CLASSES)
    assert segments.isfinite().all() and (segments[..., 1] >= segments[..., 0]).all()
    assert (scores >= 0).all() and (scores <= 1).all() and (scores > 0).any()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("length", [1, 5, 19, 29])
def test_padding_has_no_influence_whatever_is_in_it(name, length):
    head = made(name)
    alone = noise(1, length)
    expected = found_in(head, alone, torch.ones(1, length, dtype=torch.bool))
    assert expected
    for padding in (torch.nan, 1e3):
        features = torch.full((1, CHANNELS, 37), padding)
        features[..., :length] = alone
        mask = torch.arange(37)[None] < length
        assert close(found_in(head, features, mask), expected)


@pytest.mark.parametrize("name", NAMES)
def test_a_batch_gives_what_its_videos_give_alone(name):
    head = made(name)
    features, mask, _ = event_features()
    with torch.inference_mode():
        together = head(features, mask)
        for video in range(2):
            alone = head(features[video : video + 1], mask[video : video + 1])
            for one, other in zip(together, alone, strict=True):
                assert torch.allclose(one[video], other[0], atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_a_video_without_a_valid_time_has_no_score(name):
    with torch.inference_mode():
        segments, scores = made(name)(noise(1, 20), torch.zeros(1, 20, dtype=torch.bool))
    assert not scores.any() and segments.isfinite().all()


@pytest.mark.parametrize("name", SHIFTED)
def test_what_comes_later_is_found_later(name):
    """A shift by 16 steps, which all levels of the pyramid can follow, far from both ends."""
    head = made(name)
    # What is far away must not matter: TriDet alone looks at the mean of the whole sequence.
    pattern, level = noise(1, 24), noise(1, 1)
    rows = []
    for shift in (80, 96):
        features = level.expand(-1, -1, 192).clone()
        features[..., shift : shift + 24] = pattern
        mask = torch.ones(1, 192, dtype=torch.bool)
        found = found_in(head, features, mask)
        low, high = GRID.first_s + shift * 0.5, GRID.first_s + (shift + 24) * 0.5
        inside = [row for row in found if low <= row[0] and row[1] <= high]
        rows.append([[row[0] - shift / 2, row[1] - shift / 2, *row[2:]] for row in inside])
    assert len(rows[0]) > 3 and close(*rows)


@pytest.mark.parametrize("name", NAMES)
def test_seconds_follow_the_grid(name):
    head = made(name)
    features, mask = noise(1, 24), torch.ones(1, 24, dtype=torch.bool)
    with torch.inference_mode():
        first = head(features, mask)[0]
        head.grid = TimeGrid(first_s=10.0, step_s=2.0, window_s=3.0)
        second = head(features, mask)[0]
    steps = (first - GRID.first_s) / GRID.step_s
    assert torch.allclose(second, 10 + 2 * steps, atol=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_gets_a_gradient_from_the_loss(name):
    head = made(name).train()
    features, mask, truth = event_features()
    loss = head.loss(features, mask, truth)
    assert loss.ndim == 0 and loss.isfinite() and loss > 0
    loss.backward()
    without = [
        key for key, each in head.named_parameters() if each.grad is None or not each.grad.any()
    ]
    assert not without


@pytest.mark.parametrize("name", NAMES)
def test_videos_without_events_have_a_loss_too(name):
    head = made(name).train()
    features, mask, truth = event_features()
    empty = (torch.zeros(0, 2), torch.zeros(0, dtype=torch.long))
    for videos in ([empty] * 4, [truth[0], empty, empty, truth[3]]):
        loss = head.loss(features, mask, videos)
        assert loss.isfinite()
        loss.backward()


@pytest.mark.parametrize("name", NAMES)
def test_padding_has_no_influence_on_the_loss(name):
    head = made(name)
    features, mask, truth = event_features()
    more = torch.cat([features, torch.full((4, CHANNELS, 9), torch.nan)], dim=2)
    longer = torch.cat([mask, torch.zeros(4, 9, dtype=torch.bool)], dim=1)
    with torch.no_grad():
        expected = head.loss(features, mask, truth)
        assert head.loss(more, longer, truth).item() == pytest.approx(expected.item(), rel=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_a_small_head_learns_four_videos_by_heart(name):
    torch.manual_seed(0)
    head = HEADS[name](CHANNELS, CLASSES)
    head.grid = GRID
    features, mask, truth = event_features()
    rate = 0.1 if name == "windows_tiny" else 1e-2
    optimizer = torch.optim.AdamW(head.parameters(), lr=rate)
    losses = []
    for _ in range(45):
        loss = head.train().loss(features, mask, truth)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert sum(losses[-5:]) < sum(losses[:5]) / 3
    with torch.inference_mode():
        segments, scores = head.eval()(features, mask)
    found = [
        suppress(*each, head.suppression, duration_s=steps * GRID.step_s)
        for *each, steps in zip(segments.numpy(), scores.numpy(), STEPS, strict=True)
    ]
    assert mean_average_precision(found, 0.5) == pytest.approx(1.0)


@pytest.mark.parametrize("name", NAMES)
def test_where_the_class_scores_come_from_is_said(name):
    assert made(name).class_scores
