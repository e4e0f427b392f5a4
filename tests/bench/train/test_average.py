"""The average of weights: of what has one, and of nothing else."""

import pytest
import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from kinobench.bench.train.average import AverageNetwork

from ...fakes.odd_networks import Tabled


def drift(network: torch.nn.Module, seed: int) -> None:
    """Change all weights, as a step of training does."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=0.1)


def test_buffers_that_are_not_floating_are_copied_and_the_rest_averaged() -> None:
    network, average = Tabled(), AverageNetwork(Tabled(), 0.9999)
    average.update(network)
    weight, scale = network.fc.weight.detach().clone(), network.scale.clone()
    for step in range(20):
        drift(network, step)
        network.index.add_(step)
        network.scale.add_(1)
        average.update(network)
    assert torch.equal(average.module.index, network.index)
    assert torch.equal(average.module.mask, network.mask)
    assert average.n_averaged == 21
    assert 0 < (average.module.fc.weight - weight).abs().max() < 0.01
    assert 0 < (average.module.scale - scale).max() < 0.1
    assert average.module.second.weight is average.module.first.weight


def test_two_updates_by_hand() -> None:
    network, average = Tabled(), AverageNetwork(Tabled(), 0.75)
    with torch.no_grad():
        network.fc.bias.fill_(4)
        average.update(network)
        assert average.module.fc.bias.tolist() == [4] * 8
        network.fc.bias.fill_(8)
        average.update(network)
    assert average.module.fc.bias.tolist() == [5] * 8  # 0.75 * 4 + 0.25 * 8


@pytest.mark.parametrize("decay", [0.0, 0.99])
def test_what_is_floating_is_torchs_average_to_the_bit(decay: float) -> None:
    torch.manual_seed(0)
    network = Tabled()
    theirs = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(decay), use_buffers=True)
    ours = AverageNetwork(Tabled(), decay)
    for step in range(5):
        drift(network, step)
        theirs.update_parameters(network)
        ours.update(network)
    assert ours.state_dict().keys() == theirs.state_dict().keys()  # an old checkpoint fits
    for name, entry in theirs.state_dict().items():
        if entry.is_floating_point():
            assert torch.equal(ours.state_dict()[name], entry), name
