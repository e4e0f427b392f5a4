"""A process with one version of a network, which makes one forward at a time on request."""

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Protocol

import msgspec

from ...datasets.errors import KinobenchError
from ..machine.environment import UnfitEnvironmentError, usable_cpus
from ..machine.threads import thread_variables
from ..records.case import Case
from .counts import Facts, facts_of

SIDE = Path(__file__).with_name("side.py")
ANSWER_S = 600.0
"""A side that gives no answer for so long is stuck."""


class SideError(KinobenchError):
    """One side of a pair has failed.

    Attributes:
        of_candidate: True if the candidate fails where the baseline doesn't. False if memory ran
            out, because both sides occupy memory at the same time.
    """

    has_lines = True  # the end of what its process wrote

    def __init__(self, message: str, *, of_candidate: bool = False) -> None:
        """Take the message, and whether only the candidate fails."""
        super().__init__(message)
        self.of_candidate = of_candidate


class MissingModelError(SideError):
    """The baseline has no such network."""


class Code(msgspec.Struct, frozen=True, kw_only=True):
    """A version of the code.

    Attributes:
        name: Its name in messages, such as "the baseline".
        root: The checkout of kinobench.
        python: The interpreter, in an environment with the packages that it needs.
        plugins: Files that register networks.
        inject: The share by which each forward is slowed.
        repository: The candidate's repository around the plugins; None if there is none.
        tree: The folder of this version of that repository.
    """

    name: str
    root: str
    python: str = sys.executable
    plugins: tuple[str, ...] = ()
    inject: float = 0.0
    repository: str | None = None
    tree: str | None = None


class Process(Protocol):
    """A process of a side, and the command's ends of its pipes.

    Attributes:
        requests, answers: File descriptors of its stdin and stdout.
        stderr: File that its messages are in.
    """

    requests: int
    answers: int
    stderr: IO[bytes]

    def end(self) -> None:
        """Kill the process and whatever it started."""
        ...


class Started:
    """A process that is started afresh; it loads in the background."""

    def __init__(self, code: Code, threads: int) -> None:
        """Start it; several can load at the same time."""
        self.stderr: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 (closed in `end`)
        self._process = subprocess.Popen(
            [code.python, "-P", str(SIDE)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.stderr,
            env=environment_of(code, threads),
            bufsize=0,
            start_new_session=True,  # Ctrl-C reaches only the command, which ends this process
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self.requests, self.answers = self._process.stdin.fileno(), self._process.stdout.fileno()

    def end(self) -> None:
        """Kill the process and whatever it started."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self.stderr):
            if stream is not None:
                with suppress(BrokenPipeError):
                    stream.close()


class Side:
    """A process with one version of a network."""

    def __init__(
        self,
        code: Code,
        case: Case,
        process: Process,
        core: int | None,
        *,
        is_candidate: bool = False,
    ) -> None:
        """Have the process build the network; several can do so at the same time.

        Args:
            code: The version of the code.
            case: The case.
            process: A process of that version, which has got no request yet.
            core: The core that it is bound to while turns are timed; None: it isn't.
            is_candidate: True if it is the candidate's.
        """
        self.code = code
        self.is_candidate = is_candidate
        self._process = process
        self._unread = b""
        self._request(json.dumps(spec_of(code, case, core)))

    def wait_until_built(self) -> None:
        """Wait until the network is built.

        Raises:
            MissingModelError: This is the baseline, and it has no network of that name.
            SideError: The network can't be built.
            UnfitEnvironmentError: The baseline imports files of the candidate.
        """
        self._plain(self._line())

    def ask_to_count(self) -> None:
        """Request the counts; several sides may count at the same time."""
        self._request("exact")

    def counted(self) -> Facts:
        """Wait for the counts and return them."""
        return facts_of(self._plain(self._line()))

    def ask_to_settle(self) -> None:
        """Request the first forwards; several sides may make them at the same time."""
        self._request("settle")

    def settled_s(self) -> float:
        """Wait for the first forwards; return the time of a forward, in seconds."""
        return float(self._plain(self._line())["forward_s"])

    def turn(self) -> tuple[float, float | None]:
        """Make one forward; return its seconds by the wall clock (on a GPU: the device's), and of
        processor time."""
        self._request("turn")
        line = self._line()
        if line.startswith(b"{"):
            self._plain(line)
        wall, cpu = map(float, line.split())
        return wall, None if cpu < 0 else cpu

    def end(self) -> None:
        """Kill the process and whatever it started."""
        self._process.end()

    def _request(self, line: str) -> None:
        with suppress(BrokenPipeError):  # it has ended; `_line` reports why
            os.write(self._process.requests, line.encode() + b"\n")

    def _line(self) -> bytes:
        while b"\n" not in self._unread:
            if not select.select([self._process.answers], [], [], ANSWER_S)[0]:
                raise self._error(f"{self.code.name} has not answered for {ANSWER_S:g} s")
            received = os.read(self._process.answers, 65536)
            if not received:
                raise self._error(ended_by_itself(self.code, self._process.stderr))
            self._unread += received
        line, _, self._unread = self._unread.partition(b"\n")
        return line

    def _plain(self, line: bytes) -> dict[str, Any]:
        plain: dict[str, Any] = json.loads(line)
        if plain.get("unfit"):
            raise UnfitEnvironmentError(f"{self.code.name}: {plain['error']}")
        if "error" in plain:
            message = f"{self.code.name}: {plain['error']}"
            if plain.get("missing") and not self.is_candidate:
                raise MissingModelError(message)
            if plain.get("out_of_memory"):
                raise SideError(f"{message} (both sides occupy memory at the same time)")
            raise self._error(message)
        return plain

    def _error(self, message: str) -> SideError:
        return SideError(message, of_candidate=self.is_candidate)


def spec_of(code: Code, case: Case, core: int | None = None) -> dict[str, Any]:
    """Return what a process needs to know to load a version of the code, and to build a case."""
    return {
        "root": code.root,
        "repository": code.repository,
        "tree": code.tree,
        "plugins": code.plugins,
        "case": msgspec.to_builtins(case),
        "inject": code.inject,
        "core": core,
        "cpus": usable_cpus(),
        "threads": case.threads or 1,
    }


def ended_by_itself(code: Code, stderr: IO[bytes]) -> str:
    """Return the message that a process has ended, with the end of what it wrote."""
    stderr.seek(0)
    output = stderr.read().decode(errors="replace").strip()[-1500:]
    return f"{code.name} ended by itself: {output or 'no output'}"


def environment_of(code: Code, threads: int) -> dict[str, str]:
    """Return the environment variables of a side.

    Another Python doesn't get this one's variables for finding modules, except for folders of the
    repository.
    """
    environment = os.environ | thread_variables(threads)
    if code.python != sys.executable:
        environment.pop("PYTHONHOME", None)
        entries = environment.pop("PYTHONPATH", "").split(os.pathsep)
        if code.repository is not None:
            repository = Path(code.repository)
            own = [e for e in entries if e and Path(e).resolve().is_relative_to(repository)]
            environment["PYTHONPATH"] = os.pathsep.join(own)
    return environment
