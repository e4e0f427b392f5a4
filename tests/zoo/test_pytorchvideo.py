"""X3D, R(2+1)D, CSN and MViT are the networks of pytorchvideo's hub, and give logits."""

import pytest
import torch
from pytorchvideo.models import hub
from pytorchvideo.models.csn import create_csn
from torch import nn

from kinobench.zoo import registry
from kinobench.zoo.parts.pytorchvideo import with_plain_integers

# The clip, the parameters, and whether the origin's head ends in a softmax.
HUB = {
    "x3d_xs": (hub.x3d_xs, (4, 160), 3_794_274, True),
    "x3d_s": (hub.x3d_s, (13, 160), 3_794_274, True),
    "x3d_m": (hub.x3d_m, (16, 224), 3_794_274, True),
    "x3d_l": (hub.x3d_l, (16, 312), 6_153_384, True),
    "efficient_x3d_xs": (hub.efficient_x3d_xs, (4, 160), 3_794_322, False),
    "efficient_x3d_s": (hub.efficient_x3d_s, (13, 160), 3_794_322, False),
    "r2plus1d_r50": (hub.r2plus1d_r50, (16, 224), 28_107_600, True),
    "csn_r101": (hub.csn_r101, (32, 224), 22_213_776, False),
    "mvit_base_16x4": (hub.mvit_base_16x4, (16, 224), 36_610_672, False),
    "mvit_base_32x3": (hub.mvit_base_32x3, (32, 224), 36_611_440, False),
}


def settle(module: nn.Module) -> nn.Module:
    """Give normalisations and the classifier values of their own, so that every branch counts."""
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm3d):
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.normal_(layer.bias, std=0.1)
            nn.init.normal_(layer.running_mean, std=0.1)
            nn.init.uniform_(layer.running_var, 0.5, 1.5)
        elif isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, std=0.1)
    for name, parameter in module.named_parameters():
        if "pos_embed" in name or "cls_token" in name:
            nn.init.normal_(parameter)
    return module.eval()


def layers(blocks: nn.Module) -> str:
    """Print every layer with its window, stride and padding, equal things alike."""
    alike = {"[": "(", "]": ")", "Swish()": "SiLU()", "padding=0,": "padding=(0, 0, 0),"}
    text = str(blocks)
    for one, other in alike.items():
        text = text.replace(one, other)
    return text


@pytest.mark.parametrize("name", HUB)
def test_it_has_the_parameters_of_the_hub(name):
    origin, (frames, size), parameters, _ = HUB[name]
    with torch.device("meta"):
        module = registry.get(name).build(400, frames, size)
    theirs = {key: entry.shape for key, entry in origin().state_dict().items()}
    assert {key: entry.shape for key, entry in module.state_dict().items()} == theirs
    assert sum(parameter.numel() for parameter in module.parameters()) == parameters


@pytest.mark.parametrize("name", [name for name in HUB if not name.startswith("efficient")])
def test_it_has_the_layers_of_the_hub(name):
    origin, (frames, size), _, _ = HUB[name]
    with torch.device("meta"):
        module = registry.get(name).build(400, frames, size)
    # The heads differ in how they end, and the origin computes strides by numpy.
    theirs = with_plain_integers(origin())
    assert layers(module.blocks[:-1]) == layers(theirs.blocks[:-1])


@pytest.mark.parametrize(
    "name",
    [
        "x3d_xs",
        "efficient_x3d_xs",
        *(
            pytest.param(name, marks=pytest.mark.slow)
            for name in HUB
            if not name.endswith(("_xs", "x3d_m"))
        ),
    ],
)
def test_it_gives_what_the_hub_gives_with_the_same_random_parameters(name):
    origin, (frames, size), _, softmax = HUB[name]
    torch.manual_seed(0)
    theirs = settle(origin())
    ours = registry.get(name).build(400, frames, size).eval()
    ours.load_state_dict(theirs.state_dict())
    clip = torch.randn(1, 3, frames, size, size)
    with torch.inference_mode():
        expected, logits = theirs(clip), ours(clip)
    if softmax:
        torch.testing.assert_close(expected.sum(), torch.tensor(1.0))
        logits = logits.softmax(dim=1)
    torch.testing.assert_close(logits, expected, atol=1e-6, rtol=1e-4)
    assert expected.std() > 1e-4


