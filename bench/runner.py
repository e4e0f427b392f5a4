"""Cases one after the other, each in a fresh process, each record saved as soon as it is there."""

import os
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import msgspec

from .job import Built, Event, Failed, Finished, Job, Measured, Note, Progress
from .record import Environment, Failure, FailureKind, Record

_event = msgspec.json.Decoder(Event)

OnProgress = Callable[[Progress], None]


def new_run_id() -> str:
    """Return a name for a run that sorts by time and that no other run has."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def run_job(
    job: Job,
    *,
    run: str,
    environment: Environment,
    timeout_s: float | None = None,
    on_progress: OnProgress = lambda progress: None,
) -> Record:
    """Measure a case in a fresh process and return its record, whatever becomes of the process.

    An interrupt ends the process and is raised again.
    """
    record = Record(
        run=run,
        started=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        case=job.case,
        environment=environment,
    )
    notes: list[str] = []
    error: Failure | None = None
    finished = False
    stage = "starting"
    with tempfile.TemporaryFile() as words, _process(job, words) as process:
        late = threading.Event()
        with _time_limit(process, timeout_s, late):
            assert process.stdout is not None
            for line in process.stdout:
                if not line.endswith(b"\n"):
                    break  # killed while it wrote
                event = _event.decode(line)
                match event:
                    case Built():
                        record = msgspec.structs.replace(
                            record, params=event.params, weights_digest=event.weights_digest
                        )
                    case Progress():
                        stage = event.stage
                        on_progress(event)
                    case Measured():
                        present = {
                            field: value
                            for field in event.__struct_fields__
                            if (value := getattr(event, field)) is not None
                        }
                        record = msgspec.structs.replace(record, **present)
                    case Note():
                        notes.append(event.text)
                    case Failed():
                        error = error or event.failure
                    case Finished():
                        finished = True
            process.wait()
        if not finished and error is None:
            error = _ended_early(process.returncode, stage, late.is_set(), timeout_s, words)
    notes += [
        f"{measure}: not asked for"
        for measure in ("flops", "latency", "memory", "energy", "accuracy")
        if measure not in job.measures
    ]
    if "accuracy" in job.measures and job.case.dataset is None:
        notes.append("accuracy: no dataset")
    return msgspec.structs.replace(record, notes=tuple(notes), error=error)


@contextmanager
def _process(job: Job, words: IO[bytes]) -> Iterator["subprocess.Popen[bytes]"]:
    environment = dict(os.environ)
    if job.case.threads is not None:
        # Read when the libraries load, so that setting them later would come too late.
        for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
            environment[name] = str(job.case.threads)
    process = subprocess.Popen(
        _worker_command(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=words,
        env=environment,
        start_new_session=True,  # Ctrl-C reaches the command, which then ends this process
    )
    try:
        assert process.stdin is not None
        with suppress(BrokenPipeError):  # it died at once; its exit code and words tell why
            process.stdin.write(msgspec.json.encode(job))
            process.stdin.close()
        yield process
    finally:
        _end(process)


def _worker_command() -> list[str]:
    """Return how to start a worker that runs this very code, installed or from a checkout."""
    checkout = Path(__file__).resolve().parent.parent / "bench.py"
    if checkout.is_file():
        return [sys.executable, str(checkout), "worker"]
    return [sys.executable, "-m", "kinobench.bench.worker"]


@contextmanager
def _time_limit(
    process: "subprocess.Popen[bytes]", timeout_s: float | None, late: threading.Event
) -> Iterator[None]:
    if timeout_s is None:
        yield
        return

    def stop() -> None:
        late.set()
        _end(process)

    timer = threading.Timer(timeout_s, stop)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _ended_early(
    code: int, stage: str, late: bool, timeout_s: float | None, words: IO[bytes]
) -> Failure:
    words.seek(0)
    said = words.read().decode(errors="replace").strip()[-2000:] or None
    kind: FailureKind = "killed"
    if late:
        kind = "timeout"
        message = f"stopped after {timeout_s:g} s, at the stage {stage!r}"
    elif code < 0:
        name = signal.Signals(-code).name
        message = f"the process was ended by {name} at the stage {stage!r}"
        if -code == signal.SIGKILL:
            message += "; often the system being out of memory"
    else:
        message = f"the process ended by itself with exit code {code} at the stage {stage!r}"
    return Failure(kind=kind, message=message, detail=said)
