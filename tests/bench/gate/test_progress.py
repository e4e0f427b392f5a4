"""A check while it runs: each verdict is told as it falls, and an interrupt keeps what there is."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from kinobench.bench.gate import command as gate_command
from kinobench.bench.gate import page as gate_page
from kinobench.bench.gate.page import Report
from kinobench.bench.gate.progress import UNJUDGED, Progress
from kinobench.bench.gate.sides import SideError
from kinobench.bench.gate.verdict import Bench, Checked, Terms, check
from kinobench.bench.records.case import Case

from ...fakes.made_records import made_case
from .test_gate import TERMS, forever, made_bench, made_pair
from .test_page import report, slower


def progress_of(cases: list[Case]) -> tuple[Progress[Checked], list[str]]:
    lines: list[str] = []
    return Progress(cases, lines.append), lines


CASES = [made_case("x3d_tiny"), made_case("c3d_tiny"), made_case("i3d_tiny")]


def test_each_verdict_is_told_once_as_it_falls() -> None:
    bench, _ = made_bench(forever(0.0))
    progress, lines = progress_of(CASES)
    told_before: list[list[str]] = []

    def facts(case: Case) -> Any:
        told_before.append(list(lines))
        if case.model == "c3d_tiny":
            raise SideError("the candidate: RuntimeError: broken")
        return bench.facts(case)

    failing = msgspec.structs.replace(bench, facts=facts)
    found = check(CASES, failing, TERMS, lambda line: None, progress.on_result)
    assert [len(lines) for lines in told_before] == [0, 1, 2]
    assert [line.split(",")[0] for line in lines] == [
        "x3d_tiny: pass",
        "c3d_tiny: inconclusive",
        "i3d_tiny: pass",
    ]
    assert "RuntimeError: broken" in lines[1]
    assert progress.found == tuple(found) and progress.interrupted is None


def interrupted_after(pairs: int, slowdown: float) -> Bench:
    """Return a bench whose later pairs are interrupted."""

    def measured() -> Iterator[Any]:
        for number in range(pairs):
            yield made_pair(slowdown + 0.0001 * (number % 2))
        raise KeyboardInterrupt

    return made_bench(measured())[0]


def test_an_interrupt_keeps_what_was_finished() -> None:
    progress, _ = progress_of(CASES)
    with progress.kept():
        check(CASES, interrupted_after(7, 0.0), TERMS, lambda line: None, progress.on_result)
    assert progress.interrupted == (2, 3)
    shown = report(*progress.found, interrupted=progress.interrupted)
    assert [each.verdict for each in shown.checked] == ["pass", "pass"]
    assert shown.exit_code == 130 and "2 of 3" in shown.summary
    assert gate_page.plain(shown)["exit_code"] == 130
    assert "Interrupted: 2 of 3" in gate_page.markdown(shown)


def test_a_slowdown_that_an_interrupt_left_unconfirmed_is_no_fail() -> None:
    first = msgspec.structs.replace(slower(), second=None)
    progress, lines = progress_of(CASES)
    with progress.kept():
        progress.on_result(msgspec.structs.replace(first, case=CASES[0]), final=False)
        progress.on_result(Checked(case=CASES[1], verdict="new"))
        raise KeyboardInterrupt
    one, other = progress.found
    assert (one.verdict, one.reason, other.verdict) == ("inconclusive", UNJUDGED, "new")
    assert progress.interrupted == (1, 3) and lines[0] == "x3d_tiny: no verdict yet"


def test_an_interrupt_before_anything_is_finished_is_only_that() -> None:
    progress, _ = progress_of(CASES)
    with pytest.raises(KeyboardInterrupt), progress.kept():
        check(CASES, interrupted_after(1, 0.0), Terms(), lambda line: None, progress.on_result)


def test_what_a_report_is_of_is_asked_of_this_machine_and_its_repository() -> None:
    found = gate_command.origin_of([made_case()])
    assert found["environment"].fingerprint and found["started"].endswith("Z")
    assert Report(title="", budget=0.03, **found).candidate == found["candidate"]
