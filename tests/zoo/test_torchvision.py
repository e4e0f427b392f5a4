"""The video networks of torchvision are torchvision's, and VMZ's have the cost that it printed."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models import get_model, get_model_weights

from kinobench.datasets.errors import KinobenchError
from kinobench.zoo import registry
from kinobench.zoo.families.mvit_torchvision import blocks

# The size of the frame of each origin's weights.
TORCHVISION = {
    "r3d_18": 112,
    "mc3_18": 112,
    "r2plus1d_18": 112,
    "s3d": 224,
    "mvit_v1_b": 224,
    "mvit_v2_s": 224,
    "swin3d_t": 224,
    "swin3d_s": 224,
    "swin3d_b": 224,
}

# facebookresearch/VMZ, c2/tutorials/models.md: at 8 and 16 frames of 112, GMACs; parameters in
# millions, which count neither normalisations nor biases.
VMZ = {
    "r2plus1d_18_vmz": ("20.7", "41.5", "33.3"),
    "r3d_18": ("20.3", "40.7", "33.4"),
    "fr2d_18": ("13.8", "27.6", "11.4"),
    "mc2_18": ("14.3", "28.5", "11.4"),
    "mc3_18": ("21.7", "43.3", "11.7"),
    "mc4_18": ("20.0", "40.0", "12.7"),
    "mc5_18": ("20.0", "39.9", "16.8"),
    "rmc2_18": ("19.9", "39.8", "33.3"),
    "rmc3_18": ("12.5", "25.0", "33.0"),
    "rmc4_18": ("14.5", "29.1", "32.0"),
    "rmc5_18": ("15.4", "30.8", "27.9"),
}


def on_meta(name: str, classes: int, frames: int, size: int) -> nn.Module:
    with torch.device("meta"):
        return registry.get(name).build(classes, frames, size).eval()


def gmacs(module: nn.Module, frames: int, size: int) -> float:
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module(torch.empty(1, 3, frames, size, size, device="meta"))
    return counter.get_total_flops() / 2e9


def weights_without_norms(module: nn.Module) -> float:
    return sum(entry.numel() for entry in module.parameters() if entry.ndim > 1) / 1e6


def leaves(module: nn.Module) -> list[str]:
    """Print every layer that has none inside, with its name, window, stride and padding."""
    return [f"{key}: {layer}" for key, layer in module.named_modules() if not [*layer.children()]]


@pytest.mark.parametrize("name", TORCHVISION)
def test_the_parameters_and_operations_are_those_that_torchvision_prints(name):
    module = on_meta(name, 400, 16, TORCHVISION[name])
    for weights in get_model_weights(name):
        counted = sum(parameter.numel() for parameter in module.parameters())
        assert counted == weights.meta["num_params"]
        assert round(gmacs(module, 16, TORCHVISION[name]), 3) == weights.meta["_ops"]


@pytest.mark.parametrize("name", TORCHVISION)
def test_it_has_the_parameters_and_layers_of_torchvision(name):
    module = on_meta(name, 400, 16, TORCHVISION[name])
    with torch.device("meta"):
        origin = get_model(name)
    shapes = {key: entry.shape for key, entry in origin.state_dict().items()}
    assert {key: entry.shape for key, entry in module.state_dict().items()} == shapes
    assert leaves(module) == leaves(origin)


@pytest.mark.parametrize(
    ("name", "frames", "size"),
    [
        ("r3d_18", 4, 48),
        ("mc3_18", 4, 48),
        ("r2plus1d_18", 4, 48),
        pytest.param("s3d", 21, 209, marks=pytest.mark.slow),
        pytest.param("mvit_v1_b", 16, 224, marks=pytest.mark.slow),
        pytest.param("mvit_v2_s", 16, 224, marks=pytest.mark.slow),
        ("swin3d_t", 18, 40),
    ],
)
def test_it_gives_what_torchvision_gives_with_the_same_random_parameters(name, frames, size):
    torch.manual_seed(0)
    origin = get_model(name, num_classes=8)
    for key, entry in origin.state_dict().items():
        if entry.is_floating_point() and ("pos" in key or "bias" in key or "running" in key):
            (nn.init.uniform_ if "running_var" in key else nn.init.normal_)(entry)
    origin.eval()
    module = registry.get(name).build(8, frames, size).eval()
    module.load_state_dict(origin.state_dict())
    clip = torch.randn(1, 3, frames, size, size)
    with torch.inference_mode():
        expected = origin(clip)
        torch.testing.assert_close(module(clip), expected)
    assert expected.std() > 0.01


@pytest.mark.parametrize("name", VMZ)
def test_the_cost_is_what_vmz_printed(name):
    short, long, parameters = VMZ[name]
    module = on_meta(name, 400, 8, 112)
    assert f"{gmacs(module, 8, 112):.1f}" == short
    assert f"{gmacs(module, 16, 112):.1f}" == long
    assert f"{weights_without_norms(module):.1f}" == parameters


@pytest.mark.parametrize(
    ("frames", "printed", "parameters"), [(8, "1.9", "11.4"), (16, "2.2", "11.5")]
)
def test_r2d_takes_all_frames_as_the_channels_of_one_picture(frames, printed, parameters):
    module = on_meta("r2d_18", 400, frames, 112)
    assert f"{gmacs(module, frames, 112):.1f}" == printed
    assert f"{weights_without_norms(module):.1f}" == parameters
    assert module.stem[0].in_channels == 3 * frames


@pytest.mark.parametrize(
    ("name", "printed", "parameters"),
    [("r2plus1d_34", "199.0", "63.6"), ("r2plus1d_152", "329.1", "118.0")],
)
def test_the_deep_networks_have_the_cost_that_vmz_printed_at_its_test_size(
    name, printed, parameters
):
    # c2/tutorials/model_zoo.md tells 112, the crop of the training; the count is that of 128.
    module = on_meta(name, 400, 32, 128)
    assert f"{gmacs(module, 32, 128):.1f}" == printed
    assert f"{weights_without_norms(module):.1f}" == parameters


def test_a_2plus1d_convolution_of_vmz_has_as_many_parameters_as_the_3d_one_it_replaces():
    with torch.device("meta"):
        alike = registry.get("r2plus1d_18_vmz").build(400, 8, 112)
        full = registry.get("r3d_18").build(400, 8, 112)
    for layer in ("layer1", "layer2", "layer3", "layer4"):
        ours, theirs = (weights_without_norms(getattr(net, layer)) for net in (alike, full))
        assert ours == pytest.approx(theirs, rel=2e-3)


def test_the_blocks_of_mvit_are_torchvisions():
    for version, name in {1: "mvit_v1_b", 2: "mvit_v2_s"}.items():
        with torch.device("meta"):
            origin = get_model(name)
        heads = [block.attn.num_heads for block in origin.blocks]
        assert [block.num_heads for block in blocks(version, 16, 96, (1, 3, 14))] == heads


@pytest.mark.parametrize(
    ("name", "frames", "size"),
    [
        ("r3d_18_tiny", 1, 32),
        ("mc3_18_tiny", 3, 33),
        ("r2plus1d_18_tiny", 5, 47),
        ("s3d_tiny", 5, 32),
        ("s3d_tiny", 17, 45),
        ("mvit_v1_tiny", 1, 32),
        ("mvit_v1_tiny", 7, 45),
        ("mvit_v2_tiny", 1, 32),
        ("mvit_v2_tiny", 7, 45),
        ("swin3d_tiny", 1, 32),
        ("swin3d_tiny", 19, 45),
    ],
)
def test_the_smallest_and_the_odd_clips_work(name, frames, size):
    torch.manual_seed(0)
    module = registry.get(name).build(3, frames, size).eval()
    with torch.inference_mode():
        logits = module(torch.randn(1, 3, frames, size, size))
    assert logits.shape == (1, 3)
    assert logits.isfinite().all()


def test_a_clip_too_short_for_s3d_is_refused():
    with pytest.raises(KinobenchError, match="a clip of 4 frames is too short; give 5 or more"):
        registry.get("s3d").build(8, 4, 224)


def test_the_window_of_s3d_is_the_origins_or_the_whole_of_a_smaller_map():
    for frames, size, window in [(128, 224, (2, 7, 7)), (16, 112, (2, 3, 3)), (8, 32, (1, 1, 1))]:
        assert on_meta("s3d", 8, frames, size).avgpool.kernel_size == window
