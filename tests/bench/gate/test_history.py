"""The verdicts that `check` adds to a folder of results, and who reads them."""

import contextlib
import hashlib
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import Result
from typer.testing import CliRunner

from kinobench.bench.cli.commands import app
from kinobench.bench.export.archive import export
from kinobench.bench.export.merge import merge
from kinobench.bench.export.unpack import import_archive
from kinobench.bench.export.validate import validate
from kinobench.bench.figures.gate_checks import stored_checks
from kinobench.bench.gate import command as gate_command
from kinobench.bench.gate import history
from kinobench.bench.gate.page import Report
from kinobench.bench.gate.progress import UNJUDGED
from kinobench.bench.records import gate_verdicts
from kinobench.bench.records.gate_verdicts import GateVerdict, from_json
from kinobench.bench.records.store import RunFile
from kinobench.bench.report.gate_history import stored_history
from kinobench.datasets.errors import KinobenchError

from ...fakes.made_records import MACHINE, made_case, made_record
from ...fakes.made_results import made_results
from .test_file import Bench, bench, file, update
from .test_gate import forever, made_bench

__all__ = ["bench", "file"]


def stored_in(results: Path) -> list[GateVerdict]:
    path = results / gate_verdicts.FILE
    return [from_json(line) for line in path.read_bytes().splitlines()]


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["check", *map(str, arguments)])


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which the command runs."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def test_each_check_adds_a_line_for_each_case(bench: Bench, file: Path, place: Path) -> None:
    update(file)
    bench.times_s = {"x3d_tiny": 0.011, "i3d_tiny": 0.0}
    first = invoke("--against", file)
    assert first.exit_code == 1 and "stored in results/gate_checks.jsonl" in first.stderr
    bench.times_s = {}
    in_json = invoke("--against", file, "--json", "--model", "x3d_tiny")
    assert in_json.exit_code == 0 and json.loads(in_json.stdout)["exit_code"] == 0
    found = stored_in(place / "results")
    assert [(each.case.model, each.verdict) for each in found] == [
        ("c3d_tiny", "pass"),
        ("x3d_tiny", "fail"),
        ("i3d_tiny", "broken"),
        ("x3d_tiny", "pass"),
    ]
    assert len({each.check for each in found[:3]}) == 1 != len({each.check for each in found})
    slower = found[1].wall
    assert slower is not None and slower.estimate == pytest.approx(0.1)
    assert slower.low == slower.high == pytest.approx(0.1)
    assert found[2].wall is None and "it broke" in str(found[2].reason)
    assert {(each.against, each.budget, each.kind) for each in found} == {
        ("file", 0.03, "times of a file")
    }
    assert all(each.environment and each.environment.fingerprint for each in found)


def test_nothing_is_stored_if_it_is_not_wanted_or_an_update(
    bench: Bench, file: Path, place: Path
) -> None:
    assert invoke("--against", file, "--update", "--model", "c3d_tiny").exit_code == 0
    assert invoke("--against", file, "--no-store").exit_code == 0
    assert invoke("--against", file, "--no-store", "--results", "elsewhere").exit_code == 0
    assert list(place.iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="a file in place of a folder")
def test_results_that_cant_be_written_are_refused_before_anything_is_timed(
    bench: Bench, file: Path, place: Path
) -> None:
    update(file)
    bench.timed.clear()
    (place / "results").write_text("no folder")
    done = invoke("--against", file)
    assert done.exit_code == 2 and "--no-store" in done.stderr
    assert bench.timed == []


