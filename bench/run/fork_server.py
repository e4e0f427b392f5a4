"""Fresh processes without the seconds that importing torch takes: one process loads, and forks.

Each case still has a process of its own. It is forked from a process that has loaded the libraries
of this case and of those before it, and has done nothing else. Only the CPU on Linux has a fork
server: CUDA can't be used on both sides of a fork, and other systems' libraries can't be forked.

Python's `multiprocessing.forkserver` is no substitute. It loads modules once, when it starts, and
not those of each network in turn; it imports the main program again in every process; and a process
of its own has no pipes for stdin, stdout and stderr, and no session, by which all that a case has
started can be ended.
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

REQUEST_BYTES = 4096
"""Length of every request: the end of one in the socket is known by it."""
FORKED = "forked"
"""Key of the answer that a process was made; the answer about its end has `ended` and `status`."""
LOADED = "loaded"
"""Key of the answer that libraries were loaded."""


class Forked:
    """A forked process, with the part of `subprocess.Popen` that a worker uses."""

    pid: int
    """Its id, once the server has made it."""

    def __init__(self, stdin: IO[bytes], stdout: IO[bytes]) -> None:
        """Take the command's ends of its pipes."""
        self.stdin: IO[bytes] | None = stdin
        self.stdout: IO[bytes] | None = stdout
        self.returncode: int | None = None
        self._ended = threading.Event()

    def poll(self) -> int | None:
        """Return its exit code, the negative signal that ended it, or None while it runs."""
        return self.returncode

    def wait(self) -> int:
        """Wait until it has ended, and return its exit code as `poll` does."""
        self._ended.wait()
        assert self.returncode is not None
        return self.returncode

    def end_as(self, returncode: int) -> None:
        """Take its exit code."""
        if self.returncode is None:
            self.returncode = returncode
            self._ended.set()


class ForkServer:
    """A process that loads libraries once, and forks one for each case."""

    def __init__(self, command: Sequence[str], model: str, environment: Mapping[str, str]) -> None:
        """Start it; it loads libraries meanwhile.

        Args:
            command: Command of a worker; the server adds options of its own.
            model: Network of the first case, whose libraries are loaded too.
            environment: Variables of the server and of the processes that it forks.
        """
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [*command, "--fork-server", str(theirs.fileno()), "--model", model],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=dict(environment),
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # Ctrl-C reaches the command, which then closes it
            )
        self._forked: dict[int, Forked] = {}
        self._changed = threading.Condition()
        self._asked_for: list[Forked] = []
        self._loading = 0
        self._closed = False
        threading.Thread(target=self._listen, daemon=True).start()

    def load(self, model: str) -> None:
        """Have it load the libraries of a network's case, which it does in the background."""
        with self._changed:
            self._loading += 1
        with suppress(OSError):  # it is gone, as `wait_until_loaded` will find
            socket.send_fds(self._socket, [_request(model, fork=False)], [])

    def wait_until_loaded(self) -> None:
        """Wait until it has loaded all that it was asked for, or is gone."""
        with self._changed:
            self._changed.wait_for(lambda: self._loading == 0 or self._closed)

    def fork(self, model: str, stderr: IO[bytes]) -> Forked | None:
        """Make a process for a case of that network; None if the server is gone.

        Args:
            model: Name of the network.
            stderr: File of the process's messages.
        """
        stdin_read, stdin = os.pipe()
        stdout, stdout_write = os.pipe()
        handed = [stdin_read, stdout_write, stderr.fileno()]
        request = _request(model, fork=True)
        asked_for = Forked(os.fdopen(stdin, "wb"), os.fdopen(stdout, "rb"))
        try:
            with self._changed:
                socket.send_fds(self._socket, [request], handed)
                self._asked_for.append(asked_for)
                self._changed.wait_for(lambda: asked_for not in self._asked_for or self._closed)
                if asked_for in self._asked_for:
                    raise BrokenPipeError
        except OSError:
            for pipe in (asked_for.stdin, asked_for.stdout):
                assert pipe is not None
                pipe.close()
            return None
        finally:
            os.close(stdin_read)
            os.close(stdout_write)
        return asked_for

    def close(self) -> None:
        """End it, and all processes that it has forked."""
        with suppress(OSError):  # it may be gone
            self._socket.shutdown(socket.SHUT_RDWR)  # which ends it, unless it is still loading
        try:
            self._process.wait(1.0)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._socket.close()

    def _listen(self) -> None:
        """Read which processes were made and which have ended, until the server is gone."""
        with suppress(OSError, ValueError), self._socket.makefile("rb") as answers:
            for line in answers:
                self._take(json.loads(line))
        with self._changed:
            self._closed = True
            for process in self._forked.values():
                process.end_as(-signal.SIGKILL)  # the server ended with it
            self._changed.notify_all()

    def _take(self, answer: dict[str, int]) -> None:
        with self._changed:
            if FORKED in answer:
                # At once: that it has ended may be the next answer.
                made = self._asked_for.pop(0)
                made.pid = answer[FORKED]
                self._forked[made.pid] = made
                self._changed.notify_all()
                return
            if LOADED in answer:
                self._loading -= 1
                self._changed.notify_all()
                return
        process = self._forked.pop(answer["ended"], None)
        if process is not None:
            process.end_as(os.waitstatus_to_exitcode(answer["status"]))


def _request(model: str, *, fork: bool) -> bytes:
    """Return a request; the libraries of an endless name are loaded by the process itself."""
    known = model if len(model) < REQUEST_BYTES // 8 else ""  # JSON may take six bytes for one
    return json.dumps({"model": known, "fork": fork}).encode().ljust(REQUEST_BYTES)


def may_fork() -> bool:
    """Return whether this system's libraries can be forked."""
    return sys.platform == "linux"
