"""Quantised networks: parameters, bytes and multiply-adds are counted, or said to be unknown."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import nn

from kinobench.bench.cost import layouts
from kinobench.bench.cost.flops import count_cost, count_traffic
from kinobench.bench.cost.parameters import weights_of
from kinobench.bench.network.network import Network
from kinobench.datasets.protocol import preset
from kinobench.zoo import registry

from ...fakes.made_records import made_case

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")

QUANTISE: Any = torch.ao.quantization.quantize_dynamic


def counts(module: nn.Module) -> tuple[int | None, int | None]:
    weights = weights_of(module.eval())
    return weights.params, weights.total_bytes


class Static(nn.Module):
    """A convolution and a linear layer, quantised after one clip of calibration."""

    def __init__(self) -> None:
        super().__init__()
        self.quant = torch.ao.quantization.QuantStub()
        self.conv = nn.Conv3d(3, 8, 3, padding=1)
        self.relu = nn.ReLU()
        self.fc = nn.Linear(8, 5)
        self.dequant = torch.ao.quantization.DeQuantStub()

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        maps = self.relu(self.conv(self.quant(clip)))
        return self.dequant(self.fc(maps.mean((2, 3, 4))))


def static() -> nn.Module:
    quantisation: Any = torch.ao.quantization
    module = Static().eval()
    module.qconfig = quantisation.get_default_qconfig(torch.backends.quantized.engine)
    quantisation.fuse_modules(module, [["conv", "relu"]], inplace=True)
    quantisation.prepare(module, inplace=True)
    module(torch.randn(1, 3, 4, 8, 8))
    quantisation.convert(module, inplace=True)
    return module


def test_a_linear_layer_keeps_one_byte_for_each_weight() -> None:
    module = QUANTISE(nn.Sequential(nn.Linear(48, 5)).eval(), {nn.Linear})
    assert counts(module) == (48 * 5 + 5, 48 * 5 + 5 * 4)
    cost = count_cost(module, torch.randn(2, 48))
    assert cost.by_operator == {"linear": 2 * 48 * 5} and cost.uncounted == {}
    assert "counted on the CPU" in cost.notes[0]
    assert count_traffic(module, torch.randn(2, 48))[1].weights_bytes == 48 * 5 + 5 * 4


def test_half_precision_keeps_two_bytes_for_each_weight() -> None:
    module = QUANTISE(nn.Sequential(nn.Linear(48, 5)).eval(), {nn.Linear}, dtype=torch.float16)
    assert counts(module) == (48 * 5 + 5, 2 * 48 * 5 + 5 * 4)
    assert count_cost(module, torch.randn(2, 48)).macs == 2 * 48 * 5


def test_a_convolution_and_a_linear_layer_with_scales_for_each_channel() -> None:
    module = static()
    conv, linear = 8 * 3 * 27, 8 * 5
    params = conv + 8 + linear + 5
    # One byte a weight, four a bias; a scale and a zero point of eight bytes for each channel, and
    # those of the input, float32 and int64.
    kept = conv + linear + 4 * (8 + 5) + 16 * (8 + 5) + 4 + 8
    assert counts(module) == (params, kept)
    cost = count_cost(module, torch.randn(2, 3, 4, 8, 8))
    assert cost.by_operator == {"conv": 2 * conv * 4 * 8 * 8, "linear": 2 * linear}
    assert cost.uncounted == {}


@pytest.mark.parametrize(
    ("layer", "shape", "macs"),
    [
        (nn.Conv1d(4, 6, 3), (2, 4, 10), 2 * 6 * 4 * 3 * 8),
        (nn.Conv2d(4, 6, 3, groups=2), (1, 4, 8, 8), 6 * 2 * 9 * 36),
        (nn.ConvTranspose2d(4, 6, 3, stride=2), (1, 4, 8, 8), 4 * 6 * 9 * 64),
    ],
)
def test_quantised_convolutions_multiply_as_plain_ones(
    layer: nn.Module, shape: tuple[int, ...], macs: int
) -> None:
    quantisation: Any = torch.ao.quantization
    module = quantisation.QuantWrapper(layer).eval()
    module.qconfig = quantisation.QConfig(
        activation=quantisation.default_observer, weight=quantisation.default_weight_observer
    )
    if isinstance(layer, nn.ConvTranspose2d) and torch.backends.quantized.engine == "fbgemm":
        pytest.skip("this engine has no such convolution")
    quantisation.prepare(module, inplace=True)
    module(torch.randn(shape))
    quantisation.convert(module, inplace=True)
    cost = count_cost(module, torch.randn(shape))
    assert cost.macs == macs and cost.uncounted == {}
    plain = sum(parameter.numel() for parameter in layer.parameters())
    assert weights_of(module).params == plain


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize(("kind", "gates"), [(nn.LSTM, 4), (nn.GRU, 3)])
def test_a_quantised_recurrent_layer_multiplies_both_weights_at_each_step(
    kind: type[nn.Module], gates: int, bidirectional: bool
) -> None:
    plain = kind(6, 4, bidirectional=bidirectional)
    module = QUANTISE(nn.Sequential(plain).eval(), {kind})
    directions = 2 if bidirectional else 1
    weights = directions * gates * 4 * (6 + 4)
    biases = directions * 2 * gates * 4
    assert counts(module) == (weights + biases, weights + 4 * biases)
    cost = count_cost(module, torch.randn(5, 2, 6))
    assert cost.macs == 5 * 2 * weights and cost.uncounted == {}


def test_a_quantised_cell_is_one_step() -> None:
    module = QUANTISE(nn.Sequential(nn.GRUCell(6, 4)).eval(), {nn.GRUCell})
    cost = count_cost(module, torch.randn(2, 6))
    assert cost.macs == 2 * 12 * (6 + 4) and cost.uncounted == {}
    assert weights_of(module).params == 12 * (6 + 4) + 2 * 12


def test_weights_of_an_unknown_form_are_not_known_and_never_zero(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(layouts, "_UNPACKERS", {})
    weights = weights_of(QUANTISE(nn.Sequential(nn.Linear(48, 5)).eval(), {nn.Linear}))
    assert (weights.params, weights.total_bytes) == (None, None)
    assert weights.reason == (
        "0._packed_params._packed_params keeps its weights in a LinearPackedParamsBase, which "
        "isn't known here"
    )


@pytest.fixture
def unknown(monkeypatch: pytest.MonkeyPatch) -> Iterator[Network]:
    monkeypatch.setattr(layouts, "_UNPACKERS", {})

    @registry.register("quantised_oddly")
    def build(classes: int, frames: int, size: int) -> nn.Module:
        pool = (nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(3, classes))
        return QUANTISE(nn.Sequential(*pool).eval(), {nn.Linear})

    yield Network(made_case(model="quantised_oddly", protocol=preset("pointlight")))
    registry._architectures.pop("quantised_oddly")


def test_a_case_says_why_its_parameters_are_not_known(unknown: Network) -> None:
    assert unknown.params is None and unknown.weights_bytes() is None
    (note,) = unknown.notes
    assert note.startswith("parameters: not known: 2._packed_params._packed_params keeps")


def test_shared_and_sparse_weights_count_once_and_as_they_are_kept() -> None:
    first = nn.Linear(4, 3)
    second = nn.Linear(4, 3)
    second.weight = first.weight
    assert counts(nn.Sequential(first, second)) == (12 + 3 + 3, 4 * 18)
    pruned = nn.Module()
    pruned.weight = nn.Parameter(torch.eye(4).to_sparse(), requires_grad=False)
    assert counts(pruned) == (4, 4 * 4 + 2 * 4 * 8)
    assert weights_of(nn.Sequential(nn.Linear(4, 3))).matrix_params == 12


def test_a_lazy_layer_says_when_its_size_is_known() -> None:
    weights = weights_of(nn.Sequential(nn.LazyLinear(3)))
    assert weights.params is None
    assert weights.reason == "0.weight, 0.bias: lazy, its size is known after a first forward"


class Wrapped(torch.Tensor):
    """A tensor of 8-bit integers and a scale that stands for one of floats."""

    @staticmethod
    def __new__(cls, integers: torch.Tensor, scale: torch.Tensor) -> "Wrapped":
        return torch.Tensor._make_wrapper_subclass(cls, integers.shape, dtype=scale.dtype)

    def __init__(self, integers: torch.Tensor, scale: torch.Tensor) -> None:
        self.integers, self.scale = integers, scale

    def __tensor_flatten__(self) -> tuple[list[str], None]:
        return ["integers", "scale"], None

    @staticmethod
    def __tensor_unflatten__(parts: Any, context: Any, size: Any, stride: Any) -> "Wrapped":
        return Wrapped(parts["integers"], parts["scale"])

    @classmethod
    def __torch_dispatch__(
        cls, operator: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        if operator is torch.ops.aten.detach.default:
            return args[0]
        plain = [each.integers * each.scale if isinstance(each, cls) else each for each in args]
        return operator(*plain, **(kwargs or {}))


def test_a_tensor_that_wraps_others_has_its_own_shape_and_their_bytes() -> None:
    module = nn.Sequential(nn.Linear(4, 3, bias=False)).eval()
    integers, scale = torch.ones(3, 4, dtype=torch.int8), torch.ones(3, 1)
    module[0].weight = nn.Parameter(Wrapped(integers, scale), requires_grad=False)
    assert counts(module) == (12, 12 + 4 * 3)
    cost = count_cost(module, torch.randn(2, 4))
    assert cost.macs == 2 * 12 and cost.uncounted == {}


@pytest.mark.parametrize(
    ("kind", "product"),
    [
        ("Int8WeightOnlyConfig", "mm"),
        ("Int8DynamicActivationInt8WeightConfig", "mm"),
        ("Float8WeightOnlyConfig", "matmul"),
    ],
)
def test_torchaos_tensors_are_counted(kind: str, product: str) -> None:
    quantization = pytest.importorskip(
        "torchao.quantization", reason="torchao isn't installed: pip install torchao"
    )
    module = nn.Sequential(nn.Linear(64, 32, bias=False)).eval()
    quantization.quantize_(module, getattr(quantization, kind)())
    params, kept = counts(module)
    assert params == 64 * 32 and kept is not None
    assert 64 * 32 + 2 * 32 <= kept <= 64 * 32 + 16 * 32  # and a scale for each of 32 rows
    cost = count_cost(module, torch.randn(2, 64))
    assert cost.by_operator == {product: 2 * 64 * 32} and cost.uncounted == {}
