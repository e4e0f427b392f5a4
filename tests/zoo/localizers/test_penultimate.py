"""The features of any classifier of the zoo are what its last layer takes."""

import pytest
import torch
from torch import nn

from kinobench.datasets.errors import KinobenchError
from kinobench.zoo import registry
from kinobench.zoo.localizers.penultimate import Penultimate

from ...fakes.zoo_names import FULL, TINY, family, one_of_each

TAKEN = [name for name in TINY if registry.get(name).inputs == ("rgb",)]
SEVERAL_LAYERS = ["conv_gru_tiny", "conv_gru_stacked_tiny"]


def taken(name: str) -> Penultimate:
    architecture = registry.get(name)
    return Penultimate(lambda classes: architecture.build(classes, 16, 64), name).eval()


@pytest.mark.parametrize(
    "name", one_of_each(family, [name for name in TAKEN if name not in SEVERAL_LAYERS])
)
def test_every_network_gives_one_vector_for_each_clip(name):
    torch.manual_seed(0)
    backbone = taken(name)
    clip = torch.randn(2, 3, 16, 64, 64)
    with torch.inference_mode():
        together = backbone(clip)
        alone = torch.cat([backbone(each[None]) for each in clip])
    assert together.shape == (2, backbone.channels)
    largest = together.abs().max()
    assert (together - alone).abs().max() < 1e-4 * largest
    assert (together[0] - together[1]).abs().max() > 1e-3 * largest


@pytest.mark.parametrize("name", ["c3d_tiny", "slow_tiny", "tsn_tiny", "videomae_tiny"])
def test_the_last_layer_gives_the_logits_for_the_features(name):
    torch.manual_seed(0)
    backbone = taken(name)
    whole = registry.get(name).build(5, 16, 64).eval()
    kept = {
        key: entry
        for key, entry in whole.state_dict().items()
        if not key.startswith(f"{backbone.last}.")
    }
    backbone.network.load_state_dict(kept)  # which is strict: the names are the same
    last = whole.get_submodule(backbone.last)
    clip = torch.randn(2, 3, 16, 64, 64)
    with torch.inference_mode():
        assert torch.allclose(last(backbone(clip)), whole(clip), atol=1e-4)


@pytest.mark.parametrize("name", SEVERAL_LAYERS)
def test_a_network_of_several_last_layers_is_refused(name):
    with pytest.raises(KinobenchError, match=r"5 layers follow the number of classes \(class"):
        taken(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", FULL)
def test_the_features_of_a_full_size_network_are_known(name):
    architecture = registry.get(name)
    if architecture.inputs != ("rgb",) or architecture.family == "conv_gru":
        pytest.skip("it takes optical flow, or has several last layers")
    frames, _, size = architecture.native or (16, 1, 112)
    with torch.device("meta"), torch.no_grad():
        backbone = Penultimate(lambda n: architecture.build(n, frames, size), name).eval()
        assert backbone(torch.empty(1, 3, frames, size, size)).shape == (1, backbone.channels)


class Summed(nn.Module):
    """A network whose last layer is none that has features."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.last = nn.Bilinear(3, 3, classes)

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        means = clip.mean((2, 3, 4))
        return self.last(means, means)


class Unused(nn.Module):
    """A network whose forward leaves its last layer out."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.last = nn.Linear(3, classes)

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        return clip.mean((2, 3, 4))


def test_another_kind_of_last_layer_is_refused():
    with pytest.raises(KinobenchError, match="its last layer, last, is a Bilinear"):
        Penultimate(Summed, "summed")


def test_no_layer_that_follows_the_classes_is_refused():
    with pytest.raises(KinobenchError, match=r"0 layers follow the number of classes \(none\)"):
        Penultimate(lambda classes: nn.Conv3d(3, 4, 1), "fixed")


def test_a_forward_without_the_last_layer_is_refused():
    with pytest.raises(KinobenchError, match="doesn't bring its last layer, last, whole clips"):
        Penultimate(Unused, "unused")(torch.randn(1, 3, 2, 4, 4))
