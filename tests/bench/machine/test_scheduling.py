"""Counters of the scheduler, read from made trees and from this machine."""

import threading
from pathlib import Path

import pytest

from kinobench.bench.machine.scheduling import Counters, missing, most_waited_s, read_counters


def made_threads(root: Path, *lines: str) -> None:
    for number, line in enumerate(lines, 1):
        folder = root / "proc/self/task" / str(number)
        folder.mkdir(parents=True)
        if line:
            (folder / "schedstat").write_text(line)


def test_the_wait_of_each_thread_is_read(tmp_path: Path) -> None:
    # Time on a processor, time waiting for one, in nanoseconds, and the number of turns.
    made_threads(tmp_path, "54190 1500000000 12\n", "1 250000000 1\n")
    found = read_counters(tmp_path)
    assert found.waited_s == {"1": 1.5, "2": 0.25} and missing(found) == {}


def test_a_thread_that_has_just_ended_is_left_out(tmp_path: Path) -> None:
    made_threads(tmp_path, "54190 1500000000 12\n", "")
    assert read_counters(tmp_path).waited_s == {"1": 1.5}


def waits(**waited_s: float) -> Counters:
    return Counters(0.0, 0.0, waited_s or None, None, None)


def test_the_thread_that_waited_most_counts_and_not_the_sum_over_many() -> None:
    before = waits(**{f"t{number}": 1.0 for number in range(64)})
    little = waits(**{f"t{number}": 1.0625 for number in range(64)})
    assert most_waited_s(before, little) == 0.0625
    # One thread ended meanwhile, and a new one waited a quarter of a second.
    assert most_waited_s(waits(a=5.0, b=1.0), waits(b=1.125, c=0.25)) == 0.25
    assert most_waited_s(waits(), little) is most_waited_s(before, waits()) is None


@pytest.mark.parametrize("lines", [(), ("",), ("0",)])
def test_a_kernel_without_the_counter_gives_none_and_the_reason(
    tmp_path: Path, lines: tuple[str, ...]
) -> None:
    made_threads(tmp_path, *lines)
    found = read_counters(tmp_path)
    assert found.waited_s is None and "schedstat" in missing(found)["time in the run queue"]


def test_touching_new_memory_is_counted_as_faults() -> None:
    import mmap

    before = read_counters()
    if before.minor_faults is None:
        pytest.skip("this system counts no page faults")
    with mmap.mmap(-1, 1000 * mmap.PAGESIZE) as fresh:
        if hasattr(mmap, "MADV_NOHUGEPAGE"):
            fresh.madvise(mmap.MADV_NOHUGEPAGE)
        for page in range(1000):
            fresh[page * mmap.PAGESIZE] = 1
        after = read_counters()
    assert after.minor_faults is not None and after.minor_faults - before.minor_faults >= 1000


def test_the_processor_time_is_that_of_all_threads() -> None:
    before = read_counters()
    thread = threading.Thread(target=lambda: sum(range(3_000_000)))
    thread.start()
    thread.join()
    after = read_counters()
    spent_s = after.processor_s - before.processor_s
    assert spent_s > 0 and after.wall_s > before.wall_s
