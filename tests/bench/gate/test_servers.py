"""Servers of both sides: what they fork, when they are renewed, and that nothing stays behind."""

import contextlib
import io
import json
import os
import random
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import IO

import psutil
import pytest

from kinobench.bench.gate import command as gate_command
from kinobench.bench.gate import servers as gate_servers
from kinobench.bench.gate import side_server
from kinobench.bench.gate.servers import MOST_FORKS, Forked, Servers
from kinobench.bench.gate.sides import SIDE, Code, MissingModelError, Side, SideError
from kinobench.bench.gate.turns import Two, built, exact_facts, measured_pair
from kinobench.bench.records.case import Case

from ...fakes.made_records import made_case
from .test_gate import PLUGIN

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has servers")
THREAD = """
import threading
threading.Thread(target=threading.Event().wait, daemon=True).start()
"""


def code_of(folder: Path, name: str, first: str = "pass", top: str = "") -> Code:
    file = folder / f"{name}.py"
    file.write_text(top + PLUGIN.format(first=first))
    return Code(name=f"the {name}", root=str(gate_command.CHECKOUT), plugins=(str(file),))


def process_of(side: Side) -> psutil.Process:
    forked = side._process
    assert isinstance(forked, Forked)
    return psutil.Process(forked._pid)


def has_ended(*processes: psutil.Process) -> bool:
    return not psutil.wait_procs(processes, timeout=60)[1]


@linux
def test_a_pair_is_forked_counted_and_timed_and_nothing_stays_behind(tmp_path: Path) -> None:
    sides = code_of(tmp_path, "baseline"), code_of(tmp_path, "candidate")
    case, draw = made_case("plugged"), random.Random(0)
    before = psutil.Process().children(recursive=True)
    with Servers(*sides, draw) as servers:
        assert servers.forks(case)
        one, other = exact_facts(servers.to_count, case)
        assert one == other and one.params == 3 * case.classes + case.classes
        assert servers._present is not None and servers._present.pairs == 0  # counting times none
        pairs = [measured_pair(servers.to_time, case, draw) for _ in range(2)]
        assert pairs[0].server == 1 and len(pairs[0].baseline_s) >= 32
        assert all(pair.core in os.sched_getaffinity(0) for pair in pairs)
        with servers.to_count(case) as two:
            first = [process_of(two.baseline), process_of(two.candidate)]
        with servers.to_count(case) as two:
            second = [process_of(two.baseline), process_of(two.candidate)]
            assert has_ended(*first) and {each.pid for each in first}.isdisjoint(
                each.pid for each in second
            )
            assert all(each.cpu_affinity() == psutil.Process().cpu_affinity() for each in second)
            started = set(psutil.Process().children(recursive=True)) - set(before)
    assert len(started) >= 4 and has_ended(*started)


@linux
def test_forks_end_with_a_server_that_dies_and_the_next_pair_has_others(tmp_path: Path) -> None:
    sides = code_of(tmp_path, "baseline"), code_of(tmp_path, "candidate")
    case = made_case("plugged")
    with Servers(*sides, random.Random(0)) as servers:
        with servers.to_count(case) as two:
            process = process_of(two.candidate)
            assert servers._present is not None
            psutil.Process(process.ppid()).kill()
            assert has_ended(process)
            with pytest.raises(SideError, match="the candidate ended by itself") as raised:
                two.candidate.settled_s()
            assert raised.value.of_candidate
        with servers.to_count(case) as two:
            assert two.server == 2


@linux
def test_a_network_that_only_the_candidate_has_is_missing(tmp_path: Path) -> None:
    without = Code(name="the baseline", root=str(gate_command.CHECKOUT))
    sides = without, code_of(tmp_path, "candidate")
    with (
        Servers(*sides, random.Random(0)) as servers,
        pytest.raises(MissingModelError, match="the baseline: no model is named 'plugged'"),
    ):
        exact_facts(servers.to_count, made_case("plugged"))


