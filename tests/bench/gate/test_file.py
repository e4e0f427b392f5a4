"""`check --against FILE` with made-up times: compared, written, and written over."""

import contextlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from kinobench.bench.cli.commands import app
from kinobench.bench.gate import against_file as gate_file
from kinobench.bench.gate import page as gate_page
from kinobench.bench.gate import stored_files
from kinobench.bench.gate.verdict import Terms
from kinobench.bench.machine.environment import UnfitEnvironmentError
from kinobench.bench.network.runtimes import known
from kinobench.bench.records.case import Case
from kinobench.bench.records.job import Job
from kinobench.bench.records.latency import Latency
from kinobench.bench.records.record import Environment, Record
from kinobench.datasets.errors import KinobenchError

from ...fakes.made_records import (
    MACHINE,
    elsewhere,
    failed_record,
    made_case,
    made_latency,
    made_record,
)

CASES = [
    made_case(model, dataset=None, split=None) for model in ("c3d_tiny", "x3d_tiny", "i3d_tiny")
]
TERMS = Terms(budget=0.03)


class Bench:
    """Times that are set; what is not is as before."""

    def __init__(self) -> None:
        self.here: Environment = MACHINE
        self.times_s: dict[str, float] = {}
        self.timed: list[str] = []

    def time_case(self, case: Case, here: Environment, plugins: object, terms: object) -> Any:
        self.timed.append(case.model)
        time_s = self.times_s.get(case.model, 0.01)
        if time_s < 0:
            raise KeyboardInterrupt
        if time_s == 0:
            return failed_record(case.model, "it broke", case=msgspec.to_builtins(case))
        latency = made_latency(
            samples_s=((time_s,) * 3,) * 8, median_s=time_s, interval_s=(time_s, time_s)
        )
        fields = {"case": case, "environment": here, "latency": latency}
        return msgspec.structs.replace(made_record(case.model), **fields)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    made = Bench()
    monkeypatch.setattr(gate_file, "time_case", made.time_case)
    monkeypatch.setattr(gate_file, "describe", lambda device, runtime: made.here)
    return made


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "times.json"


def update(file: Path, cases: Sequence[Case] = CASES) -> gate_page.Report:
    return gate_file.update_file(file, cases, (), TERMS, lambda line: None)


def check(file: Path, *models: str) -> gate_page.Report:
    return gate_file.against_file(file, models, (), TERMS, lambda line: None)


def times_in(file: Path) -> dict[str, float]:
    return {each.case.model: each.median_s for each in stored_files.read_stored(file)}


def test_a_file_that_was_written_is_checked_against(bench: Bench, file: Path) -> None:
    written = update(file)
    assert written.exit_code == 0 and "Written: 3 times" in written.summary
    assert [each.verdict for each in written.stored] == ["new"] * 3
    same = check(file)
    assert same.exit_code == 0 and [each.verdict for each in same.stored] == ["pass"] * 3
    bench.times_s["x3d_tiny"] = 0.011
    slower = check(file)
    assert slower.exit_code == 1
    assert [each.verdict for each in slower.stored] == ["pass", "fail", "pass"]
    assert times_in(file)["x3d_tiny"] == 0.01  # a check writes nothing
    assert check(file, "c3d_tiny").exit_code == 0 and bench.timed[-1] == "c3d_tiny"


def test_an_update_accepts_what_is_slower_and_tells_by_how_much(bench: Bench, file: Path) -> None:
    update(file)
    bench.times_s["x3d_tiny"] = 0.011
    accepted = update(file, CASES[1:2])
    assert accepted.exit_code == 0 and "accepted" in accepted.summary
    assert accepted.stored[0].slowdown == pytest.approx(0.1)
    assert times_in(file) == {"c3d_tiny": 0.01, "i3d_tiny": 0.01, "x3d_tiny": 0.011}
    assert check(file).exit_code == 0


def test_a_network_that_cant_be_timed_is_broken_and_its_time_stays(
    bench: Bench, file: Path
) -> None:
    update(file)
    bench.times_s = {"x3d_tiny": 0.0, "c3d_tiny": 0.02}
    found = check(file)
    assert found.exit_code == 1
    assert [each.verdict for each in found.stored] == ["fail", "broken", "pass"]
    assert "x3d_tiny: it can't be timed: it broke" in gate_page.remarks(found)
    assert update(file).exit_code == 1
    assert times_in(file) == {"c3d_tiny": 0.02, "i3d_tiny": 0.01, "x3d_tiny": 0.01}


