"""Products of complex numbers are counted as the real products that they are."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from kinobench.bench.cost.flops import count_cost
from kinobench.bench.cost.formulas import matrix_product
from kinobench.bench.records.results import Cost

PLAIN = (None, [1], [0], [1], False, [0], 1)
"""No bias, and what else `torch.convolution` takes, of a convolution without any of it."""


class Calls(nn.Module):
    """A network that calls one function on the complex numbers whose parts are its input."""

    def __init__(self, function: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, parts: torch.Tensor) -> torch.Tensor:
        """Give `function(complex, real)`; parts: `[...]`, float."""
        return self.function(torch.complex(parts, -parts), parts)


def cost_of(function: Callable[[torch.Tensor, torch.Tensor], torch.Tensor], *shape: int) -> Cost:
    cost = count_cost(Calls(function).eval(), torch.ones(shape))
    assert cost.uncounted == {}
    return cost


@pytest.mark.parametrize(
    ("function", "shape", "real_products"),
    [
        (lambda z, x: z @ z, (4, 4), 4 * 4 * 4),
        (lambda z, x: z @ z[0, 0], (2, 3, 4), 2 * 3 * 4),
        (lambda z, x: torch.einsum("bij,bkj->bik", z, z), (2, 3, 4), 2 * 3 * 3 * 4),
        (lambda z, x: torch.addmm(z, z, z), (4, 4), 4 * 4 * 4),
        (lambda z, x: F.linear(z, z), (3, 4), 3 * 3 * 4),
        # 5 clips, 5 filters of 3 x 4 at one place
        (lambda z, x: torch.convolution(z, z, *PLAIN), (5, 3, 4), 5 * 5 * 3 * 4),
    ],
)
def test_a_product_of_two_complex_numbers_is_four_real_ones(
    function: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    shape: tuple[int, ...],
    real_products: int,
) -> None:
    assert cost_of(function, *shape).macs == 4 * real_products


def test_a_product_of_a_real_and_a_complex_matrix_is_two_real_ones() -> None:
    # torch's kernels ask for equal types, so the formula alone is asked.
    real, pair = torch.ones(3, 4), torch.ones(4, 5, dtype=torch.complex64)
    count = matrix_product("mm")
    assert count((real, pair), None) == {"mm": 2 * 3 * 4 * 5}
    assert count((pair.T, real.T), None) == {"mm": 2 * 5 * 4 * 3}
    assert count((real, real.T), None) == {"mm": 3 * 4 * 3}


def test_a_complex_convolution_is_the_three_real_ones_that_torch_makes_of_it() -> None:
    # (a + ib)(c + id): ac, bd and (a + b)(c + d); 5 clips, 5 filters of 3 x 4 at one place.
    cost = cost_of(lambda z, x: F.conv1d(z, z), 5, 3, 4)
    assert cost.macs == 3 * 5 * 5 * 3 * 4 == cost.torch_macs


def test_a_complex_bilinear_form_is_complex_in_both_its_products() -> None:
    # 4 rows, 4 outputs: x @ weight is 4 x 4 products each, that times y another 4.
    cost = cost_of(lambda z, x: F.bilinear(z[0], z[0], z), 4, 4, 4)
    assert cost.macs == 4 * 4 * 4 * (4 * 4 + 4)


@pytest.mark.parametrize(
    ("function", "operations"),
    [
        (lambda z, x: z.real, 0),
        (lambda z, x: z.imag, 0),
        (lambda z, x: torch.view_as_real(z), 0),
        (lambda z, x: torch.view_as_complex(x.reshape(2, 3, 2, 2)), 0),
        (lambda z, x: z + z, 2 * 24),  # both parts
        (lambda z, x: z.abs(), 24),
        (lambda z, x: torch.polar(x, x), 2 * 24),
    ],
)
def test_parts_are_taken_and_put_together_at_no_cost(
    function: Callable[[torch.Tensor, torch.Tensor], torch.Tensor], operations: int
) -> None:
    cost = cost_of(function, 2, 3, 4)
    assert (cost.macs, cost.other_flops - 24) == (0, operations)  # 24: the sign in `Calls`
