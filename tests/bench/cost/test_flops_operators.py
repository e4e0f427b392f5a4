"""Every operator that does matrix work is counted as a derivation by hand says."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from fvcore.nn import FlopCountAnalysis
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence
from torchvision.ops import deform_conv2d

from kinobench.bench.cost.dispatch import DispatchAnalysis
from kinobench.bench.cost.flops import count_cost, macs_by_module
from kinobench.bench.cost.formulas import ELEMENTWISE, NORM
from kinobench.bench.cost.meta import move_to_meta
from kinobench.bench.cost.operators import COSTLESS, FORMULAS

from ...fakes.calls import Calls


class First(nn.Module):
    """A network that gives the first result of another."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        return self.inner(*inputs)[0]


def tensors(*shapes: tuple[int, ...]) -> tuple[torch.Tensor, ...]:
    return tuple(torch.randn(shape) for shape in shapes)


def matrix_work(analysis: DispatchAnalysis) -> dict[str, int]:
    counts = analysis.by_operator()
    assert not analysis.unsupported_ops()
    return {name: n for name, n in counts.items() if n and name not in (ELEMENTWISE, NORM)}


def check(module: nn.Module, inputs: tuple[torch.Tensor, ...], expected: dict[str, int]) -> None:
    """Hold the count on the meta device and that of a real forward against the expected one."""
    module.eval()
    cost = count_cost(module, *inputs)
    assert cost.by_operator == expected and cost.macs == sum(expected.values())
    assert cost.uncounted == {}
    assert matrix_work(DispatchAnalysis(module, inputs)) == expected


def check_call(function: Callable[..., Any], *shapes: tuple[int, ...], **expected: int) -> None:
    check(Calls(function), tensors(*shapes), expected)


@pytest.mark.parametrize(
    ("layer", "shape", "macs"),
    [
        # outputs x inputs of the group x kernel x places of the output
        (nn.Conv1d(4, 6, 3), (2, 4, 10), 2 * 6 * 4 * 3 * 8),
        (nn.Conv2d(4, 6, 3, padding=1), (2, 4, 8, 8), 2 * 6 * 4 * 9 * 64),
        (nn.Conv2d(4, 6, 3, padding="same"), (1, 4, 8, 8), 6 * 4 * 9 * 64),
        (nn.Conv3d(4, 6, (1, 3, 3)), (1, 4, 5, 8, 8), 6 * 4 * 9 * 5 * 36),
        (nn.Conv3d(4, 6, 3, groups=2), (1, 4, 5, 8, 8), 6 * 2 * 27 * 3 * 36),
        (nn.Conv3d(4, 8, 3, groups=4, bias=False), (1, 4, 5, 8, 8), 8 * 1 * 27 * 3 * 36),
        (nn.Conv2d(4, 6, 3, dilation=2), (1, 4, 8, 8), 6 * 4 * 9 * 16),
        (nn.Conv2d(4, 6, 3, stride=(1, 2)), (1, 4, 9, 9), 6 * 4 * 9 * 7 * 4),
        (nn.Conv2d(4, 6, 3), (4, 8, 8), 6 * 4 * 9 * 36),  # without a batch
    ],
)
def test_a_convolution_has_a_product_for_each_weight_at_each_place_of_the_output(
    layer: nn.Module, shape: tuple[int, ...], macs: int
) -> None:
    check(layer, tensors(shape), {"conv": macs})
    assert count_cost(layer, *tensors(shape)).torch_macs == macs


@pytest.mark.parametrize(
    ("layer", "shape", "macs"),
    [
        # inputs x outputs of the group x kernel x places of the input
        (nn.ConvTranspose1d(4, 6, 3, stride=2), (2, 4, 10), 2 * 4 * 6 * 3 * 10),
        (nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1), (1, 4, 8, 8), 4 * 6 * 9 * 64),
        (nn.ConvTranspose3d(4, 6, 3, groups=2), (1, 4, 5, 8, 8), 4 * 3 * 27 * 5 * 64),
        (nn.ConvTranspose2d(4, 4, 2, 2, groups=4, output_padding=1), (1, 4, 8, 8), 4 * 1 * 4 * 64),
    ],
)
def test_a_transposed_convolution_has_a_product_for_each_weight_at_each_place_of_the_input(
    layer: nn.Module, shape: tuple[int, ...], macs: int
) -> None:
    check(layer, tensors(shape), {"conv_transpose": macs})


