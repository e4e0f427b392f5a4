"""Operators that take functions are counted, or named as not counted; they stop no count."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch._higher_order_ops import while_loop
from torch.nn.attention.flex_attention import create_block_mask, flex_attention

from kinobench.bench.cost.flops import count_cost, macs_by_module

pytestmark = pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")


class Attends(nn.Module):
    """Attention of 4 heads of queries `[B, 4, L, 8]` to 2 of keys and values, `[B, 2, L, 6]`."""

    def __init__(self, attention: Callable[..., Any] = flex_attention, **options: Any) -> None:
        super().__init__()
        self.attention, self.options = attention, options

    def forward(self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
        return self.attention(query, key, value, enable_gqa=True, **self.options)


class AttendsCausally(Attends):
    def forward(self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
        length = query.shape[2]
        mask = create_block_mask(
            lambda batch, head, at, of: at >= of, None, None, length, length, device=query.device
        )
        return self.attention(query, key, value, block_mask=mask, enable_gqa=True)


@pytest.mark.parametrize(
    "module",
    [
        Attends(),
        Attends(score_mod=lambda score, batch, head, at, of: 2 * score),
        Attends(torch.compile(flex_attention)),
        AttendsCausally(),
    ],
    ids=["plain", "scores", "compiled", "causal"],
)
def test_flex_attention_multiplies_every_pair_twice_whatever_its_mask(module: nn.Module) -> None:
    shapes = (1, 4, 16, 8), (1, 2, 16, 8), (1, 2, 16, 6)
    cost = count_cost(module.eval(), *map(torch.ones, shapes))
    # 4 heads, 16 x 16 pairs: 8 products for a score, 6 for a weighted sum.
    expected = {"scaled_dot_product_attention": 4 * 16 * 16 * (8 + 6)}
    assert (cost.by_operator, cost.uncounted) == (expected, {})


class Branches(nn.Module):
    """One linear layer where the clip is bright, another twice where it is dark."""

    def __init__(self) -> None:
        super().__init__()
        self.bright, self.dark = nn.Linear(4, 8), nn.Linear(4, 4)

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        return torch.cond(
            clip.sum() > 0,
            lambda clip: self.bright(clip).sum(1),
            lambda clip: self.dark(self.dark(clip)).sum(1),
            (clip,),
        )


def test_of_a_condition_the_branch_that_is_taken_is_counted() -> None:
    network, clip = Branches().eval(), torch.ones(3, 4)
    bright, dark = count_cost(network, clip), count_cost(network, -clip)
    assert (bright.by_operator, bright.uncounted) == ({"linear": 3 * 4 * 8}, {})
    assert (dark.by_operator, dark.uncounted) == ({"linear": 2 * 3 * 4 * 4}, {})
    assert macs_by_module(network, clip) == {"": 96, "bright": 96}


class Loops(nn.Module):
    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        begin = torch.zeros((), dtype=torch.int64)
        _, states = while_loop(
            lambda step, states: step < 3,
            lambda step, states: (step + 1, states @ states),
            (begin, clip @ clip),
        )
        return states


def test_a_loop_is_named_as_not_counted_and_the_rest_is_counted() -> None:
    cost = count_cost(Loops().eval(), torch.eye(4))
    assert cost.uncounted == {"higher_order::while_loop": 1}
    assert cost.by_operator == {"matmul": 64}


def test_a_product_into_another_type_is_counted_by_its_shapes() -> None:
    class Integers(nn.Module):
        def forward(self, left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
            product = torch.ops.aten.mm.default
            return torch.ops.higher_order.out_dtype(
                product, torch.int32, left.to(torch.int8), right.to(torch.int8)
            )

    cost = count_cost(Integers().eval(), torch.ones(32, 64), torch.ones(64, 16))
    assert cost.by_operator == {"mm": 32 * 64 * 16} and cost.uncounted == {}
