"""Non-local blocks: their formula, where they stand, and that they start as the identity."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models import resnet18
from torchvision.models.video import r3d_18

from kinobench.datasets.errors import KinobenchError
from kinobench.zoo import registry
from kinobench.zoo.families.non_local import VARIANTS
from kinobench.zoo.parts.non_local_block import PAIRWISE, NonLocal, insert_non_local

TINY = {name: variant.base for name, variant in VARIANTS.items() if name.endswith("_tiny")}


def alive(block: nn.Module) -> nn.Module:
    """Give a block weights with which it does something, in evaluation mode."""
    for parameter in block.parameters():
        nn.init.normal_(parameter, std=0.5)
    return block.eval()


def on_meta(name: str) -> nn.Module:
    architecture = registry.get(name)
    frames, _, size = architecture.native
    with torch.device("meta"):
        return architecture.build(400, frames, size).eval()


def direct(block: NonLocal, maps: torch.Tensor) -> torch.Tensor:
    """`maps: [1, C, T, H, W]` -> the same, by a loop over positions after the paper's formulas."""

    def project(layer: nn.Module, seen: torch.Tensor) -> torch.Tensor:
        if isinstance(layer, nn.Identity):
            return seen[0].flatten(1)
        kernel = layer.weight[:, :, 0, 0, 0]
        return torch.einsum("dc,cn->dn", kernel, seen[0].flatten(1)) + layer.bias[:, None]

    halved = nn.functional.max_pool3d(maps, (1, 2, 2)) if block.pool_last is False else maps
    theta = project(block.conv_theta, maps)
    phi, values = project(block.conv_phi, halved), project(block.conv_g, halved)
    if block.pool_last:
        shape = maps.shape[2:]
        phi, values = (
            nn.functional.max_pool3d(part.unflatten(1, shape), (1, 2, 2)).flatten(1)
            for part in (phi, values)
        )
    rows = []
    for query in theta.T:
        if block.pairwise == "concatenation":
            together = torch.cat([query[:, None].expand_as(phi), phi])
            weight = torch.cat([block.from_theta.weight, block.from_phi.weight], dim=1)
            says = (weight @ together)[0].clamp(min=0) / phi.shape[1]
        elif block.pairwise == "dot_product":
            says = query @ phi / phi.shape[1]
        else:
            scale = theta.shape[0] ** 0.5 if block.pairwise == "embedded_gaussian" else 1
            exponents = (query @ phi / scale).exp()
            says = exponents / exponents.sum()
        rows.append(values @ says)
    mixed = torch.stack(rows, dim=1)
    out = torch.einsum("cd,dn->cn", block.conv_out.weight[:, :, 0, 0, 0], mixed)
    out = block.norm(out.unflatten(1, maps.shape[2:])[None])
    return maps + out


@pytest.mark.parametrize("pool_last", [False, True])
@pytest.mark.parametrize("pairwise", PAIRWISE)
def test_a_block_does_what_the_formula_says(pairwise, pool_last):
    torch.manual_seed(0)
    block = alive(NonLocal(6, pairwise=pairwise, pool_last=pool_last)).double()
    maps = torch.randn(1, 6, 3, 4, 2, dtype=torch.float64)
    with torch.inference_mode():
        given = block(maps)
        torch.testing.assert_close(given, direct(block, maps))
        assert (given - maps).abs().max() > 0.01


def test_without_a_scale_the_exponent_is_the_plain_product():
    torch.manual_seed(0)
    theta, phi = torch.randn(1, 5, 8), torch.randn(1, 7, 8)
    expected = torch.einsum("bnd,bmd->bnm", theta, phi)
    scaled, plain = NonLocal(16), NonLocal(16, scale=False)
    torch.testing.assert_close(plain.weights(theta, phi), expected.softmax(dim=2))
    torch.testing.assert_close(scaled.weights(theta, phi), (expected / 8**0.5).softmax(dim=2))


@pytest.mark.parametrize("pairwise", ["embedded_gaussian", "gaussian"])
def test_the_weights_of_a_softmax_add_up_to_one(pairwise):
    weights = NonLocal(16, pairwise=pairwise).weights(torch.randn(2, 5, 8), torch.randn(2, 7, 8))
    torch.testing.assert_close(weights.sum(dim=2), torch.ones(2, 5))


def test_every_position_in_time_reaches_every_other():
    torch.manual_seed(0)
    block = alive(NonLocal(4))
    maps = torch.randn(1, 4, 6, 4, 4)
    changed = maps.clone()
    changed[:, :, 5, 3, 3] += 3
    with torch.inference_mode():
        difference = (block(changed) - block(maps))[0, :, 0, 0, 0]
    assert difference.abs().max() > 1e-4