def test_an_interrupt_writes_what_was_finished(bench: Bench, file: Path) -> None:
    update(file)
    bench.times_s = {"c3d_tiny": 0.02, "x3d_tiny": -1.0}
    stopped = update(file)
    assert stopped.exit_code == 130 and stopped.interrupted == (1, 3)
    assert times_in(file) == {"c3d_tiny": 0.02, "i3d_tiny": 0.01, "x3d_tiny": 0.01}
    bench.times_s = {"c3d_tiny": -1.0}
    before = file.read_bytes()
    with pytest.raises(KeyboardInterrupt):
        update(file)
    assert file.read_bytes() == before


def test_an_interrupted_check_has_what_was_finished(bench: Bench, file: Path) -> None:
    update(file)
    bench.times_s = {"i3d_tiny": -1.0}
    stopped = check(file)
    assert stopped.interrupted == (2, 3) and len(stopped.stored) == 2
    assert stopped.exit_code == 130


def test_the_command_prints_what_was_finished_and_ends_with_130(
    bench: Bench, file: Path, tmp_path: Path
) -> None:
    update(file)
    bench.times_s = {"i3d_tiny": -1.0}
    comment = tmp_path / "comment.md"
    asked = ["check", "--against", str(file), "--comment", str(comment), "--no-store"]
    stopped = CliRunner().invoke(app, asked)
    assert stopped.exit_code == 130
    assert "kinobench: x3d_tiny: pass, slowdown +0.00 %" in stopped.stderr  # told as it fell
    assert "kinobench: interrupted: 2 of 3 cases finished" in stopped.stderr
    rows = [line.split()[:2] for line in stopped.stdout.splitlines()[2:4]]
    assert rows == [["c3d_tiny", "pass"], ["x3d_tiny", "pass"]]
    assert "Interrupted: 2 of 3 cases finished." in comment.read_text()
    in_json = CliRunner().invoke(app, [*asked, "--json"])
    assert in_json.exit_code == 130 and len(json.loads(in_json.stdout)["stored"]) == 2
    bench.times_s = {"c3d_tiny": -1.0}
    at_once = CliRunner().invoke(app, asked)
    assert (at_once.exit_code, at_once.stdout) == (130, "")


def test_times_of_another_machine_are_refused_by_a_check_and_replaced_by_an_update(
    bench: Bench, file: Path
) -> None:
    update(file)
    bench.here = elsewhere()
    with pytest.raises(UnfitEnvironmentError, match="c3d_tiny"):
        check(file)
    replaced = update(file)
    assert replaced.exit_code == 0 and [each.verdict for each in replaced.stored] == ["new"] * 3
    assert "it replaces a time from" in str(replaced.stored[0].reason)
    assert check(file).exit_code == 0


def test_an_update_measures_the_files_own_cases_and_adds_what_is_asked_for(
    bench: Bench, file: Path
) -> None:
    planned: list[tuple[str, ...]] = []

    def plan(models: tuple[str, ...]) -> list[Case]:
        planned.append(models)
        return [made_case(model, classes=400) for model in models or ("mvit_tiny",)]

    def cases(*models: str, others: bool = False) -> list[tuple[str, int]]:
        found = gate_file.cases_to_update(file, models, plan, others=others)
        assert all(case.dataset is None for case in found)
        return [(case.model, case.classes) for case in found]

    assert cases() == [("mvit_tiny", 400)]  # there is no file yet
    update(file)
    planned.clear()
    assert cases() == [("c3d_tiny", 8), ("x3d_tiny", 8), ("i3d_tiny", 8)]
    assert cases("x3d_tiny") == [("x3d_tiny", 8)] and planned == []
    assert cases("x3d_tiny", "r3d_tiny") == [("x3d_tiny", 8), ("r3d_tiny", 400)]
    assert cases("x3d_tiny", others=True) == [("x3d_tiny", 400)]


def test_a_model_that_the_file_has_not_is_refused(bench: Bench, file: Path) -> None:
    update(file)
    with pytest.raises(KinobenchError, match="--model mvit_tiny"):
        check(file, "mvit_tiny")


