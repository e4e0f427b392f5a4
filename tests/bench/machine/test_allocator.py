"""glibc's heap while something is timed: a large block is kept, and taken without page faults."""

import subprocess
import sys

import pytest

from kinobench.bench.machine import allocator as module
from kinobench.bench.machine.allocator import allocator, glibc, memory_kept

FAULTS = """
import ctypes, resource, sys
from kinobench.bench.machine.allocator import memory_kept, set_thresholds

libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.free.argtypes = [ctypes.c_void_p]

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        block = libc.malloc(1 << 20)
        ctypes.memset(block, 1, 1 << 20)
        libc.free(block)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

# At its first value, which setting the other one alone would keep: 128 KiB.
set_thresholds(mmap_bytes=128 * 1024)
mapped = faults()
with memory_kept() as said:
    faults()
    kept = faults()
print(mapped, kept, said)
"""


@pytest.mark.skipif(glibc() is None, reason="another C library than glibc")
def test_a_block_that_is_taken_again_and_again_costs_no_page_faults() -> None:
    if allocator() != glibc():
        pytest.skip(f"another allocator: {allocator()}")
    done = subprocess.run(
        [sys.executable, "-c", FAULTS], capture_output=True, text=True, check=True
    )
    mapped, kept, *said = done.stdout.split()
    # A megabyte is 256 pages, twenty times; huge pages would make it fewer.
    assert int(mapped) >= 20 and int(kept) < int(mapped) / 10
    assert " ".join(said) == f"{glibc()}, trimming off"


def test_another_allocator_is_named_and_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = "7f00-7f10 r-xp 0 0 0 /usr/lib/libjemalloc.so.2\n"
    monkeypatch.setattr(module, "text", lambda path: loaded)
    asked = []
    monkeypatch.setattr(module, "set_thresholds", lambda **given: asked.append(given))
    with memory_kept() as said:
        pass
    assert said == "jemalloc" and asked == []


def test_a_system_without_glibc_says_whose_allocator_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "glibc", lambda: None)
    monkeypatch.setattr(module, "text", lambda path: "")
    assert allocator() == f"the system's ({sys.platform})"
    with memory_kept() as said:
        assert said == allocator()
