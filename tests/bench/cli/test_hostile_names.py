"""Names of models, weights, classes and files are shown as they are by every command."""

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from kinobench.bench.cli import frame
from kinobench.bench.cli.complete import files
from kinobench.bench.evaluation.classes import keep_classes
from kinobench.bench.leaderboard.build import read_boards
from kinobench.bench.leaderboard.render import FORMATS, render
from kinobench.bench.records.record import Environment
from kinobench.bench.records.store import RunFile
from kinobench.datasets.errors import KinobenchError, VideoError
from kinobench.datasets.lists.layouts import UCF101
from kinobench.datasets.visible import one_line

from ...fakes.command import call
from ...fakes.hostile import NAMES, controls, read_markdown
from ...fakes.made_predictions import logits_table, write_shards
from ...fakes.made_records import MACHINE, failed_record, made_accuracy, made_record

HITS = {"a": np.arange(20) < 12, "b": np.arange(20) < 10}
INNOCENT = "innocent"
SOME = {
    name: NAMES[name]
    for name in (
        *("links on a terminal", "overwrites the line", "begins a line", "turns the direction"),
        *("link", "picture", "tag", "cell", "heading", "backslash"),
    )
}


def store(results: Path, place: str, name: str, hits: np.ndarray) -> Any:
    """A record of a network of that name, and its predictions for classes of that name."""
    labels = np.arange(len(hits)) % 4
    logits = np.zeros((len(hits), 1, 4), dtype=np.float32)
    logits[np.arange(len(hits)), :, labels] = np.where(hits, 1, -1)[:, None]
    folder = write_shards(results / "predictions" / place, logits_table(logits, labels), 20)
    keep_classes(folder, [f"{name} {number}" for number in range(4)])
    return made_record(
        name,
        case={"weights": f"{name} {place}"},
        environment=machine(name),
        accuracy=made_accuracy(
            float(hits.mean()), scored=20, expected=20, predictions=f"predictions/{place}"
        ),
        notes=(f"accuracy: {name}", name),
    )


def machine(name: str) -> Environment:
    return msgspec.structs.replace(MACHINE, cpu=name, kinobench_commit=name)


def results_of(folder: Path, name: str) -> Path:
    """Two networks of that name that were scored, and one that failed."""
    file = RunFile(folder / "results", "20260101T000000Z-000000")
    for place, hits in HITS.items():
        file.append(store(folder / "results", place, name, hits))
    file.append(failed_record(name, message=name, environment=machine(name)))
    return folder / "results"


def rendered(results: Path) -> dict[str, str]:
    boards = read_boards(results, print)
    return {form: render(boards, form) for form in FORMATS}


