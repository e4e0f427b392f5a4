"""A pair of fresh processes that take turns, one forward at a time, over pipes."""

import json
import os
import random
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

import msgspec

from ...datasets.errors import KinobenchError
from ..machine.environment import UnfitEnvironmentError, usable_cpus
from ..machine.threads import thread_variables
from ..records.case import Case
from .counts import Facts, facts_of
from .looks import log_ratio

LEAST_TURNS, MOST_TURNS = 96, 1536
"""Turn pairs of a process pair. There are more than the least only if they cost little compared
with starting the processes: turns can't average out the difference between process pairs."""
TURNS_S, TURNS_SHARE = 1.2, 0.4
"""Longest duration of a pair's turns, if there are more than the least: seconds, or a share of the
time that starting the pair took, whichever is more. A busy machine starts slowly and needs more."""
DISCARDED = 8
"""First turn pairs that don't count: caches and clocks settle in them."""
SWITCH_AFTER = 8
"""Turn pairs after which the other side goes first. Between these switches the turns alternate. At
a switch, one extra forward that isn't counted comes in between, so that a side never follows
itself. In plain ABBA order, every second turn finds its own weights in the cache and is a tenth
shorter; the ratios of turns then have two modes, and their median jumps from one to the other
between pairs of processes."""
SIDE = Path(__file__).with_name("side.py")
ANSWER_S = 600.0
"""A side that gives no answer for so long is stuck."""


class SideError(KinobenchError):
    """One side of a pair has failed.

    Attributes:
        of_candidate: True if the candidate fails where the baseline doesn't. False if memory ran
            out, because both sides occupy memory at the same time.
    """

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


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """Times of the turns of one pair of processes, in seconds; the i-th of each are neighbours.

    Attributes:
        baseline_s, candidate_s: Times by the wall clock, or by the GPU's.
        baseline_cpu_s, candidate_cpu_s: Processor time; None on a GPU.
        core: The core that both processes were bound to; None if they weren't.
    """

    baseline_s: tuple[float, ...]
    candidate_s: tuple[float, ...]
    baseline_cpu_s: tuple[float, ...] | None
    candidate_cpu_s: tuple[float, ...] | None
    core: int | None = None

    @property
    def wall(self) -> float:
        """The median log-ratio by the wall clock, or by the GPU's."""
        return log_ratio(self.baseline_s, self.candidate_s)

    @property
    def cpu(self) -> float | None:
        """The median log-ratio by the processor time; None on a GPU."""
        if self.baseline_cpu_s is None or self.candidate_cpu_s is None:
            return None
        return log_ratio(self.baseline_cpu_s, self.candidate_cpu_s)


class Turns(Protocol):
    """A process that makes one forward on request."""

    def turn(self) -> tuple[float, float | None]:
        """Make one forward; return its seconds by the wall clock and of processor time."""
        ...


