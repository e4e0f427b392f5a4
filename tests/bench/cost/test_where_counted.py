"""Counting leaves nothing behind, counts the second forward, and takes the device's own way."""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
import torch
from torch import nn

import kinobench
from kinobench.bench.cards.model import make_card
from kinobench.bench.cost import models
from kinobench.bench.cost.apart import HungApartError
from kinobench.bench.cost.flops import count_cost, count_traffic
from kinobench.bench.cost.on_device import compare_counts, count_on_device
from kinobench.bench.network.network import Network
from kinobench.bench.records.results import Cost
from kinobench.datasets.protocol import preset
from kinobench.zoo import registry

from ...fakes.further_networks import DepthByPython, InAPool, InAThread
from ...fakes.made_records import made_case

CLIP = (1, 3, 16, 64, 64)
CLASSES = 5

_tables: dict[int, torch.Tensor] = {}


class Base(nn.Module):
    """The mean of each frame, and a linear layer: 48 x 5 multiply-adds."""

    def __init__(self, classes: int = CLASSES) -> None:
        super().__init__()
        self.fc = nn.Linear(48, classes)

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        return self.fc(self.means(clip))

    def means(self, clip: torch.Tensor) -> torch.Tensor:
        return clip.mean((3, 4)).flatten(1)


class KeepsATable(Base):
    """Fills a table of its module in the first forward, by a product."""

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        if 48 not in _tables:
            places = torch.arange(48.0, device=clip.device)
            _tables[48] = torch.eye(48, device=clip.device) @ places
        return self.fc(self.means(clip) + _tables[48])


class KeepsAnAttribute(Base):
    """Keeps what it has seen, in an attribute, a list and a buffer."""

    def __init__(self, classes: int = CLASSES) -> None:
        super().__init__(classes)
        self.calls, self.seen = 0, []
        self.register_buffer("total", torch.zeros(48))

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        means = self.means(clip)
        self.seen.append(means)
        self.total += means[0]
        return self.fc(means)


class BuiltByContent(Base):
    """Asks for the content of a tensor while it is built."""

    def __init__(self, classes: int = CLASSES) -> None:
        super().__init__(classes)
        self.rates = [value.item() for value in torch.linspace(0, 0.1, 4)]


class BranchesOnContent(Base):
    """Takes one way or the other by what it sees."""

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        return super().forward(clip) * (2 if self.means(clip).mean() > 1e6 else 1)


class RoutesToExperts(Base):
    """A mixture of experts: each token goes to the expert that its largest value chooses."""

    def __init__(self, classes: int = CLASSES) -> None:
        super().__init__(classes)
        self.gate = nn.Linear(3, 4)
        self.experts = nn.ModuleList(nn.Linear(3, 3) for _ in range(4))

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        tokens = clip.mean((3, 4)).transpose(1, 2).flatten(0, 1)
        chosen = self.gate(tokens).argmax(1)
        routed = torch.zeros_like(tokens)
        for number, expert in enumerate(self.experts):
            places = (chosen == number).nonzero().squeeze(1)
            routed[places] = expert(tokens[places])
        return self.fc(routed.reshape(len(clip), -1))


class AsksWhereItIs(Base):
    """Takes a cheap way on the meta device that it takes nowhere else."""

    def __init__(self, classes: int = CLASSES) -> None:
        super().__init__(classes)
        self.more = nn.Linear(48, 48)

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        means = self.means(clip)
        return self.fc(means if clip.device.type == "meta" else self.more(means))


class Lazy(nn.Module):
    """Learns the size of its layer in the first forward."""

    def __init__(self, classes: int = CLASSES) -> None:
        super().__init__()
        self.fc = nn.LazyLinear(classes)

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        return self.fc(clip.mean((3, 4)).flatten(1))


class Uncopyable(Base):
    """Refuses to be copied."""

    def __deepcopy__(self, memo: Any) -> Any:
        raise TypeError("cannot copy")


class WritesIntoItsInput(Base):
    """Normalises its clip in place."""

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        return super().forward(clip.sub_(1).div_(3))


MACS: dict[type[nn.Module], int] = {
    KeepsATable: 240,
    KeepsAnAttribute: 240,
    BuiltByContent: 240,
    BranchesOnContent: 240,
    # The gate and one expert for each of 16 tokens, wherever they go.
    RoutesToExperts: 16 * 3 * 4 + 16 * 3 * 3 + 240,
    AsksWhereItIs: 48 * 48 + 240,
    Lazy: 240,
    Uncopyable: 240,
    WritesIntoItsInput: 240,
}
ON_THE_CPU = {BranchesOnContent, RoutesToExperts}
"""These can't run without content."""


@pytest.fixture
def register() -> Iterator[Callable[[type[nn.Module]], str]]:
    """Return a function that registers a network for this test alone, and returns its name."""
    names = []

    def add(kind: type[nn.Module]) -> str:
        name = kind.__name__.lower()
        registry.register(name, native=(16, 1, 64))(lambda classes, frames, size: kind(classes))
        names.append(name)
        return name

    yield add
    for name in names:
        registry._architectures.pop(name)
    _tables.clear()


def built(kind: type[nn.Module]) -> nn.Module:
    torch.manual_seed(0)
    return kind(CLASSES).eval()


