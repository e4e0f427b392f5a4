"""The process that forks the processes of cases."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from kinobench.bench.records.job import Budget, Built, Finished, Job, Measured, Note
from kinobench.bench.run import fork_server_process
from kinobench.bench.run import process as runner
from kinobench.bench.run.fork_server import ForkServer, may_fork

from ...fakes.made_records import made_case

pytestmark = pytest.mark.skipif(not may_fork(), reason="forks on Linux alone")

CASE = made_case("early_fusion_tiny", threads=1)


@pytest.fixture(scope="module")
def server() -> Iterator[ForkServer]:
    (found,) = runner.fork_servers_for([CASE, CASE], 1)
    yield found
    found.close()


def job_of(folder: Path, **changes: object) -> Job:
    job = Job(
        case=CASE,
        measures=("flops", "memory", "latency"),
        budget=Budget(processes=1, min_s=0.05, max_s=0.1, warmup_max_s=0.1),
        results=str(folder),
        predictions="none",
    )
    return msgspec.structs.replace(job, **changes)


def alive(pid: int) -> bool:
    """Tell whether there is such a process that has not ended."""
    try:
        return f"{pid} (" in (stat := Path(f"/proc/{pid}/stat").read_text()) and ") Z" not in stat
    except OSError:
        return False


def wait_until(condition: object, seconds: float = 20.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():  # type: ignore[operator]
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize(
    "measures",
    [("flops", "latency"), pytest.param(("flops", "memory", "latency"), marks=pytest.mark.slow)],
)
def test_a_forked_process_measures_what_a_fresh_one_does(
    server: ForkServer, tmp_path: Path, measures: tuple[str, ...]
) -> None:
    found = []
    started = [runner.Worker(CASE, each) for each in (server, None)]
    for each in started:
        with each as worker:
            events = list(worker.events(job_of(tmp_path, measures=measures)))
        assert isinstance(events[-1], Finished)
        (built,) = (event for event in events if isinstance(event, Built))
        measured = [event for event in events if isinstance(event, Measured)]
        (cost,) = (event.cost for event in measured if event.cost is not None)
        weights = [event.memory.weights_bytes for event in measured if event.memory is not None]
        assert len(weights) == ("memory" in measures)
        assert any(event.latency is not None for event in measured)
        assert not [event for event in events if isinstance(event, Note) and "error" in event.text]
        found.append((built, cost, weights))
    assert found[0] == found[1]


def test_each_case_has_a_process_and_a_session_of_its_own(server: ForkServer) -> None:
    with runner.Worker(CASE, server) as one, runner.Worker(CASE, server) as other:
        assert len({one.process.pid, other.process.pid, os.getpid()}) == 3
        assert wait_until(lambda: os.getsid(one.process.pid) == one.process.pid)
        assert one.process.poll() is None
    assert one.process.poll() == -signal.SIGKILL
    assert not alive(one.process.pid) and not alive(other.process.pid)


def test_another_networks_case_is_forked_with_that_networks_libraries(
    server: ForkServer, tmp_path: Path
) -> None:
    other = made_case("mvit_tiny", threads=1)
    with runner.Worker(CASE, server) as held, runner.Worker(other, server) as worker:
        events = list(worker.events(job_of(tmp_path, case=other, measures=("flops",))))
        assert held.process.poll() is None
    (cost,) = (e.cost for e in events if isinstance(e, Measured) and e.cost is not None)
    assert isinstance(events[-1], Finished) and cost.macs > 0


def test_libraries_start_no_thread_that_a_fork_would_lack() -> None:
    code = """
import os
from kinobench.bench.run.worker import load_libraries
load_libraries("early_fusion_tiny")
before = len(os.listdir("/proc/self/task"))
for model in ("timesformer_tiny", "vjepa2_tiny", "mvit_tiny"):
    load_libraries(model)
