"""A network that gives one clip other logits each time is found out, and no other."""

from typing import Any

import pytest
import torch

from kinobench.bench.cluster.shard import refuse_to_depend_on_the_order
from kinobench.bench.network.network import Network
from kinobench.bench.network.repeats import probe, same_logits
from kinobench.bench.records.case import Case
from kinobench.datasets.errors import KinobenchError
from kinobench.datasets.protocol import preset
from kinobench.zoo.registry import register

from ...fakes.odd_networks import (
    Averaging,
    Counting,
    DropoutLeftOn,
    FrozenInTraining,
    Locked,
    Normalising,
    Plain,
    Remembering,
    Tabled,
    odd,
)


def settled(name: str, **changes: Any) -> Network:
    fields = {"model": name, "classes": 8, "protocol": preset("pointlight")}
    network = Network(Case(**(fields | changes)))
    network.settle(reference=False)
    return network


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        (Counting, "the logits of one clip differ by 1 from run to run"),
        (Remembering, "the logits of one clip differ by "),
        (DropoutLeftOn, "the logits of one clip differ by "),
        (Averaging, "each forward changes its buffer seen"),
        (FrozenInTraining, "eval mode leaves its norm (BatchNorm1d) in training mode"),
    ],
)
def test_what_a_network_keeps_is_found_by_two_forwards_of_one_clip(kind: Any, shown: str) -> None:
    found = probe(settled(odd("keeps", kind), batch=2))
    assert found.difference is not None and found.difference.startswith(shown)


@pytest.mark.parametrize("kind", [Plain, Normalising, Locked, Tabled])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_network_that_keeps_nothing_repeats_itself(kind: Any, precision: str) -> None:
    found = probe(settled(odd("keeps_nothing", kind), precision=precision))
    assert found.difference is None
    assert found.logits is not None and found.logits.shape == (1, 8)


@pytest.mark.parametrize("mode", ["eager", "stream"])
def test_a_network_of_kinobench_repeats_itself_in_any_mode(mode: str) -> None:
    assert probe(settled("cnn_gru_tiny", mode=mode)).difference is None


def test_a_table_that_is_made_for_each_length_is_no_state() -> None:
    class Caching(Plain):
        def forward(self, clip: torch.Tensor) -> Any:
            name = f"table_{len(clip)}"
            if not hasattr(self, name):
                self.register_buffer(name, torch.ones(len(clip), 1))
            return super().forward(clip) * getattr(self, name)

    assert probe(settled(odd("caches", Caching), batch=2)).difference is None


def test_a_network_that_fails_on_one_clip_is_left_to_the_evaluation() -> None:
    class OfTwo(Plain):
        def forward(self, clip: torch.Tensor) -> Any:
            assert len(clip) == 2
            return super().forward(clip)

    register("of_two")(lambda num_classes, frames, size: OfTwo(num_classes))
    assert probe(settled("of_two", batch=2)) == (None, None)


@pytest.mark.parametrize(
    ("other", "dtype", "same"),
    [
        ([1.0, -2.0], torch.float32, True),
        ([1.0, -2.0 + 5e-4], torch.float32, True),  # of 2, half of the digits are 7e-4
        ([1.0, -2.0 + 1e-3], torch.float32, False),
        ([1.0, -2.0 + 0.1], torch.bfloat16, True),
        ([1.0, -2.0 + 0.2], torch.bfloat16, False),
        ([1.0, float("nan")], torch.float32, False),
    ],
)
def test_logits_are_the_same_to_half_of_their_digits(
    other: list[float], dtype: torch.dtype, same: bool
) -> None:
    assert same_logits(torch.tensor([[1.0, -2.0]]), torch.tensor([other]), dtype) is same


def test_what_is_no_number_twice_is_the_same() -> None:
    nothing = torch.tensor([[float("nan"), float("inf")]])
    assert same_logits(nothing, nothing.clone(), torch.float32)


def test_a_worker_of_a_cluster_refuses_a_network_whose_order_matters() -> None:
    with pytest.raises(
        KinobenchError, match=r"^counts: the logits of one clip differ .* --cluster"
    ):
        refuse_to_depend_on_the_order(settled(odd("counts", Counting)))
    refuse_to_depend_on_the_order(settled(odd("plain", Plain)))
