"""What a record names is read and written in the folder of results, and nowhere else."""

import csv
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from kinobench.bench.analysis.sources import find, find_two
from kinobench.bench.evaluation.classes import keep_classes
from kinobench.bench.evaluation.places import FILE
from kinobench.bench.evaluation.recording import recording
from kinobench.bench.evaluation.stored import folder_of
from kinobench.bench.leaderboard.build import rebuild
from kinobench.bench.measure.end_to_end import _guarded
from kinobench.bench.records.inside import inside
from kinobench.bench.records.job import FileLimits
from kinobench.bench.records.store import RunFile
from kinobench.datasets.errors import KinobenchError, UnknownNameError
from kinobench.datasets.files import replacing

from ...fakes.command import call
from ...fakes.made_predictions import logits_table, write_shards
from ...fakes.made_records import made_accuracy, made_record

HITS = np.arange(20) < 10

PLUGIN = """
from kinobench.zoo.registry import register


@register({name!r}, native=(16, 1, 64))
def build(num_classes, frames, size):
    from torch import nn

    return nn.Sequential(nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(3, num_classes))
"""


@pytest.mark.parametrize(
    ("named", "why"),
    [
        ("../../x", "'..'"),
        ("predictions/../../x", "'..'"),
        ("predictions/..", "'..'"),
        ("/tmp/abs", "absolute"),
        ("//host/share", "absolute"),
        ("C:/x", "absolute"),
        ("C:x", "absolute"),
        ("..\\x", "backslash"),
        ("a\0b", "NUL"),
        ("", "names nothing"),
        ("./.", "names nothing"),
        ("x" * 5000, "too long"),
    ],
)
def test_a_path_that_leaves_the_folder_is_refused(named: str, why: str, tmp_path: Path) -> None:
    with pytest.raises(KinobenchError, match="is no place in the folder of results") as caught:
        inside(tmp_path / "results", named)
    assert why in str(caught.value) and "measure the case again" in str(caught.value)


def test_a_path_in_the_folder_is_given_whether_it_exists_or_not(tmp_path: Path) -> None:
    results = tmp_path / "link"
    (tmp_path / "results" / "predictions").mkdir(parents=True)
    results.symlink_to(tmp_path / "results")
    for named in ("predictions", "predictions/a-b_1.5+c/run", "a..b/...", "leaderboard.md"):
        assert inside(results, named) == results / named


def test_a_link_may_lead_within_the_folder_and_not_out_of_it(tmp_path: Path) -> None:
    results = tmp_path / "results"
    (results / "predictions" / "a").mkdir(parents=True)
    (results / "predictions" / "b").symlink_to("a")
    (results / "predictions" / "c").symlink_to(tmp_path)
    (results / "predictions" / "d").symlink_to("../../nowhere")
    (results / "predictions" / "loop").symlink_to("loop")
    assert inside(results, "predictions/b/x") == results / "predictions" / "b" / "x"
    for named in ("predictions/c", "predictions/c/x", "predictions/d"):
        with pytest.raises(KinobenchError, match="by a link, it is"):
            inside(results, named)
    assert not inside(results, "predictions/loop").exists()


def predicted(folder: Path) -> Path:
    labels = np.arange(20) % 4
    logits = np.zeros((20, 1, 4), dtype=np.float32)
    logits[np.arange(20), :, labels] = np.where(HITS, 1, -1)[:, None]
    return write_shards(folder, logits_table(logits, labels), 20)


