"""Bytes that a forward must move are those derived by hand, at both levels."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from kinobench.bench.cost.flops import count_traffic
from kinobench.bench.cost.traffic import Traffic, access_of
from kinobench.bench.measure.roofline import case_traffic
from kinobench.bench.network.network import Network
from kinobench.bench.records.case import Case, Precision
from kinobench.datasets.protocol import preset

from ...fakes.zoo_names import TINY, family, one_of_each
from .test_flops_operators import Calls, First

FLOAT = 4


def traffic_of(module: nn.Module, *inputs: torch.Tensor) -> Traffic:
    return count_traffic(module.eval(), *inputs)[1]


def test_a_3d_convolution_reads_its_input_and_weights_and_writes_its_result() -> None:
    layer = nn.Conv3d(3, 5, 3, stride=(1, 2, 2), padding=1)
    moved = traffic_of(layer, torch.randn(2, 3, 4, 8, 8))
    # 5 filters of 3 x 27 with 5 biases; 2 clips of 3 x 4 x 8 x 8; 2 results of 5 x 4 x 4 x 4.
    assert moved.weights_bytes == FLOAT * (5 * 3 * 27 + 5)
    assert moved.input_bytes == FLOAT * 2 * 3 * 4 * 8 * 8
    assert moved.output_bytes == FLOAT * 2 * 5 * 4 * 4 * 4
    assert moved.operator_bytes == moved.network_bytes == FLOAT * (410 + 1536 + 640)


@pytest.mark.parametrize("shape", [(6, 7), (2, 3, 7)])
@pytest.mark.parametrize("bias", [True, False])
def test_a_linear_layer_is_one_operator_with_and_without_a_bias(
    shape: tuple[int, ...], bias: bool
) -> None:
    moved = traffic_of(nn.Linear(7, 5, bias=bias), torch.randn(shape))
    assert moved.operator_bytes == FLOAT * (6 * 7 + 5 * 7 + 5 * bias + 6 * 5)
    assert moved.by_module == {"": moved.operator_bytes}


def test_a_sum_reads_two_tensors_and_a_square_reads_one() -> None:
    left, right = torch.randn(3, 4), torch.randn(3, 4)
    assert traffic_of(Calls(torch.add), left, right).operator_bytes == FLOAT * 3 * 12
    assert traffic_of(Calls(lambda x: x * x), left).operator_bytes == FLOAT * 2 * 12
    # In place the same memory is read and written; of a row for all, one row is read.
    assert traffic_of(Calls(lambda x, y: x.add_(y)), left, right).operator_bytes == FLOAT * 3 * 12
    row = traffic_of(Calls(lambda x, y: x + y[:1].expand(3, 4)), left, right)
    assert row.operator_bytes == FLOAT * (12 + 4 + 12)
    assert row.input_bytes == FLOAT * (12 + 4)


def test_attention_reads_query_key_and_value_and_no_scores() -> None:
    query, key = torch.randn(2, 4, 10, 8), torch.randn(2, 4, 12, 8)
    moved = traffic_of(Calls(F.scaled_dot_product_attention), query, key, key + 1)
    # 10 queries, 12 keys, 12 values, 10 results of 2 x 4 x 8; not the 10 x 12 products.
    assert moved.operator_bytes == FLOAT * 2 * 4 * 8 * (10 + 12 + 12 + 10)


def test_an_lstm_reads_its_weights_once_however_many_steps_there_are() -> None:
    lstm = nn.LSTM(6, 5, batch_first=True)
    weights = 4 * 5 * 6 + 4 * 5 * 5 + 2 * 4 * 5
    for steps in (1, 9):
        moved = traffic_of(First(lstm), torch.randn(2, steps, 6))
        assert moved.weights_bytes == FLOAT * weights
        # The two first states are zeros, which are written, read, and written anew at the end.
        states = 2 * 2 * 5
        layer = weights + 2 * steps * 6 + states + 2 * steps * 5 + states
        assert moved.operator_bytes == FLOAT * (layer + states)
        assert moved.network_bytes == FLOAT * (weights + 2 * steps * 6 + 2 * steps * 5)


def test_views_and_questions_move_nothing_and_copies_do() -> None:
    clip = torch.randn(2, 3, 4)
    views = Calls(lambda x: x.transpose(1, 2).unsqueeze(0).expand(5, 2, 4, 3)[0, :, 1:].detach())
    assert traffic_of(views, clip).operator_bytes == 0
    assert traffic_of(Calls(lambda x: x.contiguous().view(-1)), clip).operator_bytes == 0
    copied = traffic_of(Calls(lambda x: x.transpose(1, 2).contiguous()), clip)
    assert copied.operator_bytes == FLOAT * 2 * 24
    joined = traffic_of(Calls(lambda x: torch.cat([x, x[:, :1]], dim=1)), clip)
    assert joined.operator_bytes == FLOAT * (24 + 8 + 32)


def test_of_a_table_only_the_rows_that_are_wanted_are_read() -> None:
    table = nn.Embedding(100, 8)
    moved = traffic_of(table, torch.zeros(2, 3, dtype=torch.int64))
    assert moved.operator_bytes == 8 * 6 + FLOAT * 8 * 6 + FLOAT * 8 * 6
    assert moved.weights_bytes == FLOAT * 8 * 6  # of 8 x 100
    # An input of which only one picture is looked at need not be read whole.
    first = traffic_of(Calls(lambda clip: clip[:, :, 0].relu()), torch.randn(1, 3, 16, 8, 8))
    assert first.input_bytes == FLOAT * 3 * 8 * 8


class LastAccess(TorchDispatchMode):
    """Keeps what the last operator moved."""

    def __torch_dispatch__(self, operator: Any, types: Any, args: Any = (), kwargs: Any = None):
        result = operator(*args, **(kwargs or {}))
        self.access = access_of(operator, args, kwargs or {}, result)
        return result


def written_by(write: Callable[..., object], device: str) -> int:
    """Of 5 x 6 floats, into rows 4 and 1 or into those of a mask of three."""
    y = torch.zeros(5, 6, device=device)
    rows = torch.tensor([4, 1]).to(device)
    mask = torch.tensor([True, False, True, True, False]).to(device)
    row, two, three = (torch.ones(*n, 6, device=device) for n in ((), (2,), (3,)))
    with torch.inference_mode(), LastAccess() as last:
        write(y, rows, mask, row, two, three)
    return last.access.written_bytes


@pytest.mark.parametrize("device", ["cpu", "meta"])
@pytest.mark.parametrize(
    ("write", "elements"),
    [
        (lambda y, rows, *_: y.__setitem__(rows, 0.0), 2 * 6),
        (lambda y, rows, mask, row, *_: y.__setitem__(rows, row), 2 * 6),
        (lambda y, rows, mask, row, two, _: y.__setitem__(rows, two), 2 * 6),
        (lambda y, rows, *_: y.__setitem__((slice(None), rows), 0.0), 5 * 2),
        (lambda y, rows, *_: y.__setitem__((rows, rows), 0.0), 2),
        (lambda y, rows, *_: y.__setitem__((rows[:, None], rows), 0.0), 2 * 2),
        (lambda y, rows, mask, row, two, three: y.__setitem__(mask, three), 3 * 6),
        (lambda y, rows, *_: y.index_fill_(1, rows, 0.0), 5 * 2),
        (lambda y, rows, mask, row, two, _: y.index_copy_(0, rows, two), 2 * 6),
        (lambda y, rows, *_: y.scatter_(1, rows[:, None], 0.0), 2),
        (lambda y, rows, mask, row, two, _: y.scatter_(1, rows[:, None], two), 2),
        (lambda y, rows, mask, *others: y.masked_scatter_(mask[:, None], others[-1]), 3 * 6),
    ],
)
def test_what_is_written_is_as_large_as_its_places_whatever_is_written(
    write: Callable[..., object], elements: int, device: str
) -> None:
    assert written_by(write, device) == FLOAT * elements


def test_of_a_mask_without_content_all_that_it_covers_may_be_written() -> None:
    def write(y: torch.Tensor, rows: torch.Tensor, mask: torch.Tensor, *_: torch.Tensor) -> None:
        y[mask] = 0.0

    assert written_by(write, "cpu") == FLOAT * 3 * 6
    assert written_by(write, "meta") == FLOAT * 5 * 6


def test_weights_that_nothing_reads_count_for_nothing_and_shared_ones_once() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.used, self.idle = nn.Linear(4, 4), nn.Linear(4, 400)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.used(self.used(x))

    moved = traffic_of(Twice(), torch.randn(1, 4))
    assert moved.weights_bytes == FLOAT * 20
    assert moved.operator_bytes == 2 * FLOAT * (20 + 4 + 4)
    assert moved.by_module == {"": moved.operator_bytes, "used": moved.operator_bytes}


def test_half_as_wide_numbers_are_half_as_many_bytes() -> None:
    layer, clip = nn.Conv3d(3, 5, 3), torch.randn(1, 3, 4, 8, 8)
    whole, half = traffic_of(layer, clip), traffic_of(layer.bfloat16(), clip.bfloat16())
    assert half.operator_bytes * 2 == whole.operator_bytes


@pytest.mark.parametrize("name", one_of_each(family, TINY))
def test_operators_of_every_tiny_network_move_no_less_than_the_network_must(name: str) -> None:
    network = Network(Case(model=name, classes=8, protocol=preset("pointlight")))
    moved = case_traffic(network)
    assert moved.operator_bytes >= moved.network_bytes > 0
    assert moved.by_module[""] == moved.operator_bytes
    assert max(moved.by_module.values()) == moved.operator_bytes
    assert 0 < moved.weights_bytes <= network.weights_bytes()
    assert moved.output_bytes == FLOAT * 8


@pytest.mark.parametrize(
    ("precision", "batch", "again"), [("fp32", 1, 0), ("fp32", 2, 1), ("bf16", 1, 1)]
)
def test_what_the_cost_has_counted_is_not_counted_again(
    precision: Precision, batch: int, again: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = Case(model="c3d_tiny", classes=8, protocol=preset("pointlight"))
    expected = case_traffic(Network(case))
    network = Network(msgspec.structs.replace(case, precision=precision, batch=batch))
    network.cost()
    counted: list[str] = []

    def count(*given: Any) -> tuple[None, Any]:
        counted.append(precision)
        return None, expected

    monkeypatch.setattr("kinobench.bench.cost.flops.count_traffic", count)
    assert case_traffic(network) == expected
    assert len(counted) == again


def test_a_streamed_frame_reads_the_state_and_writes_it_anew() -> None:
    case = Case(model="cnn_lstm_tiny", classes=8, protocol=preset("pointlight"), mode="stream")
    network = Network(case)
    moved = case_traffic(network)
    frame = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        _, state = network.module.step(frame, None)
    leaves = torch.utils._pytree.tree_leaves(state)
    held = sum(each.numel() * FLOAT for each in leaves if isinstance(each, torch.Tensor))
    assert held > 0
    assert moved.input_bytes == FLOAT * frame.numel() + held
    assert moved.output_bytes == FLOAT * 8 + held
