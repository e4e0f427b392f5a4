"""Networks for threads of their own: built again, or left out where order would matter."""

from itertools import count
from pathlib import Path
from typing import Any

import pytest
import torch

from kinobench.bench.evaluation import case
from kinobench.bench.network.network import Network
from kinobench.bench.network.outputs import logits_of
from kinobench.bench.records.job import Budget, Event, Failed, Job, Measured, Note
from kinobench.bench.run.worker import measure_case
from kinobench.datasets import pointlight
from kinobench.datasets.split import Split, Video
from kinobench.zoo.registry import register

from ...fakes.made_records import made_case
from ...fakes.odd_networks import (
    Counting,
    Giving,
    Locked,
    Normalising,
    Plain,
    Scaled,
    WeightNormed,
    odd,
)

VIDEO = Video(id="v", path=Path("v.mp4"), label=0)
SPLIT = Split(
    dataset="made",
    name="test",
    classes=tuple("ABCDEFGH"),
    videos=tuple(Video(id=str(each), path=VIDEO.path, label=0) for each in range(320)),
)
"""Ten shards."""


@pytest.fixture(autouse=True)
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(case, "physical_cores", lambda: 2)


def others_of(name: str, **changes: Any) -> tuple[Network, list[Any], list[str]]:
    network = Network(made_case(name, **changes))
    network.settle()
    notes: list[str] = []
    return network, case.others_like(network, SPLIT, notes.append), notes


def in_a_tuple(classes: int) -> Giving:
    return Giving(lambda logits: (logits, None), classes)


@pytest.mark.parametrize("kind", [Locked, Scaled, WeightNormed, Normalising, in_a_tuple])
def test_what_cannot_be_copied_is_built_again(kind: Any) -> None:
    network, others, notes = others_of(odd("odd", kind))
    (other,) = others
    assert notes == [] and other is not network.module
    clip = torch.rand(2, 3, 16, 64, 64)
    before = clip.clone()
    with torch.inference_mode():
        expected = logits_of(network.classify(clip))
        torch.testing.assert_close(logits_of(other(clip)), expected)
    assert torch.equal(clip, before)


def test_a_network_whose_logits_depend_on_order_is_run_in_order_and_that_is_noted() -> None:
    _, others, (note,) = others_of(odd("counts", Counting))
    assert others == []
    assert note == (
        "the logits of one clip differ by 1 from run to run; so the videos went through in order, "
        "in one thread, and the result depends on what the network got before"
    )


def test_a_builder_of_another_network_each_time_gives_one_thread() -> None:
    calls = count()

    class Rolled(Plain):
        def __init__(self, classes: int) -> None:
            super().__init__(classes)
            self.shift = next(calls)

        def forward(self, clip: torch.Tensor) -> Any:
            return super().forward(clip + self.shift)

    _, others, (note,) = others_of(odd("rolled", Rolled))
    assert others == [] and note.startswith("the network's builder gives another network at each")


def test_a_builder_of_the_same_module_each_time_gives_one_thread() -> None:
    only = Plain()
    register("only")(lambda num_classes, frames, size: only)
    _, others, (note,) = others_of("only")
    assert others == []
    assert note.startswith("the videos went through in order, in one thread: the builder of only (")


def test_a_builder_that_fails_at_its_second_call_gives_one_thread() -> None:
    built: list[Plain] = []

    def once(num_classes: int, frames: int, size: int) -> Plain:
        if built:
            raise RuntimeError("the model is loaded already")
        built.append(Plain(num_classes))
        return built[0]

    register("once")(once)
    _, others, (note,) = others_of("once")
    assert others == [] and note.startswith(
        "the videos went through in order, in one thread: RuntimeError: the model is loaded already"
    )


def test_a_network_that_fails_on_one_clip_has_threads_all_the_same() -> None:
    class OfTwo(Plain):
        def forward(self, clip: torch.Tensor) -> Any:
            assert len(clip) > 1
            return super().forward(clip)

    _, others, notes = others_of(odd("of_two", OfTwo), batch=2)
    assert len(others) == 1 and notes == []


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "pointlight"
    return pointlight.make_pointlight(folder, train_per_class=1, test_per_class=9)


@pytest.mark.parametrize("kind", [Locked, Counting, Normalising])
def test_a_case_of_an_odd_network_is_scored(root: Path, tmp_path: Path, kind: Any) -> None:
    job = Job(
        case=made_case(odd("odd", kind)),  # 72 videos: two shards
        measures=("accuracy",),
        budget=Budget(),
        data_root=str(root),
        results=str(tmp_path),
        predictions="run-001",
    )
    events: list[Event] = []
    measure_case(job, events.append)
    assert [each for each in events if isinstance(each, Failed)] == []
    (accuracy,) = (e.accuracy for e in events if isinstance(e, Measured) and e.accuracy)
    assert accuracy.scored == 72
    in_order = [e for e in events if isinstance(e, Note) and "in order, in one thread" in e.text]
    assert len(in_order) == (1 if kind is Counting else 0)
