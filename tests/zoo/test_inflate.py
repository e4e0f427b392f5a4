"""A 2D network, inflated: on a still video it gives what it gave for the frame."""

import copy
import pickle

import pytest
import torch
from torch import nn
from torchvision import models

from kinobench.datasets.errors import KinobenchError
from kinobench.zoo import registry
from kinobench.zoo.inflate import Temporal, cubes, inflate
from kinobench.zoo.inflate.layers import LayerNorm3d, inflate_layer

NETWORKS = {
    "resnet18": 64,
    "resnext50_32x4d": 64,
    "googlenet": 64,
    "vgg11_bn": 64,
    "densenet121": 64,
    "convnext_tiny": 64,
    "mobilenet_v2": 64,
    "mobilenet_v3_small": 64,
    "efficientnet_b0": 64,
    "regnet_y_400mf": 64,
    "squeezenet1_1": 64,
}


def network_2d(name: str) -> nn.Module:
    """Return a torchvision network whose normalisations and layer scales do something."""
    torch.manual_seed(0)
    options = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    network = getattr(models, name)(num_classes=10, **options)
    if name == "googlenet":
        # As torchvision sets it for its pretrained weights: the input's channels are rescaled.
        network.transform_input = True
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.normal_(layer.bias, std=0.1)
            nn.init.normal_(layer.running_mean, std=0.1)
            nn.init.uniform_(layer.running_var, 0.5, 1.5)
        elif hasattr(layer, "layer_scale"):
            nn.init.uniform_(layer.layer_scale, 0.5, 1.5)
        elif isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight)
    return network.eval()


def still(frame: torch.Tensor, frames: int) -> torch.Tensor:
    """`frame: [B, 3, H, W]` -> `[B, 3, frames, H, W]`."""
    return frame.unsqueeze(2).expand(-1, -1, frames, -1, -1)


LIKE_OTHERS = {"resnext50_32x4d", "vgg11_bn", "mobilenet_v2", "regnet_y_400mf", "squeezenet1_1"}
"""Their layers are inflated by the same code as those of the others."""


@pytest.mark.parametrize(
    ("name", "size"),
    [
        pytest.param(name, size, marks=pytest.mark.slow if name in LIKE_OTHERS else [])
        for name, size in NETWORKS.items()
    ],
)
def test_on_a_still_video_the_inflated_network_gives_what_the_2d_one_gives(name, size):
    network = network_2d(name)
    inflated = inflate(network, 3)
    frame = torch.randn(1, 3, size, size)
    with torch.inference_mode():
        expected, given = network(frame), inflated(still(frame, 3))
        torch.testing.assert_close(given, expected, atol=1e-4, rtol=1e-4)
        moving = inflated(torch.randn(1, 3, 3, size, size))
    assert given.shape == (1, 10)
    assert not torch.allclose(moving, given, atol=1e-4)
    extents = {layer.kernel_size[0] for layer in inflated.modules() if isinstance(layer, nn.Conv3d)}
    assert extents - {1}


@pytest.mark.slow
def test_so_it_is_with_inception_v3():
    test_on_a_still_video_the_inflated_network_gives_what_the_2d_one_gives("inception_v3", 160)


def test_the_order_of_the_frames_counts():
    torch.manual_seed(0)
    inflated = inflate(network_2d("resnet18"), 4)
    for layer in inflated.modules():
        if isinstance(layer, nn.Conv3d):
            nn.init.kaiming_normal_(layer.weight)
    clip = torch.randn(1, 3, 4, 32, 32)
    with torch.inference_mode():
        assert not torch.allclose(inflated(clip), inflated(clip.flip(2)), atol=1e-4)


def test_a_filter_is_repeated_over_time_and_divided_by_its_extent():
    layer = nn.Conv2d(3, 4, kernel_size=3, stride=2, padding=1, dilation=1)
    twin = inflate_layer(layer, Temporal(5, 2), "zeros")
    assert twin.weight.shape == (4, 3, 5, 3, 3)
    assert (twin.stride, twin.padding) == ((2, 2, 2), (2, 1, 1))
    torch.testing.assert_close(twin.weight.sum(dim=2), layer.weight)
    assert torch.equal(twin.weight[:, :, 0], twin.weight[:, :, 4])
    assert twin.bias is layer.bias