class Answering:
    """A process that has given one answer."""

    def __init__(self, answer: bytes) -> None:
        self._read, self.requests = os.pipe()
        self.answers, write = os.pipe()
        os.write(write, answer)
        os.close(write)
        self.stderr: IO[bytes] = io.BytesIO()

    def end(self) -> None:
        for each in (self._read, self.requests, self.answers):
            os.close(each)


def test_a_new_network_whose_server_has_died_is_not_passed_as_new() -> None:
    def process_of(candidate: bool) -> Answering:
        if candidate:
            raise SideError("the candidate ended by itself", of_candidate=True)
        return Answering(b'{"error": "no such model", "missing": true}\n')

    code = Code(name="it", root="")
    sides = {False: code, True: code}
    with (
        pytest.raises(SideError, match="the candidate ended by itself") as raised,
        built(sides, made_case(), None, process_of, random.Random(0)),
    ):
        pass
    assert raised.value.of_candidate and not isinstance(raised.value, MissingModelError)


@linux
def test_a_fork_that_dies_is_reported_with_its_last_words(tmp_path: Path) -> None:
    dies = "import os, sys; print('no more', file=sys.stderr, flush=True); os._exit(3)"
    sides = code_of(tmp_path, "baseline"), code_of(tmp_path, "candidate", first=dies)
    with Servers(*sides, random.Random(0)) as servers:
        with pytest.raises(SideError, match="the candidate ended by itself: no more") as raised:
            exact_facts(servers.to_count, made_case("plugged"))
        assert raised.value.of_candidate


@linux
@pytest.mark.slow
@pytest.mark.parametrize(
    ("top", "said"),
    [("1 / 0\n", "ZeroDivisionError"), ("import os; os._exit(3)\n", "ended by itself")],
)
def test_a_plugin_that_fails_when_it_is_loaded_fails_every_pair(
    tmp_path: Path, top: str, said: str
) -> None:
    sides = code_of(tmp_path, "baseline"), code_of(tmp_path, "candidate", top=top)
    with Servers(*sides, random.Random(0)) as servers:
        for _ in range(2):
            with pytest.raises(SideError, match=said) as raised:
                exact_facts(servers.to_count, made_case("plugged"))
            assert raised.value.of_candidate


@linux
def test_a_server_with_threads_is_not_forked(tmp_path: Path) -> None:
    sides = code_of(tmp_path, "baseline", top=THREAD), code_of(tmp_path, "candidate")
    case = made_case("plugged")
    with Servers(*sides, random.Random(0)) as servers:
        with servers.to_count(case) as two:
            assert two.server is None
        assert not servers.forks(case)


@linux
def test_a_server_ends_when_the_command_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    code = Code(name="it", root=str(gate_command.CHECKOUT))
    server = gate_servers.Server(code, made_case(), is_candidate=False, cpus=[0])
    process = psutil.Process(server._process.pid)
    server._socket.close()
    server._process.wait(timeout=120)
    assert has_ended(process)
    killed: list[int] = []
    monkeypatch.setattr(os, "killpg", lambda group, signal: killed.append(group))
    server.end()
    assert killed == []  # its id may be another process's by now


@linux
def test_forks_end_when_the_command_is_gone() -> None:
    code = Code(name="it", root=str(gate_command.CHECKOUT))
    cpus = sorted(os.sched_getaffinity(0))
    server = gate_servers.Server(code, made_case(), is_candidate=False, cpus=cpus)
    try:
        forked = Forked(server, "c3d_tiny")
        process = psutil.Process(forked._pid)
        server._socket.close()  # its pipes stay open: the end of stdin doesn't end it
        assert has_ended(process)
        forked._close()
    finally:
        server.end()


