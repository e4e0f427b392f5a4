"""Where time is fused decides what a network can see: the invariants of each fusion."""

import pytest
import torch
from torch import nn

from kinobench.zoo import registry
from kinobench.zoo.families.slow_fusion import temporal_extents
from kinobench.zoo.parts.frames import frames_into_batch, frames_into_channels, log_mean_softmax
from kinobench.zoo.parts.resnet2d import RESNET50

FRAMES = 6


@pytest.fixture
def clip():
    return torch.randn(2, 3, FRAMES, 32, 32, generator=torch.Generator().manual_seed(0))


def build(name: str) -> nn.Module:
    torch.manual_seed(1)
    return registry.get(name).build(5, FRAMES, 32).eval()


def test_folding_frames_into_the_batch_keeps_a_clips_frames_together_and_in_order(clip):
    frames = frames_into_batch(clip)
    assert frames.shape == (2 * FRAMES, 3, 32, 32)
    assert torch.equal(frames[4], clip[0, :, 4])
    assert torch.equal(frames[FRAMES + 1], clip[1, :, 1])


def test_folding_frames_into_channels_puts_colour_c_of_frame_t_at_3t_plus_c(clip):
    channels = frames_into_channels(clip)
    assert channels.shape == (2, 3 * FRAMES, 32, 32)
    for t in range(FRAMES):
        for c in range(3):
            assert torch.equal(channels[:, 3 * t + c], clip[:, c, t])


def test_the_mean_of_softmaxes_is_that_of_a_hand_calculation():
    # Frame 1 says (3/4, 1/4), frame 2 says (1/4, 3/4) and frame 3 says (1/2, 1/2).
    logits = torch.tensor([[3.0, 1.0], [1.0, 3.0], [2.0, 2.0]]).log()
    torch.testing.assert_close(log_mean_softmax(logits, dim=0).exp(), torch.tensor([0.5, 0.5]))
    lopsided = torch.tensor([[3.0, 1.0], [3.0, 1.0], [1.0, 1.0]]).log()
    expected = torch.tensor([2 / 3, 1 / 3])
    torch.testing.assert_close(log_mean_softmax(lopsided, dim=0).exp(), expected)


def test_the_mean_of_softmaxes_stays_finite_where_probabilities_underflow():
    logits = torch.tensor([[1000.0, 0.0], [1000.0, 0.0]])
    assert log_mean_softmax(logits, dim=0).tolist() == [0.0, -1000.0]
    halves = torch.tensor([[60.0, 0.0], [60.0, 0.0]], dtype=torch.float16)
    averaged = log_mean_softmax(halves, dim=0)
    assert averaged.dtype == torch.float16
    assert averaged.tolist() == [0.0, -60.0]


def test_a_single_frame_network_gives_the_mean_of_its_frames_probabilities(clip):
    module = build("single_frame_tiny")
    with torch.inference_mode():
        probabilities = module(clip).softmax(dim=1)
        frames = [module.per_frame.network(clip[:, :, t]).softmax(dim=1) for t in range(FRAMES)]
    torch.testing.assert_close(probabilities, torch.stack(frames).mean(dim=0))


def test_the_order_of_the_frames_is_nothing_to_a_single_frame_network(clip):
    module = build("single_frame_tiny")
    with torch.inference_mode():
        torch.testing.assert_close(module(clip), module(clip.flip(2)), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("name", ["late_fusion_pool_tiny", "late_fusion_max_tiny"])
def test_pooled_late_fusion_ignores_the_order_of_the_frames(name, clip):
    module = build(name)
    with torch.inference_mode():
        torch.testing.assert_close(module(clip), module(clip.flip(2)), atol=1e-6, rtol=1e-5)


def test_pooled_late_fusion_averages_logits_and_not_probabilities(clip):
    module = build("late_fusion_pool_tiny")
    module.classifier.weight.data *= 20
    with torch.inference_mode():
        logits = torch.stack(
            [module.classifier(module.per_frame.network(clip[:, :, t])) for t in range(FRAMES)]
        )
        torch.testing.assert_close(module(clip), logits.mean(dim=0), atol=1e-4, rtol=1e-4)
        mean_probability = logits.softmax(dim=2).mean(dim=0)
        assert (module(clip).softmax(dim=1) - mean_probability).abs().max() > 1e-3


def test_max_pooled_late_fusion_classifies_the_greatest_of_each_feature(clip):
    module = build("late_fusion_max_tiny")
    with torch.inference_mode():
        features = torch.stack([module.per_frame.network(clip[:, :, t]) for t in range(FRAMES)])
        greatest = features.max(dim=0).values
        torch.testing.assert_close(module(clip), module.classifier(greatest))
        assert features.argmax(dim=0).unique().numel() > 1


def test_a_frame_shown_again_changes_the_mean_but_not_the_maximum(clip):
    longer = torch.cat([clip, clip[:, :, :1], clip[:, :, :1]], dim=2)
    for name, same in (("late_fusion_max_tiny", True), ("late_fusion_pool_tiny", False)):
        module = build(name)
        with torch.inference_mode():
            assert torch.allclose(module(longer), module(clip), rtol=1e-4, atol=1e-5) is same


@pytest.mark.parametrize(
    "name", ["late_fusion_tiny", "early_fusion_tiny", "slow_fusion_tiny", "x3d_tiny"]
)
def test_the_order_of_the_frames_counts_where_time_is_fused(name, clip):
    module = build(name)
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm3d):  # pytorchvideo starts its blocks' last scale at 0
            nn.init.ones_(layer.weight)
    with torch.inference_mode():
        forth, back = module(clip), module(clip.flip(2))
    assert (forth - back).abs().max() > 1e-3 * forth.abs().max()


