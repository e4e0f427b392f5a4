"""TSN: the frames' class scores, averaged, whatever the 2D network."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from kinobench.zoo import registry

FRAMES = 6
# At 400 classes: open-mmlab/mmaction2, configs/recognition/tsn/metafile.yml (branch 0.x), but for
# ResNet-101 (README of main: 43.32 M).
PARAMETERS = {
    "tsn_r50": 24_327_632,
    "tsn_r101": 43_319_760,
    "tsn_resnext101_32x4d": 42_948_304,
    "tsn_densenet161": 27_355_600,
    "tsn_swin_b": 87_153_224,
}
# The same file's counts of 25 frames of 224 or 256 pixels, which are 2 more per element that is
# normalised, and 1 per element of every ReLU and of what is pooled.
COUNTS = {
    ("tsn_r50", 25, 224): 102_997_721_600,
    ("tsn_r50", 25, 256): 134_527_385_600,
    ("tsn_r50", 8, 224): 32_959_827_968,
    ("tsn_resnext101_32x4d", 25, 256): 262_238_208_000,
}


@pytest.fixture
def clip():
    return torch.randn(2, 3, FRAMES, 32, 32, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def module():
    torch.manual_seed(1)
    return registry.get("tsn_tiny").build(5, FRAMES, 32).eval()


def on_meta(name: str, frames: int = 3, size: int = 224) -> nn.Module:
    with torch.device("meta"):
        return registry.get(name).build(400, frames, size).eval()


def test_the_consensus_is_the_mean_of_the_frames_logits(module, clip):
    with torch.inference_mode():
        logits = [module(clip[:, :, t : t + 1]) for t in range(FRAMES)]
        torch.testing.assert_close(module(clip), torch.stack(logits).mean(dim=0))


def test_the_consensus_is_not_the_mean_of_probabilities(module, clip):
    module.classifier.weight.data *= 500
    with torch.inference_mode():
        frames = torch.stack([module(clip[:, :, t : t + 1]) for t in range(FRAMES)])
        mean_probability = frames.softmax(dim=2).mean(dim=0)
        assert (module(clip).softmax(dim=1) - mean_probability).abs().max() > 1e-2


def test_the_order_of_the_segments_is_nothing_to_it(module, clip):
    with torch.inference_mode():
        torch.testing.assert_close(module(clip), module(clip.flip(2)))


@pytest.mark.parametrize("name", PARAMETERS)
def test_it_has_the_parameters_that_are_printed(name):
    assert sum(entry.numel() for entry in on_meta(name).parameters()) == PARAMETERS[name]


@pytest.mark.parametrize("case", COUNTS, ids=str)
def test_its_cost_is_that_of_mmaction2s_table_with_the_classifier_run_once(case):
    _, frames, size = case
    module = on_meta(*case)
    besides = []
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.register_forward_hook(lambda _, __, maps: besides.append(2 * maps.numel()))
        elif isinstance(layer, nn.ReLU):
            layer.register_forward_hook(lambda _, __, maps: besides.append(maps.numel()))
        elif isinstance(layer, nn.MaxPool2d | nn.AdaptiveAvgPool2d):
            layer.register_forward_hook(lambda _, given, __: besides.append(given[0].numel()))
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module(torch.empty(1, 3, frames, size, size, device="meta"))
    assert counter.get_total_flops() // 2 + sum(besides) == COUNTS[case]


def test_an_early_layer_of_resnext_101_has_groups_of_four_channels():
    block = on_meta("tsn_resnext101_32x4d").per_frame.network.layer1[0]
    assert (block.conv2.groups, block.conv2.weight.shape[:2]) == (32, (128, 4))
