"""What becomes of a worker, with small programs in the place of workers."""

import sys
from collections.abc import Callable
from typing import Any

import pytest

from kinobench.bench.records.job import Budget, Job
from kinobench.bench.records.record import Record
from kinobench.bench.run import process as runner
from kinobench.bench.run.process import Worker, run_job

from ...fakes.made_records import MACHINE, made_case

EVENTS = """
import os, signal, sys, time
print('{"type":"Built","params":7,"weights_digest":null}', flush=True)
print('{"type":"Progress","stage":"latency"}', flush=True)
print("a last word", file=sys.stderr, flush=True)
"""


def ran(
    monkeypatch: pytest.MonkeyPatch,
    program: str,
    timeout_s: float | None = None,
    on_progress: Callable[[Any], None] = lambda progress: None,
) -> Record:
    """Run a case whose worker is this program."""
    monkeypatch.setattr(runner, "_worker_command", lambda: [sys.executable, "-c", EVENTS + program])
    job = Job(
        case=made_case(), measures=("latency",), budget=Budget(), results="kept", predictions="p"
    )
    with Worker(job.case) as worker:
        return run_job(
            job,
            worker,
            run="a run",
            environment=MACHINE,
            timeout_s=timeout_s,
            on_progress=on_progress,
        )


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("os._exit(7)", "the process ended by itself with exit code 7 at the stage 'latency'"),
        (
            "os.kill(os.getpid(), signal.SIGKILL)",
            "the process was ended by SIGKILL at the stage 'latency'; often the system being out "
            "of memory",
        ),
        (
            "os.kill(os.getpid(), signal.SIGTERM)",
            "the process was ended by SIGTERM at the stage 'latency'",
        ),
    ],
)
def test_a_worker_that_ends_early_is_a_failure_that_says_how_and_where(
    monkeypatch: pytest.MonkeyPatch, program: str, message: str
) -> None:
    record = ran(monkeypatch, program)
    assert record.params == 7 and record.error is not None
    assert (record.error.kind, record.error.message) == ("killed", message)
    assert record.error.detail == "a last word"


class Timer:
    """A timer that goes off when a test wants it to."""

    def __init__(self, seconds: float, call: Callable[[], None]) -> None:
        self.seconds, self.call = seconds, call

    def start(self) -> None:
        """Wait for nobody."""

    def cancel(self) -> None:
        """The same."""


def test_a_worker_that_never_ends_is_stopped_when_its_time_is_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    timers = []

    def made(seconds: float, call: Callable[[], None]) -> Timer:
        timers.append(Timer(seconds, call))
        return timers[-1]

    monkeypatch.setattr(runner.threading, "Timer", made)
    program = "while True: time.sleep(0.1)"
    record = ran(monkeypatch, program, 15, lambda progress: timers[-1].call())
    assert [timer.seconds for timer in timers] == [15]
    assert record.params == 7 and record.error is not None
    assert record.error.kind == "timeout"
    assert record.error.message == "stopped after 15 s, at the stage 'latency'"
