"""The process of a case: it is started, gets a job and reports events, which become a record."""

import os
import secrets
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from ..evaluation.reading_log import OVERDUE_EXIT, remove_logs
from ..machine.threads import thread_variables
from ..measure import registry
from ..records.case import Case
from ..records.job import (
    LOADED,
    Built,
    Event,
    Failed,
    Finished,
    Job,
    Measured,
    Note,
    Progress,
    Reading,
    encode_job,
    worker_command,
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
            [*worker_command(), "--model", case.model],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            env=_environment(case),
            start_new_session=True,  # Ctrl-C reaches the command, which then ends this process
        )
        self._is_loaded = False
        self._children = threading.Thread(target=self._end_children, daemon=True)
        self._children.start()

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

    def wait_until_loaded(self) -> None:
        """Wait until it has loaded its libraries, or has ended: loading disturbs what is timed."""
        assert self.process.stdout is not None
        while not self._is_loaded:
            line = self.process.stdout.readline()
            if not line.endswith(b"\n"):
                return
            self._is_loaded = _EVENT.decode(line) == Progress(stage=LOADED)

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
        """Kill the process and its children: each has its signal when this returns."""
        if self.process.poll() is None:
            for kill in (
                os.killpg,
                os.kill,
            ):  # a forked one has no group at first
                with suppress(ProcessLookupError):
                    kill(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self._children.join()

    def _end_children(self) -> None:
        """End the children once the process has ended: one would keep its pipe open."""
        self.process.wait()
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def last_messages(self) -> str | None:
        """Return the end of its stderr."""
        self._stderr.seek(0)
        return self._stderr.read().decode(errors="replace").strip()[-2000:] or None


def fork_servers_for(cases: Sequence[Case], count: int) -> list[ForkServer]:
    """Start fork servers for cases, if they can be forked and there are several; else none."""
    if not may_fork() or len(cases) < 2:
        return []
    if any(case.device != "cpu" or case.threads != cases[0].threads for case in cases):
        return []
    command, environment = worker_command(), _environment(cases[0])
    return [ForkServer(command, cases[0].model, environment) for _ in range(count)]


def run_job(
    job: Job,
    worker: Worker,
    *,
    run: str,
    environment: Environment,
    timeout_s: float | None = None,
    on_progress: OnProgress = lambda progress: None,
    another: Callable[[], Worker] | None = None,
) -> Record:
    """Measure a case in its process and return its record, however the process ends.

    A process that dies while it reads videos is followed by another one, which finds out at which
    video that was and goes on with the rest; see `guard.guarded`.

    Args:
        job: The case, and what to measure.
        worker: Its process.
        run: Name of the run.
        environment: The machine.
        timeout_s: Time for all processes of the case together.
        on_progress: Called with each stage.
        another: Starts another process for the case; None: there is no other.
    """
    report = _Report(job, run, environment, on_progress)
    measures, late = job.measures, threading.Event()
    begin_s, left_s = time.monotonic(), timeout_s
    with ExitStack() as workers:
        while True:
            with _time_limit(worker, left_s, late):
                report.follow(worker, job)
            if report.is_over or late.is_set() or another is None:
                break
            if not report.may_go_on(worker.process.wait()):
                break
            rest = registry.from_on(report.reading_for, job.measures, job.case)
            job = msgspec.structs.replace(
                job, measures=rest, fresh=False, unlimited=report.unlimited
            )
            worker = workers.enter_context(another())
            if timeout_s is not None:
                left_s = max(0.0, timeout_s - (time.monotonic() - begin_s))
        if not report.is_over:
            overrun_s = timeout_s if late.is_set() else None
            report.error = _ended_early(worker, report.stage, overrun_s)
    notes = (*report.notes, *registry.absences(measures, job.case))
    return msgspec.structs.replace(report.record, notes=notes, error=report.error)


class _Report:
    """All that the processes of a case report.

    Attributes:
        record: The record of the results so far.
        notes: Remarks for its reader, each once.
        error: The failure, if one was reported.
        stage: The present stage.
    """

    def __init__(
        self, job: Job, run: str, environment: Environment, on_progress: OnProgress
    ) -> None:
        """Begin without results."""
        self.record = Record(
            run=run,
            started=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
            case=job.recorded,
            environment=environment,
            code=job.code,
            budget=job.budget if timed(job.measures) else None,
        )
        self.notes: list[str] = []
        self.error: Failure | None = None
        self.stage = "starting"
        self._finished = False
        self._reading: Reading | None = None
        self._deaths = 0
        self._on_progress = on_progress

    @property
    def is_over(self) -> bool:
        """The case needs no other process."""
        return self._finished or self.error is not None

    @property
    def reading_for(self) -> str:
        """The measurement for which the last process read videos."""
        return self._reading.measurement if self._reading is not None else "accuracy"

    def follow(self, worker: Worker, job: Job) -> None:
        """Take the events of a process until it ends; an interrupt is no video's fault."""
        self.stage, self._reading = "starting", None
        try:
            for event in worker.events(job):
                self._take(event)
        except KeyboardInterrupt:
            try:
                worker.end()
            finally:  # an impatient user interrupts that, too
                # The process may have begun a log of which no event has come yet.
                remove_logs(Path(job.results) / "predictions", job.case, job.predictions)
                if self._reading is not None:
                    Path(self._reading.log).unlink(missing_ok=True)
            raise

    @property
    def unlimited(self) -> tuple[str, ...]:
        """The videos that may take any time; see `Job`."""
        return self._reading.unlimited if self._reading is not None else ()

    def may_go_on(self, code: int) -> bool:
        """Return whether another process can go on after one that read videos and ended so.

        It can once; and again, as long as each finds a video that the one before it died at. Where
        a file took too long it always can: that file is given up, or has no limit any more.
        """
        if self._reading is None or not Path(self._reading.log).exists():
            return False
        if code == OVERDUE_EXIT:
            return True
        self._deaths += 1
        return self._deaths == 1 or self._reading.given_up > 0

    def _take(self, event: Event) -> None:
        match event:
            case Built():
                self.record = msgspec.structs.replace(
                    self.record, params=event.params, weights_digest=event.weights_digest
                )
            case Progress():
                self.stage = event.stage
                self._on_progress(event)
            case Reading():
                self._reading = event
            case Measured():
                self.record = event.on(self.record)
            case Note():
                if event.text not in self.notes:
                    self.notes.append(event.text)
            case Failed():
                self.error = self.error or event.failure
            case Finished():
                self._finished = True


def timed(measures: Collection[str]) -> bool:
    """Return whether one of the measurements has the time of a latency."""
    return "latency" in measures or "sweep" in measures


def _environment(case: Case) -> dict[str, str]:
    """Return the variables of a process that measures a case."""
    return os.environ | ({} if case.threads is None else thread_variables(case.threads))


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