class Side:
    """A fresh process with one version of a network."""

    def __init__(
        self, code: Code, case: Case, core: int | None, *, is_candidate: bool = False
    ) -> None:
        """Start the process; it loads in the background, so several can load at the same time."""
        self.code = code
        self.is_candidate = is_candidate
        threads = case.threads or 1
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 (closed in `end`)
        self._process = subprocess.Popen(
            [code.python, "-P", str(SIDE)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            env=environment_of(code, threads),
            bufsize=0,
            start_new_session=True,  # Ctrl-C reaches only the command, which ends this process
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._requests, self._answers = self._process.stdin.fileno(), self._process.stdout.fileno()
        self._unread = b""
        spec = {
            "root": code.root,
            "repository": code.repository,
            "tree": code.tree,
            "plugins": code.plugins,
            "case": msgspec.to_builtins(case),
            "inject": code.inject,
            "core": core,
            "threads": threads,
        }
        self._request(json.dumps(spec))

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
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._stderr):
            if stream is not None:
                with suppress(BrokenPipeError):
                    stream.close()

    def _request(self, line: str) -> None:
        with suppress(BrokenPipeError):  # it has ended; `_line` reports why
            os.write(self._requests, line.encode() + b"\n")

    def _line(self) -> bytes:
        while b"\n" not in self._unread:
            if not select.select([self._answers], [], [], ANSWER_S)[0]:
                raise self._error(f"{self.code.name} has not answered for {ANSWER_S:g} s")
            received = os.read(self._answers, 65536)
            if not received:
                self._stderr.seek(0)
                output = self._stderr.read().decode(errors="replace").strip()[-1500:]
                raise self._error(f"{self.code.name} ended by itself: {output or 'no output'}")
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


@contextmanager
def started(
    baseline: Code, candidate: Code, case: Case, draw: random.Random
) -> Iterator[tuple[Side, Side, int | None]]:
    """Start both sides in random order; yield baseline, candidate and the core that they share.

    The baseline's answer is always read first, so an error of the candidate's means that only the
    candidate fails.

    With one thread on a CPU, both take their turns on the same core, drawn again for each pair: if
    that core is slow or busy, it is so for both.
    """
    core = None
    if case.device == "cpu" and (case.threads or 1) == 1 and hasattr(os, "sched_setaffinity"):
        core = draw.choice(usable_cpus())
    sides: dict[bool, Side] = {}
    try:
        for which in draw.sample((True, False), 2):
            code = candidate if which else baseline
            sides[which] = Side(code, case, core, is_candidate=which)
        try:
            sides[False].wait_until_built()
        except MissingModelError:
            sides[True].wait_until_built()  # a new network must run, too
            raise
        sides[True].wait_until_built()
        yield sides[False], sides[True], core
    finally:
        for side in sides.values():
            side.end()


def timed_pair(
    baseline: Side, candidate: Side, core: int | None, draw: random.Random, began: float
) -> Pair:
    """Settle both sides and time their turns; `began` is `time.monotonic()` before the start."""
    for side in (baseline, candidate):
        side.ask_to_settle()
    forward_s = max(baseline.settled_s(), candidate.settled_s())  # in this order, see `started`
    turns = turns_of(forward_s, time.monotonic() - began)
    return take_turns(baseline, candidate, turns, core=core, candidate_first=draw.random() < 0.5)


def turns_of(forward_s: float, start_s: float) -> int:
    """Return the number of turn pairs of a pair of processes; each side goes first in half.

    Args:
        forward_s: Seconds of one forward.
        start_s: Seconds that it took to start the pair.
    """
    affordable = int(max(TURNS_S, TURNS_SHARE * start_s) / (2 * forward_s))
    each_first = affordable // (2 * SWITCH_AFTER) * (2 * SWITCH_AFTER)
    return min(max(LEAST_TURNS, each_first), MOST_TURNS)


def take_turns(
    baseline: Turns,
    candidate: Turns,
    turns: int,
    *,
    core: int | None = None,
    candidate_first: bool = False,
) -> Pair:
    """Let two sides make one forward each, `turns` times; each side goes first in half of them.

    Every timed forward follows one of the other side.

    Args:
        baseline: The baseline, settled.
        candidate: The candidate, settled.
        turns: Turn pairs that count; the `DISCARDED` before them don't.
        core: The core that both are bound to, for the result.
        candidate_first: True if the candidate goes first at the beginning.
    """
    times: dict[bool, list[tuple[float, float | None]]] = {False: [], True: []}
    sides = {False: baseline, True: candidate}
    first = candidate_first
    for turn in range(DISCARDED + turns):
        if turn > 0 and turn % SWITCH_AFTER == 0:
            sides[first].turn()
            first = not first
        for which in (first, not first):
            times[which].append(sides[which].turn())
    kept = {which: each[DISCARDED:] for which, each in times.items()}
    return Pair(
        baseline_s=tuple(wall for wall, _ in kept[False]),
        candidate_s=tuple(wall for wall, _ in kept[True]),
        baseline_cpu_s=_if_complete([cpu for _, cpu in kept[False]]),
        candidate_cpu_s=_if_complete([cpu for _, cpu in kept[True]]),
        core=core,
    )


def measured_pair(baseline: Code, candidate: Code, case: Case, draw: random.Random) -> Pair:
    """Start a pair of fresh processes, and time their turns."""
    began = time.monotonic()
    with started(baseline, candidate, case, draw) as (one, other, core):
        return timed_pair(one, other, core, draw, began)


def exact_facts(
    baseline: Code, candidate: Code, case: Case, draw: random.Random
) -> tuple[Facts, Facts]:
    """Count both sides, in processes of their own, at the same time."""
    with started(baseline, candidate, case, draw) as (one, other, _):
        for side in (one, other):
            side.ask_to_count()
        return one.counted(), other.counted()


def _if_complete(values: Sequence[float | None]) -> tuple[float, ...] | None:
    present = [value for value in values if value is not None]
    return tuple(present) if len(present) == len(values) else None
