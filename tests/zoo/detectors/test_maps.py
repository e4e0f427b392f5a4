"""The map of every kind of backbone: where it is, what is left of the network, who has none."""

import copy

import pytest
import torch
from torch import nn

from kinobench.datasets.errors import KinobenchError
from kinobench.zoo import registry
from kinobench.zoo.detectors.maps import MapNetwork

SIZE = 64
CUT = {
    "slow_tiny": ("blocks.5.",),
    "slowfast_tiny": ("blocks.6.",),
    "x3d_tiny": ("blocks.5.",),
    "i3d_tiny": ("blocks.6.",),
    "i3d_inception_tiny": ("logits.",),
    "c3d_tiny": ("classifier.",),
    "r2plus1d_r50_tiny": ("blocks.5.",),
    "r2plus1d_18_tiny": ("fc.",),
    "s3d_tiny": ("classifier.",),
    "csn_tiny": ("blocks.5.",),
    "efficient_x3d_tiny": ("head.", "projection."),
    "mvit_tiny": ("head.",),
    "mvit_v2_tiny": ("head.",),
    "swin3d_tiny": ("head.",),
    "videomae_tiny": ("fc_norm.", "classifier."),
}
"""Backbones, and the beginnings of the names of the parameters that belong to their heads."""
LARGE = 160
"""A frame in which no cell of a map sees everything."""


def built(name: str, size: int = SIZE) -> MapNetwork:
    torch.manual_seed(0)
    return MapNetwork(registry.get(name).build(8, 16, size), name).eval()


@pytest.mark.parametrize("name", CUT)
def test_a_map_has_its_width_and_only_the_head_is_gone(name: str) -> None:
    backbone, whole = built(name), registry.get(name).build(8, 16, SIZE)
    with torch.inference_mode():
        maps = backbone(torch.randn(2, 3, 16, SIZE, SIZE))
    assert maps.ndim == 5 and maps.shape[:2] == (2, backbone.width)
    assert maps.shape[3] == maps.shape[4] >= 2
    gone = whole.state_dict().keys() - backbone.network.state_dict().keys()
    assert gone and all(each.startswith(CUT[name]) for each in gone)
    assert not backbone.network.state_dict().keys() - whole.state_dict().keys()


@pytest.mark.parametrize("name", CUT)
def test_a_change_of_the_clip_shows_where_it_is(name: str) -> None:
    backbone, clip = built(name, LARGE), torch.randn(1, 3, 16, LARGE, LARGE)
    changed = clip.clone()
    changed[:, :, :, 104:144, 16:56] += 3  # at the bottom left
    with torch.inference_mode():
        there = (backbone(changed) - backbone(clip)).abs().mean(dim=(1, 2))[0]
    half = there.shape[0] // 2
    rest = there.shape[0] - half  # the cells in the middle are of no quarter
    quarters = {
        "bottom left": there[rest:, :half],
        "bottom right": there[rest:, rest:],
        "top left": there[:half, :half],
        "top right": there[:half, rest:],
    }
    assert max(quarters, key=lambda each: float(quarters[each].mean())) == "bottom left"


def test_the_map_of_a_network_is_what_its_head_pools() -> None:
    whole = registry.get("r3d_18_tiny").build(8, 16, SIZE).eval()
    seen = []
    whole.avgpool.register_forward_hook(lambda module, given, found: seen.append(given[0]))
    clip = torch.randn(1, 3, 16, SIZE, SIZE)
    with torch.inference_mode():
        whole(clip)
        assert torch.equal(MapNetwork(copy.deepcopy(whole), "r3d")(clip), seen[0])


def test_the_pathways_of_slowfast_are_averaged_over_their_own_time() -> None:
    whole = registry.get("slowfast_tiny").build(8, 16, SIZE).eval()
    seen: list[list[torch.Tensor]] = []
    whole.blocks[-2].register_forward_pre_hook(lambda module, given: seen.append(list(given[0])))
    clip = torch.randn(1, 3, 16, SIZE, SIZE)
    with torch.inference_mode():
        whole(clip)
        backbone = MapNetwork(copy.deepcopy(whole), "slowfast")
        slow, fast = seen[0]
        assert (slow.shape[2], fast.shape[2]) == (4, 16)
        assert torch.equal(
            backbone(clip), torch.cat([slow.mean(2, keepdim=True), fast.mean(2, keepdim=True)], 1)
        )


def test_a_copy_of_a_map_network_runs_its_own_layers() -> None:
    first = built("swin3d_tiny")
    second, clip = copy.deepcopy(first), torch.randn(1, 3, 16, SIZE, SIZE)
    with torch.inference_mode():
        before = first(clip)
        for parameter in second.parameters():
            parameter.zero_()
        assert torch.equal(first(clip), before) and not second(clip).any()


@pytest.mark.parametrize(
    "name",
    [
        "tsn_tiny",
        "tsm_tiny",
        "late_fusion_tiny",
        "early_fusion_tiny",
        "cnn_lstm_tiny",
        "vivit_tiny",
    ],
)
def test_a_network_without_a_map_is_refused_with_some_that_have_one(name: str) -> None:
    network = registry.get(name).build(8, 16, SIZE)
    with pytest.raises(
        KinobenchError, match=f"{name} has no map .* such as slow_r50, slowfast_r50"
    ):
        MapNetwork(network, name)


def test_a_network_may_give_its_map_itself() -> None:
    class Own(nn.Module):
        map_width = 3

        def feature_map(self, clip: torch.Tensor) -> torch.Tensor:
            return clip[..., ::4, ::4]

    assert MapNetwork(Own(), "own")(torch.zeros(1, 3, 2, 16, 16)).shape == (1, 3, 2, 4, 4)
