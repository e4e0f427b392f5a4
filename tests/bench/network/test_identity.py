"""What a network computes shows that it is another one, and not how it was run."""

from typing import Any

import msgspec
import pytest
import torch
from torch import nn

from kinobench.bench.cost.shape import Shape
from kinobench.bench.network.build import build_network
from kinobench.bench.network.digest import network_digest
from kinobench.bench.network.identity import computed_by, identity_of
from kinobench.bench.network.layout import lay_out_weights
from kinobench.bench.network.network import Network
from kinobench.bench.records.case import Case, Mode, Precision
from kinobench.datasets.protocol import preset
from kinobench.zoo import registry

from ...fakes.zoo_names import TINY

ROUNDS_MOST = ("late_fusion_tiny", "s3d_tiny", "mvit_tiny", "cnn_gru_tiny", "two_stream_tiny")
"""The networks that rounding changes most, of each kind of layers."""

CASE = Case(model="c3d_tiny", classes=8, protocol=preset("pointlight"))


def each_of(first: tuple[str, ...], names: list[str]) -> list[Any]:
    """Return the first names, then the others, marked slow."""
    others = [name for name in names if name not in first]
    return [*first, *(pytest.param(name, marks=pytest.mark.slow) for name in others)]


@pytest.mark.filterwarnings("ignore:TF32 acceleration")
@pytest.mark.parametrize("name", each_of(ROUNDS_MOST, TINY))
def test_threads_layout_and_other_kernels_leave_what_a_network_computes(name: str) -> None:
    """The tolerance has room for ten times what they change here."""
    module = build_network(name, Shape(16, 64, 8), None).module
    kinds = registry.get(name).inputs
    first = computed_by(module, kinds, 16, 64)
    largest = max(abs(each) for each in first.logits if each is not None)
    torch.set_num_threads(2)
    others = [computed_by(module, kinds, 16, 64)]
    with torch.backends.mkldnn.flags(enabled=False):
        others.append(computed_by(module, kinds, 16, 64))
    lay_out_weights(module)
    others.append(computed_by(module, kinds, 16, 64))
    for other in others:
        assert first.agrees(other)
        pairs = zip(first.logits, other.logits, strict=True)
        assert max(abs(one - two) for one, two in pairs) <= 1e-5 * largest  # type: ignore[operator]


class _Scaled(nn.Module):
    """Scales by what its builder was given; neither its code nor its weights have the factor."""

    def __init__(self, classes: int, factor: dict[str, float]) -> None:
        super().__init__()
        self.head, self.factor = nn.Linear(3, classes), factor

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.head(clip.mean(dim=(2, 3, 4)))
        return logits * self.factor["value"]


def test_a_variable_that_changes_what_is_computed_is_seen_and_the_digest_sees_it_not() -> None:
    factor = {"value": 1.0}
    registry.register("scaled_by_a_variable")(lambda classes, t, s: _Scaled(classes, factor))
    case = msgspec.structs.replace(CASE, model="scaled_by_a_variable")
    before, again = identity_of(case), identity_of(case)
    factor["value"] = 1.02
    after = identity_of(case)
    assert before.network == after.network and before == again
    assert before.computes is not None and after.computes is not None
    assert before.computes.agrees(again.computes) and not before.computes.agrees(after.computes)


@pytest.mark.parametrize(
    ("precision", "mode", "batch"),
    [("fp32", "eager", 1), ("fp32", "eager", 3), ("bf16", "eager", 1), ("fp32", "stream", 1)],
)
def test_every_case_of_a_network_computes_the_same(
    precision: Precision, mode: Mode, batch: int
) -> None:
    model = "cnn_gru_tiny"
    case = Case(
        model=model,
        classes=8,
        protocol=preset("pointlight"),
        precision=precision,
        mode=mode,
        batch=batch,
    )
    network = Network(case)
    network.identify(at_first_forward=True)
    digest = network_digest(network.module)
    network.settle(reference=False)
    apart = identity_of(case)
    assert network.computed is not None and apart.computes is not None
    assert network.computed.agrees(apart.computes)
    assert network.digest == digest == apart.network


def test_a_network_that_draws_numbers_computes_the_same_each_time() -> None:
    class Draws(nn.Module):
        def forward(self, clip: torch.Tensor) -> torch.Tensor:
            return clip.mean(dim=(2, 3, 4)) + torch.rand(3)

    registry.register("draws_in_its_forward")(lambda classes, frames, size: Draws())
    case = msgspec.structs.replace(CASE, model="draws_in_its_forward", classes=3)
    network = Network(case)
    torch.rand(5)
    network.identify(at_first_forward=True)
    network.settle()
    state = torch.random.get_rng_state()
    apart = identity_of(case)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert network.computed == apart.computes is not None


def test_a_network_that_fails_on_the_cpu_has_a_note_instead() -> None:
    class NeedsGpu(nn.Module):
        def forward(self, clip: torch.Tensor) -> torch.Tensor:
            raise RuntimeError("give me a GPU")

    registry.register("needs_a_gpu")(lambda classes, frames, size: NeedsGpu())
    network = Network(msgspec.structs.replace(CASE, model="needs_a_gpu", precision="bf16"))
    network.identify()
    assert network.computed is None
    assert network.notes == [
        "accuracy: a change of what the network computes would not be noticed, as it fails in fp32 "
        "on the CPU (give me a GPU)"
    ]
