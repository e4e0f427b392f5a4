"""What becomes of a worker, with small programs in the place of workers."""

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kinobench.bench.evaluation.reading_log import OVERDUE_EXIT
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
    measures: tuple[str, ...] = ("latency",),
) -> Record:
    """Run a case whose workers are this program."""
    monkeypatch.setattr(runner, "worker_command", lambda: [sys.executable, "-c", EVENTS + program])
    job = Job(case=made_case(), measures=measures, budget=Budget(), results="kept", predictions="p")
    with Worker(job.case) as worker:
        return run_job(
            job,
            worker,
            run="a run",
            environment=MACHINE,
            timeout_s=timeout_s,
            on_progress=on_progress,
            another=lambda: Worker(job.case),
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


READING = """
import json
import os
from pathlib import Path
job = json.loads(sys.stdin.read())
jobs = Path(FOLDER, "jobs")
jobs.write_text((jobs.read_text() if jobs.exists() else "") + json.dumps(job) + chr(10))
turn = len(jobs.read_text().splitlines())
log = Path(FOLDER, "mine.reading")
def reading(given_up):
    log.touch()
    print(json.dumps({"type": "Reading", "log": str(log), "given_up": given_up}), flush=True)
def say(**event):
    print(json.dumps(event), flush=True)
say(type="Note", text="said by each")
"""


def _jobs(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "jobs").read_text().splitlines()]


def _reading(folder: Path) -> str:
    return f"FOLDER = {str(folder)!r}\n{READING}"


def test_a_worker_that_dies_while_it_reads_is_followed_by_one_that_goes_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = """
reading(turn - 1)
if turn < 4:
    os.kill(os.getpid(), [signal.SIGSEGV, signal.SIGKILL, signal.SIGABRT][turn - 1])
say(type="Finished")
"""
    measures = ("accuracy", "flops", "latency")
    record = ran(monkeypatch, _reading(tmp_path) + program, measures=measures)
    assert record.error is None and record.params == 7
    first, *others = _jobs(tmp_path)
    assert first["measures"] == list(measures)
    # What came before accuracy is measured; and no worker throws away what the first one left.
    assert [job["measures"] for job in others] == [["accuracy"]] * 3
    assert record.notes.count("said by each") == 1
    assert not any("flops: not asked for" in note for note in record.notes)


def test_a_worker_goes_on_with_the_measurement_that_read_the_video(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = """
say(type="Reading", log=str(log), given_up=turn - 1, measurement="pipeline")
log.touch()
if turn == 1:
    os._exit(3)
say(type="Finished")
"""
    measures = ("accuracy", "pipeline", "latency")
    record = ran(monkeypatch, _reading(tmp_path) + program, measures=measures)
    assert record.error is None
    assert [job["measures"] for job in _jobs(tmp_path)][1] == ["accuracy", "pipeline"]


def test_a_second_death_without_a_video_as_its_reason_is_the_failure(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = "reading(0); os.kill(os.getpid(), signal.SIGSEGV)"
    record = ran(monkeypatch, _reading(tmp_path) + program, measures=("accuracy",))
    assert record.error is not None and record.error.kind == "killed"
    assert "ended by SIGSEGV" in record.error.message
    assert len(_jobs(tmp_path)) == 2


def test_a_file_that_is_too_slow_only_next_to_others_gets_the_time_it_takes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = f"""
log.touch()
say(type="Reading", log=str(log), given_up=0, unlimited=[str(n) for n in range(turn)])
if turn < 4:
    os._exit({OVERDUE_EXIT})
say(type="Finished")
"""
    record = ran(monkeypatch, _reading(tmp_path) + program, measures=("accuracy",))
    assert record.error is None
    found = [job["unlimited"] for job in _jobs(tmp_path)]
    assert found == [[], ["0"], ["0", "1"], ["0", "1", "2"]]


def test_a_worker_that_dies_before_or_after_it_reads_is_a_failure_at_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for number, begin in enumerate(("", "reading(0); log.unlink();")):
        folder = tmp_path / str(number)
        folder.mkdir()
        program = f"{begin}\nos._exit(3)"
        record = ran(monkeypatch, _reading(folder) + program, measures=("accuracy",))
        assert record.error is not None and "exit code 3" in record.error.message
        assert len(_jobs(folder)) == 1


def test_all_workers_of_a_case_have_its_time_together(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = """
reading(turn - 1)
if turn == 1:
    os._exit(75)
time.sleep(60)
"""
    record = ran(monkeypatch, _reading(tmp_path) + program, timeout_s=1.0, measures=("accuracy",))
    assert record.error is not None and record.error.kind == "timeout"
    assert "stopped after 1 s" in record.error.message
    assert len(_jobs(tmp_path)) == 2
    assert (tmp_path / "mine.reading").exists()  # the next run looks into it


def test_an_interrupt_is_no_videos_fault(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = 'reading(0); say(type="Progress", stage="accuracy"); time.sleep(60)'

    def interrupt(progress: Any) -> None:
        if progress.stage == "accuracy":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ran(monkeypatch, _reading(tmp_path) + program, on_progress=interrupt)
    assert not (tmp_path / "mine.reading").exists()


def test_an_interrupt_leaves_no_log_of_which_no_event_came(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A process begins a log before it says so; on a cluster it never does."""
    monkeypatch.chdir(tmp_path)
    case = made_case()
    own = Path("kept/predictions", f"{case.model}-{case.digest}-fee1", "20260101T000000Z-000000")
    timed = Path("kept/predictions/.p-pipeline")
    for folder in (own, timed):
        folder.mkdir(parents=True)
    logs = own / "p.reading", timed / "pipeline.reading"
    of_another = own / "other.reading"
    for log in (*logs, of_another):
        log.touch()

    def interrupt(progress: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ran(monkeypatch, "time.sleep(60)", on_progress=interrupt)
    assert not any(log.exists() for log in logs) and not timed.exists()
    assert of_another.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="groups of processes")
def test_the_children_of_a_killed_worker_are_killed_before_the_case_is_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else a local Ray would write to its folder, which is removed then."""
    killpg, killed = os.killpg, []

    def late(group: int, cause: int) -> None:
        time.sleep(0.5)  # as on a crowded machine
        killed.append((group, cause))
        killpg(group, cause)

    monkeypatch.setattr(os, "killpg", late)
    record = ran(monkeypatch, "os.kill(os.getpid(), signal.SIGKILL)")
    assert record.error is not None and record.error.kind == "killed"
    assert [cause for _, cause in killed] == [signal.SIGKILL]
