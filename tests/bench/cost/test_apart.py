"""Work in a process of its own changes nothing here, and its errors come back as they are."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
import torch

from kinobench.bench.cost.apart import DiedApartError, HungApartError, apart, can_be_apart
from kinobench.datasets.errors import KinobenchError, UnknownNameError

pytestmark = pytest.mark.skipif(not can_be_apart(), reason="processes can't be forked here")

kept: list[int] = []


class Picky(Exception):
    """An error that its arguments alone can't make."""

    def __init__(self, *, where: str) -> None:
        super().__init__(f"not {where}")


def test_the_result_comes_back_and_the_change_does_not() -> None:
    def work() -> list[int]:
        kept.append(os.getpid())
        torch.set_default_dtype(torch.float64)
        return kept

    (other,) = apart(work, list[int])
    assert other != os.getpid() and kept == []
    assert torch.get_default_dtype() == torch.float32


def test_it_has_one_thread_and_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    def work() -> int:
        print("printed by the network")
        return torch.get_num_threads()

    print("before", end="")  # in a buffer, which must not come twice
    assert apart(work, int) == 1
    sys.stdout.flush()
    assert capfd.readouterr().out == "before"


def test_a_process_that_waits_for_what_never_comes_is_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("kinobench.bench.cost.apart.IDLE", 1)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(int).result()  # its thread is there, and not in a fork
        with pytest.raises(HungApartError, match=r"threads that it started before.*in the forward"):
            apart(lambda: pool.submit(int).result(), int)


def test_a_process_that_works_on_or_waits_for_its_own_is_not_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("kinobench.bench.cost.apart.IDLE", 1)
    assert apart(lambda: subprocess.run(["sleep", "2.5"], check=False).returncode, int) == 0


def test_a_large_result_is_whole() -> None:
    assert apart(lambda: {str(n): n for n in range(100_000)}, dict[str, int])["99999"] == 99_999


def test_an_error_comes_back_as_itself_with_its_traceback() -> None:
    def fail() -> int:
        raise UnknownNameError("model", "c3e", ["c3d"])

    with pytest.raises(UnknownNameError, match="did you mean 'c3d'") as caught:
        apart(fail, int)
    there = str(caught.value.__cause__)
    assert "in fail" in there and "test_apart.py" in there


def test_an_error_comes_back_without_its_init() -> None:
    def fail() -> int:
        raise Picky(where="here")

    with pytest.raises(Picky, match="not here"):
        apart(fail, int)


def test_an_error_that_cannot_be_sent_is_sent_as_text() -> None:
    class Local(Exception):
        pass

    class Refused(KinobenchError):
        pass

    def fail(kind: type[Exception]) -> int:
        raise kind("of this test")

    with pytest.raises(RuntimeError, match="Local: of this test"):
        apart(lambda: fail(Local), int)
    with pytest.raises(KinobenchError, match=r"^of this test"):
        apart(lambda: fail(Refused), int)


@pytest.mark.parametrize(
    ("end", "message"),
    [
        (lambda: os.kill(os.getpid(), signal.SIGSEGV), "died of SIGSEGV; a library"),
        (lambda: os.kill(os.getpid(), signal.SIGKILL), "was killed, as when memory runs out"),
        (lambda: os._exit(0), "ended without a result"),
    ],
)
def test_a_process_that_dies_is_a_clear_error(end: object, message: str) -> None:
    def work() -> int:
        end()  # type: ignore[operator]
        return 1

    with pytest.raises(DiedApartError, match=message) as caught:
        apart(work, int)
    assert isinstance(caught.value, KinobenchError)


def test_no_process_is_left_behind() -> None:
    before = psutil.Process().children()
    apart(lambda: 1, int)
    with pytest.raises(DiedApartError):
        apart(lambda: os._exit(3), int)
    assert psutil.Process().children() == before


def test_what_it_has_started_does_not_keep_the_result_waiting() -> None:
    def work() -> int:
        child = os.fork()
        if child == 0:  # it keeps the pipe open
            signal.pause()
        return child

    os.kill(apart(work, int), signal.SIGKILL)
