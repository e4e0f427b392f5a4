"""How the matrices of narrow transformers are drawn."""

import pytest
import torch
from torch import nn

from kinobench.zoo import registry

TRANSFORMERS = (
    "mvit_tiny",
    "mvit_v1_tiny",
    "mvit_v2_tiny",
    "swin3d_tiny",
    "timesformer_tiny",
    "vivit_tiny",
    "videomae_tiny",
    "vjepa2_tiny",
)


def deviations(network: nn.Module) -> list[tuple[int, float]]:
    """Return the inputs and the standard deviation of every matrix that is large enough to tell."""
    return [
        (layer.in_features, float(layer.weight.detach().std()))
        for layer in network.modules()
        if isinstance(layer, nn.Linear) and layer.weight.numel() >= 1000
    ]


@pytest.mark.parametrize("name", TRANSFORMERS)
def test_a_tiny_transformers_matrices_keep_the_size_of_what_goes_through(name: str) -> None:
    torch.manual_seed(0)
    found = deviations(registry.get(name).build(8, 16, 64))
    assert found
    for inputs, deviation in found:
        assert deviation * inputs**0.5 == pytest.approx(1, rel=0.1)


def test_those_of_a_papers_width_are_left_as_the_origin_draws_them() -> None:
    torch.manual_seed(0)
    network = registry.get("mvit_tiny").build(8, 16, 64, width=96)  # type: ignore[call-arg]
    assert all(deviation == pytest.approx(0.02, rel=0.1) for _, deviation in deviations(network))