@pytest.mark.parametrize("kind", MACS)
def test_show_run_list_and_the_api_count_the_same(
    kind: type[nn.Module], register: Callable[[type[nn.Module]], str]
) -> None:
    name = register(kind)
    case = made_case(model=name, classes=CLASSES, protocol=preset("pointlight"))
    card = make_card(name, classes=CLASSES)
    costs = [card.cost, Network(case).cost()]
    if kind is not Lazy:  # which the API would have to run for its weights
        costs.append(kinobench.count(built(kind), CLIP))
    assert [cost.macs for cost in costs] == [MACS[kind]] * len(costs)
    assert all(cost.uncounted == {} for cost in costs)
    assert models.count_model(name).macs == make_card(name).cost.macs
    for cost in costs:
        told = any("counted on the CPU" in note for note in cost.notes)
        assert told == (kind in ON_THE_CPU | {AsksWhereItIs}), cost.notes
    weights = (
        sum(parameter.numel() for parameter in built(kind).parameters()) if kind != Lazy else 245
    )
    assert card.params == weights


def test_why_a_network_is_counted_on_the_cpu_is_said() -> None:
    cost = count_cost(built(BranchesOnContent), torch.ones(CLIP))
    (note,) = cost.notes
    assert note.startswith("counted on the CPU, since on the meta device it fails: RuntimeError: ")
    assert "meta tensors" in note and cost.torch_macs is None


def test_a_table_of_the_module_gets_no_tensors_without_content() -> None:
    _tables.clear()
    module, clip = built(KeepsATable), torch.ones(CLIP)
    cost = count_cost(module, clip)
    assert _tables == {}
    assert cost.macs == cost.torch_macs == 240  # without the product of the first forward
    count_traffic(module, clip)
    assert _tables == {} and module(clip).shape == (1, CLASSES)
    _tables.clear()


def test_what_a_network_keeps_is_as_before() -> None:
    module, clip = built(KeepsAnAttribute), torch.ones(CLIP)
    state = {name: value.clone() for name, value in module.state_dict().items()}
    for count in (count_cost, count_traffic, count_on_device):
        count(module, clip)
    assert (module.calls, module.seen) == (0, [])
    assert all(torch.equal(value, state[name]) for name, value in module.state_dict().items())
    assert torch.equal(clip, torch.ones(CLIP))


def test_the_input_and_the_random_numbers_are_as_before() -> None:
    clip = torch.ones(CLIP)
    generator = torch.random.get_rng_state()
    count_cost(built(WritesIntoItsInput), clip)
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.random.set_rng_state(generator)
    assert torch.equal(clip, torch.ones(CLIP))
    torch.manual_seed(0)
    kinobench.count(built(Base), clip)
    torch.manual_seed(0)
    assert torch.equal(torch.rand(3), expected)


def test_a_network_that_asks_where_it_is_is_counted_where_it_runs() -> None:
    module, clip = built(AsksWhereItIs), torch.ones(CLIP)
    on_meta, on_cpu = count_cost(module, clip), count_on_device(module, clip)
    assert (on_meta.macs, on_cpu.macs) == (240, 2544)
    note = compare_counts(on_meta, on_cpu)
    assert note == (
        "counted on the CPU, where the forward takes 2544 MACs; on the meta device it takes 240: "
        "the network asks where its tensors are"
    )
    assert kinobench.count(module, clip).notes == (note,)
    assert compare_counts(on_cpu, on_cpu) is None


def test_a_count_that_the_device_cannot_confirm_says_so() -> None:
    class Fails(Base):
        def forward(self, clip: torch.Tensor) -> torch.Tensor:
            if not clip.is_meta:
                raise ValueError("only without content")
            return super().forward(clip)

    cost = kinobench.count(built(Fails), CLIP)
    assert cost.macs == 240
    assert cost.notes == (
        "counted on the meta device alone: on the CPU a forward fails: ValueError: only without "
        "content",
    )


def test_a_network_that_fails_everywhere_fails_with_its_own_error() -> None:
    class Fails(Base):
        def forward(self, clip: torch.Tensor) -> torch.Tensor:
            raise LookupError("no such layer")

    with pytest.raises(LookupError, match="no such layer"):
        count_cost(built(Fails), torch.ones(CLIP))
    with pytest.raises(
        kinobench.KinobenchError, match=r"Fails fails on .*LookupError: no such layer"
    ):
        kinobench.count(built(Fails), CLIP)


def test_notes_of_a_cost_survive_its_json() -> None:
    cost = count_cost(built(BranchesOnContent), torch.ones(CLIP))
    assert msgspec.json.decode(msgspec.json.encode(cost), type=Cost) == cost
    plain = msgspec.to_builtins(cost)
    del plain["notes"]  # as in older records
    assert msgspec.convert(plain, Cost).notes == ()


def test_layers_in_another_thread_are_reported_as_not_counted() -> None:
    found = count_cost(InAThread().eval(), torch.rand(1, 3, 16, 64, 64))
    assert found.macs == 0
    assert found.uncounted == {"forward in another thread": 1}


def test_a_network_that_waits_for_a_thread_is_tried_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kinobench.bench.cost.apart.IDLE", 1)
    with pytest.raises(HungApartError, match="did nothing any more"):
        count_cost(InAPool().eval(), torch.rand(1, 3, 16, 64, 64))


def test_both_counters_see_the_same_layers_of_a_network_that_draws_them() -> None:
    costs = [count_cost(DepthByPython().eval(), torch.rand(1, 3, 16, 64, 64)) for _ in range(4)]
    assert {cost.macs for cost in costs} == {cost.torch_macs for cost in costs}
    assert len({cost.macs for cost in costs}) == 1
