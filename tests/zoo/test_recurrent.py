"""Recurrent networks remember, average their predictions, and stream frame by frame."""

import pytest
import torch
from torch import nn
from torch.utils import _pytree as pytree
from torchvision import models

from kinobench.datasets.errors import KinobenchError
from kinobench.zoo import registry
from kinobench.zoo.families.conv_gru import ConvGRU
from kinobench.zoo.parts.caffenet import ALEXNET_FC6, SMALLEST, HybridCaffeNet, last_side
from kinobench.zoo.parts.conv_gru_maps import ResNetDepths, VGG16Depths
from kinobench.zoo.parts.resnet2d import TINY_RESNET
from kinobench.zoo.spec import streams

NAMES = [name for family in ("recurrent", "conv_gru") for name in registry.FAMILY_MODULES[family]]
TINY = [name for name in NAMES if name.endswith("_tiny")]
FULL = [name for name in NAMES if not name.endswith("_tiny")]
FRAMES, SIZE, CLASSES = 6, 64, 5


@pytest.fixture
def clip():
    return torch.randn(2, 3, FRAMES, SIZE, SIZE, generator=torch.Generator().manual_seed(0))


def built(name: str, **options) -> nn.Module:
    torch.manual_seed(1)
    build = registry.get(name).build
    module = build(CLASSES, FRAMES, SIZE, **options).eval()
    for layer in module.modules():  # so that classes and times differ by more than rounding
        if isinstance(layer, nn.Linear) and layer.out_features == CLASSES:
            nn.init.normal_(layer.weight)
    return module


def on_meta(name: str, classes: int, frames: int, size: int) -> nn.Module:
    with torch.device("meta"):
        return registry.get(name).build(classes, frames, size).eval()


def parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize("name", TINY)
def test_after_every_frame_the_stream_says_what_the_clip_up_to_it_gives(name, clip):
    module = built(name)
    assert streams(module)
    state = None
    said = []
    with torch.inference_mode():
        for t in range(FRAMES):
            logits, state = module.step(clip[:, :, t], state)
            assert logits.shape == (2, CLASSES)
            torch.testing.assert_close(logits, module(clip[:, :, : t + 1]), atol=1e-5, rtol=1e-5)
            said.append(logits)
    assert (said[0] - said[-1]).abs().max() > 1e-3


def test_the_mean_of_all_steps_predictions_streams_too(clip):
    module = built("cnn_gru_tiny", averaged=True)
    state = None
    with torch.inference_mode():
        for frame in clip.unbind(dim=2):
            logits, state = module.step(frame, state)
        torch.testing.assert_close(logits, module(clip), atol=1e-5, rtol=1e-5)


