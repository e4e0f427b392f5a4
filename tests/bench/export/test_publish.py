"""The command `publish`: which records, which tracker, and what is wrong usage."""

import json
import sys
from pathlib import Path

import pytest

from kinobench.bench.cli import publish as command
from kinobench.bench.export import tracker
from kinobench.datasets.errors import KinobenchError

from ...fakes.command import call
from ...fakes.made_results import made_results


def test_records_are_published_once_and_the_command_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_results(tmp_path / "results", {"a": 20, "b": 10})
    wanted = ("publish", "--to", "tensorboard", "--logdir", "logs")
    first = call(monkeypatch, tmp_path, *wanted, "--model", "a", "--predictions")
    assert first.exit_code == 0, first.stderr
    assert first.stdout == "logs: 1 record published, 0 there already, 0 left out\n"
    assert "tensorboard --logdir logs" in first.stderr
    (folder,) = (tmp_path / "logs").iterdir()
    assert folder.name.startswith("a~") and list((folder / "predictions").iterdir())
    second = call(monkeypatch, tmp_path, *wanted, "--json")
    found = json.loads(second.stdout)
    assert len(found["new"]) == len(found["there"]) == 1 and found["left_out"] == {}
    assert found["there"] == [folder.name.removeprefix("a~")]


def test_what_a_tracker_does_not_take_is_said_on_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_results(tmp_path / "results", {"a": 20})
    done = call(monkeypatch, tmp_path, "publish", "--to", "hf")
    assert "no .eval_results of 1 record of" in done.stderr
    assert "--hub-dataset" in done.stderr and "ORG/NAME:TASK" in done.stderr


def test_cards_are_chosen_by_a_condition(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made_results(tmp_path / "results", {"a": 20, "b": 10})
    done = call(monkeypatch, tmp_path, "publish", "--to", "hf", "--where", "model == 'b'")
    assert done.exit_code == 0, done.stderr
    assert [path.name for path in (tmp_path / "cards").iterdir()] == ["b"]


WRONG = {
    "mlfow": (("--to", "mlfow"), "did you mean 'mlflow'"),
    "url": (("--to", "wandb", "--url", "http://x"), "--url: it is for --to mlflow and hf"),
    "logdir": (("--to", "hf", "--logdir", "x"), "--logdir: it is for --to wandb and tensorboard"),
    "predictions": (("--to", "hf", "--predictions"), "--predictions: it is for"),
    "both": (("--to", "hf", "--repo", "me/x", "--output", "x"), "give one of the two"),
    "unsent": (("--to", "hf", "--url", "http://x"), "nothing is sent without --repo"),
    "models": (("--to", "hf", "--repo", "me/x"), "choose one by --model, as --model a"),
    "benchmark": (("--to", "hf", "--hub-dataset", "x"), "write NAME=ORG/NAME"),
    "model": (("--to", "hf", "--model", "c"), "there are a, b"),
    "where": (("--to", "hf", "--where", "top1 > 100"), "no stored record is left"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_usage_says_the_cure(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_results(tmp_path / "results", {"a": 20, "b": 10})
    arguments, said = WRONG[name]
    done = call(monkeypatch, tmp_path, "publish", *arguments)
    assert done.exit_code == 2 and said in done.stderr
    assert not (tmp_path / "cards").exists() and not (tmp_path / "logs").exists()


@pytest.mark.parametrize("name", command.TARGETS)
def test_a_missing_library_names_its_extra(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = {"hf": "huggingface_hub"}.get(name, name)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(KinobenchError, match=rf'pip install "kinobench\[{name}\]"'):
        tracker.library(module, name)