def test_zeros_at_the_boundary_break_the_equality_near_the_ends_alone():
    torch.manual_seed(0)
    layer = nn.Conv2d(3, 4, kernel_size=3, padding=1)
    frame = torch.randn(1, 3, 5, 5)
    clip = still(frame, 6)
    zeros = inflate_layer(layer, Temporal(3), "zeros")(clip)
    replicate = inflate_layer(layer, Temporal(3), "replicate")(clip)
    expected = still(layer(frame), 6)
    torch.testing.assert_close(replicate, expected)
    torch.testing.assert_close(zeros[:, :, 1:-1], expected[:, :, 1:-1])
    assert not torch.allclose(zeros[:, :, 0], expected[:, :, 0])
    assert not torch.allclose(zeros[:, :, -1], expected[:, :, -1])


def test_a_filter_reaches_no_further_than_the_clip():
    network = models.resnet18(num_classes=4).eval()
    assert inflate(network, 8).conv1.kernel_size == (7, 7, 7)
    assert inflate(network, 2).conv1.kernel_size == (3, 7, 7)
    one = inflate(network, 1)
    assert one.conv1.kernel_size == (1, 7, 7)
    assert sum(p.numel() for p in one.parameters()) == sum(p.numel() for p in network.parameters())


def test_a_rule_sets_extents_and_strides_and_a_still_video_stays_equal():
    network = network_2d("resnet18")

    def rule(name: str, layer: nn.Module) -> Temporal:
        if name == "conv1":
            return Temporal(5, 2)
        if name == "maxpool":
            return Temporal(2, 2)
        return Temporal(2 if name == "layer4.0.conv1" else 1)

    inflated = inflate(network, 9, temporal=rule)
    assert (inflated.conv1.kernel_size, inflated.conv1.stride) == ((5, 7, 7), (2, 2, 2))
    assert (inflated.maxpool.kernel_size, inflated.maxpool.stride) == ((2, 3, 3), (2, 2, 2))
    assert inflated.get_submodule("layer1.0.conv1").kernel_size == (1, 3, 3)
    frame = torch.randn(2, 3, 64, 64)
    with torch.inference_mode():
        torch.testing.assert_close(inflated(still(frame, 9)), network(frame), atol=1e-4, rtol=1e-4)


def test_the_default_makes_cubes_of_odd_windows_and_leaves_pointwise_filters():
    assert cubes("", nn.Conv2d(1, 1, 7)) == Temporal(7)
    assert cubes("", nn.Conv2d(1, 1, 1)) == Temporal(1)
    assert cubes("", nn.Conv2d(1, 1, 4, stride=4)) == Temporal(1)
    assert cubes("", nn.Conv2d(1, 1, (1, 7))) == Temporal(1)
    assert cubes("", nn.MaxPool2d(3)) == Temporal(1)


def test_the_given_network_is_left_as_it_is_and_the_copy_shares_nothing():
    network = network_2d("resnet18")
    before = copy.deepcopy(network.state_dict())
    inflated = inflate(network, 4)
    for parameter in inflated.parameters():
        nn.init.zeros_(parameter)
    assert all(torch.equal(entry, before[key]) for key, entry in network.state_dict().items())
    assert isinstance(network.conv1, nn.Conv2d)


def test_parameters_keep_their_names_and_the_mode_is_the_given_ones():
    network = models.densenet121(num_classes=4, drop_rate=0.3).train()
    inflated = inflate(network, 4)
    assert set(inflated.state_dict()) == set(network.state_dict())
    assert inflated.training
    dropouts = [layer for layer in inflated.modules() if isinstance(layer, nn.Dropout)]
    assert len(dropouts) == 58
    assert {layer.p for layer in dropouts} == {0.3}


def test_googlenet_loses_the_classifiers_that_only_training_uses():
    network = models.googlenet(num_classes=4, init_weights=False, aux_logits=True).train()
    inflated = inflate(network, 4)
    given = inflated(torch.randn(2, 3, 4, 64, 64))
    given.sum().backward()
    assert given.shape == (2, 4)
    assert all(parameter.grad is not None for parameter in inflated.parameters())
    lost = {key.split(".")[0] for key in set(network.state_dict()) - set(inflated.state_dict())}
    assert lost == {"aux1", "aux2"}


