"""Karpathy's four networks: their sizes by hand, and which frames reach which layer."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from kinobench.datasets.errors import KinobenchError
from kinobench.zoo import registry
from kinobench.zoo.families.karpathy import map_sides, temporal_extents

CLASSES = 487
CONV2_TO_5 = 256 * (96 * 25 + 1) + 384 * (256 * 9 + 1) + 384 * (384 * 9 + 1) + 256 * (384 * 9 + 1)
FC6 = 4096 * (256 * 6 * 6 + 1)
FC7_AND_8 = 4096 * 4097 + CLASSES * 4097
# The maps are 54, 27, 13, 13 and 13 wide where the five convolutions write.
CONV2_TO_5_MACS = 27**2 * 256 * 96 * 25 + 13**2 * (384 * 256 * 9 + 384 * 384 * 9 + 256 * 384 * 9)
FC7_AND_8_MACS = 4096 * 4096 + CLASSES * 4096


def meta(name: str, frames: int, size: int = 170) -> nn.Module:
    with torch.device("meta"):
        return registry.get(name).build(CLASSES, frames, size).eval()


def parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def macs(module: nn.Module, frames: int, size: int = 170) -> int:
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module(torch.empty(1, 3, frames, size, size, device="meta"))
    return counter.get_total_flops() // 2


def tiny(fusion: str, frames: int) -> nn.Module:
    torch.manual_seed(0)
    return registry.get(f"karpathy_{fusion}_tiny").build(5, frames, 40).eval()


def clips(frames: int) -> torch.Tensor:
    return torch.randn(2, 3, frames, 40, 40, generator=torch.Generator().manual_seed(1))


def test_a_frame_of_170_pixels_ends_in_alexnets_maps():
    assert map_sides(170) == (54, 27, 13, 6)
    assert map_sides(32) == (8, 4, 2, 1)


def test_the_single_frame_network_has_the_parameters_and_macs_of_a_hand_calculation():
    module = meta("karpathy_single_frame", 1)
    assert parameters(module) == 96 * (3 * 121 + 1) + CONV2_TO_5 + FC6 + FC7_AND_8 == 60_276_583
    by_hand = 54**2 * 96 * 3 * 121 + CONV2_TO_5_MACS + 4096 * 256 * 36 + FC7_AND_8_MACS
    assert macs(module, 1) == by_hand == 1_129_356_416


def test_early_fusion_differs_in_its_first_filters_alone():
    module = meta("karpathy_early_fusion", 10)
    assert parameters(module) == 96 * (30 * 121 + 1) + CONV2_TO_5 + FC6 + FC7_AND_8
    by_hand = 54**2 * 96 * 30 * 121 + CONV2_TO_5_MACS + 4096 * 256 * 36 + FC7_AND_8_MACS
    assert macs(module, 10) == by_hand


def test_late_fusion_shares_its_towers_and_doubles_the_first_fully_connected_layer():
    module = meta("karpathy_late_fusion", 2)
    fc6 = 4096 * (2 * 256 * 36 + 1)
    assert parameters(module) == 96 * (3 * 121 + 1) + CONV2_TO_5 + fc6 + FC7_AND_8
    towers = 2 * (54**2 * 96 * 3 * 121 + CONV2_TO_5_MACS)
    assert macs(module, 2) == towers + 4096 * 2 * 256 * 36 + FC7_AND_8_MACS
    assert macs(meta("karpathy_late_fusion", 16), 16) == macs(module, 2)


def test_slow_fusion_shrinks_ten_frames_to_four_two_and_one():
    module = meta("karpathy_slow_fusion", 10)
    seen = []
    for layer in module.modules():
        if isinstance(layer, nn.Conv3d):
            layer.register_forward_hook(lambda _, __, maps: seen.append(tuple(maps.shape[1:])))
    by_hand = (
        4 * 54**2 * 96 * 3 * 4 * 121
        + 2 * 27**2 * 256 * 96 * 2 * 25
        + 13**2 * (384 * 256 * 2 * 9 + 384 * 384 * 9 + 256 * 384 * 9)
        + 4096 * 256 * 36
        + FC7_AND_8_MACS
    )
    assert macs(module, 10) == by_hand
    assert seen == [(96, 4, 54, 54), (256, 2, 27, 27), (384, 1, 13, 13)]


@pytest.mark.parametrize(
    ("frames", "extents"),
    [(10, (4, 2, 2)), (11, (5, 2, 2)), (12, (4, 3, 2)), (16, (4, 3, 3)), (18, (4, 2, 4))],
)
def test_slow_fusions_extents_are_those_of_the_paper_or_leave_no_frame_over(frames, extents):
    assert temporal_extents(frames) == extents
    kernels = [
        layer.kernel_size[0]
        for layer in meta("karpathy_slow_fusion_tiny", frames, 40).modules()
        if isinstance(layer, nn.Conv3d)
    ]
    assert tuple(kernels) == extents


@pytest.mark.parametrize("frames", [10, 11, 12, 13, 14, 16])
def test_slow_fusion_sees_every_frame_of_the_clip(frames):
    clip = clips(frames).requires_grad_()
    tiny("slow_fusion", frames)(clip).square().sum().backward()
    assert (clip.grad.abs().amax(dim=(0, 1, 3, 4)) > 0).all()


def test_late_fusion_sees_the_first_and_the_last_frame_and_tells_them_apart():
    clip = clips(6).requires_grad_()
    module = tiny("late_fusion", 6)
    module(clip).square().sum().backward()
    seen = clip.grad.abs().amax(dim=(0, 1, 3, 4)) > 0
    assert seen.tolist() == [True, False, False, False, False, True]
    with torch.inference_mode():
        assert not torch.allclose(module(clip), module(clip.flip(2)), atol=1e-3)


def test_a_single_frame_network_averages_its_frames_probabilities():
    clip, module = clips(3), tiny("single_frame", 3)
    with torch.inference_mode():
        frames = [module.per_frame.network(clip[:, :, t]).softmax(dim=1) for t in range(3)]
        torch.testing.assert_close(module(clip).softmax(dim=1), torch.stack(frames).mean(dim=0))
        torch.testing.assert_close(module(clip), module(clip.flip(2)))


def test_the_normalisation_is_alexnets_formula():
    # b_i = a_i / (k + alpha * sum of a_j^2 over 5 neighbours) ^ beta, with k = 2, beta = 0.5.
    layer = next(
        layer
        for layer in tiny("single_frame", 1).modules()
        if isinstance(layer, nn.LocalResponseNorm)
    )
    maps = torch.tensor([30.0, 0.0, 100.0, 60.0, 0.0, 0.0, 80.0]).view(1, 7, 1, 1)
    sums = [100**2 + 30**2, 30**2 + 100**2 + 60**2]
    expected = [30 / (2 + 1e-4 * sums[0]) ** 0.5, 0.0, 100 / (2 + 1e-4 * sums[1]) ** 0.5]
    torch.testing.assert_close(layer(maps).flatten()[:3], torch.tensor(expected))


@pytest.mark.parametrize(
    ("name", "frames", "cure"),
    [
        ("karpathy_slow_fusion", 9, "slow fusion: a clip of 9 frames is too short; give 10 or"),
        ("karpathy_late_fusion", 1, "late fusion: a clip of 1 frame is too short; give 2 or"),
        ("karpathy_single_frame", 0, "single frame: a clip of 0 frames is too short; give 1 or"),
    ],
)
def test_a_clip_that_is_too_short_is_refused_with_what_it_takes(name, frames, cure):
    with pytest.raises(KinobenchError, match=cure):
        registry.get(name).build(5, frames, 170)


@pytest.mark.parametrize("fusion", ["single_frame", "early_fusion", "late_fusion", "slow_fusion"])
def test_the_smallest_frame_that_is_allowed_does_work(fusion):
    module = registry.get(f"karpathy_{fusion}").build
    with torch.device("meta"), torch.no_grad():
        assert module(5, 10, 32).eval()(torch.empty(1, 3, 10, 32, 32)).shape == (1, 5)