def test_where_the_window_has_several_positions_csn_averages_their_probabilities():
    torch.manual_seed(0)
    module = settle(registry.get("csn_tiny").build(4, 8, 225))
    origin = create_csn(
        model_num_class=4,
        stem_dim_out=8,
        stem_pool=nn.MaxPool3d,
        head_pool_kernel_size=(1, 7, 7),
        head_activation=nn.Softmax,
    ).eval()
    origin.load_state_dict(module.state_dict())
    clip = torch.randn(1, 3, 8, 225, 225)
    with torch.inference_mode():
        torch.testing.assert_close(module(clip).softmax(dim=1), origin(clip))


def test_the_probability_of_r2plus1d_is_that_of_its_origin_at_several_positions():
    torch.manual_seed(0)
    module = settle(registry.get("r2plus1d_r50_tiny").build(4, 4, 225))
    origin = hub.r2plus1d_r50(
        model_num_class=4, stem_dim_out=8, head_pool_kernel_size=(1, 7, 7)
    ).eval()
    origin.load_state_dict(module.state_dict())
    clip = torch.randn(1, 3, 4, 225, 225)
    with torch.inference_mode():
        torch.testing.assert_close(module(clip).softmax(dim=1), origin(clip))


@pytest.mark.parametrize(
    ("name", "frames", "size", "window"),
    [
        ("r2plus1d_r50", 16, 256, (4, 7, 7)),
        ("r2plus1d_r50", 13, 112, (4, 4, 4)),
        ("r2plus1d_r50", 1, 32, (1, 1, 1)),
        ("csn_r101", 32, 256, (4, 7, 7)),
        ("csn_r101", 17, 64, (3, 2, 2)),
    ],
)
def test_the_window_of_a_head_covers_all_the_time_that_is_left(name, frames, size, window):
    with torch.device("meta"):
        module = registry.get(name).build(8, frames, size).eval()
        features = torch.empty(1, 3, frames, size, size)
        for block in module.blocks[:-1]:
            features = block(features)
    assert tuple(module.blocks[-1].pool.kernel_size) == window
    assert features.shape[2] == window[0]


def test_the_interaction_preserved_form_adds_a_pointwise_convolution_to_every_block():
    with torch.device("meta"):
        reduced = registry.get("ircsn_r152").build(400, 32, 224)
        preserved = registry.get("ipcsn_r152").build(400, 32, 224)
    count = [sum(entry.numel() for entry in net.parameters()) for net in (reduced, preserved)]
    # open-mmlab/mmaction2, configs/recognition/csn/metafile.yml of branch 0.x
    assert count == [29_703_568, 33_016_592]
    widths = [64] * 3 + [128] * 8 + [256] * 36 + [512] * 3
    assert count[1] - count[0] == sum(width * width + 2 * width for width in widths)
    pair = preserved.blocks[1].res_blocks[0].branch2.conv_b
    assert [type(layer) for layer in pair] == [nn.Conv3d, nn.BatchNorm3d, nn.Conv3d]
    assert pair[0].groups == 1
    assert pair[2].groups == pair[2].out_channels == 64


@pytest.mark.parametrize(
    ("name", "frames", "size"),
    [
        ("r2plus1d_r50_tiny", 1, 32),
        ("r2plus1d_r50_tiny", 7, 45),
        ("csn_tiny", 1, 32),
        ("csn_tiny", 9, 33),
        ("efficient_x3d_tiny", 1, 32),
        ("efficient_x3d_tiny", 5, 47),
        ("mvit_tiny", 1, 32),
        ("mvit_tiny", 7, 45),
    ],
)
def test_the_smallest_and_the_odd_clips_work(name, frames, size):
    module = registry.get(name).build(3, frames, size).eval()
    with torch.inference_mode():
        assert module(torch.randn(1, 3, frames, size, size)).shape == (1, 3)


def test_a_token_of_mvit_belongs_to_a_tubelet_and_the_last_may_be_cut():
    tokens = registry.get("mvit_tiny").build(3, 7, 45).cls_positional_encoding
    assert tokens.patch_embed_shape == (4, 12, 12)
