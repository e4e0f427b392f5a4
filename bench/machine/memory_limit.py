"""The limit of the memory that this process may allocate on the CPU."""

import sys
from contextlib import suppress
from pathlib import Path


def limit_memory(limit_bytes: int | None) -> None:
    """Make a runaway allocation fail in this process, rather than bring down the machine.

    macOS doesn't enforce such a limit, and Windows has none: there it does nothing.
    """
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")  # first to go, if it comes to that
    if limit_bytes is None or sys.platform == "darwin":
        return
    try:
        import resource
    except ImportError:  # not on Windows
        return
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if hard != resource.RLIM_INFINITY:
        limit_bytes = min(limit_bytes, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (limit_bytes, hard))


def allocated_bytes() -> int:
    """Return how much of what `limit_memory` limits this process has by now; 0 if it isn't known.

    Libraries alone may have half a GiB: each thread has a stack, each module its data.
    """
    with suppress(OSError, ValueError, IndexError):
        found = Path("/proc/self/status").read_text().split("VmData:")[1]
        return int(found.split()[0]) * 1024
    return 0


def memory_limit_bytes() -> int | None:
    """Return how many bytes this process may allocate; None if there is no limit."""
    try:
        import resource
    except ImportError:  # not on Windows
        return None
    limit_bytes, _ = resource.getrlimit(resource.RLIMIT_DATA)
    return None if limit_bytes == resource.RLIM_INFINITY else limit_bytes
