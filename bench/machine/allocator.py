"""The allocator of this process: glibc's, which keeps memory while something is timed.

glibc returns the top of its heap to the system when enough of it is free, and maps large blocks
one by one. A network that frees its activations at the end of a forward may so lose their pages,
and the next forward takes a page fault, some 0.5 to 2 microseconds, for every 4 KiB. Whether a
process does so depends on the layout of its heap: one in ten was up to twice as slow.
"""

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from .kernel_files import ROOT, text

# mallopt(3): the parameters, and the most that glibc raises the two thresholds to by itself.
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
MOST_MMAP_BYTES, MOST_TRIM_BYTES = 32 * 2**20, 64 * 2**20
KEPT_BYTES = 2**30
"""Free memory at the top of the heap that is kept while something is timed."""
OTHERS = ("jemalloc", "tcmalloc", "mimalloc")
"""Allocators that people load in place of glibc's."""


@contextmanager
def memory_kept() -> Iterator[str]:
    """Have glibc keep free memory for the next forward; yield the allocator and its setting.

    Both thresholds are set. Setting one ends glibc's own rule, by which the threshold for maps
    rises to the size of the largest block that was freed; at its first value, 128 KiB, almost every
    activation would be mapped again, which is slower than what it should cure. Blocks above 32 MiB,
    the most that glibc allows, are mapped one by one all the same.

    On leaving, the thresholds are those that glibc's own rule reaches. Elsewhere than on glibc
    nothing changes.
    """
    if allocator() != glibc():
        yield allocator()
        return
    taken = set_thresholds(mmap_bytes=MOST_MMAP_BYTES, trim_bytes=KEPT_BYTES)
    try:
        yield f"{allocator()}, {'trimming off' if taken else 'which took no other thresholds'}"
    finally:
        set_thresholds(mmap_bytes=MOST_MMAP_BYTES, trim_bytes=MOST_TRIM_BYTES)


def set_thresholds(*, mmap_bytes: int, trim_bytes: int | None = None) -> bool:
    """Set the thresholds of glibc's allocator; return whether it has taken them.

    Args:
        mmap_bytes: Least size of a block that is mapped by itself, 32 MiB at most.
        trim_bytes: Free memory at the top of the heap above which it is returned; None leaves it.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if glibc() is not None else None
    if mallopt is None:
        return False
    taken = bool(mallopt(MMAP_THRESHOLD, mmap_bytes))
    return (trim_bytes is None or bool(mallopt(TRIM_THRESHOLD, trim_bytes))) and taken


def allocator() -> str:
    """Return the name of the allocator of this process, by what it has loaded."""
    loaded = text(ROOT / "proc/self/maps") or os.environ.get("LD_PRELOAD", "")
    for other in OTHERS:
        if other in loaded:
            return other
    return glibc() or f"the system's ({sys.platform})"


@cache
def glibc() -> str | None:
    """Return glibc and its version; None on another C library."""
    if sys.platform != "linux":
        return None
    version = getattr(ctypes.CDLL(None), "gnu_get_libc_version", None)
    if version is None:  # musl
        return None
    version.restype = ctypes.c_char_p
    return f"glibc {version().decode()}"
