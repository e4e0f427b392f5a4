"""A training starts from a checkpoint, whole or with a new head, and its weights say so."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
from typer.testing import CliRunner

from kinobench.bench.cli.commands import app
from kinobench.bench.cost.shape import Shape
from kinobench.bench.records.fitted_weights import Start, read_fitted
from kinobench.bench.text.terminal import PlainConsole
from kinobench.bench.train.finished import as_built, finished
from kinobench.bench.train.fit import fit
from kinobench.bench.train.start import start_of, take_start
from kinobench.bench.train.training import Training
from kinobench.datasets import pointlight
from kinobench.datasets.errors import KinobenchError
from kinobench.datasets.protocol import preset
from kinobench.zoo import registry
from kinobench.zoo.checkpoints.sharded import weights_digest

from .test_fit import SHORT, made_training

MODEL, SHAPE = "early_fusion_tiny", Shape(16, 64, 8)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a pointlight of 2 training videos and 1 test video a class."""
    folder = tmp_path_factory.mktemp("made") / "pointlight"
    return pointlight.make_pointlight(folder, train_per_class=2, test_per_class=1)


def checkpoint(path: Path, classes: int = 8, seed: int = 11) -> dict[str, Any]:
    """Save a network as a program for training would, and return its entries."""
    torch.manual_seed(seed)
    state = registry.get(MODEL).build(classes, 16, 64).state_dict()
    torch.save({"model": {f"module.{name}": entry for name, entry in state.items()}}, path)
    return dict(state)


def start(weights: object, head: str | None = None) -> Start:
    found, _ = start_of(MODEL, str(weights), head, SHAPE, PlainConsole(stderr=True))
    assert found is not None
    return found


def still(root: Path, **changes: Any) -> Training:
    """Return a training of one epoch that hardly changes a weight."""
    numbers = SHORT.but(epochs=1, learning_rate=1e-9)
    return made_training(root, MODEL, recipe=numbers, **changes)


def parameters(state: dict[str, Any]) -> dict[str, Any]:
    return {
        name: state[name] for name, _ in registry.get(MODEL).build(8, 16, 64).named_parameters()
    }


def test_the_first_weights_are_those_of_the_checkpoint(root: Path, tmp_path: Path) -> None:
    given = parameters(checkpoint(tmp_path / "w.pt"))
    state, _ = fit(still(root, start=start(tmp_path / "w.pt")), tmp_path / "a.safetensors")
    for name, entry in given.items():
        torch.testing.assert_close(state[name], entry, rtol=0, atol=1e-6)
    random, _ = fit(still(root), tmp_path / "b.safetensors")
    assert not all(torch.allclose(random[name], entry, atol=1e-3) for name, entry in given.items())


def test_a_new_head_is_the_seeds_and_the_rest_the_checkpoints(root: Path, tmp_path: Path) -> None:
    given = checkpoint(tmp_path / "w.pt", classes=5)
    first = start(tmp_path / "w.pt", "new")
    state, _ = fit(still(root, start=first), tmp_path / "a.safetensors")
    torch.manual_seed(0)
    built = registry.get(MODEL).build(8, 16, 64).state_dict()
    assert len(first.new_head) == 2
    for name in parameters(built):
        expected = built[name] if name in first.new_head else given[name]
        torch.testing.assert_close(state[name], expected, rtol=0, atol=1e-6)


def test_an_interrupted_training_from_a_checkpoint_ends_as_a_whole_one(
    root: Path, tmp_path: Path
) -> None:
    checkpoint(tmp_path / "w.pt", classes=5)
    numbers = msgspec.structs.replace(SHORT, epochs=2)
    training = made_training(root, MODEL, recipe=numbers, start=start(tmp_path / "w.pt", "new"))
    whole, _ = fit(training, tmp_path / "whole.safetensors")

    def stop(epoch: int, done: int, total: int) -> None:
        if epoch == 1:
            raise InterruptedError

    broken = tmp_path / "broken.safetensors"
    with pytest.raises(InterruptedError):
        fit(training, broken, progress=stop)
    continued, _ = fit(training, broken)
    assert all(torch.equal(continued[name], entry) for name, entry in whole.items())
    with pytest.raises(KinobenchError, match="is of another training"):
        fit(msgspec.structs.replace(training, start=None), broken)


def test_the_digest_of_a_training_holds_its_start_wherever_the_file_is(
    root: Path, tmp_path: Path
) -> None:
    for name, seed in (("a.pt", 1), ("b.pt", 2)):
        checkpoint(tmp_path / name, seed=seed)
    (tmp_path / "copy.pt").write_bytes((tmp_path / "a.pt").read_bytes())
    starts = [
        None,
        start(tmp_path / "a.pt"),
        start(tmp_path / "a.pt", "new"),
        start(f"{tmp_path / 'a.pt'}#model"),
        start(tmp_path / "b.pt"),
    ]
    digests = [made_training(root, MODEL, start=each).digest for each in starts]
    assert len(set(digests)) == 5
    assert made_training(root, MODEL, start=start(tmp_path / "copy.pt")).digest == digests[1]


def test_a_checkpoint_that_is_replaced_meanwhile_is_refused(tmp_path: Path) -> None:
    checkpoint(tmp_path / "w.pt")
    first = start(tmp_path / "w.pt")
    checkpoint(tmp_path / "w.pt", seed=12)
    with pytest.raises(KinobenchError, match="were replaced since the command began"):
        take_start(registry.get(MODEL).build(8, 16, 64), MODEL, first)


def test_the_command_trains_a_new_head_and_the_weights_say_from_what(
    root: Path, tmp_path: Path
) -> None:
    path = tmp_path / "w.pt"
    checkpoint(path, classes=5)
    words = ["fit", MODEL, "--data-root", str(root), "--results", str(tmp_path), "--epochs", "1"]
    refused = CliRunner().invoke(app, [*words, "--weights", str(path)])
    assert (
        refused.exit_code == 2 and "Their head gives 5 classes, the network's 8" in refused.output
    )
    assert "--head new` trains a new head" in refused.output and not (tmp_path / "fit").exists()
    done = CliRunner().invoke(app, [*words, "--weights", str(path), "--head", "new"])
    assert done.exit_code == 0, done.output
    assert f"{MODEL}: weights: the head is new (" in done.output
    (weights,) = tmp_path.glob("fit/*/weights.safetensors")
    fitted = read_fitted(weights)
    assert fitted is not None and fitted.start is not None
    assert fitted.start == start(path, "new")
    assert fitted.start.digest == weights_digest(path)
    again = CliRunner().invoke(app, [*words, "--weights", str(path), "--head", "new"])
    assert "already trained" in again.output
    numbers = msgspec.convert(fitted.recipe, type(SHORT))
    same = made_training(
        root, MODEL, recipe=numbers, start=fitted.start, protocol=preset("pointlight")
    )
    built = as_built(same)
    assert finished(weights, same, built) is not None
    assert finished(weights, msgspec.structs.replace(same, start=None), built) is None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--head", "new"], "--head new: random weights have no other head; give --weights FILE"),
        (["--head", "old", "--weights", "w.pt"], "--head old: give --head new, or leave"),
        (["--weights", "nowhere.pt"], "weights 'nowhere.pt': there is no such file"),
    ],
)
def test_a_mistake_is_quoted_with_its_cure(
    root: Path, tmp_path: Path, words: list[str], said: str
) -> None:
    words = ["fit", MODEL, "--data-root", str(root), "--results", str(tmp_path), *words]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 2 and said in " ".join(done.output.split()), done.output
    assert "Traceback" not in done.output and not list(tmp_path.iterdir())