def test_convolutions_of_other_layouts() -> None:
    def time_first(clip: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        return torch.conv_tbc(clip, weight, bias, 1)  # 7 steps stay 7

    check_call(time_first, (7, 2, 3), (3, 3, 5), (5,), conv=7 * 2 * 3 * 3 * 5)
    # clip, offset of each of 3 x 3 places, weight, bias
    shapes = (1, 3, 8, 8), (1, 18, 6, 6), (4, 3, 3, 3), (4,)
    check_call(deform_conv2d, *shapes, deform_conv=4 * 3 * 9 * 36)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(8,), (5, 8), (2, 5, 8), (2, 3, 5, 8)])
def test_a_linear_layer_multiplies_each_row_by_each_weight(
    bias: bool, shape: tuple[int, ...]
) -> None:
    rows = math.prod(shape[:-1])
    check(nn.Linear(8, 6, bias=bias), tensors(shape), {"linear": rows * 8 * 6})


@pytest.mark.parametrize(
    ("left", "right", "macs"),
    [
        ((3, 4), (4, 5), 3 * 4 * 5),
        ((4,), (4,), 4),
        ((3, 4), (4,), 3 * 4),
        ((4,), (4, 5), 4 * 5),
        ((2, 3, 4), (4,), 2 * 3 * 4),
        ((4,), (2, 4, 5), 2 * 4 * 5),
        ((2, 3, 4), (2, 4, 5), 2 * 3 * 4 * 5),
        ((2, 6, 3, 4), (2, 6, 4, 5), 12 * 3 * 4 * 5),
        ((2, 6, 3, 4), (4, 5), 12 * 3 * 4 * 5),
        ((3, 4), (2, 6, 4, 5), 12 * 3 * 4 * 5),
        ((2, 1, 3, 4), (6, 4, 5), 12 * 3 * 4 * 5),
        ((2, 1, 3, 4), (1, 6, 4, 5), 12 * 3 * 4 * 5),
    ],
)
def test_matmul_broadcasts_before_it_multiplies(
    left: tuple[int, ...], right: tuple[int, ...], macs: int
) -> None:
    check_call(torch.matmul, left, right, matmul=macs)


def test_products_with_something_added() -> None:
    batch = (2, 3, 4), (2, 4, 5)
    check_call(torch.mm, (3, 4), (4, 5), mm=60)
    check_call(torch.bmm, *batch, bmm=120)
    check_call(torch.addmm, (3, 5), (3, 4), (4, 5), addmm=60)
    check_call(torch.addmm, (5,), (3, 4), (4, 5), addmm=60)
    check_call(torch.baddbmm, (2, 3, 5), *batch, baddbmm=120)
    check_call(torch.addbmm, (3, 5), *batch, addbmm=120)
    check_call(torch.mv, (3, 4), (4,), mv=12)
    check_call(torch.addmv, (3,), (3, 4), (4,), addmv=12)
    check_call(torch.dot, (4,), (4,), dot=4)
    check_call(torch.vdot, (4,), (4,), vdot=4)
    check_call(torch._addmm_activation, (5,), (3, 4), (4, 5), addmm=60)


def test_a_product_in_place_or_into_a_given_result_is_counted_too() -> None:
    check_call(lambda a, b, c: a.clone().addmm_(b, c), (3, 5), (3, 4), (4, 5), addmm=60)
    check_call(lambda a, b: torch.mm(a, b, out=a.new_empty(3, 5)), (3, 4), (4, 5), mm=60)


@pytest.mark.parametrize(
    ("equation", "shapes", "macs"),
    [
        ("ij,jk->ik", [(3, 4), (4, 5)], 3 * 4 * 5),
        ("bij,bjk->bik", [(2, 3, 4), (2, 4, 5)], 2 * 3 * 4 * 5),
        ("bhid,bhjd->bhij", [(2, 3, 4, 8), (2, 3, 5, 8)], 2 * 3 * 4 * 5 * 8),
        ("nctv,vw->nctw", [(2, 3, 4, 5), (5, 6)], 2 * 3 * 4 * 5 * 6),
        ("...id,...jd->...ij", [(2, 3, 4, 8), (2, 3, 5, 8)], 2 * 3 * 4 * 5 * 8),
        ("ij,ij->i", [(3, 4), (3, 4)], 3 * 4),
        ("i,i->", [(4,), (4,)], 4),
        # From the left: 2 x 3 x 4, then 2 x 4 x 5.
        ("ij,jk,kl->il", [(2, 3), (3, 4), (4, 5)], 2 * 3 * 4 + 2 * 4 * 5),
    ],
)
def test_einsum_multiplies_every_index_of_a_pair(
    equation: str, shapes: list[tuple[int, ...]], macs: int
) -> None:
    check_call(lambda *parts: torch.einsum(equation, *parts), *shapes, einsum=macs)


