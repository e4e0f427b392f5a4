"""Heads give what the networks of their papers' repositories give with the same weights.

The expected numbers are those of happyharrycn/actionformer_release (61ea7eb) and dingfengshi/TriDet
(764b816), run on this input with weights that a formula gives.
"""

from functools import partial

import pytest
import torch

from kinobench.zoo.localizers.actionformer import ActionFormer
from kinobench.zoo.localizers.grid import TimeGrid
from kinobench.zoo.localizers.tridet import TriDet

CHANNELS, CLASSES, LENGTH = 24, 3, 192
TRUTH = [
    (
        torch.tensor([[10.0, 17.0], [40.0, 80.0], [100.5, 103.2], [150.0, 180.0]]),
        torch.tensor([0, 2, 1, 1]),
    )
]
BUILDERS = {
    "actionformer": partial(ActionFormer, width=32, heads=2, window=9, levels=4),
    "tridet": partial(TriDet, width=32, hidden=48, window=3, factor=1.5, levels=4, bins=8),
}


def made(name: str):
    """Return a head whose k-th parameter by name is 0.3 sin(1.7 i + k) at its place i."""
    head = BUILDERS[name](CHANNELS, CLASSES, dropped=1e-9)
    head.grid = TimeGrid(0.0, 1.0, 1.0)
    with torch.no_grad():
        for k, (_, parameter) in enumerate(sorted(head.named_parameters())):
            at = torch.arange(parameter.numel(), dtype=torch.float64)
            parameter.copy_((0.3 * torch.sin(1.7 * at + k)).view(parameter.shape))
    return head


def given():
    at = torch.arange(CHANNELS * LENGTH, dtype=torch.float64)
    features = torch.sin(0.37 * at + at // LENGTH).float().view(1, CHANNELS, LENGTH)
    return features, torch.ones(1, LENGTH, dtype=torch.bool)


@pytest.mark.parametrize(
    ("name", "mean_score", "best"),
    [
        ("actionformer", 0.46087221, (0.5705, 4.0, 4.2)),
        ("tridet", 0.47452838, (0.6041, 156.0, 171.9)),
    ],
)
def test_segments_and_scores_are_those_of_the_origin(name, mean_score, best):
    with torch.inference_mode():
        segments, scores = made(name).eval()(*given())
    pairs = CLASSES * (192 + 96 + 48 + 24)
    assert (scores > 0).sum() == pairs
    assert scores.double().sum().item() / pairs == pytest.approx(mean_score, rel=1e-5)
    at = int(scores.flatten().argmax()) // CLASSES
    found = (scores.max().item(), *segments[0, at].tolist())
    assert found == pytest.approx(best, abs=0.06)


@pytest.mark.parametrize(("name", "loss"), [("actionformer", 1.3967687), ("tridet", 1.4302415)])
def test_the_loss_is_that_of_the_origin(name, loss):
    with torch.no_grad():
        assert made(name).train().loss(*given(), TRUTH).item() == pytest.approx(loss, rel=1e-4)
