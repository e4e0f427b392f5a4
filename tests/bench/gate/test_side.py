"""One side of the speed gate in this process: what it counts."""

import contextlib
import os
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import is_in_torch_dispatch_mode

from kinobench.bench.gate import side as side_module
from kinobench.bench.gate.counts import facts_of
from kinobench.bench.gate.side import _of_export, _Side
from kinobench.bench.network.network import Network
from kinobench.zoo.registry import register

from ...fakes.made_records import made_case

TASKS = Path("/proc/self/task")


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


class OldCase(msgspec.Struct):
    """A case of a version that knows no runtimes."""

    model: str


def test_a_version_that_knows_no_runtime_doesnt_run_the_network_in_torch_instead() -> None:
    asked = msgspec.to_builtins(made_case(runtime="openvino"))
    old = msgspec.convert(asked, OldCase)
    with pytest.raises(Exception, match=r"knows no runtime 'openvino'.*leave --runtime") as caught:
        side_module._check_runtime(asked, old)
    answer = side_module._error_answer(caught.value)
    assert answer["unfit"] and answer["error"] == str(caught.value)
    side_module._check_runtime(asked, made_case(runtime="openvino"))
    side_module._check_runtime(msgspec.to_builtins(made_case()), old)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems bind no threads")
def test_all_threads_of_a_side_take_turns_on_one_core() -> None:
    begun, end = threading.Event(), threading.Event()
    before = os.sched_getaffinity(0)
    cores: list[set[int]] = []

    def runtimes_own() -> None:
        begun.set()
        end.wait()
        cores.append(os.sched_getaffinity(0))

    thread = threading.Thread(target=runtimes_own)
    thread.start()
    begun.wait()
    others = {int(each.name): os.sched_getaffinity(int(each.name)) for each in TASKS.iterdir()}
    try:
        side_module._bind_all_threads(min(before))
        assert os.sched_getaffinity(0) == {min(before)}
    finally:
        end.set()
        thread.join()
        for each, cpus in others.items():
            with contextlib.suppress(ProcessLookupError):
                os.sched_setaffinity(each, cpus)
    assert cores == [{min(before)}]


class Deployed:
    """A network in a runtime, of which a version older than `nodes` says less."""

    def __init__(self, nodes: dict[str, int] | None) -> None:
        self.export = SimpleNamespace(size_bytes=1234, opset=20)
        if nodes is not None:
            self.nodes = lambda: nodes


@pytest.mark.parametrize("nodes", [{"Convolution": 5}, None])
def test_a_network_in_a_runtime_has_the_counts_of_its_graph(nodes: dict[str, int] | None) -> None:
    facts = facts_of({"params": 1, "macs": 2, "graph_breaks": None} | _of_export(Deployed(nodes)))
    assert (facts.nodes, facts.file_bytes, facts.opset) == (nodes, 1234, 20)
    assert (facts.operators, facts.launches, facts.output_bytes) == (None, None, None)