@linux
def test_a_server_that_does_not_answer_is_killed_because_its_answer_would_come_late(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gate_servers, "ANSWER_S", 0.0)
    code = Code(name="it", root=str(gate_command.CHECKOUT))
    cpus = sorted(os.sched_getaffinity(0))
    server = gate_servers.Server(code, made_case(), is_candidate=True, cpus=cpus)
    try:
        with pytest.raises(SideError, match="it has not answered for 0 s"):
            server.fork("c3d_tiny", ())
        assert not server.is_alive
    finally:
        server.end()


@linux
def test_a_process_that_the_system_refuses_is_an_answer_and_no_end_of_the_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse() -> int:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", refuse)
    monkeypatch.setattr(side_server, "_threads", lambda: 1)
    monkeypatch.setattr(side_server, "gc", SimpleNamespace(collect=int, freeze=int))
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, Path(os.devnull).open() as file:
        ours.send(json.dumps({"case": {"model": "it"}, "cpus": [0]}).encode())
        socket.send_fds(ours, [json.dumps({"model": "it"}).encode()], 3 * [file.fileno()])
        ours.shutdown(socket.SHUT_WR)
        side_server.serve(theirs.detach(), dict, lambda *_: None, lambda _: None)
        answers = [json.loads(ours.recv(4096)) for _ in range(2)]
    assert answers == [{"threads": 1}, {"error": "[Errno 11] Resource temporarily unavailable"}]


@linux
def test_a_process_that_the_system_refuses_is_no_fault_of_the_candidate() -> None:
    server = object.__new__(gate_servers.Server)
    server.code, server.is_candidate = Code(name="the candidate", root=""), True
    server._threads = 1
    server._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with server._socket, theirs:
        theirs.send(json.dumps({"error": "[Errno 12] Cannot allocate memory"}).encode())
        with pytest.raises(SideError, match=r"the candidate can't be forked: \[Errno 12") as raised:
            server.fork("it", ())
    assert not raised.value.of_candidate


RENEWED = """
import ctypes, importlib.util, json, os, random, sys
spec = importlib.util.spec_from_file_location("side_server", sys.argv[1])
side_server = importlib.util.module_from_spec(spec)
spec.loader.exec_module(side_server)
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
found = []
for seed in range(8):
    read, write = os.pipe()
    if os.fork() == 0:
        if sys.argv[2] == "renew":
            side_server.renew_heap(random.Random(seed))
        places = [libc.malloc(ctypes.c_size_t(size)) for size in (100_000, 4_000_000)]
        os.write(write, json.dumps(places).encode())
        os._exit(0)
    os.close(write)
    found.append(json.loads(os.read(read, 1000)))
    os.wait()
print(json.dumps(found))
"""


@linux
@pytest.mark.parametrize(("way", "least"), [("renew", 6), ("leave", 1)])
def test_the_heap_of_each_fork_has_its_blocks_elsewhere(way: str, least: int) -> None:
    program = [sys.executable, "-c", RENEWED, str(SIDE.with_name("side_server.py")), way]
    found = json.loads(subprocess.run(program, capture_output=True, check=True).stdout)
    for places in zip(*found, strict=True):
        assert len(set(places)) >= least
        assert least > 1 or len(set(places)) == 1


class FakePair:
    """A server pair that loads when the test says so."""

    loaded = False

    def __init__(self, codes: object, case: Case, number: int, draw: random.Random) -> None:
        self.number, self.threads, self.pairs = number, case.threads or 1, 0
        self.servers: dict[bool, None] = {}
        self.cpus: list[object] = []
        self.ended, self.is_alive = False, True

    @property
    def is_loaded(self) -> bool:
        return self.loaded

    def keep_to(self, cpus: object) -> None:
        self.cpus.append(cpus)

    def end(self) -> None:
        self.ended = True


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Servers]:
    """Makes servers whose processes are fakes, on so many cores."""

    @contextlib.contextmanager
    def built(*arguments: object) -> Iterator[tuple[str, str]]:
        yield "one", "other"

    def make(cpus: int = 2, *, loaded: bool = False, forks: bool = True) -> Servers:
        monkeypatch.setattr(FakePair, "loaded", loaded)
        monkeypatch.setattr(gate_servers, "ServerPair", FakePair)
        monkeypatch.setattr(gate_servers, "built", built)
        monkeypatch.setattr(gate_servers, "usable_cpus", lambda: list(range(cpus)))
        monkeypatch.setattr(
            gate_servers, "core_for", lambda case, draw: 0 if (case.threads or 1) == 1 else None
        )
        monkeypatch.setattr(gate_servers, "may_fork", lambda: forks)
        monkeypatch.setattr(
            gate_servers,
            "started",
            lambda *sides: lambda case: contextlib.nullcontext(Two("one", "other", 0)),
        )
        code = Code(name="it", root="")
        return Servers(code, code, random.Random(0))

    return make