@pytest.mark.parametrize(
    ("equation", "shapes", "elements"),
    [
        ("ij,ij->ij", [(3, 4), (3, 4)], 12),  # a plain product
        ("i,j->ij", [(3,), (4,)], 12),  # an outer one sums over nothing
        ("ii->i", [(3, 3)], 0),
    ],
)
def test_an_einsum_that_sums_no_products_is_elementwise(
    equation: str, shapes: list[tuple[int, ...]], elements: int
) -> None:
    cost = count_cost(
        Calls(lambda *parts: torch.einsum(equation, *parts)).eval(), *tensors(*shapes)
    )
    assert (cost.macs, cost.other_flops, cost.uncounted) == (0, elements, {})


def test_tensordot_and_a_bilinear_form() -> None:
    contracted = {"dims": ([2], [0])}
    check_call(
        lambda a, b: torch.tensordot(a, b, **contracted), (2, 3, 4), (4, 5), tensordot=6 * 4 * 5
    )
    # 7 rows, 5 outputs: x @ weight is 3 x 4 products each, that times y another 4.
    check(nn.Bilinear(3, 4, 5), tensors((7, 3), (7, 4)), {"bilinear": 7 * 5 * (3 * 4 + 4)})


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize(
    ("kind", "gates", "name"),
    [(nn.LSTM, 4, "lstm"), (nn.GRU, 3, "gru"), (nn.RNN, 1, "rnn_tanh")],
)
def test_a_recurrent_layer_multiplies_input_and_state_for_each_gate_at_each_step(
    kind: type[nn.Module], gates: int, name: str, layers: int, bidirectional: bool
) -> None:
    module = kind(6, 4, layers, batch_first=True, bidirectional=bidirectional)
    directions = 2 if bidirectional else 1
    step = gates * 4 * (6 + 4) * directions
    step += (layers - 1) * gates * 4 * (4 * directions + 4) * directions
    check(First(module), tensors((2, 5, 6)), {name: 2 * 5 * step})


def test_an_lstm_with_a_projection_multiplies_its_projected_state() -> None:
    # The state is 3 wide after the projection 4 -> 3.
    lstm = nn.LSTM(6, 4, batch_first=True, proj_size=3)
    check(First(lstm), tensors((2, 5, 6)), {"lstm": 2 * 5 * (4 * 4 * (6 + 3) + 4 * 3)})


def test_a_recurrent_layer_runs_no_longer_than_each_clip_of_a_packed_batch() -> None:
    class Packed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm = nn.LSTM(6, 4, batch_first=True)

        def forward(self, clip: torch.Tensor) -> torch.Tensor:
            lengths = torch.tensor([5, 3])
            return self.lstm(pack_padded_sequence(clip, lengths, batch_first=True))[0].data

    assert count_cost(Packed().eval(), *tensors((2, 5, 6))).by_operator == {"lstm": 8 * 16 * 10}


@pytest.mark.parametrize(
    ("cell", "gates", "name"),
    [
        (nn.LSTMCell, 4, "lstm_cell"),
        (nn.GRUCell, 3, "gru_cell"),
        (nn.RNNCell, 1, "rnn_tanh_cell"),
    ],
)
def test_a_recurrent_cell_is_one_step(cell: type[nn.Module], gates: int, name: str) -> None:
    module = cell(6, 4) if cell is not nn.LSTMCell else First(cell(6, 4))
    check(module, tensors((5, 6)), {name: 5 * gates * 4 * (6 + 4)})


