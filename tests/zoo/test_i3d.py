"""I3D: Inception-v1 inflated, its two streams, and what C2D and I3D on ResNets cost in print."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models import googlenet

from kinobench.datasets.errors import KinobenchError
from kinobench.zoo import registry
from kinobench.zoo.inflate import inflate
from kinobench.zoo.parts.inception3d import InceptionI3D, flow_volume, same_padding
from kinobench.zoo.parts.resnet3d import HUB, MMACTION2, NO_POOLING, WANG_TABLE_1


def on_meta(name: str, frames: int, size: int) -> nn.Module:
    with torch.device("meta"):
        return registry.get(name).build(400, frames, size).eval()


def cost(module: nn.Module, frames: int, size: int) -> tuple[int, int]:
    """Return the MACs of convolutions and matrix products, and the elements out of every norm."""
    elements = []
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm3d):
            layer.register_forward_hook(lambda _, __, maps: elements.append(maps.numel()))
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module(torch.empty(1, 3, frames, size, size, device="meta"))
    return counter.get_total_flops() // 2, sum(elements)


@pytest.mark.parametrize(
    ("layout", "left", "shortest"),
    [
        (HUB, {8: 4, 32: 16, 7: 3}, 2),
        (NO_POOLING, {8: 8, 1: 1}, 1),
        (WANG_TABLE_1, {32: 4, 16: 2, 1: 1}, 1),
        (MMACTION2, {32: 4, 16: 2, 8: 1, 5: 1}, 5),
    ],
)
def test_a_layout_knows_how_many_frames_reach_the_head(layout, left, shortest):
    assert {frames: layout.left(frames) for frames in left} == left
    assert layout.min_frames == shortest


@pytest.mark.parametrize(
    ("name", "frames"),
    [("c2d_r50", 9), ("c2d_nopool_r50", 3), ("c2d_32x2_r50", 13), ("i3d_32x2_r50", 13)],
)
def test_the_maps_are_as_long_as_the_layout_says(name, frames):
    module = on_meta(name, frames, 64)
    seen = []
    module.blocks[-2].register_forward_hook(lambda _, __, maps: seen.append(maps.shape[2]))
    module(torch.empty(1, 3, frames, 64, 64, device="meta"))
    assert seen == [module.blocks[-1].pool.kernel_size[0]]


def test_a_clip_that_is_too_short_for_the_layout_is_refused():
    with pytest.raises(KinobenchError, match="a clip of 4 frames is too short; give 5 or more"):
        registry.get("i3d_32x2_r50").build(4, 4, 224)


# Convolutions, matrix products and 2 per element of every normalisation: mmengine's counter
# (open-mmlab/mmaction2, configs/recognition/{c2d,i3d}/README.md). Parameters: its metafiles.
@pytest.mark.parametrize(
    ("name", "frames", "size", "printed", "parameters"),
    [
        ("c2d_nopool_r50", 8, 224, "33", 24_327_632),
        ("c2d_nopool_r101", 8, 224, "63", 43_319_760),
        ("c2d_r50", 16, 224, "39", 24_327_632),
        ("i3d_32x2_r50", 32, 256, "43.5", 28_043_472),
        ("i3d_heavy_r50", 32, 256, "166.3", 33_024_208),
        ("i3d_32x2_nl5_r50", 32, 256, "59.3", 35_397_840),
        ("i3d_32x2_nl5_gaussian_r50", 32, 256, "56.5", 31_723_728),
    ],
)
def test_the_printed_cost_of_mmaction2_comes_out(name, frames, size, printed, parameters):
    module = on_meta(name, frames, size)
    macs, elements = cost(module, frames, size)
    digits = len(printed.partition(".")[2])
    assert f"{(macs + 2 * elements) / 1e9:.{digits}f}" == printed
    assert sum(parameter.numel() for parameter in module.parameters()) == parameters


def test_the_printed_cost_of_c2d_in_pytorchvideo_comes_out():
    macs, elements = cost(on_meta("c2d_r50", 8, 256), 8, 256)
    assert f"{(macs + 5 * elements) / 1e9:.2f}" == "25.89"


@pytest.mark.parametrize(
    ("extent", "window", "stride", "padding"),
    [
        (224, 7, 2, [2, 3]),
        (112, 3, 2, [0, 1]),
        (7, 3, 2, [1, 1]),
        (5, 3, 1, [1, 1]),
        (8, 2, 2, [0, 0]),
    ],
)
def test_same_padding_puts_the_odd_pixel_at_the_end(extent, window, stride, padding):
    given = same_padding((extent,) * 3, (window,) * 3, (stride,) * 3)
    assert given == padding * 3
    total = sum(padding)
    assert (extent + total - window) // stride + 1 == -(-extent // stride)


def test_time_is_halved_three_times_and_space_five_times():
    module = on_meta("i3d_inception", 64, 224)
    shapes = {}
    for name in module.layer_names:
        module.get_submodule(name).register_forward_hook(
            lambda _, __, maps, name=name: shapes.update({name: tuple(maps.shape[1:])})
        )
    module(torch.empty(1, 3, 64, 224, 224, device="meta"))
    # Carreira and Zisserman 2017, figure 3.
    assert shapes["Conv3d_1a_7x7"] == (64, 32, 112, 112)
    assert shapes["MaxPool3d_2a_3x3"] == (64, 32, 56, 56)
    assert shapes["MaxPool3d_3a_3x3"] == (192, 32, 28, 28)
    assert shapes["Mixed_3c"] == (480, 32, 28, 28)
    assert shapes["MaxPool3d_4a_3x3"] == (480, 16, 14, 14)
    assert shapes["Mixed_4f"] == (832, 16, 14, 14)
    assert shapes["MaxPool3d_5a_2x2"] == (832, 8, 7, 7)
    assert shapes["Mixed_5c"] == (1024, 8, 7, 7)


def test_its_parameters_are_those_of_googlenet_inflated():
    with torch.device("meta"):
        network = googlenet(num_classes=400, init_weights=False, aux_logits=False)
        i3d = InceptionI3D(400)
    inflated = inflate(network, 64)
    expected = [tuple(parameter.shape) for parameter in inflated.parameters()]
    given = [tuple(parameter.shape) for parameter in i3d.parameters()]
    # The classifier is a convolution in one and a matrix in the other.
    assert given[:-2] == expected[:-2]
    assert given[-2] == (*expected[-2], 1, 1, 1)
    assert given[-1] == expected[-1]
    assert sum(parameter.numel() for parameter in i3d.parameters()) == 12_697_264


def test_its_parameters_are_named_as_in_the_converted_checkpoints():
    keys = set(on_meta("i3d_inception", 64, 224).state_dict())
    assert {
        "Conv3d_1a_7x7.conv3d.weight",
        "Conv3d_2c_3x3.bn.running_mean",
        "Mixed_3b.b0.conv3d.weight",
        "Mixed_4f.b1b.bn.weight",
        "Mixed_5c.b3b.bn.num_batches_tracked",
        "logits.conv3d.weight",
        "logits.conv3d.bias",
    } <= keys
    assert len(keys) == 57 * 6 + 2


def test_a_stream_of_flow_takes_x_and_y_as_channels_over_time():
    flow = torch.arange(6.0).view(1, 6, 1, 1)
    assert flow_volume(flow).view(2, 3).tolist() == [[0, 2, 4], [1, 3, 5]]
    module = on_meta("i3d_inception_flow", 64, 224)
    assert module.Conv3d_1a_7x7.conv3d.in_channels == 2
    assert module(torch.empty(2, 126, 224, 224, device="meta")).shape == (2, 400)
    assert registry.get("i3d_inception_flow").inputs == ("flow",)


def test_the_two_streams_logits_are_added():
    torch.manual_seed(0)
    module = registry.get("i3d_inception_two_stream_tiny").build(5, 8, 48).eval()
    clip, flow = torch.randn(2, 3, 8, 48, 48), torch.randn(2, 14, 48, 48)
    with torch.inference_mode():
        torch.testing.assert_close(module(clip, flow), module.rgb(clip) + module.flow(flow))
        alone = torch.cat([module(clip[:1], flow[:1]), module(clip[1:], flow[1:])])
        torch.testing.assert_close(module(clip, flow), alone, atol=1e-5, rtol=1e-5)
    assert registry.get("i3d_inception_two_stream").inputs == ("rgb", "flow")
    both = on_meta("i3d_inception_two_stream", 64, 224)
    assert f"{sum(parameter.numel() for parameter in both.parameters()) / 1e6:.0f}" == "25"


def test_a_network_of_flow_needs_two_frames():
    for name in ("i3d_inception_flow", "i3d_inception_two_stream"):
        with pytest.raises(KinobenchError, match="a clip of 1 frame is too short; give 2 or more"):
            registry.get(name).build(4, 1, 224)


@pytest.mark.parametrize(("frames", "size"), [(1, 32), (5, 47), (16, 64), (40, 33)])
def test_any_number_of_frames_gives_one_prediction(frames, size):
    module = registry.get("i3d_inception_tiny").build(3, frames, size).eval()
    with torch.inference_mode():
        assert module(torch.randn(2, 3, frames, size, size)).shape == (2, 3)