def test_of_the_tiny_ones_the_last_steps_prediction_counts(clip):
    module = built("cnn_gru_tiny")
    state = None
    with torch.inference_mode():
        for frame in clip.unbind(dim=2):
            logits, state = module.step(frame, state)
        torch.testing.assert_close(logits, module(clip), atol=1e-5, rtol=1e-5)
        outputs, _ = module.recurrent(module.per_frame(clip))
        torch.testing.assert_close(logits, module.classifier(outputs[:, -1]), atol=1e-5, rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("name", FULL)
def test_a_full_size_network_streams_what_its_clip_gives(name):
    torch.manual_seed(0)
    module = registry.get(name).build(101, 3, 64).eval()
    clip = torch.randn(1, 3, 3, 64, 64)
    state = None
    with torch.inference_mode():
        for frame in clip.unbind(dim=2):
            logits, state = module.step(frame, state)
        torch.testing.assert_close(logits, module(clip), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", TINY)
def test_the_state_is_a_nest_of_tensors_and_is_not_written_to(name, clip):
    module = built(name)
    with torch.inference_mode():
        _, first = module.step(clip[:, :, 0], None)
        leaves = pytree.tree_leaves(first)
        assert all(isinstance(leaf, torch.Tensor) for leaf in leaves)
        copies = [leaf.clone() for leaf in leaves]
        again, _ = module.step(clip[:, :, 1], first)
        assert all(torch.equal(leaf, copy) for leaf, copy in zip(leaves, copies, strict=True))
        torch.testing.assert_close(module.step(clip[:, :, 1], first)[0], again, atol=0, rtol=0)


@pytest.mark.parametrize("name", TINY)
def test_the_order_of_the_frames_counts(name, clip):
    module = built(name)
    with torch.inference_mode():
        assert (module(clip) - module(clip.flip(2))).abs().max() > 1e-3


@pytest.mark.parametrize("name", ["cnn_lstm_tiny", "cnn_gru_tiny"])
def test_the_probabilities_of_all_steps_are_averaged(name, clip):
    module = built(name, averaged=True)
    with torch.inference_mode():
        outputs, _ = module.recurrent(module.per_frame(clip))
        mean = module.classifier(outputs).softmax(dim=2).mean(dim=1)
        torch.testing.assert_close(module(clip).softmax(dim=1), mean, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("name", ["cnn_lstm_tiny", "conv_gru_tiny"])
def test_in_bfloat16_the_average_is_kept_in_float32_and_logits_come_in_bfloat16(name, clip):
    averaged = {"averaged": True} if name == "cnn_lstm_tiny" else {}
    module = built(name, **averaged).bfloat16()
    state = None
    with torch.inference_mode():
        for frame in clip.bfloat16().unbind(dim=2):
            logits, state = module.step(frame, state)
    assert logits.dtype == torch.bfloat16
    if name == "cnn_lstm_tiny":
        assert state.predictions[0].log_sum.dtype == torch.float32
        assert state.predictions[0].steps == FRAMES


def gru_by_hand(gru: ConvGRU, maps, hidden, below):
    """The equations of the paper, with the weights of each gate apart."""
    conv, padding, width = nn.functional.conv2d, gru.candidate.padding, gru.hidden
    of_input = gru.from_input.weight.split(width)
    biases = gru.from_input.bias.split(width)
    of_hidden = gru.from_hidden.weight.split(width)
    gates = []
    for gate in (0, 1):
        total = conv(maps, of_input[gate], biases[gate], padding=padding)
        total = total + conv(hidden, of_hidden[gate], padding=padding)
        if below is not None:
            of_below = gru.from_below.weight.split(width)[gate]
            total = total + conv(nn.functional.max_pool2d(below, 2), of_below, padding=padding)
        gates.append(total.sigmoid())
    update, reset = gates
    new = conv(maps, of_input[2], biases[2], padding=padding)
    new = (new + conv(reset * hidden, gru.candidate.weight, padding=padding)).tanh()
    return (1 - update) * hidden + update * new


@pytest.mark.parametrize("stacked", [False, True])
def test_the_convolutional_gru_follows_the_papers_equations(stacked):
    torch.manual_seed(0)
    gru = ConvGRU(4, 3, kernel=3, below=2 if stacked else None)
    maps, hidden = torch.randn(2, 4, 6, 6), torch.randn(2, 3, 6, 6)
    below = torch.randn(2, 2, 12, 12) if stacked else None
    with torch.inference_mode():
        expected = gru_by_hand(gru, maps, hidden, below)
        torch.testing.assert_close(gru(gru.from_input(maps), hidden, below), expected)
        nothing = gru_by_hand(gru, maps, torch.zeros_like(hidden), below)
        torch.testing.assert_close(gru(gru.from_input(maps), None, below), nothing)


def test_a_convolutional_gru_on_one_pixel_is_torchs_gru_but_for_where_it_resets():
    # torch multiplies by the reset gate after the product, Ballas and Cho before; with a reset of
    # 1 they agree. torch's update gate says how much is old.
    torch.manual_seed(0)
    ours, theirs = ConvGRU(4, 3, kernel=1), nn.GRUCell(4, 3)
    with torch.no_grad():
        update, reset, new = ours.from_input.weight.flatten(1).split(3)
        theirs.weight_ih.copy_(torch.cat([reset * 0, -update, new]))
        bias_update, _, bias_new = ours.from_input.bias.split(3)
        ours.from_input.bias[3:6] = 30.0
        theirs.bias_ih.copy_(torch.cat([torch.full((3,), 60.0), -bias_update, bias_new]))
        hidden_update, hidden_reset = ours.from_hidden.weight.flatten(1).split(3)
        hidden_new = ours.candidate.weight.flatten(1)
        theirs.weight_hh.copy_(torch.cat([hidden_reset * 0, -hidden_update, hidden_new]))
        theirs.bias_hh.zero_()
        maps, hidden = torch.randn(2, 4), torch.randn(2, 3)
        ones = (slice(None), slice(None), None, None)
        found = ours(ours.from_input(maps[ones]), hidden[ones], None).flatten(1)
        torch.testing.assert_close(found, theirs(maps, hidden), atol=1e-6, rtol=1e-5)


def test_the_depths_classifiers_are_averaged_after_the_last_frame(clip):
    module = built("conv_gru_stacked_tiny")
    state = None
    with torch.inference_mode():
        for frame in clip.unbind(dim=2):
            _, state = module.step(frame, state)
        probabilities = [
            classify(hidden.mean(dim=(2, 3))).softmax(dim=1)
            for classify, hidden in zip(module.classifiers, state, strict=True)
        ]
        mean = torch.stack(probabilities).mean(dim=0)
        torch.testing.assert_close(module(clip).softmax(dim=1), mean, atol=1e-6, rtol=1e-5)
    assert [tuple(hidden.shape[1:]) for hidden in state] == [
        (16, 16, 16),
        (16, 8, 8),
        (16, 4, 4),
        (16, 2, 2),
        (32, 1, 1),
    ]


def test_only_the_stacked_network_lets_a_deeper_gru_see_the_one_below(clip):
    for name, sees in (("conv_gru_tiny", False), ("conv_gru_stacked_tiny", True)):
        module = built(name)
        with torch.inference_mode():
            drives = module._drives(clip[:, :, 0])
            before = module._next(drives, None)
            after = module._next([drives[0] + 1, *drives[1:]], None)
        moved = [not torch.equal(*pair) for pair in zip(before, after, strict=True)]
        assert moved == [True] + [sees] * 4


def test_vgg16_gives_pool2_to_pool5_and_fc7_under_torchvisions_names():
    with torch.device("meta"):
        depths = VGG16Depths()
        origin = models.vgg16()
        maps = depths(torch.empty(1, 3, 224, 224))
    assert [tuple(layer.shape[1:]) for layer in maps] == [
        (128, 56, 56),
        (256, 28, 28),
        (512, 14, 14),
        (512, 7, 7),
        (4096, 1, 1),
    ]
    left_out = set(origin.state_dict()) - set(depths.state_dict())
    assert left_out == {"classifier.6.weight", "classifier.6.bias"}
    assert set(depths.state_dict()) < set(origin.state_dict())


def test_a_resnet_ends_in_the_features_that_it_gives_as_a_backbone(clip):
    torch.manual_seed(0)
    network = TINY_RESNET.build(3, None).eval()
    with torch.inference_mode():
        maps = ResNetDepths(network)(clip[:, :, 0])
        assert torch.equal(maps[-1].flatten(1), network(clip[:, :, 0]))
    assert [layer.shape[-1] for layer in maps] == [16, 8, 4, 2, 1]


def test_alexnet_up_to_fc6_has_torchvisions_names_and_shapes():
    with torch.device("meta"):
        origin = {key: value.shape for key, value in models.alexnet().state_dict().items()}
        network = ALEXNET_FC6.build(3, None)
        assert network.eval()(torch.empty(2, 3, 227, 227)).shape == (2, 4096)
    taken = {key: value.shape for key, value in network.state_dict().items()}
    assert taken.items() < origin.items()
    assert set(origin) - set(taken) == {
        f"classifier.{layer}.{kind}" for layer in (4, 6) for kind in ("weight", "bias")
    }


def lstm(width: int, hidden: int) -> int:
    """Count an LSTM's parameters as torch has them: four gates, two biases each."""
    return 4 * hidden * (width + hidden + 2)


def test_lrcns_own_network_has_the_prototxts_layers_counted_by_hand():
    convolutions = (
        (7 * 7 * 3 + 1) * 96
        + (5 * 5 * 48 + 1) * 384
        + (3 * 3 * 384 + 1) * 512
        + (3 * 3 * 256 + 1) * 512
        + (3 * 3 * 256 + 1) * 384
    )
    fc6 = (6 * 6 * 384 + 1) * 4096
    total = convolutions + fc6 + lstm(4096, 256) + (256 + 1) * 101
    assert parameters(on_meta("lrcn_caffenet", 101, 16, 227)) == total == 65_422_309


def test_the_other_recurrent_networks_have_their_parameters_counted_by_hand():
    resnet50 = 25_557_032 - 2049 * 1000
    counts = {
        "lrcn_alexnet": 2_469_696 + (9216 + 1) * 4096 + lstm(4096, 256) + 257 * 101,
        "cnn_lstm_r50": resnet50 + lstm(2048, 256) + 257 * 101,
        "cnn_gru_r50": resnet50 + lstm(2048, 256) // 4 * 3 + 257 * 101,
        "cnn_lstm_googlenet": 6_624_904 - 1025 * 1000 + lstm(1024, 512) + 513 * 101,
    }
    for name, count in counts.items():
        assert parameters(on_meta(name, 101, 16, 224)) == count, name


def test_inception_with_an_lstm_has_the_9_million_parameters_of_quo_vadis():
    assert f"{parameters(on_meta('cnn_lstm_googlenet', 400, 25, 224)) / 1e6:.0f}" == "9"


@pytest.mark.parametrize("stacked", [False, True])
def test_the_papers_conv_gru_has_its_parameters_counted_by_hand(stacked):
    channels, widths = (128, 256, 512, 512, 4096), (64, 128, 256, 256, 512)
    kernels = (9, 9, 9, 9, 1)
    total = 138_357_544 - 4097 * 1000
    for depth, (inputs, width, kernel) in enumerate(zip(channels, widths, kernels, strict=True)):
        total += 3 * width * (kernel * (inputs + width) + 1) + (width + 1) * 101
        if stacked and depth:
            total += 2 * width * kernel * widths[depth - 1]
    name = "conv_gru_stacked_vgg16" if stacked else "conv_gru_vgg16"
    assert parameters(on_meta(name, 101, 10, 224)) == total


@pytest.mark.parametrize("name", NAMES)
def test_every_network_takes_other_lengths_and_sizes(name):
    frames, _, size = registry.get(name).native
    for length, side in ((frames, size), (1, 112), (7, 256)):
        module = on_meta(name, 12, length, side)
        with torch.no_grad():
            clip = torch.empty(2, 3, length, side, side, device="meta")
            assert module(clip).shape == (2, 12)
            logits, state = module.step(clip[:, :, 0], None)
            assert module.step(clip[:, :, 0], state)[0].shape == logits.shape == (2, 12)


@pytest.mark.parametrize(
    ("name", "size", "least"),
    [("cnn_lstm_r50", 31, 32), ("lrcn_alexnet", 62, 63), ("lrcn_caffenet", 48, 49)],
)
def test_a_frame_that_is_too_small_is_refused(name, size, least):
    cure = f"a frame of {size}x{size} is too small; give {least}x{least} or more"
    with pytest.raises(KinobenchError, match=cure):
        registry.get(name).build(8, 16, size)
    on_meta(name, 8, 1, least)(torch.empty(1, 3, 1, least, least, device="meta"))


def test_lrcns_own_network_leaves_maps_of_55_13_and_6_at_227_pixels_and_nothing_below_49():
    sides = []
    with torch.device("meta"):
        network = HybridCaffeNet(3, None, 227).eval()
        for layer in network.features:
            if isinstance(layer, nn.MaxPool2d):
                layer.register_forward_hook(lambda _, __, maps: sides.append(maps.shape[-1]))
        network(torch.empty(1, 3, 227, 227))
    assert sides == [55, 13, 6]
    assert [last_side(SMALLEST), last_side(SMALLEST - 1)] == [1, 0]


@pytest.mark.parametrize("name", ["single_frame_tiny", "c3d_tiny"])
def test_what_needs_the_whole_clip_does_not_stream(name):
    assert not streams(registry.get(name).build(4, 16, 64))
