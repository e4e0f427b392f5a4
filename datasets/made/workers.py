"""Processes that each encode one video after the other: one that ends, or hangs, costs its video.

A pool of the standard library ends as a whole when one of its processes does, as a decoder that
crashes makes it.
"""

import errno
import multiprocessing
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import NamedTuple

import av

from ..errors import DatasetError, VideoError
from ..processes import end_with_parent, interrupts_held_back
from ..video.machine_faults import MachineError
from .encode import Beat, Encoded, encode
from .form import Form

Encoder = Callable[[Path, Path, Form, Beat], Encoded]
"""Called with a video, the file to write, its form, and what to call after every frame."""

PATIENCE_S = 600.0
"""A process that says nothing for so long hangs: it says something after every frame."""
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Errors of a disk, or of a quota, that takes no more."""
_BEAT_S = 1.0
_START_S = 300.0
"""A process starts in a second; on a crowded machine, in many."""


class Task(NamedTuple):
    """A video to encode.

    Attributes:
        number: Names it for who gave it.
        source: The video.
        target: The file to write.
        form: The size and the codec.
    """

    number: int
    source: Path
    target: Path
    form: Form


class Result(NamedTuple):
    """What came of a task.

    Attributes:
        number: The task's.
        encoded: What was written; None if nothing was.
        fault: Why nothing was: the fault of the video.
    """

    number: int
    encoded: Encoded | None
    fault: str = ""


class _Stopped(NamedTuple):
    """A fault of the machine, or of this program, which ends all.

    Attributes:
        error: The error.
    """

    error: Exception


def encode_all(
    tasks: Iterable[Task],
    processes: int,
    patience_s: float = PATIENCE_S,
    encoder: Encoder | None = None,
) -> Iterator[Result]:
    """Encode videos, and yield what comes of each as soon as it is known.

    Args:
        tasks: The videos; the next is only asked for when a process is idle.
        processes: How many processes; 0: this one, which a decoder may then end.
        patience_s: How long a process may say nothing.
        encoder: Encodes a video, a function of a module; None: `encode`.

    Raises:
        DatasetError: Processes can't be started, or the machine failed.
        OSError: A file can't be written: a full disk, for one.
    """
    if processes == 0:
        for task in tasks:
            yield _given(_outcome(task, encoder or encode, None))
        return
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise DatasetError(
            "several processes can't encode videos: a script that calls this lacks "
            "`if __name__ == '__main__':`"
        )
    workers: list[_Worker] = []
    waiting = iter(tasks)
    try:
        yield from _all_of(waiting, workers, lambda: _Worker(encoder), processes, patience_s)
    finally:
        for worker in workers:
            worker.end()


def _all_of(
    waiting: Iterator[Task],
    workers: "list[_Worker]",
    new_worker: "Callable[[], _Worker]",
    processes: int,
    patience_s: float,
) -> Iterator[Result]:
    while True:
        while len([each for each in workers if each.task is not None]) < processes:
            task = next(waiting, None)
            if task is None:
                break
            idle = next((each for each in workers if each.task is None), None)
            if idle is None:
                idle = new_worker()
                workers.append(idle)
            idle.give(task)
        busy = [each for each in workers if each.task is not None]
        if not busy:
            return
        ready = set(wait([each.connection for each in busy], timeout=_BEAT_S))
        for worker in busy:
            task = worker.task
            assert task is not None
            try:
                outcome = worker.heard() if worker.connection in ready else None
            except (EOFError, OSError):
                workers.remove(worker)
                yield worker.lost(task)
                continue
            if outcome is not None:
                yield _given(outcome)
            elif time.monotonic() - worker.last_s > (patience_s if worker.has_begun else _START_S):
                workers.remove(worker)
                worker.end()
                yield Result(task.number, None, f"its decoder hung for {patience_s:.0f} s")


def _given(outcome: Result | _Stopped) -> Result:
    if isinstance(outcome, _Stopped):
        raise outcome.error
    return outcome


class _Worker:
    """A process that encodes, as its parent sees it."""

    def __init__(self, encoder: Encoder | None) -> None:
        # Spawned, not forked: the caller may run threads, torch's for one.
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, encoder), daemon=True)
        with interrupts_held_back():
            self.process.start()
        theirs.close()
        self.task: Task | None = None
        self.has_begun = False
        self.last_s = time.monotonic()

    def give(self, task: Task) -> None:
        """Let it encode a video."""
        self.task, self.last_s = task, time.monotonic()
        with suppress(OSError):  # it ended: reading from it says so
            self.connection.send(task)

    def heard(self) -> Result | _Stopped | None:
        """Return what came of its video; None if it only says that it works.

        Raises:
            EOFError, OSError: It ended.
        """
        message = self.connection.recv()
        self.has_begun, self.last_s = True, time.monotonic()
        if message is None:
            return None
        self.task = None
        outcome: Result | _Stopped = message
        return outcome

    def lost(self, task: Task) -> Result:
        """Return what is said of the video at which the process ended.

        Raises:
            DatasetError: It ended before it began.
        """
        self.end()
        code = self.process.exitcode
        if not self.has_begun:
            raise DatasetError(
                f"a process that encodes videos ended at its start (exit code {code}); there may "
                "be too little memory, or a script that calls this lacks "
                "`if __name__ == '__main__':`"
            )
        how = f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"
        return Result(task.number, None, f"its decoder ended the process ({how})")

    def end(self) -> None:
        """End it now."""
        if self.process.is_alive() and self.task is None:
            self.connection.close()  # it ends by itself
            self.process.join(1.0)
        if self.process.is_alive():
            self.process.kill()
        self.process.join()
        self.connection.close()


def _serve(connection: Connection, encoder: Encoder | None) -> None:
    """Encode videos until nobody asks for more."""
    end_with_parent()
    connection.send(None)
    while True:
        try:
            task = connection.recv()
        except EOFError:
            return
        connection.send(_outcome(task, encoder or encode, connection))


def _outcome(task: Task, encoder: Encoder, connection: Connection | None) -> Result | _Stopped:
    last_s = time.monotonic()

    def beat(done: int, of: int) -> None:
        nonlocal last_s
        if connection is not None and time.monotonic() - last_s > _BEAT_S:
            last_s = time.monotonic()
            connection.send(None)

    try:
        return Result(task.number, encoder(task.source, task.target, task.form, beat))
    except VideoError as error:
        return Result(task.number, None, error.reason)
    except MachineError as error:
        if error.lacks_memory:
            return Result(task.number, None, error.what)
        return _Stopped(DatasetError(str(error)))
    except av.FFmpegError as error:
        # The reader's errors are none of them.
        if error.errno in FULL:
            return _Stopped(OSError(error.errno, error.strerror, str(task.target)))
        return Result(task.number, None, f"it can't be encoded: {error.strerror or error}")
    except OSError as error:
        return _Stopped(OSError(error.errno, error.strerror, str(task.target)))
    except Exception as error:
        return _Stopped(RuntimeError(f"{task.source}: {type(error).__name__}: {error}"))