def test_a_model_that_is_not_known_here_is_told_before_any_timing(bench: Bench, file: Path) -> None:
    update(file)
    renamed = file.read_text().replace("i3d_tiny", "i3d_of_mine")
    file.write_text(renamed)
    bench.timed.clear()
    with pytest.raises(KinobenchError, match="i3d_of_mine"):
        check(file)
    assert bench.timed == []


def test_the_machine_is_on_the_report(bench: Bench, file: Path) -> None:
    assert update(file).environment is not None
    assert json.loads(file.read_text())["machine_info"]["cpu"]["brand_raw"] == MACHINE.cpu


class Started:
    """Stands for a worker, and for what it measures."""

    def __init__(self, *latencies: Latency | None) -> None:
        self.latencies = list(latencies)
        self.jobs: list[Job] = []

    def worker(self, case: Case) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()

    def run_job(self, job: Job, worker: None, **limits: Any) -> Record:
        self.jobs.append(job)
        latency = self.latencies.pop(0)
        if latency is None:
            return failed_record("c3d_tiny", "it broke")
        return msgspec.structs.replace(made_record("c3d_tiny"), latency=latency)


def started(monkeypatch: pytest.MonkeyPatch, *latencies: Latency | None) -> Started:
    made = Started(*latencies)
    monkeypatch.setattr(gate_file.runner, "Worker", made.worker)
    monkeypatch.setattr(gate_file.runner, "run_job", made.run_job)
    return made


def test_a_case_is_timed_in_three_processes_of_which_the_last_has_the_others_times(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    times = [made_latency(median_s) for median_s in (0.0100, 0.0101, 0.0102)]
    made = started(monkeypatch, *times)
    record = gate_file.time_case(CASES[0], MACHINE, (), TERMS)
    assert record.latency == times[2]
    assert [job.is_part for job in made.jobs] == [True, True, False]
    assert [len(job.parts) for job in made.jobs] == [0, 1, 2] and made.jobs[2].parts[1] == times[1]
    assert [job.measures for job in made.jobs] == [("latency",)] * 2 + [("flops", "latency")]


def test_a_process_that_fails_is_the_result_of_the_case(monkeypatch: pytest.MonkeyPatch) -> None:
    made = started(monkeypatch, made_latency(), None)
    record = gate_file.time_case(CASES[0], MACHINE, (), TERMS)
    assert record.error is not None and record.error.message == "it broke" and len(made.jobs) == 2


def test_a_time_of_a_runtime_is_of_the_version_that_it_was_measured_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("onnxruntime")
    timed: list[Environment] = []

    def time_case(case: Case, here: Environment, plugins: object, terms: object) -> Record:
        timed.append(here)
        return msgspec.structs.replace(
            made_record(latency=made_latency(0.01)), case=case, environment=here
        )

    monkeypatch.setattr(gate_file, "time_case", time_case)
    case = made_case(dataset=None, split=None, runtime="onnxruntime")
    file = tmp_path / "times.json"
    gate_file.update_file(file, [case], (), TERMS, print)
    (benchmark,) = json.loads(file.read_text())["benchmarks"]
    assert benchmark["extra_info"]["runtime"] == "onnxruntime"
    assert "-onnxruntime-" in benchmark["name"] and "onnxruntime" in timed[0].versions
    report = gate_file.against_file(file, (), (), TERMS, print)
    assert report.stored[0].case == case and report.stored[0].verdict != "broken"
    monkeypatch.setattr(gate_file, "versions_of", lambda runtime: {"onnxruntime": "0.1"})
    with pytest.raises(UnfitEnvironmentError, match=r"onnxruntime 0\.1"):
        gate_file.against_file(file, (), (), TERMS, print)
    monkeypatch.setattr(known, "is_installed", lambda runtime: False)
    with pytest.raises(KinobenchError, match="'onnxruntime' is not installed"):
        gate_file.against_file(file, (), (), TERMS, print)


def test_a_runtime_is_no_option_where_the_files_cases_are_checked(tmp_path: Path) -> None:
    file = tmp_path / "times.json"
    file.write_text("{}")
    done = CliRunner().invoke(app, ["check", "--against", str(file), "--runtime", "openvino"])
    assert done.exit_code == 2 and "leave out --suite, --device" in " ".join(done.stderr.split())
