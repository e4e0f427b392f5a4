"""The two streams see what they should, and are fused by their weights."""

import pytest
import torch
from torch import nn

from kinobench.datasets.errors import KinobenchError
from kinobench.zoo import registry
from kinobench.zoo.families.two_stream import TINY_STREAMS, build, fuse
from kinobench.zoo.parts.cnn_m import CNN_M_2048, CNNM, SMALLEST, last_side

NAMES = registry.FAMILY_MODULES["two_stream"]
TINY = [name for name in NAMES if name.endswith("_tiny")]
FRAMES, SIZE, CLASSES = 5, 64, 6


@pytest.fixture
def inputs():
    generator = torch.Generator().manual_seed(0)
    clip = torch.randn(2, 3, FRAMES, SIZE, SIZE, generator=generator)
    flow = torch.rand(2, 2 * (FRAMES - 1), SIZE, SIZE, generator=generator) * 2 - 1
    return {"rgb": clip, "flow": flow}


def built(name: str, frames: int = FRAMES, size: int = SIZE) -> nn.Module:
    torch.manual_seed(1)
    module = registry.get(name).build(CLASSES, frames, size).eval()
    for layer in module.modules():  # so that classes differ by more than rounding
        if isinstance(layer, nn.Linear) and layer.out_features == CLASSES:
            nn.init.normal_(layer.weight, std=0.5)
    return module


def given(name: str, inputs: dict[str, torch.Tensor]) -> list[torch.Tensor]:
    return [inputs[kind] for kind in registry.get(name).inputs]


def parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize("weights", [(1.0, 1.0), (1.0, 1.5), (3.0, 1.0)])
def test_fusion_is_the_weighted_mean_of_the_streams_probabilities(inputs, weights):
    torch.manual_seed(1)
    module = build(CLASSES, FRAMES, SIZE, streams=TINY_STREAMS, weights=weights).eval()
    with torch.inference_mode():
        fused = module(inputs["rgb"], inputs["flow"]).softmax(dim=1)
        spatial = module.spatial(inputs["rgb"]).softmax(dim=1)
        temporal = module.temporal(inputs["flow"]).softmax(dim=1)
    expected = (weights[0] * spatial + weights[1] * temporal) / sum(weights)
    torch.testing.assert_close(fused, expected, atol=1e-7, rtol=1e-6)


def test_fusion_is_that_of_a_hand_calculation():
    # The spatial stream says (3/4, 1/4), the temporal one (1/4, 3/4).
    spatial, temporal = torch.tensor([[3.0, 1.0], [1.0, 3.0]]).log()
    halves = fuse(spatial, temporal, (2.0, 2.0)).exp()
    torch.testing.assert_close(halves, torch.tensor([0.5, 0.5]))
    # 0.4 * 3/4 + 0.6 * 1/4 = 0.45
    tilted = fuse(spatial, temporal, (1.0, 1.5)).exp()
    torch.testing.assert_close(tilted, torch.tensor([0.45, 0.55]))


def test_fusion_stays_finite_where_probabilities_underflow_and_keeps_the_precision():
    sure = torch.tensor([1000.0, 0.0])
    torch.testing.assert_close(fuse(sure, sure, (1.0, 1.0)), torch.tensor([0.0, -1000.0]))
    halves = fuse(sure.half(), -sure.half(), (1.0, 1.0))
    assert halves.dtype == torch.float16
    assert halves.isfinite().all()


def test_the_temporal_stream_sees_the_flow_alone_and_the_spatial_stream_the_middle_frame(inputs):
    module = built("two_stream_tiny")
    clip, flow = inputs["rgb"], inputs["flow"]
    elsewhere = clip.clone()
    elsewhere[:, :, [0, 1, 3, 4]] = 7.0
    with torch.inference_mode():
        centred = flow - flow.mean(dim=(2, 3), keepdim=True)
        assert torch.equal(module.temporal(flow), module.temporal.network(centred))
        assert torch.equal(module.spatial(clip), module.spatial.network(clip[:, :, 2]))
        assert torch.equal(module(clip, flow), module(elsewhere, flow))
        assert not torch.allclose(module(clip, flow), module(clip.flip(0), flow))
        assert not torch.allclose(module(clip, flow), module(clip, flow.flip(0)))


