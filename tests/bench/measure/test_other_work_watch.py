"""What else runs while times are taken that have no blocks, on made-up clocks."""

from collections.abc import Iterator

import pytest

from kinobench.bench.machine.other_work import Busy, OtherWork
from kinobench.bench.measure import other_work_watch as watching
from kinobench.bench.measure.other_work_watch import quiet_expected


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, list[float | None]]]:
    """Readings before and after ten seconds, in which this process works for eight."""
    readings: dict[str, list[float | None]] = {"wall": [0.0, 10.0], "own": [1.0, 9.0], "all": []}

    class Time:
        perf_counter = staticmethod(lambda: readings["wall"].pop(0))
        process_time = staticmethod(lambda: readings["own"].pop(0))

    monkeypatch.setattr(watching, "time", Time)
    monkeypatch.setattr(watching, "processors_time_s", lambda: readings["all"].pop(0))
    busy = (Busy(name="stress", pid=7, processors=0.5),)
    other = OtherWork(load=1.0, processors=0.5, busiest=busy, sampled_s=0.5)
    monkeypatch.setattr(watching, "sample_other_work", lambda: other)
    yield readings


def test_other_work_is_noted_with_its_names(clocks: dict[str, list[float | None]]) -> None:
    clocks["all"] = [100.0, 113.0]  # 13 s of all processors, 8 of them this process's
    notes: list[str] = []
    with quiet_expected(notes.append):
        pass
    assert notes == [
        "disturbed: other work used 0.50 processors meanwhile, and this process 0.80 (stress, "
        "pid 7); measure it again while nothing else runs"
    ]


@pytest.mark.parametrize(
    "every", [[100.0, 108.39], [100.0, 107.99], [None, None]], ids=["little", "ticks", "unknown"]
)
def test_what_is_little_or_unknown_is_not_noted(
    clocks: dict[str, list[float | None]], every: list[float | None]
) -> None:
    clocks["all"] = every  # 5 % of 0.8 processors are 0.4 s of ten seconds
    notes: list[str] = []
    with quiet_expected(notes.append):
        pass
    assert notes == []
