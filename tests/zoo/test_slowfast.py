"""SlowFast and its single pathways: which frames each sees, what they cost, what goes where."""

import pytest
import torch
from pytorchvideo.models.resnet import create_resnet
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from kinobench.datasets.errors import KinobenchError
from kinobench.zoo import registry
from kinobench.zoo.families.slowfast import build


def on_meta(name: str, frames: int | None = None, size: int | None = None) -> nn.Module:
    architecture = registry.get(name)
    native_frames, _, native_size = architecture.native
    with torch.device("meta"):
        return architecture.build(400, frames or native_frames, size or native_size).eval()


def macs(name: str, frames: int | None = None, size: int | None = None) -> int:
    module = on_meta(name, frames, size)
    native_frames, _, native_size = registry.get(name).native
    frames, size = frames or native_frames, size or native_size
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module(torch.empty(1, 3, frames, size, size, device="meta"))
    return counter.get_total_flops() // 2


def parameters(name: str) -> int:
    return sum(parameter.numel() for parameter in on_meta(name).parameters())


@pytest.mark.parametrize(
    ("alpha", "frames", "slow"),
    [
        (4, 32, [0, 4, 8, 13, 17, 22, 26, 31]),
        (4, 16, [0, 5, 10, 15]),
        (4, 8, [0, 7]),
        (4, 4, [0]),
        (8, 32, [0, 10, 20, 31]),
        (8, 16, [0, 15]),
    ],
)
def test_the_slow_pathway_sees_the_frames_that_pyslowfast_packs(alpha, frames, slow):
    module = build(4, frames, 32, depth=18, alpha=alpha, inverse_beta=4, slow_width=8)
    clip = torch.arange(frames).float().view(1, 1, frames, 1, 1).expand(1, 3, frames, 32, 32)
    slow_clip, fast_clip = module.pathways(clip)
    assert slow_clip[0, 0, :, 0, 0].tolist() == slow
    assert torch.equal(fast_clip, clip)
    assert "slow_frames" not in module.state_dict()


def test_of_64_frames_the_slow_pathway_of_16x8_sees_16():
    slow_frames = on_meta("slowfast_16x8_r101_50_50").slow_frames
    assert slow_frames.shape == (16,)
    assert torch.linspace(0, 63, 16).long().tolist()[:4] == [0, 4, 8, 12]


def test_a_change_of_a_frame_that_the_slow_pathway_skips_is_still_seen():
    torch.manual_seed(0)
    module = registry.get("slowfast_tiny").build(4, 16, 32).eval()
    clip = torch.randn(1, 3, 16, 32, 32)
    changed = clip.clone()
    changed[:, :, 7] += 5
    with torch.inference_mode():
        assert not torch.allclose(module(clip), module(changed), atol=1e-6)


@pytest.mark.parametrize(
    ("name", "widths"),
    [
        ("slowfast_r50", (64, 8)),
        ("slowfast_4x16_beta4_r50", (64, 16)),
        ("slowfast_4x16_beta16_r50", (64, 4)),
        ("slowfast_4x16_beta32_r50", (64, 2)),
    ],
)
def test_the_fast_pathway_is_thin(name, widths):
    slow, fast = on_meta(name).blocks[0].multipathway_blocks
    assert (slow.conv.out_channels, fast.conv.out_channels) == widths


@pytest.mark.parametrize(
    ("name", "temporal"),
    [
        ("slowfast_r50", 6),
        ("slowfast_r101", 23),
        ("slowfast_8x8_r101_50_50", 6),
        ("slowfast_nl_16x8_r101", 6),
    ],
)
def test_as_many_blocks_of_res4_look_across_time_as_the_name_says(name, temporal):
    for pathway in on_meta(name).blocks[3].multipathway_blocks:
        extents = [block.branch2.conv_a.kernel_size[0] for block in pathway.res_blocks]
        assert extents == [3] * temporal + [1] * (len(extents) - temporal)


@pytest.mark.parametrize(
    ("name", "places"),
    [
        ("slowfast_r50", []),
        ("slowfast_nl_8x8_r50", ["2:1", "2:3", "3:1", "3:3", "3:5"]),
        ("slowfast_nl_4x16_r50", ["2:1", "2:3", "3:1", "3:3", "3:5"]),
        ("slowfast_nl_16x8_r101", ["3:6", "3:13", "3:20"]),
    ],
)
def test_the_slow_pathway_alone_has_non_local_blocks_where_pyslowfast_has_them(name, places):
    found = [
        key.removesuffix(".non_local")
        for key, _ in on_meta(name).named_modules()
        if key.endswith(".non_local")
    ]
    assert found == [
        f"blocks.{stage}.multipathway_blocks.0.res_blocks.{index}"
        for stage, index in (place.split(":") for place in places)
    ]


