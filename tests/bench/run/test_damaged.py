"""A damaged shard is measured again, damaged weights fail their case, and a pipe is refused."""

import json
import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from kinobench.bench.evaluation.digests import kept_digests
from kinobench.bench.records.record import from_json
from kinobench.bench.run import plan as planning
from kinobench.bench.run.settings import settings_of
from kinobench.bench.run.suite import Suite

from ...fakes.command import call
from ...fakes.made_predictions import flip
from ...fakes.media import FAKES
from ...fakes.trees import make_ucf101

MODELS = FAKES / "misbehaving_models.py"
OPTIONS = ("--dataset", "ucf101", "--data-root", "ucf", "--model", "works", "--plugin", MODELS)
SHORT = ("--views", "1x1", "--measure", "accuracy", "--json")


@pytest.mark.usefixtures("shared_workers")
def test_a_run_that_is_continued_measures_a_damaged_shard_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = make_ucf101(tmp_path / "ucf", list(range(9)))  # a shard of eight videos, one of one
    content = paths[8].read_bytes()
    paths[8].write_bytes(content[: len(content) // 2])
    assert call(monkeypatch, tmp_path, "run", *OPTIONS, *SHORT).exit_code == 1
    (shard,) = (tmp_path / "results").glob("predictions/*/*/shard-00000.parquet")
    before = shard.read_bytes()
    flip(shard, 8 * 1000)
    done = call(monkeypatch, tmp_path, "run", *OPTIONS, *SHORT, "--skip-unreadable")
    assert done.exit_code == 0, done.stderr
    record = json.loads(done.stdout)
    (again,) = (note for note in record["notes"] if "measured again" in note)
    assert again.startswith(
        "accuracy: measured again: shard-00000.parquet is not as it was written: its SHA-256"
    )
    assert "accuracy: continued after 1 of 9 videos" in record["notes"]
    assert record["accuracy"]["scored"] == 8 and shard.read_bytes() == before
    names = ["shard-00000.parquet", "shard-00001.parquet"]
    assert sorted(kept_digests(shard.parent) or ()) == names
    assert f'"case":"{record["case"]["digest"]}"'.encode() in before


@pytest.mark.usefixtures("shared_workers")
def test_weights_whose_header_is_damaged_fail_their_case_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_ucf101(tmp_path / "ucf", [0])
    state = {"head.weight": torch.zeros(101, 3), "head.bias": torch.zeros(101)}
    save_file(state, tmp_path / "bad.safetensors", metadata={"kinobench": "{torn"})
    (tmp_path / "two.toml").write_text(
        'dataset = "ucf101"\nviews = "1x1"\nmeasure = ["accuracy"]\n'
        '[[case]]\nmodel = "works"\nweights = "bad.safetensors"\n'
        '[[case]]\nmodel = "works"\n'
    )
    choice = ("two.toml", "--plugin", MODELS, "--data-root", "ucf", "--json")
    done = call(monkeypatch, tmp_path, "run", *choice)
    assert done.exit_code == 1 and isinstance(done.exception, SystemExit), done.stderr
    bad, good = map(from_json, done.stdout.splitlines())
    assert bad.error is not None and bad.error.kind == "refused"
    assert "weights 'bad.safetensors' can't be read: " in bad.error.message
    assert "get the file again, or give others" in bad.error.message
    assert good.error is None and good.accuracy is not None


def test_a_pipe_in_the_place_of_a_suite_or_of_weights_is_an_error_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("pipe.toml", "pipe.safetensors"):
        os.mkfifo(tmp_path / name)
    done = call(monkeypatch, tmp_path, "run", "pipe.toml")
    assert done.exit_code == 2
    assert "suite pipe.toml can't be read: it is a named pipe, not a file" in done.stderr
    done = call(
        monkeypatch, tmp_path, "run", "--model", "c3d_tiny", "--weights", "pipe.safetensors"
    )
    assert done.exit_code == 2
    assert "weights 'pipe.safetensors' is no file, but a pipe or a device" in done.stderr


def test_damaged_weights_that_come_with_kinobench_fail_their_own_case(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    damaged = tmp_path / "c3d_tiny.safetensors"
    damaged.write_bytes(b"nothing")

    def shipped(model: str, weights: str | None) -> Path | None:
        return damaged if weights == "pointlight" else None

    monkeypatch.setattr(planning, "shipped_file", shipped)
    asked = settings_of(weights="shipped", dataset="pointlight")
    (entry,) = planning.plan(Suite(), asked, ("c3d_tiny",))
    assert entry.case.model == "c3d_tiny" and entry.case.weights is not None
