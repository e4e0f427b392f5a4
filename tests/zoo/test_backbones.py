"""Every 2D classification network of torchvision is a backbone, whatever the channels and size."""

import pytest
import torch
from torch import nn
from torchvision import models

from kinobench.datasets.errors import KinobenchError, UnknownNameError
from kinobench.zoo import registry
from kinobench.zoo.families import single_frame, tsn
from kinobench.zoo.parts.backbones import (
    backbone,
    for_size,
    native_size,
    replace_stem,
    torchvision_names,
)
from kinobench.zoo.parts.resnet2d import TINY_RESNET

# One of each kind, with its stem, its last layer, and how many features that takes.
KINDS = {
    "alexnet": ("features.0", "classifier.6", 4096),
    "convnext_tiny": ("features.0.0", "classifier.2", 768),
    "densenet121": ("features.conv0", "classifier", 1024),
    "efficientnet_b0": ("features.0.0", "classifier.1", 1280),
    "efficientnet_v2_s": ("features.0.0", "classifier.1", 1280),
    "googlenet": ("conv1.conv", "fc", 1024),
    "inception_v3": ("Conv2d_1a_3x3.conv", "fc", 2048),
    "maxvit_t": ("stem.0.0", "classifier.5", 512),
    "mnasnet0_5": ("layers.0", "classifier.1", 1280),
    "mobilenet_v2": ("features.0.0", "classifier.1", 1280),
    "mobilenet_v3_small": ("features.0.0", "classifier.3", 1024),
    "regnet_x_400mf": ("stem.0", "fc", 400),
    "resnet18": ("conv1", "fc", 512),
    "resnext50_32x4d": ("conv1", "fc", 2048),
    "shufflenet_v2_x0_5": ("conv1.0", "fc", 1024),
    "squeezenet1_1": ("features.0", "classifier.1", 512),
    "swin_t": ("features.0.0", "head", 768),
    "swin_v2_t": ("features.0.0", "head", 768),
    "vgg11": ("features.0", "classifier.6", 4096),
    "vit_b_32": ("conv_proj", "heads.head", 768),
}


def shapes(network: nn.Module) -> dict[str, torch.Size]:
    return {name: entry.shape for name, entry in network.state_dict().items()}


def built(name: str, in_channels: int, num_classes: int | None, size: int = 224) -> nn.Module:
    with torch.device("meta"):
        return backbone(name, size).build(in_channels, num_classes).eval()


def leaves(network: nn.Module, channels: int, size: int = 224) -> torch.Size:
    with torch.no_grad():
        return network(torch.empty(2, channels, size, size, device="meta")).shape


LIKE_OTHERS = {
    *("efficientnet_v2_s", "mobilenet_v2", "regnet_x_400mf", "resnext50_32x4d", "swin_v2_t"),
    *("mnasnet0_5", "inception_v3"),
}
"""Their first and last layers lie where those of others do."""


@pytest.mark.parametrize(
    "name",
    [pytest.param(each, marks=pytest.mark.slow if each in LIKE_OTHERS else []) for each in KINDS],
)
def test_only_the_first_convolution_and_the_last_layer_are_touched(name):
    stem, head, width = KINDS[name]
    assert backbone(name).width == width
    network, features = built(name, 3, 7), built(name, 9, None)
    assert leaves(network, 3) == (2, 7)
    assert leaves(features, 9) == (2, width)
    of_network, of_features = shapes(network), shapes(features)
    assert of_network.keys() - of_features.keys() <= {f"{head}.weight", f"{head}.bias"}
    changed = {key for key, shape in of_features.items() if of_network[key] != shape}
    assert changed == {f"{stem}.weight"}
    assert of_features[f"{stem}.weight"][1] == 9


@pytest.mark.parametrize("name", ["mobilenet_v3_small", "swin_t", "squeezenet1_1", "resnet18"])
def test_with_three_channels_and_classes_it_is_torchvisions_network(name):
    with torch.device("meta"):
        origin = models.get_model(name, weights=None, num_classes=7)
    assert shapes(built(name, 3, 7)) == shapes(origin)


@pytest.mark.parametrize(("name", "auxiliary"), [("googlenet", "aux"), ("inception_v3", "Aux")])
def test_auxiliary_classifiers_are_left_out_and_the_input_is_not_transformed(name, auxiliary):
    network = built(name, 3, 7)
    assert not any(key.startswith(auxiliary) for key in network.state_dict())
    assert network.transform_input is False


def test_a_new_stem_strides_and_pads_like_the_old_one():
    torch.manual_seed(0)
    network = backbone("mobilenet_v3_small", 64).build(3, 5).eval()
    frames = torch.randn(2, 3, 64, 64)
    with torch.inference_mode():
        expected = network(frames)
        old = network.features[0][0].weight
        replace_stem(network, 5)
        new = network.features[0][0].weight
        assert new.shape == (16, 5, 3, 3)
        new.copy_(torch.cat([old, torch.ones(16, 2, 3, 3)], dim=1))
        given = network(torch.cat([frames, torch.zeros(2, 2, 64, 64)], dim=1))
    torch.testing.assert_close(given, expected)


