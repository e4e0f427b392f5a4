"""What drift is held against: eager fp32 of the same clips, where it is wanted and fits."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from kinobench.bench.measure.latency import measure_drift
from kinobench.bench.network.network import Network
from kinobench.bench.network.reference import reference_outputs
from kinobench.bench.records.case import Case
from kinobench.bench.records.job import Budget, Job
from kinobench.bench.run.worker import measure
from kinobench.datasets.errors import KinobenchError
from kinobench.datasets.protocol import preset
from kinobench.zoo.registry import register

CPU = torch.device("cpu")


class Roomy(nn.Module):
    """Doubles what it is given, and keeps account; in fp32 it has room for so many clips."""

    def __init__(self, room: int = 100) -> None:
        super().__init__()
        self.head = nn.Linear(1, 1)
        self.room = room
        self.seen: list[tuple[int, torch.dtype]] = []

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        self.seen.append((len(clip), clip.dtype))
        assert self.head.weight.dtype == clip.dtype
        if clip.dtype == torch.float32 and len(clip) > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to\nallocate 7 GiB")
        return clip.mean(dim=(2, 3, 4)).repeat(1, 3)[:, :8] * 2


def bf16(build: Callable[[], nn.Module], batch: int = 2) -> Network:
    register("in_bf16")(lambda num_classes, frames, size: build())
    case = Case(
        model="in_bf16", classes=8, protocol=preset("pointlight"), batch=batch, precision="bf16"
    )
    return Network(case)


class Shelf:
    """Keeps the networks that it builds."""

    def __init__(self) -> None:
        self.built: list[Roomy] = []

    def __call__(self) -> Roomy:
        self.built.append(Roomy())
        return self.built[-1]


@pytest.mark.parametrize(
    ("room", "sizes"),
    [
        (100, [8, 3, 8, 3]),
        (5, [8, 4, 4, 3, 4, 4, 3]),
        (1, [8, 4, 2, *[1] * 11, *[1] * 11]),
    ],
)
def test_where_memory_ends_half_as_many_clips_go_through_and_the_outputs_are_the_same(
    room: int, sizes: list[int]
) -> None:
    network = Roomy(room)
    inputs = [(torch.randn(11, 3, 2, 4, 4),) for _ in range(2)]
    outputs = reference_outputs(network, inputs, CPU)
    assert [clips for clips, _ in network.seen] == sizes
    assert torch.equal(outputs, torch.stack([Roomy()(*clips) for clips in inputs]))


def test_no_room_for_a_single_clip_is_an_error_and_so_is_any_other() -> None:
    network = Roomy(0)
    with pytest.raises(torch.OutOfMemoryError):
        reference_outputs(network, [(torch.randn(3, 3, 2, 4, 4),)], CPU)
    assert [clips for clips, _ in network.seen] == [3, 1]
    with pytest.raises(IndexError):
        reference_outputs(Roomy(), [(torch.randn(3, 3),)], CPU)


def test_a_case_that_fits_is_measured_though_eager_fp32_does_not_and_that_is_noted() -> None:
    network = bf16(lambda: Roomy(0))
    network.settle()
    assert network.reference is None and measure_drift(network) is None
    (note,) = network.notes
    assert note.startswith("drift: not known: eager fp32 fails on the same clips (CUDA out of")
    assert "\n" not in note
    with torch.inference_mode():
        assert network.forward(*network.inputs(1)[0]).dtype == torch.bfloat16


def test_a_network_that_is_at_fault_itself_is_refused_in_the_words_of_its_mode() -> None:
    with pytest.raises(KinobenchError, match=r"logits must be \[B, classes\], \[2, 8\]"):
        bf16(nn.Flatten).settle()


def test_who_wants_no_drift_does_not_pay_for_it() -> None:
    shelf = Shelf()
    network = bf16(shelf)
    network.settle(reference=False)
    assert network.reference is None and measure_drift(network) is None
    (module,) = shelf.built
    assert module.seen == [(2, torch.bfloat16)] and network.notes == []


def test_a_second_settling_keeps_the_reference() -> None:
    shelf = Shelf()
    network = bf16(shelf)
    network.settle()
    reference = network.reference
    assert reference is not None and reference.shape == (4, 2, 8)
    network.settle()
    assert network.reference is reference
    case, own = (module.seen for module in shelf.built)
    assert case == [(2, torch.bfloat16)] * 2 and own == [(2, torch.float32)] * 4
    drift = measure_drift(network)
    assert drift is not None and drift.clips == 8


@pytest.mark.parametrize(
    ("measures", "wanted"),
    [
        (("memory",), False),
        (("flops", "memory", "energy", "pipeline", "accuracy"), False),
        (("latency",), True),
        (("memory", "sweep"), True),
    ],
)
def test_a_case_has_a_reference_where_latency_or_a_sweep_is_measured(
    monkeypatch: pytest.MonkeyPatch, measures: tuple[str, ...], wanted: bool
) -> None:
    class Settled(Exception):
        pass

    found: list[bool] = []

    def settle(network: Network, **asked: Any) -> None:
        found.append(asked["reference"])
        raise Settled

    monkeypatch.setattr(Network, "settle", settle)
    monkeypatch.setattr(torch, "set_num_interop_threads", lambda threads: None)
    case = Case(model="early_fusion_tiny", classes=8, protocol=preset("pointlight"))
    job = Job(case=case, measures=measures, budget=Budget(), results="x", predictions="y")
    with pytest.raises(Settled):
        measure(job, lambda event: None)
    assert found == [wanted]
