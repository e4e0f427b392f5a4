"""Failures of a case, as its record has them."""

import traceback

import torch

from ...datasets.errors import KinobenchError
from ...datasets.their_errors import error_text
from ..machine.memory_limit import memory_limit_bytes
from ..records.record import Failure, FailureKind
from .runtimes.errors import ExportError, lacks_memory


def out_of_memory(error: BaseException) -> bool:
    """Return whether an error says that memory ran out, on a GPU or for the CPU.

    The CPU's allocator raises a plain RuntimeError, and runtimes raise errors of their own; only
    the message shows the reason.
    """
    return isinstance(error, torch.OutOfMemoryError) or (
        not isinstance(error, KinobenchError) and lacks_memory(error)
    )


def refusal_of(error: KinobenchError) -> Failure:
    """Return the failure, for a record, of what the message tells how to cure."""
    kind: FailureKind = "export" if isinstance(error, ExportError) else "refused"
    return Failure(kind=kind, message=str(error))


def failure_of(error: BaseException) -> Failure:
    """Return the failure, for a record, of an error that other options would not cure."""
    kind: FailureKind = "out_of_memory" if out_of_memory(error) else "exception"
    message = error_text(error)
    limit_bytes = memory_limit_bytes()
    on_gpu = isinstance(error, torch.OutOfMemoryError)
    if kind == "out_of_memory" and not on_gpu and limit_bytes is not None:
        limit = f"{limit_bytes / 2**30:.3g} GiB"
        message = f"out of memory: the limit is {limit}; `run --memory-limit` changes it"
    return Failure(kind=kind, message=message, detail=traceback.format_exc(limit=-12))
