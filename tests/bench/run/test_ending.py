"""The last line of a run."""

import sys
from pathlib import Path
from typing import Any

import pytest

from kinobench.bench.records.record import Record
from kinobench.bench.run import ending
from kinobench.bench.run.planned import Planned

from ...fakes.made_records import failed_record, made_accuracy, made_record

RUN = "20260101T000000Z-000000"


@pytest.fixture(autouse=True)
def _called(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["kinobench", "run", "my suite.toml", "--fresh"])


def trained(model: str, **changes: Any) -> Record:
    return made_record(model, {"weights": "pointlight"}, **changes)


@pytest.mark.parametrize(
    ("records", "following"),
    [
        ([trained("a"), trained("b")], "kinobench leaderboard --pareto latency,top1"),
        ([trained("a"), made_record("b")], "kinobench leaderboard"),  # one of them is trained
        ([trained("a", latency=None), trained("b")], "kinobench leaderboard"),
        ([trained("a")], "kinobench analyse a"),
        ([trained("my a; b")], "kinobench analyse 'my a; b'"),
        ([made_record("a")], "kinobench leaderboard"),
        (
            [trained("a"), failed_record("b"), failed_record("c")],
            "kinobench run 'my suite.toml' --resume (measures the 2 failed cases again)",
        ),
    ],
)
def test_the_next_command_is_one_that_helps(records: list[Record], following: str) -> None:
    shown = ending.stored(records, RUN, Path("results"))
    assert shown == f"Stored in results/runs/{RUN}.jsonl; next: {following}"


def test_other_scores_and_another_folder_are_named() -> None:
    accuracy = made_accuracy(None, scoring="map", map=0.5)
    records = [trained("a", accuracy=accuracy), trained("b", accuracy=accuracy)]
    shown = ending.stored(records, RUN, Path("my results"))
    assert shown.endswith("leaderboard --pareto latency,score --results 'my results'")
    assert ending.stored(records, "another", Path("results")).startswith("Nothing was left")


def test_an_interrupted_run_says_how_it_goes_on(tmp_path: Path) -> None:
    records = [made_record("a")]
    planned = [Planned(each.case, ("flops",)) for each in (*records, made_record("b"))]
    shown = ending.interrupted(records, planned, tmp_path)
    assert shown == (
        f"interrupted: 1 of 2 cases finished and kept in {tmp_path}; "
        "`kinobench run 'my suite.toml' --resume` goes on"
    )
