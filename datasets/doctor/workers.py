"""Processes that look at many files. A file that ends one, or hangs, costs that file alone.

Each process has a thread here, which gives it files and takes its answers. If it dies, the file
that it was at is tried once more, as the first of a new process: if that dies too, it is the file.
"""

import os
import queue
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress

import msgspec

from ..errors import KinobenchError
from ..video.moment import Moment
from .seen import Look, Seen
from .session import ALIVE, READY, Task, failed

STARTING_S = 120.0
"""Time in which a process must have loaded its libraries."""
_AT_ONCE: dict[Look, int] = {"header": 64, "frames": 1, "picture": 1, "moment": 1}
"""Files that a process is given together."""

_Found = tuple[int, Seen] | KinobenchError


class Workers(msgspec.Struct, frozen=True, kw_only=True):
    """How processes that look at files are started, and their limits.

    Attributes:
        command: Starts one; it runs `session.main`.
        count: Number of processes.
        timeout_s: Time without an answer, or a sign that a file is still being decoded, after which
            a process is ended; None: it may take any time.
    """

    command: tuple[str, ...]
    count: int
    timeout_s: float | None = 600.0

    def each_seen(
        self, paths: Sequence[str], look: Look, moments: Sequence[Moment] | None = None
    ) -> Generator[tuple[int, Seen], None, None]:
        """Look at files, and yield the place of each in `paths` with what is seen, in any order.

        The processes end with the iterator.

        Args:
            paths: The files.
            look: How closely.
            moments: With `moment`, that of each file.

        Raises:
            KinobenchError: No process can be started.
        """
        at_once = max(1, min(_AT_ONCE[look], len(paths) // (2 * self.count)))
        tasks: queue.SimpleQueue[range] = queue.SimpleQueue()
        for begin in range(0, len(paths), at_once):
            tasks.put(range(begin, min(begin + at_once, len(paths))))
        found: queue.SimpleQueue[_Found] = queue.SimpleQueue()
        count = min(self.count, tasks.qsize())
        workers = [_Worker(self, paths, (look, moments), tasks, found) for _ in range(count)]
        stopped = threading.Event()
        watch = threading.Thread(
            target=_watch, args=(workers, self.timeout_s, stopped), daemon=True
        )
        try:
            for worker in (*workers, watch):
                worker.start()
            for _ in paths:
                answer = found.get()
                if isinstance(answer, KinobenchError):
                    raise answer
                yield answer
        finally:
            stopped.set()
            for worker in workers:
                worker.stop()
            for worker in workers:
                worker.join()


def _watch(workers: Sequence["_Worker"], limit_s: float | None, stopped: threading.Event) -> None:
    """End the process of every worker that is at one file for too long."""
    if limit_s is None:
        return
    while not stopped.wait(min(1.0, limit_s / 4)):
        for worker in workers:
            worker.end_if_late(limit_s)


class _Worker(threading.Thread):
    """Gives files to a process, and starts another one where it dies."""

    def __init__(
        self,
        how: Workers,
        paths: Sequence[str],
        look: tuple[Look, Sequence[Moment] | None],
        tasks: "queue.SimpleQueue[range]",
        found: "queue.SimpleQueue[_Found]",
    ) -> None:
        super().__init__(daemon=True)
        self._how, self._paths = how, paths
        self._look, self._moments = look
        self._tasks, self._found = tasks, found
        self._process: _Process | None = None
        self._ended = False
        self._lock = threading.Lock()

    def stop(self) -> None:
        """End the process, and take no more files."""
        with self._lock:
            self._ended = True
            if self._process is not None:
                self._process.kill()

    def end_if_late(self, limit_s: float) -> None:
        process = self._process
        if process is not None and process.waits_s > limit_s:
            process.is_late = True
            process.kill()

    def run(self) -> None:
        """Look at files until there are no more."""
        try:
            while not self._ended:
                try:
                    task = self._tasks.get_nowait()
                except queue.Empty:
                    break
                self._look_at(task)
        except KinobenchError as error:
            self._found.put(error)
        except Exception as error:  # or the one who waits would wait forever
            self._found.put(KinobenchError(f"looking at files fails: {error!r}"))
        finally:
            if self._process is not None:
                self._process.close()

    def _look_at(self, places: range) -> None:
        while places and not self._ended:
            process = self._ready_process()
            if process is None:
                return
            is_fresh = process.is_fresh
            answered = 0
            for seen in process.answers(self._task(places)):
                self._found.put((places[answered], seen))
                answered += 1
            places = places[answered:]
            if not places or self._ended:
                return
            if answered == 0 and is_fresh:
                reason = process.ending(self._how.timeout_s)
                self._found.put((places[0], failed(self._look, reason)))
                places = places[1:]
            process.close()
            self._process = None

    def _task(self, places: range) -> Task:
        moments = self._moments
        return Task(
            paths=tuple(os.fsencode(self._paths[place]) for place in places),
            look=self._look,
            moments=None if moments is None else tuple(moments[place] for place in places),
        )

    def _ready_process(self) -> "_Process | None":
        """Return the process, or a new one; None: there shall be none any more."""
        with self._lock:
            if self._ended:
                return None
            if self._process is None:
                self._process = _Process(self._how.command)
        if not self._process.is_ready() and not self._ended:
            raise KinobenchError(
                f"a process that looks at files can't be started ({' '.join(self._how.command)}): "
                f"{self._process.said() or 'it says no reason'}"
            )
        return self._process


class _Process:
    """A process that looks at files.

    Attributes:
        is_fresh: It has answered nothing yet.
        is_late: It was ended, because it took too long.
    """

    def __init__(self, command: Sequence[str]) -> None:
        """Start it. Ctrl-C is for the one who started it."""
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 (closed by `close`)
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            start_new_session=os.name == "posix",
        )
        self.is_fresh = True
        self.is_late = False
        self._has_begun = False
        self._since: float | None = None

    @property
    def waits_s(self) -> float:
        """Time for which it has said nothing, while an answer is due."""
        since = self._since
        return 0.0 if since is None else time.monotonic() - since

    def is_ready(self) -> bool:
        """Wait until it has loaded its libraries; report whether it has."""
        if self._has_begun:
            return True
        timer = threading.Timer(STARTING_S, self.kill)
        timer.daemon = True
        timer.start()
        assert self._process.stdout is not None
        self._has_begun = self._process.stdout.readline() == READY
        timer.cancel()
        return self._has_begun

    def answers(self, task: Task) -> Iterator[Seen]:
        """Give it files, and yield what it sees, until it dies."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._since = time.monotonic()
        try:
            self._process.stdin.write(msgspec.json.encode(task) + b"\n")
            self._process.stdin.flush()
            for _ in task.paths:
                line = ALIVE
                while line == ALIVE:
                    line = self._process.stdout.readline()
                    self._since = time.monotonic()
                if not line.endswith(b"\n"):
                    return
                self.is_fresh = False
                yield msgspec.json.decode(line, type=Seen)
        except BrokenPipeError:
            return
        finally:
            self._since = None

    def ending(self, timeout_s: float | None) -> str:
        """Return how it died, as the reason why a file can't be read."""
        code = self._process.wait()
        if self.is_late and timeout_s is not None:
            return f"reading it takes longer than {timeout_s:g} s; it was tried twice"
        if code < 0:
            memory = " (often the system being out of memory)" if code == -9 else ""
            name = signal.Signals(-code).name
            return f"reading it ends the process by {name}{memory}; it was tried twice"
        return f"reading it ends the process with exit code {code}; it was tried twice"

    def said(self) -> str:
        """Return the end of what it printed on standard error."""
        self._process.wait()
        self._stderr.seek(0)
        return self._stderr.read().decode(errors="replace").strip()[-1000:]

    def kill(self) -> None:
        """End it, whatever it is doing."""
        self._process.kill()

    def close(self) -> None:
        """End it, and close its pipes."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._stderr):
            if stream is not None:
                with suppress(BrokenPipeError):
                    stream.close()