def test_a_disk_that_fills_up_changes_no_verdict(
    bench: Bench, file: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    update(file)

    def full(path: Path, lines: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(gate_verdicts, "append_lines", full)
    done = invoke("--against", file)
    assert (
        done.exit_code == 0 and "not stored: " in done.stderr and "free some space" in done.stderr
    )


def test_a_slowed_checkout_is_stored_with_its_estimates(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, _ = made_bench(forever(0.049, 0.050, 0.051))
    monkeypatch.setattr(gate_command, "_bench", lambda *sides: contextlib.nullcontext(made))
    done = invoke("--inject", "5%", "--model", "c3d_tiny", "--results", "mine")
    assert done.exit_code == 0, done.stderr
    (found,) = stored_in(place / "mine")
    assert (found.against, found.inject, found.kind) == ("itself", 0.05, "slowed by 5 %")
    assert found.verdict == "fail" and found.pairs == (3, 3)
    assert found.wall is not None and found.cpu is not None
    assert found.wall.low is not None and found.wall.high is not None
    assert found.wall.low < found.wall.estimate < found.wall.high
    assert found.wall.estimate == pytest.approx(0.05, abs=1e-4)
    assert found.seconds == 30.0  # six pairs of 5 s, by the fake clock


def test_what_an_interrupt_left_without_a_verdict_is_not_stored() -> None:
    from kinobench.bench.gate.verdict import Checked

    judged = Checked(case=made_case("a"), verdict="pass")
    left = Checked(case=made_case("b"), verdict="inconclusive", reason=UNJUDGED)
    report = Report(title="", budget=0.03, checked=(judged, left), interrupted=(1, 2))
    assert [each.case.model for each in history.verdicts_of(report)] == ["a"]


def verdict(model: str, day: int, estimate: float | None, **changes: Any) -> GateVerdict:
    wall = (
        None
        if estimate is None
        else gate_verdicts.Slowdown(estimate=estimate, low=estimate - 0.01, high=estimate + 0.01)
    )
    fields: dict[str, Any] = {
        "check": f"202601{day:02d}T000000Z-000000",
        "started": f"2026-01-{day:02d}T00:00:00Z",
        "against": "commit",
        "case": made_case(model),
        "verdict": "pass",
        "budget": 0.03,
        "wall": wall,
        "candidate": "c" * 40,
        "baseline": "b" * 40,
        "environment": MACHINE,
    }
    return GateVerdict(**(fields | changes))


def test_the_report_and_the_figure_read_the_checks_of_all_folders_once(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    shared = verdict("a", 2, 0.02)
    gate_verdicts.append_verdicts(one, [shared, verdict("a", 3, None, verdict="broken")])
    eight = made_case("a", batch=8)
    gate_verdicts.append_verdicts(
        other, [verdict("a", 1, 0.05, case=eight, verdict="fail"), shared]
    )
    said: list[str] = []
    checks = stored_history([one, other, tmp_path / "none"], said.append)
    assert said == []
    assert [(each.model, each.verdict, each.slowdown, each.ends) for each in checks] == [
        ("a (batch 8)", "fail", 0.05, (0.04, pytest.approx(0.06))),
        ("a (batch 1)", "pass", 0.02, (0.01, 0.03)),
        ("a (batch 1)", "broken", None, None),
    ]
    assert checks[1].began == 1767312000.0  # 2 January 2026
    assert (checks[1].baseline, checks[1].candidate) == ("b" * 40, "c" * 40)
    drawn = stored_checks([one, other], said.append)
    assert [(each.name, each.slowdown, each.budget) for each in drawn] == [
        ("a (batch 8)", 5.0, 3.0),
        ("a (batch 1)", 2.0, 3.0),
    ]


def test_a_half_line_and_another_schema_are_left_out_and_named(tmp_path: Path) -> None:
    path = gate_verdicts.append_verdicts(tmp_path, [verdict("a", 1, 0.01)])
    later = msgspec.json.encode(msgspec.structs.replace(verdict("a", 2, 0.01), schema=2))
    path.write_bytes(path.read_bytes() + later + b"\n" + path.read_bytes()[:90])
    gate_verdicts.append_verdicts(tmp_path, [verdict("a", 3, 0.02)])
    for read in (stored_history, stored_checks):
        said: list[str] = []
        assert len(read([tmp_path], said.append)) == 2
        assert [line.partition(": ")[0] for line in said] == [f"{path}, line 2", f"{path}, line 3"]
        assert "schema 2" in said[0] and "left out" in said[1]


def test_validate_reads_the_checks_and_names_a_damaged_line(tmp_path: Path) -> None:
    path = gate_verdicts.append_verdicts(tmp_path, [verdict("a", 1, 0.01), verdict("b", 1, 0.01)])
    found = validate(tmp_path)
    assert (found.records, found.checks, found.findings) == (0, 2, ())
    assert found.summary.endswith("2 checks of the speed gate: 0 faults, 0 notes.")
    later = msgspec.json.encode(msgspec.structs.replace(verdict("a", 2, 0.01), schema=2))
    path.write_bytes(later + b"\n" + path.read_bytes() + path.read_bytes()[:90])
    found = validate(tmp_path)
    assert found.checks == 2 and found.faults == 2
    assert [(each.kind, each.where, each.line) for each in found.findings] == [
        ("damaged line", path.name, 4),
        ("another schema", path.name, 1),
    ]


def test_a_check_on_the_processor_is_not_named_for_the_gpu_of_its_machine(tmp_path: Path) -> None:
    here = msgspec.structs.replace(MACHINE, gpu="Made-up GPU")
    on_gpu = made_case("b", device="cuda")
    gate_verdicts.append_verdicts(
        tmp_path,
        [
            verdict("a", 1, 0.01, environment=here),
            verdict("b", 2, 0.01, case=on_gpu, environment=here),
        ],
    )
    checks = stored_history([tmp_path], print)
    assert [each.machine for each in checks] == [MACHINE.cpu, "Made-up GPU"]


def test_a_time_that_is_none_is_refused() -> None:
    odd = msgspec.json.encode(msgspec.structs.replace(verdict("a", 1, 0.0), started="yesterday"))
    with pytest.raises(KinobenchError, match="'yesterday' is no time"):
        from_json(odd)


def test_the_commands_draw_what_check_stored(place: Path) -> None:
    RunFile(place / "results", "20260101T000000Z-000000").append(made_record("a"))
    gate_verdicts.append_verdicts(place / "results", [verdict("a", 1, 0.01), verdict("a", 2, 0.02)])
    for more in ((), ("--without-logits",)):
        made = CliRunner().invoke(app, ["report", "--output", "page.html", *more])
        assert made.exit_code == 0, made.stderr
        page = (place / "page.html").read_text()
        assert '"began":1767225600.0,"model":"a"' in page and '"slowdown":0.02' in page
    drawn = CliRunner().invoke(app, ["plot", "gate", "--output", "gate.svg"])
    assert drawn.exit_code == 0 and "History of 2 checks of the speed gate" in drawn.stderr


def test_checks_are_merged_exported_and_imported_once(tmp_path: Path, place: Path) -> None:
    one, other = made_results(tmp_path / "one", {"a": 20}), tmp_path / "checks alone"
    shared = verdict("a", 2, 0.02)
    gate_verdicts.append_verdicts(one, [shared])
    path = gate_verdicts.append_verdicts(other, [verdict("a", 1, 0.05), shared])
    with path.open("ab") as half:
        half.write(path.read_bytes()[:50])
    together = merge([one, other], tmp_path / "all")
    assert together.checks == 2 and together.refused == ()
    assert [problem.partition(": ")[0] for problem in together.problems] == [f"{path}, line 3"]
    assert merge([one, other], tmp_path / "all").checks == 0
    assert stored_in(tmp_path / "all") == [shared, verdict("a", 1, 0.05)]
    done = export(tmp_path / "all", tmp_path / "all.zip")
    assert done.checks == 2
    assert import_archive(tmp_path / "all.zip", tmp_path / "theirs").checks == 2
    assert stored_in(tmp_path / "theirs") == stored_in(tmp_path / "all")


def test_an_archive_whose_checks_are_damaged_is_refused(tmp_path: Path) -> None:
    one = made_results(tmp_path / "one", {"a": 20})
    path = gate_verdicts.append_verdicts(one, [verdict("a", 2, 0.02)])
    export(one, tmp_path / "one.zip")
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    half = path.read_bytes()[:50] + b"\n"
    files[path.name] = half
    manifest = json.loads(files["manifest.json"])
    digest = hashlib.sha256(half).hexdigest()
    manifest["files"][path.name] = {"sha256": digest, "bytes": len(half)}
    with zipfile.ZipFile(tmp_path / "half.zip", "w") as archive:
        for name, content in (files | {"manifest.json": json.dumps(manifest).encode()}).items():
            archive.writestr(name, content)
    with pytest.raises(KinobenchError, match=r"'gate_checks.jsonl', line 1 is no check"):
        import_archive(tmp_path / "half.zip", tmp_path / "theirs")