assert "transformers.models.vjepa2.modeling_vjepa2" in __import__("sys").modules
assert len(os.listdir("/proc/self/task")) == before
"""
    environment = os.environ | {"OMP_NUM_THREADS": "2"}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, timeout=120)


def test_libraries_that_fail_to_load_end_no_other_case(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(model: str | None) -> None:
        raise ImportError(model)

    monkeypatch.setattr(fork_server_process.worker, "load_libraries", broken)
    fork_server_process._load("mvit_tiny")


def test_how_a_process_ended_is_known(server: ForkServer) -> None:
    with runner.Worker(CASE, server) as worker:
        os.kill(worker.process.pid, signal.SIGSEGV)
        assert worker.process.wait() == -signal.SIGSEGV
    with runner.Worker(CASE, server) as worker:
        assert worker.process.stdin is not None
        worker.process.stdin.close()  # no case was left for it
        assert worker.process.wait() == 0


_IDLE = """
from kinobench.bench.cli import main
from kinobench.bench.run import worker

worker.load_libraries = lambda model: None
main()
"""


def idle_server() -> ForkServer:
    """Start a server that loads no libraries, for tests of how it ends."""
    return ForkServer([sys.executable, "-c", _IDLE, "worker"], CASE.model, os.environ)


def test_when_the_server_is_gone_its_processes_are_and_others_start_without_it() -> None:
    found = idle_server()
    held = runner.Worker(CASE, found)
    os.kill(found._process.pid, signal.SIGKILL)
    assert held.process.wait() == -signal.SIGKILL
    assert wait_until(lambda: not alive(held.process.pid))
    held.__exit__()
    with runner.Worker(CASE, found) as worker:
        assert worker.process.poll() is None and worker.process.pid != held.process.pid
    found.close()


ENDS_AT_ONCE = """
import json, os, socket, sys

answers = socket.socket(fileno=int(sys.argv[sys.argv.index("--fork-server") + 1]))
number = 0
while True:
    request, handed, _, _ = socket.recv_fds(answers, 4096, 3)
    if not request:
        break
    for each in handed:
        os.close(each)
    number += 1
    both = {"forked": number}, {"ended": number, "status": 3 << 8}
    answers.sendall("".join(json.dumps(each) + chr(10) for each in both).encode())
"""


def test_a_process_that_ends_at_once_is_known_to_have_ended(tmp_path: Path) -> None:
    server = ForkServer([sys.executable, "-c", ENDS_AT_ONCE], "c3d_tiny", os.environ)
    with (tmp_path / "stderr").open("wb") as stderr:
        for _ in range(100):
            made = server.fork("c3d_tiny", stderr)
            assert made is not None and made.stdin is not None and made.stdout is not None
            assert wait_until(lambda made=made: made.poll() is not None, seconds=5)
            assert made.wait() == 3
            made.stdin.close()
            made.stdout.close()
    server.close()
    server.close()  # its socket is gone by now


def test_closing_ends_what_it_still_has_and_itself() -> None:
    found = idle_server()
    held = runner.Worker(CASE, found)
    found.close()
    assert wait_until(lambda: not alive(held.process.pid)) and not alive(found._process.pid)
    held.__exit__()


@pytest.mark.parametrize(
    "cases",
    [
        [CASE],
        [CASE, made_case("c3d_tiny", threads=2)],
        [CASE, made_case("c3d_tiny", threads=1, device="cuda")],
    ],
)
def test_other_cases_are_started_each_by_itself(cases: list[object]) -> None:
    assert runner.fork_servers_for(cases, 3) == []  # type: ignore[arg-type]


def test_no_other_system_forks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert runner.fork_servers_for([CASE, CASE], 3) == []


def test_a_server_loads_when_it_is_asked_and_says_when_it_has_done_so() -> None:
    (found,) = runner.fork_servers_for([CASE, CASE], 1)
    try:
        for model in ("c3d_tiny", "x" * 100_000):  # an endless name is no request of its own
            found.load(model)
        assert found._loading > 0
        found.wait_until_loaded()
        assert found._loading == 0
        with runner.Worker(CASE, found) as worker:
            worker.wait_until_loaded()
            assert worker.process.poll() is None
        found._process.kill()
        found.load("c3d_tiny")
        found.wait_until_loaded()  # it is gone, and nobody waits for ever
    finally:
        found.close()
