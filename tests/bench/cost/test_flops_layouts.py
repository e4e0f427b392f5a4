"""Sparse, nested and random tensors: products count what they multiply, the rest counts nothing."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from kinobench.bench.cost.flops import count_cost, count_traffic
from kinobench.bench.cost.operators import FORMULAS
from kinobench.bench.records.results import Cost

from ...fakes.calls import Calls

SPARSE = torch.tensor([[1.0, 0, 2, 0], [0, 0, 0, 3], [0, 0, 0, 0]])
"""Three of twelve elements are kept."""


def cost_of(function: Callable[..., Any], *shapes: tuple[int, ...]) -> Cost:
    cost = count_cost(Calls(function).eval(), *map(torch.ones, shapes))
    assert cost.uncounted == {}
    return cost


@pytest.mark.filterwarnings("ignore:Sparse")
@pytest.mark.parametrize("made", ["to_sparse", "to_sparse_csr", "to_sparse_csc"])
def test_a_sparse_matrix_multiplies_what_it_keeps(made: str) -> None:
    def sparse() -> torch.Tensor:
        return getattr(SPARSE, made)()

    assert cost_of(lambda x: torch.mm(sparse(), x), (4, 5)).by_operator == {"mm": 3 * 5}
    assert cost_of(lambda x: sparse() @ x, (4, 5)).by_operator == {"matmul": 3 * 5}
    assert cost_of(lambda x: torch.sparse.mm(sparse(), x), (4, 5)).macs == 3 * 5
    added = cost_of(lambda x, y: torch.addmm(x, sparse(), y), (3, 5), (4, 5))
    assert added.by_operator == {"addmm": 3 * 5}


@pytest.mark.filterwarnings("ignore:Sparse")
def test_other_products_of_sparse_matrices() -> None:
    coo = SPARSE.to_sparse
    assert cost_of(lambda x: torch.mv(coo(), x), (4,)).by_operator == {"mv": 3}
    assert cost_of(lambda x: torch.hspmm(coo(), x), (4, 5)).macs == 3 * 5
    assert cost_of(lambda x: torch.smm(coo(), x), (4, 5)).macs == 3 * 5
    assert cost_of(lambda x, y: torch.sparse.addmm(x, coo(), y), (3, 5), (4, 5)).macs == 3 * 5
    assert cost_of(lambda x: x @ SPARSE.to_sparse_csr(), (2, 3)).macs == 2 * 3
    # Columns 0, 2 and 3 of the one meet rows 0, 2 and 3 of the other, which keep 1, 1 and 1.
    assert cost_of(lambda _: torch.sparse.mm(coo(), SPARSE.t().to_sparse()), (1,)).macs == 3
    places = torch.eye(3).to_sparse_csr()
    sampled = cost_of(lambda x, y: torch.sparse.sampled_addmm(places, x, y), (3, 6), (6, 3))
    assert sampled.macs == 3 * 6
    weight = SPARSE.to_sparse_csr()
    assert cost_of(lambda x: F.linear(x, weight), (2, 4)).by_operator == {"linear": 2 * 3}


def test_a_sparse_weight_is_read_as_it_is_kept() -> None:
    class Pruned(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("weight", SPARSE.to_sparse())

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.sparse.mm(self.weight, x)

    macs, moved = count_traffic(Pruned().eval(), torch.ones(4, 5))
    assert macs[""] == 3 * 5
    assert moved.weights_bytes == 3 * 4 + 2 * 3 * 8  # values, and two int64 indices of each
    (note,) = count_cost(Pruned().eval(), torch.ones(4, 5)).notes
    assert "counted on the CPU" in note and "sparse_coo" in note


@pytest.mark.parametrize(
    "function",
    [
        lambda x: torch.rand_like(x) + torch.rand(4) - torch.randn(4) - torch.randn_like(x),
        lambda x: torch.empty_like(x).normal_().uniform_().exponential_().log_normal_().cauchy_(),
        lambda x: torch.empty_like(x).geometric_(0.5).random_().bernoulli_(0.5),
        lambda x: torch.bernoulli(x) - torch.poisson(x) - torch.binomial(x, x),
        lambda x: (torch.randint(4, (4,)), torch.randint_like(x, 4), torch.randperm(4)),
        lambda x: torch.multinomial(x.flatten(), 2),
        lambda x: (torch.normal(x, x), torch._standard_gamma(x), torch._sample_dirichlet(x)),
        lambda x: (
            torch.sparse_coo_tensor(torch.tensor([[0, 1], [0, 1]]), x[0, :2], (4, 4))
            .coalesce()
            .values()
        ),
        lambda x: (x.to_sparse().to_dense(), x.to_sparse_csr().to_dense(), x.to_sparse().indices()),
        lambda x: x.to_sparse_csr().to_sparse().sparse_mask(x.to_sparse().coalesce()),
    ],
)
@pytest.mark.filterwarnings("ignore:Sparse")
def test_random_numbers_and_sparse_forms_take_no_products(function: Callable[..., Any]) -> None:
    cost = count_cost(Calls(function).eval(), torch.ones(4, 4))
    assert (cost.macs, cost.uncounted) == (0, {})


def test_elementwise_work_on_a_sparse_tensor_is_that_on_what_it_keeps() -> None:
    assert cost_of(lambda _: SPARSE.to_sparse() * 2.0, (1,)).other_flops == 3
    assert cost_of(lambda _: torch.sparse.softmax(SPARSE.to_sparse(), 1), (1,)).other_flops == 3


LENGTHS = (3, 2)
"""Tokens of each clip in a nested batch."""


def nested(x: torch.Tensor, layout: torch.layout) -> torch.Tensor:
    """Return clips of `LENGTHS` tokens of `x: [2, 3, ...]`."""
    parts = [clip[:length] for clip, length in zip(x, LENGTHS, strict=True)]
    return torch.nested.as_nested_tensor(parts, layout=layout)


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
@pytest.mark.parametrize("layout", [torch.jagged, torch.strided])
def test_a_nested_batch_costs_what_its_clips_cost(layout: torch.layout) -> None:
    layer = nn.Linear(4, 5)

    def network(x: torch.Tensor) -> torch.Tensor:
        return torch.nested.to_padded_tensor(F.relu(layer(nested(x, layout))), 0.0)

    assert cost_of(network, (2, 3, 4)).by_operator == {"linear": 5 * 4 * 5}

    def attends(x: torch.Tensor) -> torch.Tensor:
        heads = nested(x, layout).transpose(1, 2)
        heads = heads if layout is torch.jagged else heads.contiguous()
        return F.scaled_dot_product_attention(heads, heads, heads)

    # 2 heads; each pair of tokens of a clip is 4 products for its score and 4 for the sum.
    pairs = 2 * (3 * 3 + 2 * 2) * (4 + 4)
    assert cost_of(attends, (2, 3, 2, 4)).by_operator == {"scaled_dot_product_attention": pairs}


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
def test_products_of_nested_matrices_are_counted_one_by_one() -> None:
    def products(x: torch.Tensor) -> Any:
        tokens = nested(x, torch.strided)
        scores = torch.bmm(tokens, tokens.transpose(1, 2))
        return torch.softmax(scores, -1)

    cost = cost_of(products, (2, 3, 4))
    assert cost.by_operator == {"bmm": 3 * 3 * 4 + 2 * 2 * 4}
    assert cost.other_flops == 3 * 3 + 2 * 2


@pytest.mark.parametrize(
    ("left", "right", "groups", "macs"),
    [
        ((6, 8), (2, 8, 16), (2, 6), 6 * 8 * 16),
        ((2, 3, 8), (2, 8, 16), None, 2 * 3 * 8 * 16),
        ((2, 3, 8), (8, 32), (16, 32), 3 * 8 * 32),
        ((3, 16), (16, 8), (8, 16), 3 * 16 * 8),
    ],
)
def test_a_grouped_product_multiplies_each_row_by_one_matrix(
    left: tuple[int, ...], right: tuple[int, ...], groups: Any, macs: int
) -> None:
    count = FORMULAS["_grouped_mm"]
    given = (torch.empty(left), torch.empty(right), groups)
    assert count(given, None) == {"grouped_mm": macs}


def test_the_kernels_of_a_gpu_count_as_those_of_the_cpu() -> None:
    query, key = torch.empty(2, 3, 5, 8, device="meta"), torch.empty(2, 3, 7, 8, device="meta")
    for name in ("flash", "efficient", "cudnn"):
        count = FORMULAS[f"_scaled_dot_product_{name}_attention"]
        counted = count((query, key, key), None)
        assert counted["scaled_dot_product_attention"] == 2 * 3 * 5 * 7 * 16
    lstm = nn.LSTM(6, 4, 2, bidirectional=True)
    steps = torch.empty(5, 2, 6)
    first, second = 16 * (6 + 4), 16 * (8 + 4)
    expected = 5 * 2 * 2 * (first + second)
    assert FORMULAS["_cudnn_rnn"]((steps, list(lstm.parameters())), None) == {"lstm": expected}
