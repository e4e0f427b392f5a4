import ctypes
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from torch import nn

from kinobench.bench.machine.allocator import memory_kept
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


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's high-water mark is Linux's")
def test_what_an_ended_thread_left_in_its_heap_is_not_taken_for_free() -> None:
    case = Case(model="test_takes_memory", classes=8, protocol=preset("pointlight"))
    network = Network(case)
    network.settle()
    libc = ctypes.CDLL(None)
    libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]

    def leave_the_top_of_a_heap() -> None:
        # Holes for the small blocks of a forward, so that none lies behind its large one.
        small = [libc.malloc(64 * (1 + number % 32)) for number in range(512)]
        # Below the threshold for maps, and 56 of the 64 MiB that glibc gives a thread's heap.
        large = [libc.malloc(28 * MIB) for _ in range(2)]
        for block in large:
            ctypes.memset(block, 1, 28 * MIB)
        for block in [*large, *small[::2]]:
            libc.free(block)

    def forward_after_many_small_blocks(*inputs: torch.Tensor) -> torch.Tensor:
        # A thread keeps seven freed blocks of each size; with these, none parts a large block, once
        # it is free, from the top of the heap.
        for block in [libc.malloc(size) for size in range(24, 132, 8) for _ in range(10)]:
            libc.free(block)
        return forward(*inputs)

    forward, network.forward = network.forward, forward_after_many_small_blocks
    with memory_kept(), ThreadPoolExecutor(1) as apart:
        apart.submit(leave_the_top_of_a_heap).result()
    # The thread has ended; glibc gives its heap to the next one.
    with blocks_apart():
        memory, _ = measure_memory(network)
    assert memory.peak_activation_bytes is not None
    assert abs(memory.peak_activation_bytes - 50 * MIB) < MIB


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
