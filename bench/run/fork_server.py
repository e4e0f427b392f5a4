"""Fresh processes without the seconds that importing torch takes: one process loads, and forks.

Each case still has a process of its own, forked from one that has loaded its libraries, those of
the cases before it too, and done nothing else. That is for the CPU on Linux alone: CUDA can't be
used on both sides of a fork, and other systems' libraries don't bear one.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import IO

FORKED = "forked"
"""The key of the answer that a process was made; else `ended` and `status` tell of its end."""


class Forked:
    """A process that the nursery made, with what is used of `subprocess.Popen`."""

    def __init__(self, pid: int, stdin: IO[bytes], stdout: IO[bytes]) -> None:
        """Take its number, and this side's ends of its pipes."""
        self.pid = pid
        self.stdin: IO[bytes] | None = stdin
        self.stdout: IO[bytes] | None = stdout
        self.returncode: int | None = None
        self._ended = threading.Event()

    def poll(self) -> int | None:
        """Return its exit code, the negative signal that ended it, or None while it runs."""
        return self.returncode

    def wait(self) -> int:
        """Wait until it has ended, and return the same."""
        self._ended.wait()
        assert self.returncode is not None
        return self.returncode

    def end_as(self, returncode: int) -> None:
        """Note its end."""
        if self.returncode is None:
            self.returncode = returncode
            self._ended.set()


class Nursery:
    """A process that loads libraries once, and forks one for each case."""

    def __init__(self, command: Sequence[str], model: str, environment: Mapping[str, str]) -> None:
        """Start it; it loads while others go on.

        Args:
            command: What starts a worker, to which the nursery's own words are added.
            model: The first case's network, whose libraries are loaded too.
            environment: Its variables, and those of what it forks.
        """
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [*command, "--nursery", str(theirs.fileno()), "--model", model],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=dict(environment),
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # Ctrl-C reaches the command, which then closes it
            )
        self._forked: dict[int, Forked] = {}
        self._changed = threading.Condition()
        self._new: list[int] = []
        self._closed = False
        threading.Thread(target=self._listen, daemon=True).start()

    def fork(self, model: str, stderr: IO[bytes]) -> Forked | None:
        """Make a process for a case of that network; None if the nursery is gone.

        Args:
            model: The network.
            stderr: Where what it prints goes.
        """
        stdin_read, stdin = os.pipe()
        stdout, stdout_write = os.pipe()
        handed = [stdin_read, stdout_write, stderr.fileno()]
        words = json.dumps({"model": model}).encode()
        try:
            with self._changed:
                socket.send_fds(self._socket, [words], handed)
                self._changed.wait_for(lambda: self._new or self._closed)
                if not self._new:
                    raise BrokenPipeError
                made = Forked(self._new.pop(0), os.fdopen(stdin, "wb"), os.fdopen(stdout, "rb"))
                self._forked[made.pid] = made
        except OSError:
            os.close(stdin)
            os.close(stdout)
            return None
        finally:
            os.close(stdin_read)
            os.close(stdout_write)
        return made

    def close(self) -> None:
        """End it, and whatever it still has."""
        self._socket.shutdown(socket.SHUT_RDWR)  # by which it knows, unless it is still loading
        try:
            self._process.wait(1.0)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._socket.close()

    def _listen(self) -> None:
        """Hear of processes that were made or have ended, until the nursery is gone."""
        with suppress(OSError, ValueError), self._socket.makefile("rb") as answers:
            for line in answers:
                self._take(json.loads(line))
        with self._changed:
            self._closed = True
            for process in self._forked.values():
                process.end_as(-signal.SIGKILL)  # its end went with the nursery's
            self._changed.notify_all()

    def _take(self, answer: dict[str, int]) -> None:
        with self._changed:
            if FORKED in answer:
                self._new.append(answer[FORKED])
                self._changed.notify_all()
                return
        process = self._forked.pop(answer["ended"], None)
        if process is not None:
            process.end_as(os.waitstatus_to_exitcode(answer["status"]))


def may_fork() -> bool:
    """Tell whether this system's libraries bear a fork."""
    return sys.platform == "linux"
