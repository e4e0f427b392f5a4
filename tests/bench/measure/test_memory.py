import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from kinobench.bench.measure.memory import blocks_apart, measure_memory
from kinobench.bench.network.network import Network
from kinobench.bench.records.case import Case
from kinobench.datasets.protocol import preset
from kinobench.zoo.registry import register

MIB = 2**20


class _TakesMemory(nn.Module):
    """64 MiB of weights; 50 MiB for each clip during a forward."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(16 * MIB))
        self.head = nn.Linear(3, 8)

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        workspace = torch.ones(clip.shape[0] * 50 * MIB // 4)
        return self.head(clip.mean(dim=(2, 3, 4))) + workspace[0]


@register("test_takes_memory")
def _build(num_classes: int, frames: int, size: int) -> nn.Module:
    return _TakesMemory()


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's high-water mark is Linux's")
@pytest.mark.parametrize("batch", [1, 4])
def test_a_known_allocation_is_found_and_told_from_the_weights(batch: int) -> None:
    case = Case(model="test_takes_memory", classes=8, protocol=preset("pointlight"), batch=batch)
    network = Network(case)
    network.settle()
    with blocks_apart():
        memory, notes = measure_memory(network)
    assert notes == []
    assert memory.weights_bytes == 64 * MIB + 4 * (3 * 8 + 8)
    assert memory.peak_activation_bytes is not None and memory.peak_process_bytes is not None
    assert abs(memory.peak_activation_bytes - batch * 50 * MIB) < MIB
    assert memory.peak_process_bytes > memory.peak_activation_bytes + memory.weights_bytes


def test_where_the_mark_cannot_be_reset_there_is_no_figure_and_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "kinobench.bench.measure.memory._CLEAR_REFS", tmp_path / "none" / "clear_refs"
    )
    network = Network(Case(model="c3d_tiny", classes=8, protocol=preset("pointlight")))
    network.settle()
    memory, notes = measure_memory(network)
    assert memory.peak_activation_bytes is None
    assert len(notes) == 1 and "can't be reset" in notes[0]