@pytest.fixture(scope="module")
def harmless(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return results_of(tmp_path_factory.mktemp("harmless"), INNOCENT)


@pytest.fixture(scope="module")
def harmless_pages(harmless: Path) -> dict[str, str]:
    return rendered(harmless)


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_leaderboard_shows_names_as_they_are(
    name: str, harmless_pages: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = results_of(tmp_path, name)
    done = call(monkeypatch, tmp_path, "leaderboard", "--results", results)
    assert done.exit_code == 0 and not controls(done.stdout + done.stderr)
    if len(name) < 20:  # a longer one is folded
        assert one_line(name) in done.stdout
    pages = rendered(results)
    assert not any(map(controls, pages.values()))
    assert pages["md"] == (results / "leaderboard.md").read_text()
    assert read_markdown(pages["md"])[0] == read_markdown(harmless_pages["md"])[0]
    rows = list(csv.DictReader(io.StringIO(pages["csv"], newline="")))
    assert len(rows) == 3 and all(len(row) == len(rows[0]) for row in rows)
    assert not any(row["model"].startswith(("=", "+", "-", "@")) for row in rows)
    exact = [row for board in json.loads(pages["json"]) for row in board["rows"]]
    assert {row["model"] for row in exact} == {name}
    assert any(row["error"] == f"exception: {name}" for row in exact)


@pytest.mark.parametrize("form", FORMATS)
def test_a_leaderboard_on_standard_output_is_the_one_of_a_file(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = results_of(tmp_path, NAMES["links on a terminal"])
    done = call(monkeypatch, tmp_path, "leaderboard", "--results", results, "--format", form)
    assert done.stdout == rendered(results)[form] and done.stderr == ""


@pytest.mark.parametrize("name", SOME.values(), ids=SOME)
def test_an_analysis_and_a_comparison_show_names_as_they_are(
    name: str, harmless: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages: list[list[str]] = []
    for results in (results_of(tmp_path, name), harmless):
        a, b = results / "predictions" / "a", results / "predictions" / "b"
        of_both = [
            call(monkeypatch, tmp_path, *asked, "--results", results)
            for asked in (("analyse", a, "--fuse", b), ("compare", a, b))
        ]
        assert {done.exit_code for done in of_both} <= {0, 3}
        assert not any(controls(done.output) for done in of_both)
        pages.append([done.stdout for done in of_both])
    for hostile, innocent in zip(*pages, strict=True):
        tags, text = read_markdown(hostile)
        assert tags == read_markdown(innocent)[0] and one_line(name) in text


@pytest.mark.parametrize("name", [NAMES["picture"].replace("/", ":"), "<b>x", "*x*", "\x1b[2J"])
def test_the_notes_of_a_comparison_show_the_folder_of_predictions_as_it_is(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = tmp_path / "results"
    file = RunFile(results, "20260101T000000Z-000000")
    for model, hits in HITS.items():
        file.append(store(results, f"{name}{model}", model, hits))
    done = call(monkeypatch, tmp_path, "compare", "a", "b", "--results", results)
    assert done.exit_code == 3 and not controls(done.output)
    tags, text = read_markdown(done.stdout)
    _, *notes = text.split("NOT CHECKED")
    assert set(tags) == {"p"} and len(notes) == 2
    assert all(one_line(f"{name}{model}") in note for model, note in zip("ab", notes, strict=True))


def test_the_json_of_an_analysis_is_exact(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "".join(NAMES.values())
    results = results_of(tmp_path, name)
    place = results / "predictions" / "a"
    done = call(monkeypatch, tmp_path, "analyse", place, "--results", results, "--json")
    plain = json.loads(done.stdout)
    assert not controls(done.output) and plain["source"]["model"] == name
    assert plain["by_class"][0]["name"] == f"{name} 0"


def test_a_model_that_is_asked_for_is_quoted_without_its_control_characters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = results_of(tmp_path, INNOCENT)
    for command in (("analyse",), ("compare", INNOCENT), ("run", "--model")):
        done = call(monkeypatch, tmp_path, *command, "x\x1b[2J\u202e", "--results", results)
        assert done.exit_code == 2 and not controls(done.output), command
        assert r"x\x1b[2J\u202e" in done.stderr, command


def test_a_file_name_adds_no_line_to_what_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = results_of(tmp_path, INNOCENT)
    (results / "runs" / "a\x1b[2J\nkinobench: all is well\r.jsonl").write_text("{}\n")
    done = call(monkeypatch, tmp_path, "leaderboard", "--results", results)
    (line,) = done.stderr.splitlines()
    assert line.startswith("kinobench: ") and r"a\x1b[2J\nkinobench: all is well\r.jsonl" in line
    assert not controls(done.output)


def test_a_suite_of_a_hostile_name_is_quoted_on_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = call(monkeypatch, tmp_path, "run", "x\nkinobench: fine\x1b[2J.toml")
    assert done.exit_code == 2 and len(done.stderr.splitlines()) == 1
    assert not controls(done.output) and r"x\nkinobench: fine\x1b[2J.toml" in done.stderr


def test_a_plugin_that_fails_is_reported_without_control_characters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin = tmp_path / "plugin.py"
    plugin.write_text("raise ValueError('no\\x1b]8;;http://e\\x07\\nkinobench: fine')")
    done = call(monkeypatch, tmp_path, "list", "models", "--plugin", plugin)
    assert done.exit_code == 2 and not controls(done.output)
    (line,) = done.stderr.splitlines()
    assert line.endswith(
        r"failed: ValueError: no\x1b]8;;http://e\x07 kinobench: fine (plugin.py, line 1)"
    )


def test_errors_of_data_have_one_line_and_no_control_character() -> None:
    error = VideoError("/videos/a\x1b[2J\nkinobench: b.mp4", "no frame \x9b")
    assert str(error) == r"/videos/a\x1b[2J\nkinobench: b.mp4: no frame \x9b"
    assert error.path == "/videos/a\x1b[2J\nkinobench: b.mp4"  # as it is in a record
    assert str(KinobenchError("a\tb\rc", 3)) == r"('a\\tb\\rc', 3)"
    missing = str(UCF101.lacks("no folder /x\n\x1b[2J"))
    assert missing.startswith("UCF101: no folder /x\\n\\x1b[2J\nexpected:\n  DATA_ROOT/\n")


def test_further_lines_of_a_message_are_indented(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        frame.exit_with("git failed:\nkinobench: all is well\x1b[2J", 4)
    assert ended.value.code == 4
    printed = "kinobench: git failed:\n  kinobench: all is well\\x1b[2J\n"
    assert capsys.readouterr().err == printed


def test_completion_offers_no_file_with_a_control_character(tmp_path: Path) -> None:
    for name in ("good.toml", "bad\x1b[2J.toml", "bad\n.toml"):
        (tmp_path / name).touch()
    found = files(f"{tmp_path}/", ".toml")
    assert [re.sub(r".*/", "", each) for each in found] == ["good.toml"]
