"""Failures of a case: the failure on its record, and a limit for its memory."""

import sys
import traceback
from contextlib import suppress
from pathlib import Path

import torch

from ..records.record import Failure, FailureKind


def out_of_memory(error: BaseException) -> bool:
    """Return whether an error says that memory ran out, on a GPU or for the CPU.

    The CPU's allocator raises a plain RuntimeError; only its message shows the reason.
    """
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or (
        isinstance(error, RuntimeError) and "can't allocate memory" in str(error)
    )


def failure_of(error: Exception) -> Failure:
    """Return the failure, for a record, of an error that other options would not cure."""
    kind: FailureKind = "out_of_memory" if out_of_memory(error) else "exception"
    message = error_text(error)
    limit_bytes = _memory_limit_bytes()
    on_gpu = isinstance(error, torch.OutOfMemoryError)
    if kind == "out_of_memory" and not on_gpu and limit_bytes is not None:
        limit = f"{limit_bytes / 2**30:.3g} GiB"
        message = f"out of memory: the limit is {limit}; `run --memory-limit` changes it"
    return Failure(kind=kind, message=message, detail=traceback.format_exc(limit=-12))


def error_text(error: Exception) -> str:
    """Return the type of an error and its message, on one line."""
    return f"{type(error).__name__}: {str(error).strip() or 'no message'}"


def _memory_limit_bytes() -> int | None:
    """Return how many bytes this process may allocate; None if there is no limit."""
    try:
        import resource
    except ImportError:  # not on Windows
        return None
    limit_bytes, _ = resource.getrlimit(resource.RLIMIT_DATA)
    return None if limit_bytes == resource.RLIM_INFINITY else limit_bytes


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
