"""`run --split mean` on real files: three cases, one row, made again from the stored records."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ...fakes.command import call
from ...fakes.media import FAKES, REPOSITORY
from ...fakes.trees import UCF101, make_ucf101

PLUGIN = FAKES / "misbehaving_models.py"


def make_three_lists(root: Path, count: int = 12) -> None:
    """A UCF101 tree whose test lists are parted by source group, as the official ones are."""
    paths = make_ucf101(root, [7 * number % 101 for number in range(count)])
    lines = []
    for number, path in enumerate(paths):
        renamed = path.rename(
            path.with_name(path.name.replace("_g01_", f"_g{1 + number % 3:02d}_"))
        )
        lines.append(f"{renamed.parent.name}/{renamed.name}")
    for split in (1, 2, 3):
        tested = [line for line in lines if f"_g{split:02d}_" in line]
        trained = [f"{line} {1 + UCF101.index(line.split('/')[0])}" for line in lines]
        lists = root / "ucfTrainTestlist"
        (lists / f"testlist0{split}.txt").write_text("".join(f"{each}\n" for each in tested))
        (lists / f"trainlist0{split}.txt").write_text(
            "".join(f"{each}\n" for each in trained if f"_g{split:02d}_" not in each)
        )


@pytest.mark.slow
def test_a_run_of_all_splits_is_one_row_and_so_it_stays(tmp_path: Path) -> None:
    make_three_lists(tmp_path / "ucf")
    bench = [sys.executable, str(REPOSITORY / "bench.py")]
    command = ["run", "--plugin", str(PLUGIN), "--model", "works", "--dataset", "ucf101"]
    command += ["--data-root", "ucf", "--split", "mean", "--views", "1x1"]
    command += ["--measure", "accuracy", "--json"]
    done = subprocess.run([*bench, *command], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    *records, means = map(json.loads, done.stdout.splitlines())
    assert [record["case"]["split"] for record in records] == ["1", "2", "3"]
    (row,) = means["means"][0]["rows"]
    values = [record["accuracy"]["top1"] for record in records]
    assert row["top1"] == pytest.approx(sum(values) / 3)
    assert row["split_scores"] == [f"{n}: {value}" for n, value in enumerate(values, 1)]
    page = (tmp_path / "results" / "leaderboard.md").read_text()
    assert "## ucf101 mean" in page and page.count("\n## ") == 1
    before = page
    (tmp_path / "results" / "leaderboard.md").unlink()
    subprocess.run([*bench, "leaderboard"], cwd=tmp_path, capture_output=True, check=True)
    assert (tmp_path / "results" / "leaderboard.md").read_text() == before


@pytest.mark.usefixtures("shared_workers")
def test_a_run_of_all_splits_takes_those_that_are_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_three_lists(tmp_path / "ucf")
    choice = ("run", "--plugin", PLUGIN, "--model", "works", "--dataset", "ucf101")
    short = ("--data-root", "ucf", "--views", "1x1", "--measure", "accuracy")
    first = call(monkeypatch, tmp_path, *choice, *short, "--split", "2", "--json")
    assert first.exit_code == 0, first.stderr
    done = call(monkeypatch, tmp_path, *choice, *short, "--split", "mean", "--resume", "--json")
    assert done.exit_code == 0, done.stderr
    *records, means = map(json.loads, done.stdout.splitlines())
    assert [record["case"]["split"] for record in records] == ["2", "1", "3"]
    assert records[0] == json.loads(first.stdout) and records[1]["run"] == records[2]["run"]
    assert means["means"][0]["rows"][0]["top1"] is not None
    hinted = call(monkeypatch, tmp_path, *choice, *short, "--split", "mean", "--resume")
    names = [f"{n}/3 works (split {n}): " for n in (1, 2, 3)]
    lines = [line for line in hinted.stderr.splitlines() if line.startswith(tuple(names))]
    assert len(lines) == 3 and all("from 2" in line for line in lines)