@pytest.mark.parametrize("pool_last", [False, True])
def test_pooling_leaves_out_the_last_row_and_column_of_an_odd_map(pool_last):
    torch.manual_seed(0)
    block = alive(NonLocal(4, pool_last=pool_last))
    maps = torch.randn(1, 4, 1, 5, 5)
    with torch.inference_mode():
        before = block(maps)[0, :, 0, 0, 0]
        for row, column, seen in ((3, 3, True), (4, 0, False), (1, 4, False)):
            changed = maps.clone()
            changed[:, :, 0, row, column] += 3
            difference = (block(changed)[0, :, 0, 0, 0] - before).abs().max()
            assert (difference > 1e-4) == seen


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 4), (3, 1)])
def test_pooling_keeps_a_single_row_or_column(height, width):
    block = alive(NonLocal(4))
    maps = torch.randn(2, 4, 3, height, width)
    with torch.inference_mode():
        seen = block.pool(maps)
        assert seen.shape == (2, 4, 3, max(1, height // 2), max(1, width // 2))
        assert block(maps).shape == maps.shape


# By hand, C channels: theta, phi and g are C * C/2 + C/2, W_z is C * C/2, its normalisation 2C.
@pytest.mark.parametrize(
    ("pairwise", "count"),
    [
        ("embedded_gaussian", 3 * (64 * 32 + 32) + 32 * 64 + 2 * 64),
        ("dot_product", 3 * (64 * 32 + 32) + 32 * 64 + 2 * 64),
        ("gaussian", (64 * 32 + 32) + 32 * 64 + 2 * 64),
        ("concatenation", 3 * (64 * 32 + 32) + 32 * 64 + 2 * 64 + 2 * 32),
    ],
)
def test_the_parameters_of_a_block_are_those_of_its_convolutions(pairwise, count):
    assert sum(part.numel() for part in NonLocal(64, pairwise=pairwise).parameters()) == count


@pytest.mark.parametrize(
    ("subsample", "pool_last", "seen", "projected"),
    [(True, False, 4, 4), (True, True, 4, 16), (False, False, 16, 16)],
)
def test_the_cost_of_a_block_is_that_of_its_products(subsample, pool_last, seen, projected):
    block = NonLocal(32, subsample=subsample, pool_last=pool_last).eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        block(torch.randn(1, 32, 3, 4, 4))
    positions, inner = 3 * 16, 16
    convolutions = 2 * positions * 32 * inner + 2 * 3 * projected * 32 * inner
    products = 2 * positions * 3 * seen * inner
    assert counter.get_total_flops() == 2 * (convolutions + products)


@pytest.mark.parametrize(("name", "base"), TINY.items())
def test_a_non_local_network_starts_as_the_network_without_blocks(name, base):
    torch.manual_seed(0)
    without = registry.get(base).build(5, 8, 48).eval()
    for layer in without.modules():
        if isinstance(layer, nn.BatchNorm3d):
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.normal_(layer.running_mean, std=0.1)
    module = registry.get(name).build(5, 8, 48).eval()
    loaded = module.load_state_dict(without.state_dict(), strict=False)
    assert loaded.unexpected_keys == []
    assert all(".non_local." in key for key in loaded.missing_keys)
    clip = torch.randn(2, 3, 8, 48, 48)
    with torch.inference_mode():
        torch.testing.assert_close(module(clip), without(clip), rtol=0, atol=0)
        for key, layer in module.named_modules():
            if key.endswith("non_local.norm"):
                assert not layer.weight.any()
                nn.init.ones_(layer.weight)
        assert not torch.equal(module(clip), without(clip))


R50_5 = ["res3.1", "res3.3", "res4.1", "res4.3", "res4.5"]


@pytest.mark.parametrize(
    ("name", "places"),
    [
        ("c2d_nl1_r50", ["res4.4"]),
        ("i3d_nl1_r50", ["res4.4"]),
        ("c2d_nl1_r101", ["res4.21"]),
        ("c2d_nl5_r50", R50_5),
        ("i3d_nl5_r50", R50_5),
        ("slow_nl5_r50", R50_5),
        ("i3d_nl5_r101", ["res3.1", "res3.3", "res4.6", "res4.13", "res4.20"]),
        ("c2d_nl10_r50", [f"res3.{i}" for i in range(4)] + [f"res4.{i}" for i in range(6)]),
        ("i3d_nl10_r50", [f"res3.{i}" for i in range(4)] + [f"res4.{i}" for i in range(6)]),
    ],
)
def test_the_blocks_stand_where_the_paper_and_its_code_put_them(name, places):
    stage_of = {512: "res3", 1024: "res4"}
    found = []
    for key, layer in on_meta(name).named_modules():
        if key.endswith(".non_local"):
            found.append(f"{stage_of[layer.norm.num_features]}.{key.split('.')[-2]}")
    assert found == places


# open-mmlab/mmaction2, branch 0.x, configs/recognition/{i3d,slowonly}/metafile.yml.
@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("i3d_32x2_nl5_r50", 35_397_840),
        ("i3d_32x2_nl5_dot_product_r50", 35_397_840),
        ("i3d_32x2_nl5_gaussian_r50", 31_723_728),
        ("slow_nl5_embedded_gaussian_r50", 39_808_464),
        ("slow_4x16_nl5_embedded_gaussian_r50", 39_808_464),
    ],
)
def test_the_printed_parameters_come_out(name, count):
    assert sum(parameter.numel() for parameter in on_meta(name).parameters()) == count