@pytest.mark.parametrize("causal", [False, True])
def test_attention_multiplies_every_pair_twice_even_under_a_causal_mask(causal: bool) -> None:
    # 2 clips, 3 heads, 5 queries, 7 keys: 8 products for a score, 6 for a weighted sum.
    check_call(
        lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=causal),
        (2, 3, 5, 8),
        (2, 3, 7, 8),
        (2, 3, 7, 6),
        scaled_dot_product_attention=2 * 3 * 5 * 7 * (8 + 6),
    )


def test_attention_under_a_given_mask_is_counted_in_full() -> None:
    check_call(
        lambda q, k, v, mask: F.scaled_dot_product_attention(q, k, v, attn_mask=mask > 0),
        *((2, 3, 5, 8), (2, 3, 7, 8), (2, 3, 7, 8), (5, 7)),
        scaled_dot_product_attention=2 * 3 * 5 * 7 * 16,
    )


def test_grouped_query_attention_has_as_many_pairs_as_queries_have_heads() -> None:
    check_call(
        lambda q, k: F.scaled_dot_product_attention(q, k, k, enable_gqa=True),
        *((1, 8, 5, 16), (1, 2, 7, 16)),
        scaled_dot_product_attention=8 * 5 * 7 * 32,
    )


@pytest.mark.parametrize("needs_weights", [False, True])
def test_multi_head_attention_is_four_projections_and_two_products_of_pairs(
    needs_weights: bool,
) -> None:
    class Attends(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention = nn.MultiheadAttention(8, 2, batch_first=True)

        def forward(self, query: torch.Tensor, key: torch.Tensor) -> torch.Tensor:
            return self.attention(query, key, key, need_weights=needs_weights)[0]

    pairs = "bmm" if needs_weights else "scaled_dot_product_attention"
    expected = {"linear": 3 * (5 + 7 + 7 + 5) * 64, pairs: 3 * 2 * 5 * 7 * 8}
    check(Attends(), tensors((3, 5, 8), (3, 7, 8)), expected)


def test_self_attention_and_encoder_layers_are_counted_with_their_fast_path_off() -> None:
    attention = First(nn.MultiheadAttention(8, 2, batch_first=True))
    clip = torch.randn(3, 5, 8)
    projections, pairs = 3 * 5 * 4 * 64, 3 * 2 * 25 * 8
    check(attention, (clip, clip, clip), {"linear": projections, "bmm": pairs})
    encoder = nn.TransformerEncoder(
        nn.TransformerEncoderLayer(8, 2, 32, batch_first=True), 2, enable_nested_tensor=False
    )
    feed_forward = 3 * 5 * 2 * 8 * 32
    expected = {
        "linear": 2 * (projections + feed_forward),
        "scaled_dot_product_attention": 2 * pairs,
    }
    check(encoder, (clip,), expected)
    assert torch.backends.mha.get_fastpath_enabled()


def test_the_fast_path_stays_as_it_was_when_a_forward_fails() -> None:
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        count_cost(nn.Linear(3, 4).eval(), torch.randn(2, 5))
    assert torch.backends.mha.get_fastpath_enabled()


def test_the_fused_operators_of_the_fast_path_are_counted_where_they_are_called() -> None:
    layer = nn.TransformerEncoderLayer(8, 2, 32, batch_first=True).eval()
    inner = layer.self_attn

    class Fused(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = layer

        def forward(self, clip: torch.Tensor) -> torch.Tensor:
            inner = self.layer.self_attn
            return torch._transformer_encoder_layer_fwd(
                *(clip, 8, 2, inner.in_proj_weight, inner.in_proj_bias, inner.out_proj.weight),
                *(inner.out_proj.bias, False, False, 1e-5, layer.norm1.weight, layer.norm1.bias),
                *(layer.norm2.weight, layer.norm2.bias, layer.linear1.weight, layer.linear1.bias),
                *(layer.linear2.weight, layer.linear2.bias),
            )

    clip = torch.randn(3, 5, 8)
    attention = 3 * 5 * 4 * 64 + 3 * 2 * 25 * 8
    feed_forward = 3 * 5 * 2 * 8 * 32
    check(Fused(), (clip,), {"transformer_encoder_layer": attention + feed_forward})
    assert count_cost(Fused().eval(), clip).norm_elements == 2 * clip.numel()

    def native(clip: torch.Tensor, *weights: torch.Tensor) -> torch.Tensor:
        return torch._native_multi_head_attention(clip, clip, clip, 8, 2, *weights)[0]

    weights = (inner.in_proj_weight, inner.in_proj_bias, inner.out_proj.weight, inner.out_proj.bias)
    inputs = (clip, *(weight.detach() for weight in weights))
    check(Calls(native), inputs, {"native_multi_head_attention": attention})


@pytest.mark.parametrize(
    ("norm", "shape"),
    [
        (nn.BatchNorm1d(6), (2, 6, 4)),
        (nn.BatchNorm2d(6), (2, 6, 4, 4)),
        (nn.BatchNorm3d(6), (2, 6, 3, 4, 4)),
        (nn.SyncBatchNorm(6), (2, 6, 3, 4, 4)),
        (nn.LayerNorm(4), (2, 6, 4)),
        (nn.LayerNorm(4, elementwise_affine=False), (2, 6, 4)),
        (nn.GroupNorm(2, 6), (2, 6, 3, 4, 4)),
        (nn.InstanceNorm3d(6), (2, 6, 3, 4, 4)),
        (nn.RMSNorm(4), (2, 6, 4)),
    ],
)
def test_every_normalisation_counts_each_element_once(
    norm: nn.Module, shape: tuple[int, ...]
) -> None:
    cost = count_cost(norm.eval(), *tensors(shape))
    elements = math.prod(shape)
    assert (cost.macs, cost.norm_elements, cost.other_flops) == (0, elements, 2 * elements)
    assert cost.uncounted == {}


@pytest.mark.parametrize(
    ("function", "operations"),
    [
        (lambda x: x.permute(0, 2, 1).reshape(2, -1), 0),
        (lambda x: torch.cat([x, x.roll(1)]).flip(0)[..., [0, 2]], 0),
        (lambda x: F.pad(x, (1, 1)).masked_fill(x.new_zeros(2, 3, 6) > 0, 0.0), 0),
        (lambda x: torch.stack(x.gather(2, x.argsort(2)).chunk(2, 1)[:1]), 0),
        (lambda x: x.relu().clamp(0, 6) + torch.arange(4, device=x.device), 24),
        (lambda x: F.gelu(x) * 2, 48),
        (lambda x: F.hardswish(x).softmax(-1), 48),
        (lambda x: x.mean(-1), 6),
        (lambda x: F.max_pool1d(x, 2), 12),
        (lambda x: F.avg_pool1d(x, 2), 12),
        (lambda x: F.adaptive_avg_pool1d(x, 2), 12),
        (lambda x: F.interpolate(x, scale_factor=2), 48),
        (lambda x: F.dropout(x, training=False), 0),
        (lambda x: F.unfold(x[:, None], 2), 0),
        (lambda x: F.fold(x[:, :1].expand(2, 4, 4), (3, 3), 2), 18),
    ],
)
def test_moving_costs_nothing_and_elementwise_work_one_for_each_result(
    function: Callable[..., Any], operations: int
) -> None:
    cost = count_cost(Calls(function).eval(), *tensors((2, 3, 4)))
    assert (cost.macs, cost.other_flops, cost.uncounted) == (0, operations, {})


def test_distances_are_a_product_of_matrices() -> None:
    # 2 batches of 30 and 40 points of 5 coordinates; fewer points are subtracted instead.
    points = tensors((2, 30, 5), (2, 40, 5))
    cost = count_cost(Calls(torch.cdist).eval(), *points)
    assert cost.by_operator == {"cdist": 2 * 30 * 40 * 5} and cost.uncounted == {}
    assert cost.other_flops == 2 * (30 + 40) * 5 + 2 * 30 * 40


def test_marks_for_a_profiler_cost_nothing() -> None:
    def marked(x: torch.Tensor) -> torch.Tensor:
        with torch.autograd.profiler.record_function("the sum"):
            return x + 1

    cost = count_cost(Calls(marked).eval(), torch.ones(2, 3))
    assert (cost.other_flops, cost.uncounted) == (6, {})


def test_what_nothing_can_count_is_named_with_how_often_it_ran() -> None:
    def transformed(x: torch.Tensor) -> torch.Tensor:
        return torch.linalg.inv(torch.fft.fft(torch.fft.fft(x)).real)

    cost = count_cost(Calls(transformed).eval(), torch.randn(4, 4))
    assert cost.uncounted["aten::_fft_r2c"] == 1 and cost.uncounted["aten::_fft_c2c"] == 1
    assert "aten::linalg_inv_ex" in cost.uncounted


def test_no_operator_both_costs_nothing_and_has_a_formula() -> None:
    assert not COSTLESS & FORMULAS.keys()


class TwoInputs(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.rgb, self.flow = nn.Conv3d(3, 2, 1), nn.Conv2d(6, 2, 1)

    def forward(self, clip: torch.Tensor, flow: torch.Tensor) -> torch.Tensor:
        return self.rgb(clip).mean(2) + self.flow(flow)


def test_a_network_takes_as_many_inputs_as_it_has() -> None:
    clip, flow = torch.randn(1, 3, 4, 8, 8), torch.randn(1, 6, 8, 8)
    cost = count_cost(TwoInputs().eval(), clip, flow)
    assert cost.macs == cost.torch_macs == 2 * 3 * 4 * 64 + 2 * 6 * 64
    by_module = macs_by_module(TwoInputs().eval(), clip, flow)
    assert by_module == {"": 2304, "rgb": 1536, "flow": 768}


def test_a_module_that_is_used_twice_is_counted_twice_under_its_first_name() -> None:
    linear = nn.Linear(8, 8)
    network = nn.Sequential(linear, nn.Sequential(linear, nn.Linear(8, 2))).eval()
    by_module = macs_by_module(network, torch.randn(1, 8))
    assert by_module == {"": 144, "0": 128, "1": 16, "1.1": 16}


class AsksForContent(nn.Module):
    """Branches on its input, so it can't run without content."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(6, 4, batch_first=True)

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        clip = clip if clip.sum() > 0 else -clip
        states = self.lstm(clip)[0]
        return F.scaled_dot_product_attention(states, states, states)


def test_a_network_that_asks_for_content_is_counted_by_a_real_forward() -> None:
    cost = count_cost(AsksForContent().eval(), torch.ones(2, 5, 6))
    expected = {"lstm": 2 * 5 * 16 * 10, "scaled_dot_product_attention": 2 * 25 * 8}
    assert cost.by_operator == expected and cost.uncounted == {}
    assert cost.torch_macs is None
    module = AsksForContent().eval()
    count_cost(module, torch.ones(2, 5, 6))
    assert not module.lstm._forward_hooks and not module.lstm._forward_pre_hooks


class MakesTables(nn.Module):
    """Makes tensors in its forward without saying where, and holds one that isn't registered."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(8, 8)
        self.scales = torch.randn(8)

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        places = torch.linspace(0, 1, 8)
        return self.linear(clip * self.scales + places) + int(places.sum().item())


def test_a_table_that_is_made_in_the_forward_meets_the_meta_device() -> None:
    module = MakesTables().eval()
    assert count_cost(module, torch.randn(2, 8)).macs == 128
    move_to_meta(module)
    analysis = DispatchAnalysis(module, (torch.randn(2, 8, device="meta"),))
    assert matrix_work(analysis) == {"linear": 2 * 64}


def test_a_scripted_part_belongs_to_the_module_around_it() -> None:
    scripted = torch.jit.script(nn.Sequential(nn.Linear(3, 4), nn.ReLU()).eval())
    network = First(scripted).eval()
    assert macs_by_module(network, torch.randn(2, 3)) == {"": 24}


def test_a_convolutional_network_costs_what_fvcore_traces() -> None:
    network = nn.Sequential(
        *(nn.Conv3d(3, 8, 3, padding=1), nn.BatchNorm3d(8), nn.ReLU(), nn.MaxPool3d(2)),
        *(nn.Conv3d(8, 8, (3, 1, 1), groups=8), nn.AdaptiveAvgPool3d(1), nn.Flatten()),
        nn.Linear(8, 5),
    ).eval()
    clip = torch.randn(2, 3, 8, 16, 16)
    traced = FlopCountAnalysis(network, clip)
    traced.unsupported_ops_warnings(False).tracer_warnings("none")
    expected = {name: traced.by_operator()[name] for name in ("conv", "linear")}
    assert count_cost(network, clip).by_operator == expected
    by_module = {name: count["conv"] for name, count in traced.by_module_and_operator().items()}
    assert {
        name: count for name, count in macs_by_module(network, clip).items() if name in ("0", "4")
    } == {name: by_module[name] for name in ("0", "4")}
