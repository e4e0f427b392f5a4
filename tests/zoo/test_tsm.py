"""TSM: which channels move, which way, and where in a network."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from kinobench.datasets.errors import KinobenchError
from kinobench.zoo import registry
from kinobench.zoo.families.tsm import TemporalShift, shift
from kinobench.zoo.parts.resnet2d import TINY_RESNET

FRAMES = 6
# At 400 classes, 8 frames of 224 pixels (MobileNetV2: 256): open-mmlab/mmaction2,
# configs/recognition/tsm/metafile.yml (branch 0.x).
PARAMETERS = {
    "tsm_r50": 24_327_632,
    "tsm_mobilenet_v2": 2_736_272,
    "tsm_nl_r50": 31_682_000,
    "tsm_nl_dot_product_r50": 31_682_000,
    "tsm_nl_gaussian_r50": 28_007_888,
}


@pytest.fixture
def clip():
    return torch.randn(2, 3, FRAMES, 32, 32, generator=torch.Generator().manual_seed(0))


def build(name: str, frames: int = FRAMES, **options: object) -> nn.Module:
    torch.manual_seed(1)
    return registry.get(name).build(5, frames, 32, **options).eval()


def shifts(name: str, **options: object) -> list[str]:
    with torch.device("meta"):
        module = registry.get(name).build(5, 4, 64, **options)
    prefix = "per_frame.network."
    return [
        place.removeprefix(prefix)
        for place, layer in module.named_modules()
        if isinstance(layer, TemporalShift)
    ]


def test_the_first_channels_come_from_the_next_frame_and_the_second_from_the_previous():
    # Two clips of three frames of eight channels: 100 * clip + 10 * frame + channel, all above 0.
    frames = [[100 * b + 10 * t + c for c in range(8)] for b in (1, 2) for t in (1, 2, 3)]
    maps = torch.tensor(frames, dtype=torch.float32).view(6, 8, 1, 1)
    assert shift(maps, frames=3, fraction=1 / 8).flatten(1).tolist() == [
        [120, 0, 112, 113, 114, 115, 116, 117],
        [130, 111, 122, 123, 124, 125, 126, 127],
        [0, 121, 132, 133, 134, 135, 136, 137],
        [220, 0, 212, 213, 214, 215, 216, 217],
        [230, 211, 222, 223, 224, 225, 226, 227],
        [0, 221, 232, 233, 234, 235, 236, 237],
    ]
    quarter = shift(maps, frames=3, fraction=1 / 4).flatten(1)[0].tolist()
    assert quarter == [120, 121, 0, 0, 114, 115, 116, 117]


def test_the_only_frame_of_a_clip_has_zeros_on_both_sides():
    maps = torch.arange(1.0, 17.0).view(2, 8, 1, 1)
    alone = shift(maps, frames=1, fraction=1 / 8).flatten(1)
    assert alone.tolist() == [[0, 0, 3, 4, 5, 6, 7, 8], [0, 0, 11, 12, 13, 14, 15, 16]]


def test_without_a_shift_it_is_tsn_with_the_same_weights(clip):
    still, tsn = build("tsm_tiny", fraction=0), build("tsn_tiny")
    tsn.load_state_dict(
        {key.replace(".net.", "."): entry for key, entry in still.state_dict().items()}
    )
    moving = build("tsm_tiny")
    moving.load_state_dict(still.state_dict())
    with torch.inference_mode():
        torch.testing.assert_close(still(clip), tsn(clip))
        assert not torch.allclose(moving(clip), tsn(clip), rtol=1e-2, atol=0)


def test_the_order_of_the_frames_counts(clip):
    module = build("tsm_tiny")
    with torch.inference_mode():
        assert not torch.allclose(module(clip), module(clip.flip(2)), rtol=1e-2, atol=0)


def test_a_block_looks_one_frame_to_either_side():
    module = build("tsm_tiny", frames=9).per_frame.network
    clip = torch.randn(9, 3, 32, 32, requires_grad=True)
    maps, seen = module.maxpool(module.relu(module.bn1(module.conv1(clip)))), []
    for stage in (module.layer1, module.layer2, module.layer3, module.layer4):
        maps = stage(maps)
        (gradient,) = torch.autograd.grad(maps[4].sum(), clip, retain_graph=True)
        seen.append((gradient.abs().amax(dim=(1, 2, 3)) > 0).nonzero().flatten().tolist())
    assert seen == [[3, 4, 5], [2, 3, 4, 5, 6], list(range(1, 8)), list(range(9))]


def test_every_block_of_a_resnet_50_shifts_within_its_branch():
    places = shifts("tsm_r50")
    assert len(places) == 3 + 4 + 6 + 3
    assert places[:2] == ["layer1.0.conv1", "layer1.1.conv1"]


def test_every_second_block_of_a_resnet_101_shifts():
    places = shifts("tsm_r101")
    assert len(places) == 2 + 2 + 12 + 2
    assert places[:3] == ["layer1.0.conv1", "layer1.2.conv1", "layer2.0.conv1"]
    assert "layer3.22.conv1" in places
    assert "layer3.21.conv1" not in places


def test_mobilenet_v2_shifts_in_its_ten_blocks_with_a_shortcut():
    places = shifts("tsm_mobilenet_v2")
    numbers = [3, 5, 6, 8, 9, 10, 12, 13, 15, 16]
    assert places == [f"features.{number}.conv.0" for number in numbers]


@pytest.mark.parametrize("backbone", ["resnet18", "resnext50_32x4d", "wide_resnet50_2"])
def test_any_residual_network_of_torchvision_shifts(backbone):
    blocks = 8 if backbone == "resnet18" else 16
    assert len(shifts("tsm_r50", backbone=backbone)) == blocks


def test_a_network_without_residual_blocks_is_refused():
    with pytest.raises(KinobenchError, match="no place for its shifts in a AlexNet; take a ResNet"):
        registry.get("tsm_r50").build(5, 4, 64, backbone="alexnet")


@pytest.mark.parametrize("fraction", [-0.1, 0.6])
def test_a_fraction_that_is_none_is_refused(fraction):
    with pytest.raises(KinobenchError, match=f"fraction is {fraction}; give 0 to 0.5"):
        registry.get("tsm_tiny").build(5, 4, 64, fraction=fraction)


@pytest.mark.parametrize("name", PARAMETERS)
def test_it_has_the_parameters_that_are_printed(name):
    with torch.device("meta"):
        module = registry.get(name).build(400, 8, 224)
    assert sum(entry.numel() for entry in module.parameters()) == PARAMETERS[name]


def test_the_shift_costs_nothing():
    def macs(**options: object) -> int:
        with torch.device("meta"), torch.no_grad():
            module = registry.get("tsm_r50").build(400, 8, 224, **options).eval()
            with FlopCounterMode(display=False) as counter:
                module(torch.empty(1, 3, 8, 224, 224))
        return counter.get_total_flops() // 2

    # ResNet-50 is 4_087_136_256 to its features, and each frame has its class scores.
    assert macs() == macs(fraction=0) == 8 * (4_087_136_256 + 2048 * 400)


def test_with_fresh_non_local_blocks_it_is_the_network_without_them(clip):
    with_blocks, without = build("tsm_nl_tiny"), build("tsm_tiny")
    left_over = without.load_state_dict(
        {key: entry for key, entry in with_blocks.state_dict().items() if ".non_local." not in key}
    )
    assert not left_over.missing_keys
    with torch.inference_mode():
        torch.testing.assert_close(with_blocks(clip), without(clip))
        for key, entry in with_blocks.named_parameters():
            if key.endswith("non_local.norm.weight"):
                entry.fill_(1.0)
        assert not torch.allclose(with_blocks(clip), without(clip), rtol=1e-2, atol=0)


def test_non_local_blocks_stand_where_mmaction2_has_them():
    with torch.device("meta"):
        module = registry.get("tsm_nl_r50").build(400, 8, 224)
    places = [
        name.removeprefix("per_frame.network.").removesuffix(".non_local")
        for name, _ in module.named_modules()
        if name.endswith(".non_local")
    ]
    assert places == ["layer2.0", "layer2.2", "layer3.0", "layer3.2", "layer3.4"]


def test_the_backbone_may_be_ones_own():
    assert len(shifts("tsm_r50", backbone=TINY_RESNET)) == 4
