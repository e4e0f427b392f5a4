"""Servers of both sides: each loads a version of the code once, and forks a process for each pair.

Starting a pair afresh takes 3 to 5 s, forking one 0.4 s. But forks inherit what their server
decided when it loaded. So a server pair times a few pairs only, and the next two servers load
meanwhile, on other cores than that of the pair that is timed. Only Linux and the CPU have servers:
CUDA can't be used on both sides of a fork, and other systems' libraries can't be forked.
"""

import contextlib
import json
import os
import random
import select
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import IO, Any, Self

from ..machine.environment import usable_cpus
from ..records.case import Case
from ..run.fork_server import may_fork
from .sides import ANSWER_S, SIDE, Code, SideError, ended_by_itself, environment_of, spec_of
from .turns import Two, built, core_for, started

MOST_FORKS = 4
"""Most pairs of a server pair, about as many as are timed while the next two servers load on one
core. Fewer are timed if those have loaded before that."""
MESSAGE_BYTES = 4096


class CannotForkError(Exception):
    """A server has more than one thread, so a fork of it would lack some."""


class Forked:
    """A process that a server has forked, with the command's ends of its pipes."""

    def __init__(self, server: "Server", model: str) -> None:
        """Have the server make it.

        Raises:
            SideError: The server has ended, or the system makes no more processes.
            CannotForkError: The server can't fork.
        """
        self._server = server
        stdin, self.requests = os.pipe()
        self.answers, stdout = os.pipe()
        self.stderr: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 (closed in `end`)
        self._pid = 0
        try:
            self._pid = server.fork(model, (stdin, stdout, self.stderr.fileno()))
        finally:
            os.close(stdin)
            os.close(stdout)
            if not self._pid:
                self._close()

    def end(self) -> None:
        """Kill the process and whatever it started; its server does, whose child it is."""
        self._close()
        self._server.end_fork(self._pid)

    def _close(self) -> None:
        os.close(self.requests)
        os.close(self.answers)
        self.stderr.close()


