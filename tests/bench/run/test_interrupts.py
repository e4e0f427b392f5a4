"""Interrupts at the moment at which a record is stored."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kinobench.bench.records.record import Record
from kinobench.bench.records.store import RunFile, read_records
from kinobench.bench.run import run
from kinobench.bench.run.interrupts import interrupts_wait
from kinobench.bench.run.live import Live
from kinobench.bench.run.planned import Planned
from kinobench.bench.run.suite import Suite

from ...fakes.made_records import made_record


@pytest.fixture(autouse=True)
def _usual_handler() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


WAITS = """
import signal

from kinobench.bench.run.interrupts import interrupts_wait

signal.signal(signal.SIGINT, signal.default_int_handler)
with interrupts_wait() as waiting:
    signal.raise_signal(signal.SIGINT)
    print("finished", waiting.came)
try:
    waiting.release()
except KeyboardInterrupt:
    print("let through")
try:
    signal.raise_signal(signal.SIGINT)
except KeyboardInterrupt:
    print("at once again")
"""


def test_an_interrupt_waits_and_comes_when_it_is_let_through() -> None:
    """In a process of its own: an interrupt that went astray would end that of all tests."""
    done = subprocess.run([sys.executable, "-c", WAITS], capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines() == ["finished True", "let through", "at once again"], (
        done.stderr
    )


def test_a_second_interrupt_does_not_wait() -> None:
    with pytest.raises(KeyboardInterrupt), interrupts_wait():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_other_handlers_and_other_threads_are_left_alone() -> None:
    found: list[Any] = []

    def look() -> None:
        with interrupts_wait() as waiting:
            waiting.release()
            found.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    look()
    assert found == [signal.default_int_handler, signal.SIG_IGN]


def test_a_case_that_is_finished_when_an_interrupt_comes_is_stored_and_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rich.console import Console

    records = [made_record(name, {"dataset": None, "split": None}) for name in ("a", "b")]
    planned = [Planned(record.case, ("flops",)) for record in records]
    measured: list[int] = []

    def measure(at: int, *rest: object) -> Record:
        measured.append(at)
        return records[at]

    def checked(record: Record) -> Record:
        signal.raise_signal(signal.SIGINT)
        return record

    sharing: Any = SimpleNamespace(
        options=SimpleNamespace(results=tmp_path),
        suite=Suite(),
        predictions=str,
        measure=measure,
        checked=checked,
    )
    monkeypatch.setattr(run.Workers, "start", lambda workers, number: None)
    monkeypatch.setattr("kinobench.bench.run.workers.fork_servers_for", lambda cases, count: [])
    live = Live(planned, Console(quiet=True))
    shown = []
    with pytest.raises(KeyboardInterrupt):
        for _, record in run._measured(
            dict(enumerate(planned)), sharing, RunFile(tmp_path, "run"), live
        ):
            shown.append(record.case.model)
    assert shown == ["a"] and measured == [0]
    assert [record.case.model for record in read_records(tmp_path)[0]] == ["a"]
