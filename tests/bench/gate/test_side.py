"""One side of the speed gate in this process: what it counts."""

from typing import Any

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import is_in_torch_dispatch_mode

from kinobench.bench.gate.counts import facts_of
from kinobench.bench.gate.side import _Side
from kinobench.bench.network.network import Network
from kinobench.zoo.registry import register

from ...fakes.made_records import made_case


class Net(nn.Module):
    """Means of the colours, and a layer."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.head = nn.Linear(3, classes)

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        return self.head(clip.mean(dim=(2, 3, 4)))


class BreaksTwice(Net):
    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        torch._dynamo.graph_break()
        means = clip.mean(dim=(2, 3, 4))
        torch._dynamo.graph_break()
        logits = self.head(means)
        torch._dynamo.graph_break()
        return logits + 1


class DefiesCounting(Net):
    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        if is_in_torch_dispatch_mode():
            raise NotImplementedError("no rule for this mode")
        return super().forward(clip)


def side_of(kind: type[Net], monkeypatch: pytest.MonkeyPatch, **changes: Any) -> _Side:
    """Return a side without the process of its own that it has in a check."""
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", True)  # what it changes is put back
    register("counted")(lambda num_classes, frames, size: kind(num_classes))
    side = object.__new__(_Side)
    side.case = made_case("counted", **changes)
    side.network = Network(side.case)
    return side


@pytest.mark.parametrize(("kind", "breaks"), [(Net, 0), (BreaksTwice, 2)])
def test_graph_breaks_are_counted_in_any_precision_by_settling_once(
    kind: type[Net], breaks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled: list[nn.Module] = []
    compile_it = torch.compile

    def compile_fast(module: nn.Module, dynamic: bool) -> Any:
        compiled.append(module)
        return compile_it(module, backend="eager", dynamic=dynamic)

    monkeypatch.setattr(torch, "compile", compile_fast)
    torch._dynamo.reset()
    side = side_of(kind, monkeypatch, mode="compile", precision="bf16")
    facts = facts_of(side.exact())
    assert facts.graph_breaks == breaks and len(compiled) == 1
    assert not torch.backends.cudnn.benchmark
    torch._dynamo.reset()


def test_a_network_that_cant_be_counted_is_told_and_can_be_timed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    facts = facts_of(side_of(DefiesCounting, monkeypatch).exact())
    assert (facts.macs, facts.operators, facts.launches) == (None, None, None)
    assert facts.uncounted.keys() == {"MACs", "calls of operators"}
    assert all("no rule for this mode" in why for why in facts.uncounted.values())
    assert facts.params == 32 and facts.graph_breaks is None


def test_a_network_that_can_be_counted_has_all_its_numbers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    facts = facts_of(side_of(Net, monkeypatch).exact())
    assert facts.uncounted == {} and facts.macs == 24
    assert facts.operators is not None and facts.launches == sum(facts.operators.values())