def scored(model: str, predictions: str) -> Any:
    accuracy = made_accuracy(0.5, scored=20, expected=20, predictions=predictions)
    return made_record(model, case={"weights": "mine"}, accuracy=accuracy)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Records of good predictions, and of such that are outside: by name, by root, and by link."""
    results = tmp_path / "home" / "results"
    predicted(results / "predictions" / "good")
    predicted(tmp_path / "outside")
    (results / "predictions" / "link").symlink_to(tmp_path / "outside")
    file = RunFile(results, "20260101T000000Z-000000")
    for model, named in {
        "c3d_tiny": "predictions/good",
        "x3d_tiny": "../../outside",
        "i3d_tiny": str(tmp_path / "outside"),
        "s3d_tiny": "predictions/link",
    }.items():
        file.append(scored(model, named))
    return results


def outside(tmp_path: Path) -> dict[str, bytes]:
    """All files that are not in the results, with their content."""
    found = (path for path in tmp_path.rglob("*") if path.is_file())
    kept = [path for path in found if "results" not in path.relative_to(tmp_path).parts]
    return {str(path.relative_to(tmp_path)): path.read_bytes() for path in kept}


def test_a_leaderboard_writes_nothing_outside_of_the_results(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = outside(tmp_path)
    done = call(monkeypatch, tmp_path / "home", "leaderboard", "--results", "results")
    assert done.exit_code == 0, done.output
    assert outside(tmp_path) == before and list(before) == ["outside/shard-00000.parquet"]
    assert (results / "predictions" / "good" / FILE).is_file()
    with (results / "leaderboard.csv").open(newline="") as file:
        rows = {row["model"]: row for row in csv.DictReader(file)}
    assert len(rows) == 4 and rows["c3d_tiny"]["rank"] == "1"
    for model, why in (("x3d_tiny", "'..'"), ("i3d_tiny", "absolute"), ("s3d_tiny", "by a link")):
        assert rows[model]["rank"] == "" and why in rows[model]["unranked"]


def test_predictions_that_are_outside_are_left_out_with_a_line(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, said = outside(tmp_path), list[str]()
    assert find("c3d_tiny", results, said.append).path == results / "predictions" / "good"
    assert len(said) == 3 and all("left out, a record of " in each for each in said)
    for model in ("x3d_tiny", "i3d_tiny", "s3d_tiny"):
        with pytest.raises(UnknownNameError, match=f"no scored model is named '{model}'"):
            find(model, results)
        with pytest.raises(UnknownNameError):
            find_two("c3d_tiny", model, results)
    done = call(monkeypatch, tmp_path, "analyse", "x3d_tiny", "--results", results)
    assert done.exit_code == 2
    assert "left out, a record of x3d_tiny: '../../outside' is no place" in done.stderr
    assert outside(tmp_path) == before


@pytest.mark.parametrize("named", ["../../outside", "/tmp/abs"])
def test_no_record_of_predictions_outside_stands_for_a_case(named: str, tmp_path: Path) -> None:
    with pytest.raises(KinobenchError, match="is no place in the folder of results"):
        folder_of(scored("c3d_tiny", named), tmp_path)


def test_a_link_in_a_folder_of_predictions_is_replaced_and_not_followed(
    results: Path, tmp_path: Path
) -> None:
    secret, folder = tmp_path / "secret", results / "predictions" / "good"
    secret.write_text("mine")
    for name in (FILE, "classes.json"):
        (folder / name).symlink_to(secret)
    keep_classes(folder, ["a", "b", "c", "d"])
    rebuild(results, lambda line: None)
    assert secret.read_text() == "mine"
    assert not (folder / FILE).is_symlink() and (folder / FILE).stat().st_size > 100
    assert not (folder / "classes.json").is_symlink()


def test_a_link_to_a_folder_is_replaced_too(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").symlink_to(tmp_path / "folder")
    with replacing(tmp_path / "file", own=True) as unfinished:
        unfinished.write_text("new")
    assert (tmp_path / "file").read_text() == "new" and not (tmp_path / "file").is_symlink()
    assert list((tmp_path / "folder").iterdir()) == []


def test_a_leaderboard_that_is_a_link_out_of_the_results_is_not_followed(
    results: Path, tmp_path: Path
) -> None:
    target, said = tmp_path / "notes.md", list[str]()
    target.write_text("mine")
    (results / "leaderboard.md").symlink_to(target)
    rebuild(results, said.append)
    assert target.read_text() == "mine"
    (line,) = said
    assert "'leaderboard.md' is no place in the folder of results" in line


def test_a_run_writes_nothing_to_folders_that_are_links_out_of_the_results(tmp_path: Path) -> None:
    results, elsewhere = tmp_path / "results", tmp_path / "elsewhere"
    results.mkdir()
    elsewhere.mkdir()
    (results / "runs").symlink_to(elsewhere)
    with pytest.raises(KinobenchError, match="'runs' is no place in the folder of results"):
        RunFile(results, "run")
    with pytest.raises(KinobenchError, match="by a link, it is"), recording(results, "run-000"):
        pass
    assert list(elsewhere.iterdir()) == []


def test_videos_are_timed_without_a_file_in_a_folder_that_is_a_link_out_of_the_results(
    tmp_path: Path,
) -> None:
    results, elsewhere = tmp_path / "results", tmp_path / "elsewhere"
    results.mkdir()
    elsewhere.mkdir()
    (results / "predictions").symlink_to(elsewhere)
    job = SimpleNamespace(results=str(results), predictions="run-000", file_limits=FileLimits())
    split = SimpleNamespace(videos=())
    context: Any = SimpleNamespace(job=job, split=split, case=made_record().case)
    with pytest.raises(KinobenchError, match="'predictions' is no place"), _guarded(context):
        pass


@pytest.mark.parametrize("name", ["../../x", "/tmp/x", "a/../b"])
def test_a_plugin_cannot_name_a_network_like_a_path(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    (folder / "evil.py").write_text(PLUGIN.format(name=name))
    asked = ("run", "--plugin", "evil.py", "--model", name, "--dataset", "none")
    done = call(monkeypatch, folder, *asked, "--measure", "flops")
    assert done.exit_code == 2 and "files are named after it" in done.stderr
    written = {
        path.name for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".pyc"
    }
    assert written == {"evil.py"}
