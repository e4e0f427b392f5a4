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
from ..records.record import Case
from .counts import Facts, facts_of
from .looks import log_ratio

LEAST_TURNS, MOST_TURNS = 96, 1536
"""Turn pairs of a process pair. More than the least only as far as they cost little beside the
starting of the processes: what differs from one process pair to the next, no turn can average."""
TURNS_S, TURNS_SHARE = 1.2, 0.4
"""So long may the turns of a pair last, if they aren't the least: seconds, or that share of what
starting it took, whichever is more. A busy machine starts slowly, and needs more of them."""
DISCARDED = 8
"""First turn pairs, in which caches and clocks settle to the alternation."""
LED = 8
"""Turn pairs after which the other side begins them. Between these changes turns alternate, and at
a change one more forward, of no account, is put in, so that a side never follows itself: in plain
ABBA every second turn finds its own weights in the cache and is a tenth shorter, ratios of turns
have two modes, and their median jumps between them from one pair of processes to the next."""
SIDE = Path(__file__).with_name("side.py")
ANSWER_S = 600.0
"""A side that says nothing for so long is stuck."""


class SideError(KinobenchError):
    """One side of a pair could not do what it was asked.

    Attributes:
        of_candidate: Whether the candidate can't do what the baseline could. Where memory ran out
            that isn't said: both sides hold theirs at the same time.
    """

    def __init__(self, message: str, *, of_candidate: bool = False) -> None:
        """Say what failed, and which side."""
        super().__init__(message)
        self.of_candidate = of_candidate


class MissingModelError(SideError):
    """The baseline has no such network."""


class Code(msgspec.Struct, frozen=True, kw_only=True):
    """A version of the code.

    Attributes:
        name: In messages, as "the baseline".
        root: The checkout of kinobench.
        python: The interpreter, whose environment has what it needs.
        plugins: Files that register networks.
        inject: The share by which each forward is slowed.
        repository: The candidate's, which the plugins import from; None: they lie in none.
        tree: Where this version of it lies.
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
        core: The processor that both were held on; None where they weren't.
    """

    baseline_s: tuple[float, ...]
    candidate_s: tuple[float, ...]
    baseline_cpu_s: tuple[float, ...] | None
    candidate_cpu_s: tuple[float, ...] | None
    core: int | None = None

    @property
    def wall(self) -> float:
        """Return the median log-ratio by the wall clock, or by the GPU's."""
        return log_ratio(self.baseline_s, self.candidate_s)

    @property
    def cpu(self) -> float | None:
        """Return the same by the processor time; None on a GPU."""
        if self.baseline_cpu_s is None or self.candidate_cpu_s is None:
            return None
        return log_ratio(self.baseline_cpu_s, self.candidate_cpu_s)


class Turns(Protocol):
    """A process that makes a forward when it is told to."""

    def turn(self) -> tuple[float, float | None]:
        """Make one; return its seconds on the wall and of the processor."""
        ...