def test_the_stem_of_a_patch_embedding_keeps_the_spread_of_its_patches():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 64, kernel_size=16, stride=16))
    replace_stem(network, 6)
    assert network[0].weight.std().item() == pytest.approx((6 * 16 * 16) ** -0.5, rel=0.02)
    assert network[0].bias.abs().max() == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", torchvision_names())
def test_every_builder_of_torchvision_gives_a_backbone(name):
    assert leaves(built(name, 3, 7), 3) == (2, 7)
    assert leaves(built(name, 9, None), 9) == (2, backbone(name).width)


@pytest.mark.parametrize(
    ("name", "size"),
    [("alexnet", 63), ("inception_v3", 75), ("vit_b_32", 96), ("vit_h_14", 42), ("maxvit_t", 448)]
    + [(name, 32) for name in ("vgg11", "swin_t", "swin_v2_t", "convnext_tiny", "googlenet")],
)
def test_the_smallest_and_the_odd_frames_that_are_allowed_do_work(name, size):
    assert leaves(built(name, 3, 7, size), 3, size) == (2, 7)


@pytest.mark.parametrize(
    ("name", "size", "cure"),
    [
        ("alexnet", 62, "a frame of 62x62 is too small; give 63x63 or more"),
        ("inception_v3", 64, "a frame of 64x64 is too small; give 75x75 or more"),
        ("resnet18", 31, "a frame of 31x31 is too small; give 32x32 or more"),
        ("vit_h_14", 28, "a frame of 28x28 is too small; give 42x42 or more"),
        ("vit_b_16", 170, "a frame of 170x170 is not a multiple of 16 wide; give 160 or 176"),
        ("vit_b_32", 40, "a frame of 40x40 is not a multiple of 32 wide; give 32 or 64"),
        ("maxvit_t", 112, "a frame of 112x112 is not a multiple of 224 wide; give 224"),
    ],
)
def test_a_frame_that_a_network_cannot_take_is_refused_with_what_it_takes(name, size, cure):
    with pytest.raises(KinobenchError) as refused:
        backbone(name, size)
    assert cure in str(refused.value)


def test_an_unknown_network_is_named_with_the_nearest():
    with pytest.raises(UnknownNameError, match=r"'resnet51': did you mean 'resnet\d+'\?"):
        backbone("resnet51")


def test_a_backbone_that_is_given_stays_as_it_is():
    assert for_size(TINY_RESNET, 64) is TINY_RESNET
    assert for_size("resnet18", 64).width == 512


def test_the_native_size_is_that_of_torchvisions_default_weights():
    sizes = {name: native_size(name) for name in ("resnet50", "inception_v3", "vit_h_14")}
    assert sizes == {"resnet50": 224, "inception_v3": 299, "vit_h_14": 518}


def test_any_network_of_torchvision_is_named_after_an_open_family():
    architecture = registry.get("single_frame_regnet_y_400mf")
    assert (architecture.family, architecture.native) == ("single_frame", (1, 1, 224))
    with torch.device("meta"), torch.no_grad():
        module = architecture.build(6, 2, 64).eval()
        assert module(torch.empty(1, 3, 2, 64, 64)).shape == (1, 6)
    assert isinstance(module.per_frame.network, models.RegNet)
    swin = registry.get("tsn_swin_v2_t")
    assert (swin.family, swin.native) == ("tsn", (25, 1, 256))
    with torch.device("meta"), torch.no_grad():
        assert swin.build(6, 2, 64).eval()(torch.empty(1, 3, 2, 64, 64)).shape == (1, 6)


def test_what_torchvision_does_not_build_is_no_member_of_an_open_family():
    assert not single_frame.register_backbone("single_frame_resnet51")
    assert not single_frame.register_backbone("resnet34")
    assert not tsn.register_backbone("tsn_r34")
    with pytest.raises(UnknownNameError, match="single_frame_resnet51"):
        registry.get("single_frame_resnet51")


@pytest.mark.parametrize("family", ["single_frame_r18", "late_fusion_r50", "early_fusion_r50"])
def test_a_fusion_takes_the_name_of_any_backbone(family):
    with torch.device("meta"), torch.no_grad():
        module = registry.get(family).build(6, 2, 64, backbone="mobilenet_v3_small").eval()
        assert module(torch.empty(1, 3, 2, 64, 64)).shape == (1, 6)
    assert any(isinstance(part, models.MobileNetV3) for part in module.modules())


def test_a_frame_that_the_backbone_cannot_take_is_refused_by_the_family():
    with pytest.raises(KinobenchError, match="vit_b_16: a frame of 100x100 is not a multiple of"):
        registry.get("single_frame_vit_b_16").build(6, 2, 100)
