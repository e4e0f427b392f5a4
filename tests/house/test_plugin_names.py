"""A network may have any name of the field's: `org/net`, or one that ends as a file of ours."""

import json
from pathlib import Path

import pytest

from kinobench.bench.motion import run as motion_run

from ..fakes.command import call

MODULE = """
from torch import nn

from kinobench.zoo.registry import register


class Colours(nn.Module):
    def __init__(self, num_classes):
        super().__init__()
        self.head = nn.Linear(48, num_classes)

    def forward(self, clip):
        return self.head(clip.mean((3, 4)).flatten(1))


for name in ("mcg-nju/videomae", "net.parquet"):
    register(name)(lambda num_classes, frames, size: Colours(num_classes))
"""


@pytest.mark.usefixtures("shared_workers")
def test_whatever_a_network_is_named_it_is_measured_analysed_and_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "nets.py").write_text(MODULE)
    models = ("--model", "mcg-nju/videomae", "--model", "net.parquet", "--plugin", "nets.py")
    scored = ("--dataset", "pointlight", "--split", "quick", "--weights", "none", "--threads", 1)
    done = call(monkeypatch, tmp_path, "run", *models, *scored, "--measure", "accuracy", "--json")
    assert done.exit_code == 0, done.stderr
    folders = [
        Path(json.loads(line)["accuracy"]["predictions"]).parent
        for line in done.stdout.splitlines()
    ]
    assert [folder.parts[0] for folder in folders] == ["predictions", "predictions"]
    assert [len(folder.parts) for folder in folders] == [2, 2]
    assert folders[0].name.startswith("mcg-nju=videomae-")
    assert folders[1].name.startswith("net.parquet-")
    (tmp_path / "mcg-nju" / "videomae").mkdir(parents=True)  # as a clone of the network would be
    for name in ("mcg-nju/videomae", "net.parquet", "mcg-nju/videomae@none"):
        analysed = call(monkeypatch, tmp_path, "analyse", name)
        assert analysed.exit_code == 0, analysed.stderr
        assert analysed.stdout.startswith(f"# {name.partition('@')[0]} (untrained")
    compared = call(monkeypatch, tmp_path, "compare", "mcg-nju/videomae", "net.parquet@none")
    assert compared.exit_code == 3, compared.stderr  # both answer alike: no difference is shown
    assert "80 videos" in compared.stdout
    path = call(monkeypatch, tmp_path, "analyse", tmp_path / "results" / folders[0])
    assert path.exit_code == 2  # a folder of runs, not of shards: a path is still a path
    board = call(monkeypatch, tmp_path, "leaderboard", "--format", "csv")
    assert "mcg-nju/videomae" in board.stdout and "net.parquet" in board.stdout


def test_a_path_of_nothing_may_have_been_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = call(monkeypatch, tmp_path, "analyse", "mcg-nju/videomae")
    assert done.exit_code == 2
    assert "no such file or folder of predictions, and no record in results" in done.stderr


def test_weights_that_were_trained_are_found_whatever_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = tmp_path / "fit" / "mcg-nju=videomae-pointlight-0123" / "weights.safetensors"
    weights.parent.mkdir(parents=True)
    weights.touch()
    monkeypatch.setattr(motion_run, "_is_fitted_on", lambda path, dataset: path == weights)
    options = motion_run.MotionOptions(
        model="mcg-nju/videomae", dataset="pointlight", results=tmp_path
    )
    assert f"Give --weights {weights}" in motion_run._without_weights(options)