class Side:
    """A fresh process with one version of a network."""

    def __init__(
        self, code: Code, case: Case, core: int | None, *, is_candidate: bool = False
    ) -> None:
        """Start it; it loads by itself, while others do."""
        self.code = code
        self.is_candidate = is_candidate
        threads = case.threads or 1
        self._words = tempfile.TemporaryFile()  # noqa: SIM115 (closed on leaving)
        self._process = subprocess.Popen(
            [code.python, "-P", str(SIDE)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._words,
            env=environment_of(code, threads),
            bufsize=0,
            start_new_session=True,  # Ctrl-C reaches the command, which then ends this process
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._asks, self._answers = self._process.stdin.fileno(), self._process.stdout.fileno()
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
        self._ask(json.dumps(spec))

    def wait_until_built(self) -> None:
        """Wait until the network is there.

        Raises:
            MissingModelError: It is the baseline, and has no network of that name.
            SideError: It can't be built.
            UnfitEnvironmentError: It is no version of its own: it imports from the other.
        """
        self._plain(self._line())

    def ask_to_count(self) -> None:
        """Let it count what its network is; several sides may do so at the same time."""
        self._ask("exact")

    def counted(self) -> Facts:
        """Wait until it has; return what the network counts."""
        return facts_of(self._plain(self._line()))

    def ask_to_settle(self) -> None:
        """Let it make its first forwards; several sides may do so at the same time."""
        self._ask("settle")

    def settled_s(self) -> float:
        """Wait until it has; return how long a forward takes, in seconds."""
        return float(self._plain(self._line())["forward_s"])

    def turn(self) -> tuple[float, float | None]:
        """Make one forward; return its seconds on the wall (of the device on a GPU), and of the
        processor."""
        self._ask("turn")
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
        for stream in (self._process.stdin, self._process.stdout, self._words):
            if stream is not None:
                with suppress(BrokenPipeError):
                    stream.close()

    def _ask(self, word: str) -> None:
        with suppress(BrokenPipeError):  # it is gone; what it answers tells why
            os.write(self._asks, word.encode() + b"\n")

    def _line(self) -> bytes:
        while b"\n" not in self._unread:
            if not select.select([self._answers], [], [], ANSWER_S)[0]:
                raise self._error(f"{self.code.name} has not answered for {ANSWER_S:g} s")
            got = os.read(self._answers, 65536)
            if not got:
                self._words.seek(0)
                words = self._words.read().decode(errors="replace").strip()[-1500:]
                raise self._error(f"{self.code.name} ended by itself: {words or 'without a word'}")
            self._unread += got
        line, _, self._unread = self._unread.partition(b"\n")
        return line

    def _plain(self, line: bytes) -> dict[str, Any]:
        plain: dict[str, Any] = json.loads(line)
        if plain.get("unfit"):
            raise UnfitEnvironmentError(f"{self.code.name}: {plain['error']}")
        if "error" in plain:
            told = f"{self.code.name}: {plain['error']}"
            if plain.get("missing") and not self.is_candidate:
                raise MissingModelError(told)
            if plain.get("out_of_memory"):
                raise SideError(f"{told} (both sides hold their memory at the same time)")
            raise self._error(told)
        return plain

    def _error(self, told: str) -> SideError:
        return SideError(told, of_candidate=self.is_candidate)


def environment_of(code: Code, threads: int) -> dict[str, str]:
    """Return the variables that a side is started with.

    What this Python is told of its modules is no concern of another one, folders of the repository
    aside.
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
    """Start both sides in random order and yield them, and the core that they will share.

    The baseline is always heard first: what only the candidate can't do is thus told of it alone.

    With one thread on a CPU both take their turns on one and the same core, drawn anew for each
    pair: a core that is slower, or busy, is so for both.
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
            sides[True].wait_until_built()  # a new network, too, is to run
            raise
        sides[True].wait_until_built()
        yield sides[False], sides[True], core
    finally:
        for side in sides.values():
            side.end()


def timed_pair(
    baseline: Side, candidate: Side, core: int | None, draw: random.Random, began: float
) -> Pair:
    """Settle both sides and time their turns; `began` is `time.monotonic()` before their start."""
    for side in (baseline, candidate):
        side.ask_to_settle()
    forward_s = max(baseline.settled_s(), candidate.settled_s())  # in this order, see `started`
    turns = turns_of(forward_s, time.monotonic() - began)
    return take_turns(baseline, candidate, turns, core=core, candidate_first=draw.random() < 0.5)


def turns_of(forward_s: float, start_s: float) -> int:
    """Return how many turn pairs a pair of processes makes, with either side first in half.

    Args:
        forward_s: Seconds of one forward.
        start_s: Seconds that starting the pair took.
    """
    affordable = int(max(TURNS_S, TURNS_SHARE * start_s) / (2 * forward_s))
    each_first = affordable // (2 * LED) * (2 * LED)
    return min(max(LEAST_TURNS, each_first), MOST_TURNS)


def take_turns(
    baseline: Turns,
    candidate: Turns,
    turns: int,
    *,
    core: int | None = None,
    candidate_first: bool = False,
) -> Pair:
    """Let two sides make one forward each, `turns` times; both are first as often.

    Every timed forward follows one of the other side.

    Args:
        baseline: The one side, ready.
        candidate: The other.
        turns: Turn pairs that are kept, after the first ones, which are dropped.
        core: What they are held on, for the record.
        candidate_first: Who begins.
    """
    times: dict[bool, list[tuple[float, float | None]]] = {False: [], True: []}
    sides = {False: baseline, True: candidate}
    first = candidate_first
    for turn in range(DISCARDED + turns):
        if turn > 0 and turn % LED == 0:
            sides[first].turn()
            first = not first
        for which in (first, not first):
            times[which].append(sides[which].turn())
    kept = {which: each[DISCARDED:] for which, each in times.items()}
    return Pair(
        baseline_s=tuple(wall for wall, _ in kept[False]),
        candidate_s=tuple(wall for wall, _ in kept[True]),
        baseline_cpu_s=_all([cpu for _, cpu in kept[False]]),
        candidate_cpu_s=_all([cpu for _, cpu in kept[True]]),
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


def _all(values: Sequence[float | None]) -> tuple[float, ...] | None:
    present = [value for value in values if value is not None]
    return tuple(present) if len(present) == len(values) else None