@pytest.mark.parametrize("subtracted", [True, False])
def test_a_movement_of_the_whole_picture_is_subtracted_from_each_flow(inputs, subtracted):
    torch.manual_seed(1)
    module = build(
        CLASSES,
        FRAMES,
        SIZE,
        streams=TINY_STREAMS,
        inputs=("flow",),
        mean_subtraction=subtracted,
    ).eval()
    flow = inputs["flow"]
    # Another displacement for each flow and each of its two components.
    pan = torch.linspace(-0.8, 0.8, flow.shape[1])[:, None, None]
    seen = []
    module.network.features.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    with torch.inference_mode():
        same = torch.allclose(module(flow), module(flow + pan), atol=1e-5)
    assert same == subtracted
    assert (seen[1].mean(dim=(2, 3)).abs().max() < 1e-6) == subtracted


@pytest.mark.parametrize(("frames", "middle"), [(11, 5), (16, 8), (2, 1)])
def test_the_middle_frame_is_frame_t_over_2(frames, middle):
    module = built("spatial_stream_tiny", frames)
    clip = torch.randn(1, 3, frames, SIZE, SIZE)
    with torch.inference_mode():
        assert torch.equal(module(clip), module.network(clip[:, :, middle]))


@pytest.mark.parametrize("name", TINY)
def test_a_batch_of_two_gives_what_two_batches_of_one_give(name, inputs):
    module = built(name)
    with torch.inference_mode():
        together = module(*given(name, inputs))
        alone = torch.cat(
            [module(*given(name, {key: t[i : i + 1] for key, t in inputs.items()})) for i in (0, 1)]
        )
    assert together.shape == (2, CLASSES)
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)
    assert not torch.allclose(together[0], together[1], atol=1e-3)


def test_the_streams_do_not_write_to_what_they_are_given(inputs):
    before = {key: tensor.clone() for key, tensor in inputs.items()}
    with torch.inference_mode():
        built("two_stream_tiny")(inputs["rgb"], inputs["flow"])
    assert all(torch.equal(inputs[key], before[key]) for key in before)


def test_both_streams_are_trained_by_one_step(inputs):
    module = registry.get("two_stream_tiny").build(CLASSES, FRAMES, SIZE).train()
    nn.functional.nll_loss(module(inputs["rgb"], inputs["flow"]), torch.tensor([0, 3])).backward()
    assert [key for key, value in module.named_parameters() if value.grad is None] == []


def test_cnn_m_2048_has_the_papers_layers_counted_by_hand():
    with torch.device("meta"):
        spatial, temporal = CNNM(3, 1000, 224), CNNM(20, 101, 224, second_norm=False)
    convolutions = (
        (7 * 7 * 3 + 1) * 96
        + (5 * 5 * 96 + 1) * 256
        + (3 * 3 * 256 + 1) * 512
        + 2 * (3 * 3 * 512 + 1) * 512
    )
    connected = (6 * 6 * 512 + 1) * 4096 + (4096 + 1) * 2048
    assert parameters(spatial) == convolutions + connected + (2048 + 1) * 1000 == 92_469_864
    flow_stem = 7 * 7 * (20 - 3) * 96
    assert parameters(temporal) == convolutions + flow_stem + connected + (2048 + 1) * 101


def test_cnn_m_leaves_maps_of_54_13_and_6_at_224_pixels():
    sides = []
    with torch.device("meta"):
        network = CNNM(3, 10, 224).eval()
        for layer in network.features:
            if isinstance(layer, nn.MaxPool2d):
                layer.register_forward_hook(lambda _, __, maps: sides.append(maps.shape[-1]))
        network(torch.empty(1, 3, 224, 224))
    assert sides == [54, 13, 6]


