"""The process of a case: it is started, gets a job and reports events, which become a record."""

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

from ..machine.threads import thread_variables
from ..measure import registry
from ..records.case import Case
from ..records.files import CHECKOUT
from ..records.job import (
    Built,
    Event,
    Failed,
    Finished,
    Job,
    Measured,
    Note,
    Progress,
    encode_job,
)
from ..records.record import Environment, Failure, FailureKind, Record
from .fork_server import Forked, ForkServer, may_fork

_EVENT = msgspec.json.Decoder(Event)

OnProgress = Callable[[Progress], None]


def new_run_id() -> str:
    """Return a name for a run that sorts by time and that no other run has."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


class Worker:
    """A process that loads a case's libraries, and then waits for the job of that one case."""

    def __init__(self, case: Case, server: ForkServer | None = None) -> None:
        """Start it for a case's model and threads; a fork server forks it, if there is one."""
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 (closed on leaving)
        forked = server.fork(case.model, self._stderr) if server is not None else None
        self.process: subprocess.Popen[bytes] | Forked = forked or subprocess.Popen(
            [*_worker_command(), "--model", case.model],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            env=_environment(case),
            start_new_session=True,  # Ctrl-C reaches the command, which then ends this process
        )
        threading.Thread(target=self._end_children, daemon=True).start()

    def __enter__(self) -> "Worker":
        """Return the worker; leaving ends the process."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the process, whatever it is doing."""
        self.end()
        for stream in (self.process.stdin, self.process.stdout, self._stderr):
            if stream is not None:
                with suppress(BrokenPipeError):
                    stream.close()

    def events(self, job: Job) -> Iterator[Event]:
        """Send the job, and yield the events that the process reports."""
        assert self.process.stdin is not None and self.process.stdout is not None
        with suppress(BrokenPipeError):  # it died at once; its exit code and messages say why
            self.process.stdin.write(encode_job(job))
            self.process.stdin.close()
        for line in self.process.stdout:
            if not line.endswith(b"\n"):
                break  # killed while it wrote
            event = _EVENT.decode(line)
            yield event
            if isinstance(event, Finished):
                return  # unloading torch takes a second that nobody needs
        self.process.wait()

    def end(self) -> None:
        """Kill the process and its children."""
        if self.process.poll() is None:
            for kill in (
                os.killpg,
                os.kill,
            ):  # a forked one has no group at first
                with suppress(ProcessLookupError):
                    kill(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def _end_children(self) -> None:
        """End the children once the process has ended: one would keep its pipe open."""
        self.process.wait()
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def last_messages(self) -> str | None:
        """Return the end of its stderr."""
        self._stderr.seek(0)
        return self._stderr.read().decode(errors="replace").strip()[-2000:] or None


def fork_server_for(cases: Sequence[Case]) -> ForkServer | None:
    """Start a fork server for cases, if they can be forked and there are several."""
    if not may_fork() or len(cases) < 2:
        return None
    if any(case.device != "cpu" or case.threads != cases[0].threads for case in cases):
        return None
    return ForkServer(_worker_command(), cases[0].model, _environment(cases[0]))


def run_job(
    job: Job,
    worker: Worker,
    *,
    run: str,
    environment: Environment,
    timeout_s: float | None = None,
    on_progress: OnProgress = lambda progress: None,
) -> Record:
    """Measure a case in its process and return its record, however the process ends."""
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
    return os.environ | ({} if case.threads is None else thread_variables(case.threads))


def _worker_command() -> list[str]:
    """Return the command of a worker that runs this same code, installed or from a checkout."""
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
    return Failure(kind=kind, message=message, detail=worker.last_messages())
