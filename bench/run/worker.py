"""The process that measures one case: a Job comes in on stdin, Events leave, a line each."""

import importlib
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from typing import IO

import msgspec

from ...datasets.errors import KinobenchError
from ..cluster.access import set_access
from ..cluster.case import on_cluster
from ..evaluation.reading_log import close_all_logs
from ..machine.memory_limit import limit_memory
from ..measure.context import Context
from ..measure.sequence import measure_all
from ..network.failures import failure_of, refusal_of
from ..records.job import (
    LOADED,
    Emit,
    Event,
    Failed,
    Finished,
    Job,
    Note,
    Progress,
    ShardFailedError,
    decode_job,
)


def main(model: str | None = None) -> None:
    """Measure the case that stdin describes.

    Args:
        model: The network that it will be about, whose libraries are loaded while stdin is silent.
    """
    end_with(os.getppid())
    emit = _events_to(_private_stdout())
    emit(Progress(stage="importing torch"))
    load_libraries(model)
    emit(Progress(stage=LOADED))
    given = sys.stdin.buffer.read()
    if not given:  # a worker that was kept ready, and no case is left
        return
    job = decode_job(given)
    limit_memory(job.memory_limit_bytes)
    import torch

    torch.set_num_interop_threads(1)
    measure_case(job, emit)


def measure_case(job: Job, emit: Emit) -> None:
    """Measure a case in this process; whatever fails is an event, too, and `Finished` the last."""
    try:
        measure(job, emit)
    except KinobenchError as error:
        emit(Failed(failure=refusal_of(error)))
    except ShardFailedError as error:
        emit(Failed(failure=error.failure))
    except (Exception, SystemExit) as error:  # a network may call `sys.exit`
        emit(Failed(failure=failure_of(error)))
    emit(Finished())


def end_with(parent: int) -> None:
    """End this process, and its group, once the command that started it is gone, however so."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        close_all_logs()  # no video is the reason
        if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
            os.killpg(0, signal.SIGKILL)  # with what it started, as a local Ray
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def load_libraries(model: str | None) -> None:
    """Import what the case needs, which takes seconds, while nothing is being timed."""
    import pandas  # noqa: F401  (pyarrow imports it when it writes the first shard)
    import torch._dynamo  # noqa: F401  (torch imports it at the first convolution)

    from ...zoo import registry
    from ..cost import flops, traffic  # noqa: F401
    from ..evaluation import accuracy  # noqa: F401
    from ..measure import latency, memory, peak, sweep  # noqa: F401
    from ..network import network  # noqa: F401

    # A plug-in's network comes with the case; a mistake is reported then.
    with suppress(KinobenchError, ImportError):
        for library in registry.get(model or "").libraries:
            importlib.import_module(library)


def measure(job: Job, emit: Emit) -> None:
    """Measure what a job asks for in this process, whose threads it sets."""
    import torch

    from ...zoo.registry import load_plugin
    from ..network.network import Network

    if job.case.threads is not None:
        torch.set_num_threads(job.case.threads)
    if job.cluster is not None:
        set_access(job.cluster.address)  # a plug-in may import Ray
    for plugin in job.plugins:
        for remark in load_plugin(plugin):
            emit(Note(text=remark))
    context = Context(job, emit, on_cluster)
    measure_all(context, lambda case: Network(case, context.training))


def _private_stdout() -> IO[bytes]:
    """Keep stdout for events alone: whatever a network prints goes to stderr."""
    events = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    sys.stdout = sys.stderr  # not buffered: a network that crashes loses no line
    return events


def _events_to(stream: IO[bytes]) -> Emit:
    encoder = msgspec.json.Encoder()

    def emit(event: Event) -> None:
        stream.write(encoder.encode(event) + b"\n")

    return emit
