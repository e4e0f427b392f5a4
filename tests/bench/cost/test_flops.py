import pytest
import torch
from torch import nn

from kinobench.bench.cost.dispatch import DispatchAnalysis
from kinobench.bench.cost.flops import count_cost, macs_by_module
from kinobench.bench.cost.formulas import ELEMENTWISE, NORM
from kinobench.bench.cost.on_device import compare_counts, count_on_device
from kinobench.datasets.errors import KinobenchError
from kinobench.zoo import registry

from ...fakes.zoo_names import FULL, TINY, family, one_of_each


def _cost_of(*layers: nn.Module):
    return count_cost(nn.Sequential(*layers).eval(), torch.randn(1, 3, 4, 8, 8))


def test_a_3d_convolution_is_counted_by_hand() -> None:
    # 5 filters of 3 x 3x3x3 at 4 x 4 x 4 places (stride 1,2,2 with padding 1).
    cost = _cost_of(nn.Conv3d(3, 5, 3, stride=(1, 2, 2), padding=1))
    assert cost.macs == 5 * 3 * 27 * 4 * 4 * 4
    assert cost.flops == 2 * cost.macs
    assert cost.by_operator == {"conv": cost.macs}
    assert cost.torch_macs == cost.macs
    assert cost.other_flops == 0 and cost.uncounted == {}


def test_a_grouped_convolution_has_a_filter_for_its_own_group_alone() -> None:
    cost = _cost_of(nn.Conv3d(3, 6, (1, 3, 3), padding=(0, 1, 1), groups=3, bias=False))
    assert cost.macs == 6 * 1 * 9 * 4 * 8 * 8 == cost.torch_macs


def test_a_linear_layer_is_counted_by_hand() -> None:
    cost = _cost_of(nn.Flatten(), nn.Linear(3 * 4 * 8 * 8, 10))
    assert cost.macs == 768 * 10 and cost.by_operator == {"linear": 7680}


def test_work_without_matrix_products_is_told_apart() -> None:
    # Normalisation: 2 for each of 768 elements; ReLU costs nothing that anyone counts; a pool
    # writes 3 x 4 x 4 x 4 = 192 elements, a sigmoid as many.
    cost = _cost_of(nn.BatchNorm3d(3), nn.ReLU(), nn.AvgPool3d((1, 2, 2)), nn.Sigmoid())
    assert (cost.macs, cost.norm_elements, cost.other_flops) == (0, 768, 2 * 768 + 192 + 192)
    assert cost.uncounted == {}


class _Attention(nn.Module):
    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        tokens = clip.flatten(2)
        return nn.functional.scaled_dot_product_attention(tokens, tokens, tokens)


class _Lstm(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(256, 8, batch_first=True)

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        return self.lstm(clip.flatten(2))[0]


class _Encoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(256, 4, 64, batch_first=True)

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        return self.layer(clip.flatten(2))


@pytest.mark.parametrize(
    ("module", "macs"),
    [
        # [3, 256] tokens: 3 x 3 pairs, 256 for the score and 256 for the weighted sum.
        (_Attention(), 3 * 3 * (256 + 256)),
        # 3 steps: 4 gates of 8, each from 256 inputs and 8 states.
        (_Lstm(), 3 * 4 * 8 * (256 + 8)),
        # 3 tokens: four projections 256 -> 256, 256 -> 64 -> 256, and the attention as above.
        (_Encoder(), 3 * (4 * 256 * 256 + 2 * 256 * 64) + 3 * 3 * (256 + 256)),
    ],
    ids=["attention", "lstm", "encoder"],
)
def test_matrix_work_that_fvcore_takes_for_zero_is_counted(module: nn.Module, macs: int) -> None:
    cost = count_cost(module.eval(), torch.randn(1, 3, 4, 8, 8))
    assert cost.macs == macs == cost.torch_macs and cost.uncounted == {}


def test_macs_by_module_add_up_to_the_whole() -> None:
    network = nn.Sequential(
        nn.Sequential(nn.Conv3d(3, 4, 1), nn.ReLU()), nn.Flatten(), nn.Linear(1024, 2)
    ).eval()
    macs = macs_by_module(network, torch.randn(1, 3, 4, 8, 8))
    assert macs == {"": 3072 + 2048, "0": 3072, "0.0": 3072, "2": 2048}


def _network(
    name: str, classes: int, frames: int, size: int
) -> tuple[nn.Module, tuple[torch.Tensor, ...]]:
    """Return a network of the zoo and an input for it, skipped where its library isn't there."""
    architecture = registry.get(name)
    try:
        module = architecture.build(classes, frames, size).eval()
    except KinobenchError as error:
        if "pip install" in str(error):
            pytest.skip(str(error))
        raise
    shapes = {"rgb": (3, frames, size, size), "flow": (2 * (frames - 1), size, size)}
    return module, tuple(torch.ones(1, *shapes[kind]) for kind in architecture.inputs)


@pytest.mark.parametrize("name", one_of_each(family, TINY))
def test_every_operator_of_the_zoo_is_counted_and_torch_counts_the_same(name: str) -> None:
    module, inputs = _network(name, 8, 16, 64)
    cost = count_cost(module, *inputs)
    assert cost.uncounted == {}
    assert cost.macs == cost.torch_macs > 0


@pytest.mark.slow
@pytest.mark.parametrize("name", TINY)
def test_a_real_forward_costs_what_the_meta_device_says(name: str) -> None:
    module, inputs = _network(name, 8, 16, 64)
    counted = DispatchAnalysis(module, inputs).by_operator()
    cost = count_cost(module, *inputs)
    assert sum(counted.values()) - counted[ELEMENTWISE] - counted[NORM] == cost.macs
    assert counted[NORM] == cost.norm_elements


@pytest.mark.slow
@pytest.mark.parametrize("name", FULL)
def test_a_full_size_network_never_asks_where_it_is(name: str) -> None:
    module, inputs = _network(name, 101, 16, 112)
    assert compare_counts(count_cost(module, *inputs), count_on_device(module, *inputs)) is None


@pytest.mark.slow
@pytest.mark.parametrize("name", FULL)
def test_every_operator_of_a_full_size_network_is_counted(name: str) -> None:
    frames, _, size = registry.get(name).native or (16, 4, 224)
    with torch.device("meta"):
        module, inputs = _network(name, 400, frames, size)
    cost = count_cost(module, *inputs)
    assert cost.uncounted == {}
    assert cost.macs == cost.torch_macs > 0
