"""Cases one after the other, each in a fresh process, each record saved as soon as it is there."""

import os
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

import msgspec

from ..measure import registry
from ..records.files import CHECKOUT
from ..records.job import Built, Event, Failed, Finished, Job, Measured, Note, Progress
from ..records.record import Case, Environment, Failure, FailureKind, Record
from .fork_server import Forked, Nursery, may_fork

_event = msgspec.json.Decoder(Event)

OnProgress = Callable[[Progress], None]


def new_run_id() -> str:
    """Return a name for a run that sorts by time and that no other run has."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


class Worker:
    """A process that has a case's libraries, and waits to be told to measure it; for one case."""

    def __init__(self, case: Case, nursery: Nursery | None = None) -> None:
        """Start it for a case, whose model and threads count; a nursery forks it, if one lives."""
        self.words = tempfile.TemporaryFile()  # noqa: SIM115 (closed on leaving)
        forked = nursery.fork(case.model, self.words) if nursery is not None else None
        self.process: subprocess.Popen[bytes] | Forked = forked or subprocess.Popen(
            [*_worker_command(), "--model", case.model],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.words,
            env=_environment(case),
            start_new_session=True,  # Ctrl-C reaches the command, which then ends this process
        )
        threading.Thread(target=self._bury, daemon=True).start()

    def __enter__(self) -> "Worker":
        """Return the worker; leaving ends the process."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the process, whatever it is doing."""
        self.end()
        for stream in (self.process.stdin, self.process.stdout, self.words):
            if stream is not None:
                with suppress(BrokenPipeError):
                    stream.close()

    def events(self, job: Job) -> Iterator[Event]:
        """Hand over the case and yield what the process tells of it."""
        assert self.process.stdin is not None and self.process.stdout is not None
        with suppress(BrokenPipeError):  # it died at once; its exit code and words tell why
            self.process.stdin.write(msgspec.json.encode(job))
            self.process.stdin.close()
        for line in self.process.stdout:
            if not line.endswith(b"\n"):
                break  # killed while it wrote
            event = _event.decode(line)
            yield event
            if isinstance(event, Finished):
                return  # taking torch down takes a second that nobody needs
        self.process.wait()

    def end(self) -> None:
        """Kill the process and whatever it started."""
        if self.process.poll() is None:
            for kill in (os.killpg, os.kill):  # one just forked has no group of its own yet
                with suppress(ProcessLookupError):
                    kill(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def _bury(self) -> None:
        """When the process has ended, end what it started: a child would hold its pipe open."""
        self.process.wait()
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def last_words(self) -> str | None:
        """Return the end of what it wrote to stderr."""
        self.words.seek(0)
        return self.words.read().decode(errors="replace").strip()[-2000:] or None


def nursery_for(cases: Sequence[Case]) -> Nursery | None:
    """Start a nursery for cases that it may serve; None where starting each anew is as well."""
    if not may_fork() or len(cases) < 2:
        return None
    if any(case.device != "cpu" or case.threads != cases[0].threads for case in cases):
        return None
    return Nursery(_worker_command(), cases[0].model, _environment(cases[0]))


def run_job(
    job: Job,
    worker: Worker,
    *,
    run: str,
    environment: Environment,
    timeout_s: float | None = None,
    on_progress: OnProgress = lambda progress: None,
) -> Record:
    """Measure a case in a fresh process and return its record, whatever becomes of the process."""
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
    late = threading.Event()
    with _time_limit(worker, timeout_s, late):
        for event in worker.events(job):
            match event:
                case Built():
                    record = msgspec.structs.replace(
                        record, params=event.params, weights_digest=event.weights_digest
                    )
                case Progress():
                    stage = event.stage
                    on_progress(event)
                case Measured():
                    record = event.on(record)
                case Note():
                    notes.append(event.text)
                case Failed():
                    error = error or event.failure
                case Finished():
                    finished = True
    if not finished and error is None:
        error = _ended_early(worker, stage, timeout_s if late.is_set() else None)
    notes += registry.absences(job.measures, job.case)
    return msgspec.structs.replace(record, notes=tuple(notes), error=error)


def _environment(case: Case) -> dict[str, str]:
    """Return the variables of a process that measures a case."""
    environment = dict(os.environ)
    if case.threads is not None:
        # Read when the libraries load: setting them later would come too late.
        for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
            environment[name] = str(case.threads)
    return environment


def _worker_command() -> list[str]:
    """Return how to start a worker that runs this very code, installed or from a checkout."""
    checkout = CHECKOUT / "bench.py"
    if checkout.is_file():
        return [sys.executable, str(checkout), "worker"]
    return [sys.executable, "-m", "kinobench.bench.cli", "worker"]


@contextmanager
def _time_limit(worker: Worker, timeout_s: float | None, late: threading.Event) -> Iterator[None]:
    if timeout_s is None:
        yield
        return

    def stop() -> None:
        late.set()
        worker.end()

    timer = threading.Timer(timeout_s, stop)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _ended_early(worker: Worker, stage: str, overrun_s: float | None) -> Failure:
    code = worker.process.wait()
    kind: FailureKind = "killed"
    if overrun_s is not None:
        kind = "timeout"
        message = f"stopped after {overrun_s:g} s, at the stage {stage!r}"
    elif code < 0:
        name = signal.Signals(-code).name
        message = f"the process was ended by {name} at the stage {stage!r}"
        if -code == signal.SIGKILL:
            message += "; often the system being out of memory"
    else:
        message = f"the process ended by itself with exit code {code} at the stage {stage!r}"
    return Failure(kind=kind, message=message, detail=worker.last_words())