def test_an_inflated_network_can_be_copied_and_pickled():
    inflated = inflate(network_2d("resnet18"), 4)
    clip = torch.randn(1, 3, 4, 32, 32)
    with torch.inference_mode():
        expected = inflated(clip)
        torch.testing.assert_close(copy.deepcopy(inflated)(clip), expected)
        torch.testing.assert_close(pickle.loads(pickle.dumps(inflated))(clip), expected)


def test_a_layer_norm_over_channels_is_one_over_channels_in_each_place_and_frame():
    torch.manual_seed(0)
    maps = torch.randn(2, 6, 3, 4, 5)
    norm = LayerNorm3d(6)
    mean = maps.mean(dim=1, keepdim=True)
    variance = maps.var(dim=1, keepdim=True, unbiased=False)
    torch.testing.assert_close(norm(maps), (maps - mean) / (variance + norm.eps).sqrt())


class Odd(nn.Module):
    """A network with one step that is asked for."""

    def __init__(self, step, layer=None):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.layer = nn.Identity() if layer is None else layer
        self.table = nn.Parameter(torch.zeros(4, 7, 7))
        self.step = step

    def forward(self, frames):
        return self.step(self, self.layer(self.conv(frames)))


@pytest.mark.parametrize(
    ("step", "layer", "message"),
    [
        (lambda _, x: x.view(-1, 4), None, "step 'view' of Odd .*: the method view"),
        (lambda _, x: torch.flatten(x, 2), None, "step 'flatten' .*: flattening from 2 to -1"),
        (lambda _, x: x.mean(1), None, "step 'mean' .*: a mean over 1"),
        (lambda _, x: torch.fft.fft2(x), None, "the function fft_fft2"),
        (lambda _, x: torch.cat([x, x], dim=3), None, "cat along other than the channels"),
        (lambda _, x: x.permute(0, 3, 2, 1), None, r"a permutation to \(0, 3, 2, 1\)"),
        (lambda _, x: x[:, :, 1:], None, "an index of"),
        (lambda self, x: x + self.table, None, r"parameter 'table' .*: a tensor of \(4, 7, 7\)"),
        (lambda _, x: x, nn.Upsample(scale_factor=2), "layer 'layer' .*: a layer of type Upsample"),
        (lambda _, x: x, nn.LayerNorm([4, 7, 7]), r"a layer normalisation over \(4, 7, 7\)"),
        (lambda _, x: x, nn.Conv2d(4, 4, 3, padding="same"), "padding='same'"),
        (lambda _, x: x, nn.Conv2d(4, 4, 3, padding_mode="reflect"), "padding_mode='reflect'"),
        (lambda _, x: x if x.sum() > 0 else -x, None, "torch.fx can't trace Odd"),
    ],
)
def test_what_cannot_be_inflated_is_refused_by_name(step, layer, message):
    with pytest.raises(KinobenchError, match=message):
        inflate(Odd(step, layer), 4)


def test_a_transformer_is_refused_with_the_step_that_cannot_be_inflated():
    with pytest.raises(
        KinobenchError, match=r"inflate: parameter '.*bias_table' of SwinTransformer"
    ):
        inflate(models.swin_t(), 4)


def test_no_frames_and_no_extent_are_refused():
    network = models.squeezenet1_1()
    with pytest.raises(KinobenchError, match="a clip of 0 frames is too short"):
        inflate(network, 0)
    with pytest.raises(KinobenchError, match=r"'features\.0' has Temporal"):
        inflate(network, 4, temporal=lambda name, layer: Temporal(0))


def test_i3d_of_resnet_50_is_resnet_50_inflated():
    i3d_r50 = registry.get("i3d_r50")
    with torch.device("meta"):
        origin, resnet = i3d_r50.build(400, 8, 224), models.resnet50(num_classes=400)

    def as_i3d(name: str, layer: nn.Module) -> Temporal:
        if name == "conv1":
            return Temporal(5)
        if not name.endswith("conv1") or not isinstance(layer, nn.Conv2d):
            return Temporal(1)
        stage, index = int(name[5]), int(name[7])
        return Temporal(3 if stage == 1 or (index + (stage == 4)) % 2 == 0 else 1)

    inflated = inflate(resnet, 8, temporal=as_i3d)

    def shapes(module: nn.Module) -> list[tuple[int, ...]]:
        return sorted(tuple(parameter.shape) for parameter in module.parameters())

    assert shapes(inflated) == shapes(origin)