def test_only_the_temporal_cnn_m_lacks_the_second_normalisation():
    with torch.device("meta"):
        module = registry.get("two_stream_cnn_m").build(101, 11, 224)
    norms = [
        sum(isinstance(layer, nn.LocalResponseNorm) for layer in stream.modules())
        for stream in (module.spatial, module.temporal)
    ]
    assert norms == [2, 1]


def test_the_normalisation_is_krizhevskys():
    # 5 channels of ones: each is divided by (2 + 1e-4 * its neighbours in a window of 5)^0.75.
    norm = next(
        layer for layer in CNNM(3, 2, 41).modules() if isinstance(layer, nn.LocalResponseNorm)
    )
    ones = torch.ones(1, 5, 1, 1)
    expected = (2 + 1e-4 * torch.tensor([3.0, 4, 5, 4, 3])) ** -0.75
    torch.testing.assert_close(norm(ones).flatten(), expected)


@pytest.mark.parametrize("size", [41, 42, 63, 64, 112, 223, 224, 225, 256])
def test_cnn_m_is_built_for_the_map_that_is_left(size):
    with torch.device("meta"):
        assert CNNM(3, 4, size).eval()(torch.empty(1, 3, size, size)).shape == (1, 4)


def test_a_frame_of_40_pixels_leaves_nothing():
    assert last_side(SMALLEST) == 1
    assert last_side(SMALLEST - 1) == 0
    with torch.device("meta"), pytest.raises(RuntimeError):
        CNNM(3, 4, SMALLEST).features(torch.empty(1, 3, SMALLEST - 1, SMALLEST - 1))


@pytest.mark.parametrize(
    ("name", "clip", "cure"),
    [
        ("two_stream_cnn_m", (1, 224), "a clip of 1 frame is too short; give 2 or more"),
        ("temporal_stream_r50", (1, 224), "a clip of 1 frame is too short; give 2 or more"),
        ("two_stream_cnn_m", (11, 40), "a frame of 40x40 is too small; give 41x41 or more"),
        ("two_stream_r50", (11, 31), "a frame of 31x31 is too small; give 32x32 or more"),
    ],
)
def test_a_clip_that_no_stream_can_take_is_refused(name, clip, cure):
    with pytest.raises(KinobenchError, match=cure):
        registry.get(name).build(8, *clip)


def test_a_single_frame_is_enough_for_the_spatial_stream():
    with torch.inference_mode():
        assert built("spatial_stream_tiny", 1)(torch.randn(1, 3, 1, 64, 64)).shape == (1, CLASSES)


def test_a_weight_of_nothing_is_refused():
    with pytest.raises(KinobenchError, match=r"weights is \(1.0, 0.0\); give two numbers above 0"):
        build(8, 11, 64, streams=TINY_STREAMS, weights=(1.0, 0.0))


@pytest.mark.parametrize("name", NAMES)
def test_every_network_takes_what_its_inputs_say_at_several_lengths_and_sizes(name):
    frames, _, size = registry.get(name).native
    for length, side in ((frames, size), (16, 112), (8, 224)):
        with torch.device("meta"), torch.no_grad():
            module = registry.get(name).build(101, length, side).eval()
            clip = torch.empty(2, 3, length, side, side)
            flow = torch.empty(2, 2 * (length - 1), side, side)
            assert module(*given(name, {"rgb": clip, "flow": flow})).shape == (2, 101)


def test_inception_streams_have_the_12_million_parameters_of_quo_vadis():
    with torch.device("meta"):
        module = registry.get("two_stream_googlenet").build(400, 11, 224)
    assert f"{parameters(module) / 1e6:.0f}" == "12"
    assert parameters(module.temporal) - parameters(module.spatial) == 7 * 7 * 17 * 64


def test_the_widths_are_those_of_cnn_m_2048():
    assert tuple(CNN_M_2048) == (96, 256, 512, 4096, 2048)
