"""C2D, I3D, Slow, SlowFast and X3D are the networks of pytorchvideo's hub, and give logits."""

import re

import pytest
import torch
from pytorchvideo.models import hub
from torch import nn

from kinobench.zoo import registry

# One pixel more than what ends in a 7x7 map, so that the head's window has four positions.
SIZE = 225
HUB = {
    "c2d_r50": (hub.c2d_r50, 8, 24_327_632),
    "i3d_r50": (hub.i3d_r50, 8, 28_043_472),
    "slow_r50": (hub.slow_r50, 8, 32_454_096),
    "slowfast_r50": (hub.slowfast_r50, 32, 34_566_488),
    "slowfast_r101": (hub.slowfast_r101, 32, 62_826_968),
    "slowfast_16x8_r101_50_50": (hub.slowfast_16x8_r101_50_50, 64, 53_774_808),
    "x3d_m": (hub.x3d_m, 16, 3_794_274),
}
"""The hub's builder, the frames that it is made for, and its parameters."""
SLOWER = ("i3d_r50", "slowfast_r50")


def layers(blocks: nn.ModuleList) -> str:
    """Print every layer with its window, stride and padding, equal things alike."""
    alike = {"[": "(", "]": ")", "Swish()": "SiLU()", "padding=0,": "padding=(0, 0, 0),"}
    # Under numpy 2, pytorchvideo's shortcuts print their strides as np.int64(1).
    text = re.sub(r"np\.int64\((\d+)\)", r"\1", str(blocks))
    for one, other in alike.items():
        text = text.replace(one, other)
    return text


@pytest.mark.parametrize("name", HUB)
def test_it_has_the_layers_and_the_parameter_names_of_the_hub(name):
    build, frames, parameters = HUB[name]
    with torch.device("meta"):
        origin = build()
        module = registry.get(name).build(400, frames, SIZE)
    shapes = {key: entry.shape for key, entry in module.state_dict().items()}
    assert shapes == {key: entry.shape for key, entry in origin.state_dict().items()}
    assert layers(module.blocks[:-1]) == layers(origin.blocks[:-1])
    assert sum(parameter.numel() for parameter in module.parameters()) == parameters


@pytest.mark.parametrize(
    "name", [*(pytest.param(each, marks=pytest.mark.slow) for each in SLOWER), "x3d_m"]
)
def test_it_gives_what_the_published_test_of_the_hub_gives_with_the_same_random_parameters(name):
    torch.manual_seed(0)
    build, frames, _ = HUB[name]
    origin = build().eval()
    for layer in origin.modules():
        if isinstance(layer, nn.BatchNorm3d):
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.normal_(layer.bias, std=0.1)
            nn.init.normal_(layer.running_mean, std=0.1)
            nn.init.uniform_(layer.running_var, 0.5, 1.5)
    nn.init.normal_(origin.blocks[-1].proj.weight, std=0.1)
    # As X3D's head has it, and as the evaluation of the others sets it: the softmax stands at every
    # position of the head's window, before their mean.
    origin.blocks[-1].activation = nn.Softmax(dim=1)
    module = registry.get(name).build(400, frames, SIZE).eval()
    module.load_state_dict(origin.state_dict())
    clip = torch.randn(1, 3, frames, SIZE, SIZE)
    slow = [0, 4, 8, 13, 17, 22, 26, 31]
    with torch.inference_mode():
        logits = module(clip)
        expected = origin([clip[:, :, slow], clip] if name == "slowfast_r50" else clip)
    torch.testing.assert_close(expected.sum(), torch.tensor(1.0))
    torch.testing.assert_close(logits.softmax(dim=1), expected, atol=1e-7, rtol=1e-4)
    assert expected.max() > 2 * expected.mean()


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