# Wang et al. 2018, table 2e, relative to the C2D of 101 layers: 32 frames of 224 pixels.
@pytest.mark.parametrize(
    ("name", "cost", "parameters"),
    [
        ("c2d_32x2_nl5_r101", 1.2, 1.2),
        ("i3d_32x2_r101", 1.5, 1.2),
        ("i3d_32x2_3x3x3_r101", 1.8, 1.5),
    ],
)
def test_the_printed_ratios_come_out(name, cost, parameters):
    counts = {}
    for network in ("c2d_32x2_r101", name):
        with torch.device("meta"), torch.no_grad():
            module = registry.get(network).build(400, 32, 224).eval()
            with FlopCounterMode(display=False) as counter:
                module(torch.empty(1, 3, 32, 224, 224))
        size = sum(parameter.numel() for parameter in module.parameters())
        counts[network] = counter.get_total_flops(), size
    ratios = [one / other for one, other in zip(counts[name], counts["c2d_32x2_r101"], strict=True)]
    assert [round(ratio, 1) for ratio in ratios] == [cost, parameters]


def test_blocks_go_into_another_3d_network():
    torch.manual_seed(0)
    network = r3d_18().eval()
    clip = torch.randn(1, 3, 4, 32, 32)
    with torch.inference_mode():
        before = network(clip)
        assert insert_non_local(network, ["layer2.1", "layer3.0"]) is network
        torch.testing.assert_close(network(clip), before)
    assert network.layer3[0].non_local.norm.num_features == 256
    assert set(r3d_18().state_dict()) < set(network.state_dict())


def test_in_a_2d_network_a_block_sees_all_frames_of_a_clip_and_no_other_clip():
    torch.manual_seed(0)
    network = resnet18().eval()
    insert_non_local(network, ["layer2.0", "layer3.1"], pairwise="dot_product", frames=3)
    assert network.layer2[0].non_local.norm.num_features == 128
    for block in (network.layer2[0].non_local, network.layer3[1].non_local):
        nn.init.ones_(block.norm.weight)
        nn.init.normal_(block.conv_g.weight)
        nn.init.normal_(block.conv_out.weight)
    frames = torch.randn(6, 3, 64, 64)
    changed = frames.clone()
    changed[2] += 1
    with torch.inference_mode():
        difference = (network(changed) - network(frames)).abs().amax(dim=1)
    assert (difference[:3] > 1e-4).all()
    assert (difference[3:] == 0).all()


@pytest.mark.parametrize(
    ("places", "message"),
    [
        (["layer3.2"], "has no module 'layer3.2'; did you mean 'layer"),
        ([""], "has no module ''"),
        (["layer3.0", "layer3.0"], "'layer3.0' has a non-local block already"),
        (["avgpool"], "'avgpool' has no batch normalisation"),
    ],
)
def test_a_place_that_cannot_take_a_block_is_refused(places, message):
    with torch.device("meta"):
        network = r3d_18()
    with pytest.raises(KinobenchError, match=message):
        insert_non_local(network, places)


def test_an_unknown_pairwise_function_is_refused_with_those_there_are():
    with pytest.raises(KinobenchError, match="pairwise is 'cosine'; give one of embedded_gaussian"):
        NonLocal(8, pairwise="cosine")
    with pytest.raises(KinobenchError, match="of 1 channel has no half"):
        NonLocal(1)