class Server:
    """A process that has loaded one version of the code, and forks."""

    def __init__(self, code: Code, case: Case, *, is_candidate: bool, cpus: Sequence[int]) -> None:
        """Start it; it loads in the background.

        Args:
            code: The version of the code.
            case: A case; what its network needs is loaded too.
            is_candidate: True if it is the candidate's.
            cpus: The cores that it may use.
        """
        self.code, self.is_candidate = code, is_candidate
        self._threads: int | None = None
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 (closed in `end`)
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        environment = environment_of(code, case.threads or 1)
        environment["OPENBLAS_NUM_THREADS"] = "1"  # it starts its threads when it is loaded
        with theirs:
            self._process = subprocess.Popen(
                [code.python, "-P", str(SIDE), "--serve", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=self._stderr,
                stderr=self._stderr,
                env=environment,
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # Ctrl-C reaches only the command, which ends this process
            )
        self.keep_to(cpus)
        with contextlib.suppress(BrokenPipeError):  # `_answer` reports it
            self._socket.send(json.dumps(spec_of(code, case)).encode())

    @property
    def is_loaded(self) -> bool:
        """True if it needs no more time: it has loaded, or has failed to."""
        return self._threads is not None or bool(select.select([self._socket], [], [], 0)[0])

    @property
    def is_alive(self) -> bool:
        """True if it hasn't ended."""
        return self._process.poll() is None

    def keep_to(self, cpus: Sequence[int]) -> None:
        """Let it use these cores only; what it forks may use all."""
        with contextlib.suppress(ProcessLookupError):
            os.sched_setaffinity(self._process.pid, cpus)

    def fork(self, model: str, descriptors: Sequence[int]) -> int:
        """Wait until it has loaded, and return the id of a new process.

        Args:
            model: The network that the process will build.
            descriptors: The process's stdin, stdout and stderr.

        Raises:
            SideError: It has ended, or the system makes no more processes.
            CannotForkError: It has more than one thread.
        """
        if self._threads is None:
            self._threads = self._answer()["threads"]
        with contextlib.suppress(BrokenPipeError):  # `_answer` reports it
            socket.send_fds(self._socket, [json.dumps({"model": model}).encode()], descriptors)
        answer = self._answer()
        if "error" in answer:  # the system's, and no fault of this version
            raise SideError(f"{self.code.name} can't be forked: {answer['error']}")
        if "pid" not in answer:
            raise CannotForkError(f"{self.code.name} has {answer['threads']} threads")
        return int(answer["pid"])

    def end_fork(self, pid: int) -> None:
        """Kill a process that it has forked; without it, none is left."""
        with contextlib.suppress(OSError, SideError):
            self._socket.send(json.dumps({"end": pid}).encode())
            self._answer()

    def end(self) -> None:
        """Kill it; with it end all processes that it has forked."""
        self._kill()
        self._socket.close()
        self._stderr.close()

    def _kill(self) -> None:
        if self._process.poll() is None:  # else another process may have got its id
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def _answer(self) -> dict[str, Any]:
        if not select.select([self._socket], [], [], ANSWER_S)[0]:
            self._kill()  # a late answer would be taken for the next one
            message = f"{self.code.name} has not answered for {ANSWER_S:g} s"
            raise SideError(message, of_candidate=self.is_candidate)
        received = b""
        with contextlib.suppress(ConnectionResetError):
            received = self._socket.recv(MESSAGE_BYTES)
        if not received:
            message = ended_by_itself(self.code, self._stderr)
            raise SideError(message, of_candidate=self.is_candidate)
        plain: dict[str, Any] = json.loads(received)
        return plain


class ServerPair:
    """A server of each side.

    Attributes:
        number: Its number; no other of this check has it.
        threads: Threads of its cases.
        pairs: Number of pairs that it has timed.
    """

    def __init__(
        self, codes: dict[bool, Code], case: Case, number: int, draw: random.Random
    ) -> None:
        """Start both, in random order, on all cores."""
        self.number, self.threads, self.pairs = number, case.threads or 1, 0
        self.servers: dict[bool, Server] = {}
        try:
            for which in draw.sample((True, False), 2):
                self.servers[which] = Server(
                    codes[which], case, is_candidate=which, cpus=usable_cpus()
                )
        except BaseException:
            self.end()
            raise

    @property
    def is_loaded(self) -> bool:
        """True if neither needs more time."""
        return all(each.is_loaded for each in self.servers.values())

    @property
    def is_alive(self) -> bool:
        """True if neither has ended."""
        return all(each.is_alive for each in self.servers.values())

    def keep_to(self, cpus: Sequence[int]) -> None:
        """Let both use these cores only; what they fork may use all."""
        for each in self.servers.values():
            each.keep_to(cpus)

    def end(self) -> None:
        """End both, and what they have forked."""
        for each in self.servers.values():
            each.end()


class Servers:
    """The server pairs of a check: one that times pairs, and perhaps the next one, which loads."""

    def __init__(self, baseline: Code, candidate: Code, draw: random.Random) -> None:
        """Start none yet.

        Args:
            baseline: The baseline's version of the code.
            candidate: The candidate's.
            draw: Draws cores and orders.
        """
        self._codes = {False: baseline, True: candidate}
        self._draw = draw
        self._started = 0
        self._present: ServerPair | None = None
        self._next: ServerPair | None = None
        self._can_fork = may_fork()
        self._afresh = started(baseline, candidate, draw)

    def __enter__(self) -> Self:
        """Return itself; leaving ends all processes."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End all processes."""
        self._end()

    def forks(self, case: Case) -> bool:
        """Return whether the pairs of a case are forked."""
        return self._can_fork and case.device == "cpu"

    def renew(self) -> None:
        """Let the next pair have servers that have timed none."""
        if self._present is not None and self._present.pairs:
            self._present.end()
            self._present, self._next = self._next, None
            if self._present is not None and not self._present.is_loaded:
                self._present.keep_to(usable_cpus())  # no pair is timed until it has

    @contextlib.contextmanager
    def to_count(self, case: Case) -> Iterator[Two]:
        """Start both sides of a case for anything but timing, and end them on leaving."""
        with self._both(case, None) as two:
            yield two

    @contextlib.contextmanager
    def to_time(self, case: Case) -> Iterator[Two]:
        """Start both sides of a case for a pair of turns, and end them on leaving.

        If the pair has a core of its own and there is another one, the next server pair loads
        there meanwhile. Else it loads when it is needed, and no pair is timed meanwhile.
        """
        core = core_for(case, self._draw)
        present = self._present
        if present is not None and (
            present.pairs >= MOST_FORKS or (self._next is not None and self._next.is_loaded)
        ):
            self.renew()
        with self._both(case, core) as two:
            if self._present is not None and two.server is not None:
                self._present.pairs += 1
                others = [cpu for cpu in usable_cpus() if cpu != core]
                if core is not None and others:
                    self._next = self._next or self._new(case)
                    self._next.keep_to(others)
            yield two

    @contextlib.contextmanager
    def _both(self, case: Case, core: int | None) -> Iterator[Two]:
        """Fork both sides, or start them afresh if that is impossible."""
        if self.forks(case):
            with contextlib.ExitStack() as stack:
                try:
                    two = stack.enter_context(self._forked(case, core))
                except CannotForkError:
                    self._can_fork = False
                    self._end()
                else:
                    yield two
                    return
        with self._afresh(case) as two:
            yield two

    @contextlib.contextmanager
    def _forked(self, case: Case, core: int | None) -> Iterator[Two]:
        present = self._present
        # Libraries read the number of threads when they are loaded. And one that died with a pair
        # of another network is no fault of this one.
        if present is not None and (present.threads != (case.threads or 1) or not present.is_alive):
            self._end()
        self._present = present = self._present or self._new(case)
        sides = present.servers
        with built(
            self._codes, case, core, lambda which: Forked(sides[which], case.model), self._draw
        ) as (one, other):
            yield Two(one, other, core, present.number)

    def _new(self, case: Case) -> ServerPair:
        self._started += 1
        return ServerPair(self._codes, case, self._started, self._draw)

    def _end(self) -> None:
        for each in (self._present, self._next):
            if each is not None:
                each.end()
        self._present = self._next = None