def numbers(servers: Servers, pairs: int, case: Case | None = None) -> list[int | None]:
    """Return the server pair of each of some pairs."""
    found = []
    for _ in range(pairs):
        with servers.to_time(case or made_case()) as two:
            found.append(two.server)
    return found


def test_a_server_pair_times_a_few_pairs_while_the_next_one_loads_on_the_other_core(
    fake: Callable[..., Servers],
) -> None:
    servers = fake()
    assert numbers(servers, 1) == [1]
    loading = servers._next
    assert isinstance(loading, FakePair) and loading.cpus == [[1]]
    assert numbers(servers, 2 * MOST_FORKS) == [1] * (MOST_FORKS - 1) + [2] * MOST_FORKS + [3]
    # It had not loaded when it was needed, and no pair is timed while it does: it gets all cores.
    assert loading.cpus[MOST_FORKS] == [0, 1] and loading.ended


def test_servers_that_have_loaded_are_taken_at_once(fake: Callable[..., Servers]) -> None:
    assert numbers(fake(loaded=True), 4) == [1, 2, 3, 4]


@pytest.mark.parametrize(("cpus", "threads"), [(1, 1), (4, 2)])
def test_on_a_single_core_or_with_threads_nothing_loads_while_a_pair_is_timed(
    fake: Callable[..., Servers], cpus: int, threads: int
) -> None:
    servers = fake(cpus, loaded=True)
    found = numbers(servers, MOST_FORKS + 1, made_case(threads=threads))
    assert found == [1] * MOST_FORKS + [2] and servers._next is None


def test_renewed_servers_have_timed_nothing(fake: Callable[..., Servers]) -> None:
    servers = fake()
    servers.renew()
    assert numbers(servers, 1) == [1]
    before = servers._present
    servers.renew()
    servers.renew()  # these have timed nothing
    assert numbers(servers, 1) == [2] and isinstance(before, FakePair) and before.ended


def test_counting_is_no_pair(fake: Callable[..., Servers]) -> None:
    servers = fake()
    for _ in range(MOST_FORKS + 1):
        with servers.to_count(made_case()) as two:
            assert two.server == 1
    assert servers._next is None and numbers(servers, 1) == [1]


def test_other_thread_counts_need_other_servers(fake: Callable[..., Servers]) -> None:
    servers = fake()
    found = numbers(servers, 1) + numbers(servers, 1, made_case(threads=2))
    assert found == [1, 3] and servers._next is None  # the second was loading


def test_where_forking_is_impossible_both_processes_are_fresh(
    fake: Callable[..., Servers],
) -> None:
    servers = fake(forks=False)
    assert not servers.forks(made_case()) and numbers(servers, 2) == [None, None]
    assert servers._present is None
    assert not fake().forks(made_case(device="cuda"))


def test_leaving_ends_the_servers_that_are_loading_too(fake: Callable[..., Servers]) -> None:
    with pytest.raises(KeyboardInterrupt), fake() as servers:
        numbers(servers, 1)
        both = servers._present, servers._next
        raise KeyboardInterrupt
    assert all(isinstance(each, FakePair) and each.ended for each in both)