def test_late_fusion_concatenates_the_frames_features_in_their_order(clip):
    module = build("late_fusion_tiny")
    with torch.inference_mode():
        features = torch.cat(
            [module.per_frame.network(clip[:, :, t]) for t in range(FRAMES)], dim=1
        )
        torch.testing.assert_close(module(clip), module.classifier(features))
    assert features.shape == (2, FRAMES * 2 * 8 * 8)


def test_early_fusion_of_one_frame_repeated_is_a_2d_network_with_the_kernels_summed(clip):
    module = build("early_fusion_tiny")
    still = clip[:, :, :1]
    flat = registry.get("early_fusion_tiny").build(5, 1, 32).eval()
    state = module.state_dict()
    kernels = state["backbone.conv1.weight"]
    state["backbone.conv1.weight"] = kernels.unflatten(1, (FRAMES, 3)).sum(dim=1)
    flat.load_state_dict(state)
    with torch.inference_mode():
        repeated = module(still.expand(-1, -1, FRAMES, -1, -1))
        torch.testing.assert_close(repeated, flat(still), atol=1e-5, rtol=1e-4)


def test_the_first_convolution_of_early_fusion_takes_three_channels_a_frame():
    with torch.device("meta"):
        module = registry.get("early_fusion_r50").build(101, 16, 112)
    assert module.backbone.conv1.weight.shape == (64, 48, 7, 7)


@pytest.mark.parametrize(
    ("frames", "extents"), [(16, (8, 8, 4, 2, 1)), (10, (5, 5, 3, 2, 1)), (32, (16, 16, 8, 4, 2))]
)
@pytest.mark.parametrize("name", ["slow_fusion_tiny", "slow_fusion_r50"])
def test_slow_fusion_shrinks_time_step_by_step(name, frames, extents):
    assert temporal_extents(frames) == extents
    seen = []
    with torch.device("meta"), torch.no_grad():
        module = registry.get(name).build(5, frames, 64).eval()
        for block in module.blocks[:-1]:
            block.register_forward_hook(lambda _, __, maps: seen.append(maps.shape[2]))
        module(torch.empty(1, 3, frames, 64, 64))
    assert tuple(seen) == extents


def test_one_position_of_slow_fusion_sees_as_many_frames_as_its_docstring_says():
    module = registry.get("slow_fusion_tiny").build(2, 64, 32).eval().double()
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm3d):
            nn.init.ones_(layer.weight)
    clip = torch.randn(1, 3, 64, 32, 32, dtype=torch.float64, requires_grad=True)
    maps, seen = clip, []
    for block in module.blocks[:-1]:
        maps = block(maps)
        # The middle of the clip, so that no border cuts the field short.
        (gradient,) = torch.autograd.grad(
            maps[:, :, maps.shape[2] // 2].sum(), clip, retain_graph=True
        )
        seen.append(int((gradient.abs().amax(dim=(0, 1, 3, 4)) > 0).sum()))
    assert seen == [3, 3, 7, 15, 31]


def test_the_2d_networks_are_torchvisions_resnet_50():
    from torchvision.models import resnet50

    with torch.device("meta"):
        expected = resnet50(num_classes=10).state_dict()
        single = registry.get("single_frame_r50").build(10, 4, 64).per_frame.network.state_dict()
        features = RESNET50.build(3, None)
    assert {name: entry.shape for name, entry in single.items()} == {
        name: entry.shape for name, entry in expected.items()
    }
    assert set(expected) - set(features.state_dict()) == {"fc.weight", "fc.bias"}