# In units of 1e9, convolutions and matrix products alone, and the digits that are printed:
# pytorchvideo, docs/source/model_zoo.md; Feichtenhofer et al. 2019, tables 2, 3 and 5.
@pytest.mark.parametrize(
    ("name", "counted", "printed"),
    [
        ("slowfast_r50", 65.711652864, "65.71"),
        ("slow_r50", 54.520840192, "54.52"),
        ("slow_4x16_r50", 27.262058496, "27.3"),
        ("slowfast_4x16_r50", 36.101963776, "36.1"),
        ("slowfast_16x8_r101_50_50", 213.023997952, "213"),
        ("slowfast_4x16_beta16_r50", 30.599356416, "30.6"),
    ],
)
def test_the_cost_of_a_view_is_as_printed(name, counted, printed):
    assert macs(name) / 1e9 == pytest.approx(counted, abs=5e-10)
    assert f"{counted:.{len(printed.partition('.')[2])}f}" == printed


# pytorchvideo, docs/source/model_zoo.md; mmaction2, configs/recognition/slowonly/metafile.yml.
@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("slow_r50", 32_454_096),
        ("slow_4x16_r50", 32_454_096),
        ("slow_r101", 60_359_120),
        ("slowfast_4x16_r50", 34_480_216),
        ("slowfast_8x8_r101_50_50", 53_774_808),
        ("slowfast_nl_8x8_r50", 34_480_216 + 7_354_368),
        ("slowfast_nl_16x8_r101", 53_774_808 + 3 * 2_100_736),
    ],
)
def test_the_parameters_are_counted(name, count):
    assert parameters(name) == count


def test_the_slow_network_of_101_layers_is_the_one_that_pytorchvideo_assembles():
    with torch.device("meta"):
        origin = create_resnet(
            model_depth=101, stem_conv_kernel_size=(1, 7, 7), head_pool_kernel_size=(8, 7, 7)
        )
    module = on_meta("slow_r101")
    assert {key: entry.shape for key, entry in module.state_dict().items()} == {
        key: entry.shape for key, entry in origin.state_dict().items()
    }


def test_the_fast_network_is_the_fast_pathway_without_the_other():
    fast = on_meta("fast_r50")
    both = on_meta("slowfast_r50")
    pathway = {
        key: entry.shape
        for key, entry in both.state_dict().items()
        if ".multipathway_blocks.1." in key
    }
    alone = {
        key.replace("blocks.", "", 1): entry.shape
        for key, entry in fast.state_dict().items()
        if "proj" not in key
    }
    assert {
        key.replace("multipathway_blocks.1.", "").replace("blocks.", "", 1): shape
        for key, shape in pathway.items()
    } == alone
    assert fast.blocks[-1].proj.in_features == 256


def test_a_clip_that_alpha_does_not_divide_is_refused():
    with pytest.raises(KinobenchError, match="28 frames is not a multiple of 8; give 24 or 32"):
        registry.get("slowfast_4x16_r50").build(4, 28, 224)


def test_a_non_local_slowfast_starts_as_the_one_without():
    torch.manual_seed(0)
    base = build(4, 8, 32, depth=18, inverse_beta=4, slow_width=8).eval()
    module = build(
        4, 8, 32, depth=18, inverse_beta=4, slow_width=8, non_local=((3, 0), (4, 0))
    ).eval()
    for layer in base.modules():
        if isinstance(layer, nn.BatchNorm3d):
            nn.init.uniform_(layer.weight, 0.5, 1.5)
    loaded = module.load_state_dict(base.state_dict(), strict=False)
    assert loaded.unexpected_keys == []
    assert {key.split(".non_local.")[0] for key in loaded.missing_keys} == {
        f"blocks.{stage}.multipathway_blocks.0.res_blocks.0" for stage in (2, 3)
    }
    clip = torch.randn(1, 3, 8, 32, 32)
    with torch.inference_mode():
        assert torch.equal(module(clip), base(clip))


@pytest.mark.parametrize("name", ["slowfast_tiny", "slow_tiny", "c2d_tiny", "i3d_tiny"])
def test_strides_are_numbers_that_torch_compile_can_read(name):
    for layer in on_meta(name).modules():
        if isinstance(layer, nn.Conv3d):
            assert [type(step) for step in layer.stride] == [int, int, int]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["slowfast_tiny", "slowfast_nl_tiny", "c2d_nl_tiny"])
def test_the_whole_network_compiles_into_one_graph(name):
    torch.manual_seed(0)
    module = registry.get(name).build(4, 16, 32).eval()
    clip = torch.randn(1, 3, 16, 32, 32)
    with torch.inference_mode():
        compiled = torch.compile(module, backend="aot_eager", fullgraph=True)(clip)
        torch.testing.assert_close(compiled, module(clip))
