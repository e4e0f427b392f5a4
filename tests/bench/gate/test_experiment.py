"""The experiment on the gate: its table, its resuming, and the other tools' rules."""

import importlib.util
import os
import random
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest

from ...fakes.media import REPOSITORY

SCRIPT = REPOSITORY / "tests" / "benchmarks" / "gate_experiment.py"


@pytest.fixture(scope="module")
def experiment() -> ModuleType:
    spec = importlib.util.spec_from_file_location("gate_experiment", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    path = list(sys.path)
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path[:] = path
    return module


def samples(center: float, spread: float = 0.01, seed: int = 0) -> list[float]:
    draw = random.Random(seed)
    return [center * (1 + spread * draw.random()) for _ in range(96)]


def row(kind: str, verdict: str, slowdown: float) -> dict[str, Any]:
    pair = {"baseline_s": samples(1.0), "candidate_s": samples(1.0 + slowdown)}
    return {
        "kind": kind,
        "model": "early_fusion_tiny",
        "budget": 0.015,
        "verdict": verdict,
        "seconds": 40.0,
        "first": [pair, pair, pair],
        "second": [],
    }


@pytest.mark.parametrize(
    ("rule", "least"),
    [
        ("pytest-benchmark, min:5%", 0.06),
        ("asv continuous, factor 1.1", 0.12),
        ("asv continuous, factor 1.015", 0.03),
        ("pyperf compare_to", 0.005),
        ("criterion", 0.02),
    ],
)
def test_each_rule_sees_what_it_should_and_nothing_in_equal_samples(
    experiment: ModuleType, rule: str, least: float
) -> None:
    decide = experiment.RULES[rule]
    assert decide(samples(1.0), samples(1.0 + least, seed=1))
    assert not decide(samples(1.0), samples(1.0))
    assert not decide(samples(1.0), samples(0.9, seed=1))


def test_the_table_counts_fails_by_kind_and_rule(experiment: ModuleType) -> None:
    rows = [row("A/A", "pass", 0.0), row("A/A", "fail", 0.0), row("5 %", "fail", 0.05)]
    text = experiment.table(rows)
    lines = {line.split("|")[1].strip(): line for line in text.splitlines() if "|" in line}
    assert "**1 of 2** | **1 of 1**" in lines["**kinobench check**"]
    assert "0 of 2 | 1 of 1" in lines["pyperf compare_to"]
    assert "1 | 0" in lines["kinobench check: pass"]
    assert "0.00 % by the wall clock" in text and "It had 3 pairs in the median." in text


def test_pairs_of_the_same_servers_are_not_given_to_the_other_tools_as_two_runs(
    experiment: ModuleType,
) -> None:
    one = row("A/A", "pass", 0.0)
    slow = {"baseline_s": samples(1.0), "candidate_s": samples(1.2)}
    one["first"] = [each | {"server": 1} for each in (*one["first"], slow)]
    assert experiment._called(one, "pyperf compare_to") is None
    one["second"] = [slow | {"server": 2}]
    assert experiment._called(one, "pyperf compare_to") is True
    text = experiment.table([one])
    assert "It had 5 pairs of 2 server pairs in the median." in text
    assert "(servers add " in text


@pytest.mark.parametrize(("asked", "measured"), [(["--checks", "2"], 2), ([], 4)])
def test_it_stops_after_so_many_checks(
    experiment: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    asked: list[str],
    measured: int,
) -> None:
    monkeypatch.setattr(experiment, "one_check", lambda kind, *rest: row(kind, "pass", 0.0))
    file = tmp_path / "checks.jsonl"
    monkeypatch.setattr(sys, "argv", ["gate_experiment.py", str(file), "--quick", *asked])
    experiment.main()
    assert len(experiment.read_lines(file)) == measured


def test_a_run_that_was_stopped_goes_on_where_it_stood(
    experiment: ModuleType, tmp_path: Path
) -> None:
    file = tmp_path / "checks.jsonl"
    whole = msgspec.json.encode(row("A/A", "pass", 0.0)) + b"\n"
    file.write_bytes(3 * whole + whole[:-20])
    left = experiment.remaining(experiment.read_lines(file), False, random.Random(0))
    assert left.count("A/A") == 97 and left.count("3 %") == 50 and left.count("5 %") == 25
    assert left[:20] != ["A/A"] * 20
    experiment.append_line(file, row("A/A", "pass", 0.0))
    assert file.read_bytes() == 4 * whole


@pytest.mark.slow
def test_the_quick_form_measures_one_check_of_each_kind(tmp_path: Path) -> None:
    file = tmp_path / "checks.jsonl"
    paths = os.pathsep.join(filter(None, sys.path))
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(file), "--quick"],
        capture_output=True,
        text=True,
        timeout=900,
        env=os.environ | {"PYTHONPATH": paths},
    )
    assert done.returncode == 0, done.stderr
    kinds = [msgspec.json.decode(line)["kind"] for line in file.read_bytes().splitlines()]
    assert sorted(kinds) == sorted(["A/A", "3 %", "5 %", "A/A, a core burning from half-way on"])
    assert "kinobench check" in done.stdout
