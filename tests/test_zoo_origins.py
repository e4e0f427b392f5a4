"""I3D, SlowFast and X3D are the networks of pytorchvideo's hub, and give logits."""

import pytest
import torch
from pytorchvideo.models import hub
from torch import nn

from kinobench.zoo import registry

# One pixel more than what ends in a 7x7 map, so that the head's window has four positions.
SIZE = 225
FRAMES = {"i3d_r50": 8, "slowfast_r50": 32, "x3d_m": 16}
HUB = {"i3d_r50": hub.i3d_r50, "slowfast_r50": hub.slowfast_r50, "x3d_m": hub.x3d_m}
PARAMETERS = {"i3d_r50": 28_043_472, "slowfast_r50": 34_566_488, "x3d_m": 3_794_274}


def layers(blocks: nn.ModuleList) -> str:
    """Print every layer with its window, stride and padding, equal things alike."""
    alike = {"[": "(", "]": ")", "Swish()": "SiLU()", "padding=0,": "padding=(0, 0, 0),"}
    text = str(blocks)
    for one, other in alike.items():
        text = text.replace(one, other)
    return text


@pytest.mark.parametrize("name", HUB)
def test_it_has_the_layers_and_the_parameter_names_of_the_hub(name):
    with torch.device("meta"):
        origin = HUB[name]()
        module = registry.get(name).build(400, FRAMES[name], SIZE)
    shapes = {key: entry.shape for key, entry in module.state_dict().items()}
    assert shapes == {key: entry.shape for key, entry in origin.state_dict().items()}
    assert layers(module.blocks[:-1]) == layers(origin.blocks[:-1])
    assert sum(parameter.numel() for parameter in module.parameters()) == PARAMETERS[name]


@pytest.mark.parametrize("name", HUB)
def test_it_gives_what_the_hub_gives_with_the_same_random_parameters(name):
    torch.manual_seed(0)
    origin = HUB[name]().eval()
    for layer in origin.modules():
        if isinstance(layer, nn.BatchNorm3d):
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.normal_(layer.bias, std=0.1)
            nn.init.normal_(layer.running_mean, std=0.1)
            nn.init.uniform_(layer.running_var, 0.5, 1.5)
    nn.init.normal_(origin.blocks[-1].proj.weight, std=0.1)
    frames = FRAMES[name]
    module = registry.get(name).build(400, frames, SIZE).eval()
    module.load_state_dict(origin.state_dict())
    clip = torch.randn(1, 3, frames, SIZE, SIZE)
    slow = [0, 4, 8, 13, 17, 22, 26, 31]
    with torch.inference_mode():
        logits = module(clip)
        expected = origin([clip[:, :, slow], clip] if name == "slowfast_r50" else clip)
    if name == "x3d_m":
        # The hub's head ends in a softmax, averaged over the positions.
        torch.testing.assert_close(expected.sum(), torch.tensor(1.0))
        torch.testing.assert_close(logits.softmax(dim=1), expected, atol=1e-7, rtol=1e-4)
        assert expected.max() > 2 * expected.mean()
    else:
        torch.testing.assert_close(logits, expected)
        assert expected.std() > 1


def test_x3d_gives_the_logits_before_the_softmax_where_the_window_has_one_position():
    torch.manual_seed(0)
    module = registry.get("x3d_tiny").build(4, 4, 64).eval()
    clip = torch.randn(2, 3, 4, 64, 64)
    *body, head = module.blocks
    with torch.inference_mode():
        features = clip
        for block in body:
            features = block(features)
        expected = head.proj(head.pool(features).flatten(1))
        torch.testing.assert_close(module(clip), expected)


def test_the_window_of_x3d_is_the_map_of_a_small_frame_and_7x7_of_a_large_one():
    for size, side in {64: 2, 112: 4, 224: 7, 256: 7}.items():
        with torch.device("meta"):
            module = registry.get("x3d_m").build(400, 16, size)
        assert tuple(module.blocks[-1].pool.pool.kernel_size) == (16, side, side)


def test_the_window_of_i3d_covers_all_the_time_that_is_left():
    for frames, size, window in [(8, 256, (4, 7, 7)), (16, 112, (8, 4, 4)), (16, 64, (8, 2, 2))]:
        with torch.device("meta"):
            module = registry.get("i3d_r50").build(400, frames, size)
        assert tuple(module.blocks[-1].pool.kernel_size) == window


@pytest.mark.parametrize(
    ("frames", "slow"),
    [
        (32, [0, 4, 8, 13, 17, 22, 26, 31]),
        (16, [0, 5, 10, 15]),
        (8, [0, 7]),
        (4, [0]),
    ],
)
def test_the_slow_pathway_sees_the_frames_that_pyslowfast_packs(frames, slow):
    module = registry.get("slowfast_tiny").build(4, frames, 32)
    clip = torch.arange(frames).float().view(1, 1, frames, 1, 1).expand(1, 3, frames, 32, 32)
    slow_clip, fast_clip = module.pathways(clip)
    assert slow_clip[0, 0, :, 0, 0].tolist() == slow
    assert torch.equal(fast_clip, clip)
    assert "slow_frames" not in module.state_dict()


def test_the_fast_pathway_is_thin():
    with torch.device("meta"):
        module = registry.get("slowfast_r50").build(400, 32, 224)
    slow, fast = module.blocks[0].multipathway_blocks
    assert (slow.conv.out_channels, fast.conv.out_channels) == (64, 8)
