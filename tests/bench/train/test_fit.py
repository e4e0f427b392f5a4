"""Training: it learns, goes on where it stood, and says what its weights are."""

import csv
import math
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
import torch
from accelerate import Accelerator
from torch import nn
from typer.testing import CliRunner

from kinobench.bench.cli.commands import app
from kinobench.bench.evaluation.reading_log import SUFFIX
from kinobench.bench.records.fitted_weights import read_fitted, shapes_in, write_fitted
from kinobench.bench.train import (
    checkpoint as fit_checkpoint,
)
from kinobench.bench.train import (
    recipe,
    running_statistics,
)
from kinobench.bench.train import (
    run as fit_run,
)
from kinobench.bench.train.finished import as_built, finished
from kinobench.bench.train.fit import DivergedError, fit
from kinobench.bench.train.layout import prepare_layers
from kinobench.bench.train.run import fitted_of
from kinobench.bench.train.splits import scoring_split
from kinobench.bench.train.training import Training
from kinobench.datasets import catalog, pointlight
from kinobench.datasets.errors import KinobenchError
from kinobench.datasets.protocol import preset
from kinobench.datasets.split import Video
from kinobench.zoo import registry
from kinobench.zoo.checkpoints.load import load_checkpoint

from ...fakes.made_records import made_accuracy
from ...fakes.media import FAKES

SHORT = msgspec.structs.replace(
    recipe.load("common"), epochs=4, warmup_epochs=0.5, batch=8, scale=(1.0, 1.1)
)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a pointlight of 4 training and 2 test videos a class."""
    folder = tmp_path_factory.mktemp("made") / "pointlight"
    return pointlight.make_pointlight(folder, train_per_class=4, test_per_class=2)


def made_training(root: Path, model: str = "early_fusion_tiny", **changes: object) -> Training:
    training = Training(
        model=model,
        split=pointlight.load(root, "train"),
        protocol=preset("pointlight"),
        recipe=SHORT,
        seed=0,
        flow="dis",
        device="cpu",
    )
    return msgspec.structs.replace(training, **changes)


class _Interrupted(Exception):
    pass


def test_a_training_that_was_killed_ends_as_one_that_was_not(root: Path, tmp_path: Path) -> None:
    training = made_training(root)
    whole, curve = fit(training, tmp_path / "whole.safetensors")

    def stop(epoch: int, done: int, total: int) -> None:
        if epoch == 2 and done == 2:
            raise _Interrupted

    broken = tmp_path / "broken.safetensors"
    with pytest.raises(_Interrupted):
        fit(training, broken, progress=stop)
    continued, joined = fit(training, broken)
    assert [(e.step, e.loss, e.top1, e.learning_rate) for e in joined] == [
        (e.step, e.loss, e.top1, e.learning_rate) for e in curve
    ]
    assert continued.keys() == whole.keys()
    assert all(torch.equal(continued[name], whole[name]) for name in whole)


@pytest.mark.parametrize("name", [pytest.param("common", marks=pytest.mark.slow), "pointlight"])
def test_the_loss_falls_from_that_of_guessing(root: Path, tmp_path: Path, name: str) -> None:
    few = msgspec.structs.replace(recipe.load(name), batch=8, clips_per_epoch=32, scale=(1.0, 1.1))
    training = made_training(root, recipe=few.but(epochs=12))
    _, curve = fit(training, tmp_path / "checkpoint.safetensors")
    assert abs(curve[0].loss - math.log(8)) < 0.6
    assert curve[-1].loss < curve[0].loss - 0.3
    assert [epoch.epoch for epoch in curve] == list(range(1, 13))
    assert curve[-1].step == 12 * 4  # 32 videos, 8 a step


def test_the_weights_kept_are_the_average_that_the_decay_gives(root: Path, tmp_path: Path) -> None:
    # Without memory the average is the last weights; with it, something else.
    last = made_training(root, recipe=msgspec.structs.replace(SHORT, epochs=1, ema_decay=0.0))
    path = tmp_path / "checkpoint.safetensors"
    state, _ = fit(last, path)
    network = registry.get("early_fusion_tiny").build(8, 16, 64)
    from safetensors.torch import load_file

    kept = load_file(path)
    same = {name for name, entry in state.items() if torch.equal(entry, kept[f"network.{name}"])}
    # Of so few steps running averages are measured anew.
    running = {name for name in state if "running_" in name}
    assert running and state.keys() - same == running
    assert state.keys() == network.state_dict().keys()
    slow = made_training(root, recipe=msgspec.structs.replace(SHORT, epochs=1, ema_decay=0.9))
    averaged, _ = fit(slow, tmp_path / "other.safetensors")
    name = next(name for name, entry in averaged.items() if entry.dim() == 4)
    assert not torch.equal(averaged[name], state[name])


class Spoilt(nn.Module):
    """The mean colour's logits, and what `spoilt` makes of them, the bias and the calls so far."""

    def __init__(
        self, classes: int, spoilt: Callable[[torch.Tensor, torch.Tensor, int], torch.Tensor]
    ) -> None:
        super().__init__()
        self.head = nn.Linear(3, classes)
        self.spoilt, self.calls = spoilt, 0

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        return self.spoilt(self.head(clip.mean(dim=(2, 3, 4))), self.head.bias, self.calls)


def test_a_loss_that_is_no_number_stops_it_with_the_last_good_epoch_kept(
    root: Path, tmp_path: Path
) -> None:
    def spoilt(logits: torch.Tensor, bias: torch.Tensor, call: int) -> torch.Tensor:
        return logits * float("inf") if call > 6 else logits

    registry.register("explodes")(lambda classes, frames, size: Spoilt(classes, spoilt))
    path = tmp_path / "checkpoint.safetensors"
    with pytest.raises(DivergedError, match=r"explodes: the loss is nan and .* in epoch 2, step 3"):
        fit(made_training(root, "explodes"), path)
    training = made_training(root, "explodes")
    network = Spoilt(8, spoilt)
    from torch.optim.swa_utils import AveragedModel

    optimizer = torch.optim.AdamW(network.parameters())
    average = AveragedModel(network)
    curve = fit_checkpoint.read(path, training.digest, None, network, average, optimizer)
    assert [epoch.epoch for epoch in curve] == [1]


def test_a_gradient_that_is_no_number_stops_it_before_the_weights_are(
    root: Path, tmp_path: Path
) -> None:
    def spoilt(logits: torch.Tensor, bias: torch.Tensor, call: int) -> torch.Tensor:
        nothing = (bias - bias.detach()).abs().sqrt()  # 0, and its slope is infinite
        return logits + nothing if call == 4 else logits  # the last step of the epoch

    registry.register("breaks")(lambda classes, frames, size: Spoilt(classes, spoilt))
    path = tmp_path / "checkpoint.safetensors"
    with pytest.raises(DivergedError, match="its gradient's norm nan in epoch 1, step 4"):
        fit(made_training(root, "breaks"), path)
    assert not path.exists()


def test_a_checkpoint_of_another_training_is_refused(root: Path, tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.safetensors"
    fit(made_training(root, recipe=msgspec.structs.replace(SHORT, epochs=1)), path)
    with pytest.raises(KinobenchError, match="is of another training"):
        fit(made_training(root, seed=1), path)
    path.write_bytes(b"half")
    with pytest.raises(KinobenchError, match="can't be read"):
        fit(made_training(root), path)


class Scaled(nn.Module):
    """Scales its logits by a number that is neither in its code nor in its weights."""

    factor = 1.0

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.head = nn.Linear(3, classes)

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.head(clip.mean(dim=(2, 3, 4)))
        return logits * self.factor


def test_no_training_goes_on_with_a_network_that_computes_something_else(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.register("scaled")(lambda classes, frames, size: Scaled(classes))
    one_epoch = msgspec.structs.replace(SHORT, epochs=1)
    training = made_training(root, "scaled", recipe=one_epoch)
    path, before = tmp_path / "checkpoint.safetensors", as_built(training)
    assert before.computes is not None and len(before.computes.logits) == 8
    fit(training, path, computes=before.computes)
    monkeypatch.setattr(Scaled, "factor", 1.02)
    now = as_built(training)
    with pytest.raises(KinobenchError, match=r"computed something else .* give --fresh to start"):
        fit(training, path, computes=now.computes)
    monkeypatch.setattr(Scaled, "factor", 1.0)
    assert len(fit(training, path, computes=as_built(training).computes)[1]) == 1

    weights = tmp_path / "weights.safetensors"
    state, curve = fit(training, path, computes=before.computes)
    header = fitted_of(training, before, curve, made_accuracy(), training.split)
    write_fitted(weights, state, header)
    found = finished(weights, training, before)
    assert found is not None and found.computes == header.computes == before.computes
    with pytest.raises(KinobenchError, match=r"computed something else .* give --fresh to train"):
        finished(weights, training, now)
    # Weights of an earlier version don't say what the network computed.
    write_fitted(weights, state, msgspec.structs.replace(header, computes=None))
    assert finished(weights, training, now) is not None


def test_a_network_that_averages_frames_is_trained_by_each_of_them(
    root: Path, tmp_path: Path
) -> None:
    seen = []

    class Frames(nn.Module):
        trained_per_frame = True

        def __init__(self, classes: int) -> None:
            super().__init__()
            self.head = nn.Linear(3, classes)

        def forward(self, clip: torch.Tensor) -> torch.Tensor:
            seen.append(tuple(clip.shape))
            return self.head(clip.mean(dim=(2, 3, 4)))

    registry.register("frames_alone")(lambda classes, frames, size: Frames(classes))
    training = made_training(root, "frames_alone", recipe=msgspec.structs.replace(SHORT, epochs=1))
    fit(training, tmp_path / "checkpoint.safetensors")
    assert set(seen) == {(8 * 16, 3, 1, 64, 64)}


def test_the_command_leaves_weights_that_say_what_they_are(root: Path, tmp_path: Path) -> None:
    words = ["fit", "c3d_tiny", "--data-root", str(root), "--results", str(tmp_path)]
    done = CliRunner().invoke(app, [*words, "--epochs", "1", "--seed", "5", "--threads", "1"])
    assert done.exit_code == 0, done.output
    (folder,) = (tmp_path / "fit").iterdir()
    assert sorted(path.name for path in folder.iterdir()) == [
        "curve.csv",
        "curve.png",
        "weights.safetensors",
    ]
    assert str(folder / "weights.safetensors") in done.output and "top-1" in done.output
    assert (
        "pointlight: clips are not mirrored, since left and right distinguish 4 cl" in done.output
    )
    fitted = read_fitted(folder / "weights.safetensors")
    assert fitted is not None
    split = pointlight.load(root, "train")
    assert (fitted.model, fitted.seed, fitted.epochs) == ("c3d_tiny", 5, 1)
    assert (fitted.manifest, fitted.classes) == (split.manifest, split.classes)
    numbers = msgspec.convert(fitted.recipe, recipe.Recipe)
    assert fitted.recipe_digest == numbers.digest and numbers.epochs == 1
    assert fitted.torch == torch.__version__ and fitted.scored_on == "test"
    with (folder / "curve.csv").open() as file:
        assert [line["epoch"] for line in csv.DictReader(file)] == ["1"]
    path = folder / "weights.safetensors"
    load_checkpoint(registry.get("c3d_tiny").build(8, 16, 64), path)
    assert path.stat().st_mode & 0o777 == 0o644
    written = path.stat().st_mtime_ns
    again = CliRunner().invoke(app, [*words, "--epochs", "1", "--seed", "5"])
    assert again.exit_code == 0 and "already trained (epochs: 1, top-1" in again.output
    assert path.stat().st_mtime_ns == written


def test_a_second_command_that_trains_the_same_is_refused(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["fit", "c3d_tiny", "--data-root", str(root), "--results", str(tmp_path)]
    again = []

    def train_while_another_comes(*_: object, **__: object) -> None:
        again.append(CliRunner().invoke(app, [*words, "--fresh"]))
        raise KinobenchError("that is enough")

    monkeypatch.setattr(fit_run, "_fit_with_progress", train_while_another_comes)
    for _ in range(2):  # once the first one has ended, another may
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 2 and "that is enough" in done.output, done.output
    assert [each.exit_code for each in again] == [2, 2]
    assert all("another process trains c3d_tiny there; wait for" in each.output for each in again)
    (folder,) = (tmp_path / "fit").iterdir()
    assert not list(folder.iterdir())


def test_weights_of_a_network_that_was_changed_since_are_made_anew(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["fit", "single_frame_tiny", "--data-root", str(root), "--results", str(tmp_path)]
    made = CliRunner().invoke(app, [*words, "--epochs", "1"])
    assert made.exit_code == 0 and "top-1" in made.output, made.output
    # The same name, now another network.
    other = msgspec.structs.replace(
        registry.get("single_frame_tiny"), build=registry.get("karpathy_single_frame_tiny").build
    )
    monkeypatch.setattr(registry, "get", lambda name: other)
    again = CliRunner().invoke(app, [*words, "--epochs", "1"])
    assert again.exit_code == 0 and "already trained" not in again.output, again.output
    kept = registry.get("single_frame_tiny").build(8, 16, 64).state_dict()
    (weights,) = tmp_path.glob("fit/*/weights.safetensors")
    assert shapes_in(weights) == {name: tuple(entry.shape) for name, entry in kept.items()}


def test_scores_on_videos_that_were_trained_on_are_told_so(root: Path, tmp_path: Path) -> None:
    words = ["fit", "karpathy_late_fusion_tiny", "--data-root", str(root), "--split", "test"]
    done = CliRunner().invoke(app, [*words, "--epochs", "1", "--results", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert "16 videos of test, of which it was trained on 16" in " ".join(done.output.split())
    assert "epoch 1 of 1: loss" in done.output  # where there is no terminal, a line an epoch


def test_a_video_at_which_scoring_died_is_left_out_the_next_time(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    training, held_out = made_training(root), pointlight.load(root, "test")
    copy = tmp_path / "crashes.mp4"
    copy.write_bytes(held_out.videos[0].path.read_bytes() + b"CRASHES")
    first = held_out.videos[0]
    crashes = Video(id=first.id, path=copy, label=first.label, group=first.group)
    videos = (crashes, *held_out.videos[1:])
    held_out = msgspec.structs.replace(held_out, videos=videos)
    state = registry.get(training.model).build(8, 16, 64).state_dict()
    # What a process leaves that died while it read the first video.
    (tmp_path / f"score{SUFFIX}").write_bytes((1).to_bytes(8, "little"))
    monkeypatch.setenv("PYTHONPATH", str(FAKES / "deadly"))
    accuracy = fit_run.score(training, state, held_out, tmp_path)
    assert (accuracy.scored, accuracy.expected) == (15, 16)
    (left_out,) = accuracy.unreadable
    assert "SIGSEGV" in left_out.reason and "crashes.mp4" in capsys.readouterr().err
    assert not list(tmp_path.glob(f"*{SUFFIX}"))


def test_a_training_list_is_scored_on_its_own_test_list() -> None:
    ucf101, made = catalog.get("ucf101"), catalog.get("pointlight")
    assert [scoring_split(ucf101.splits, name) for name in ("train1", "train3")] == ["1", "3"]
    assert scoring_split(made.splits, "train") == "test"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["c3d_tyni"], "c3d_tiny"),
        (["c3d_tiny", "--recipe", "comon"], "common"),
        (["c3d_tiny", "--device", "tpu"], "--device tpu"),
        (["c3d_tiny", "--flow", "fast"], "--flow fast"),
        (["c3d_tiny", "--dataset", "ucf101", "--data-root", "nowhere"], "nowhere"),
        (["c3d_tiny", "--split", "trian"], "trian"),
        (["c3d_tiny", "--learning-rate", "nan"], "--learning-rate"),
    ],
)
def test_a_mistake_is_quoted(words: list[str], told: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["fit", *words, "--results", str(tmp_path)])
    assert done.exit_code == 2 and told in done.output
    assert "Traceback" not in done.output and not list(tmp_path.iterdir())


def test_dropouts_are_scaled_and_filters_laid_out_for_training() -> None:
    network = nn.Sequential(nn.Conv3d(3, 4, 3), nn.Dropout(0.5), nn.Dropout3d(0.2), nn.Linear(4, 2))
    before = network[0].weight.detach().clone()
    prepare_layers(network, dropout_scale=0.5)
    assert [network[1].p, network[2].p] == [0.25, 0.1]
    assert network[0].weight.is_contiguous(memory_format=torch.channels_last_3d)
    assert torch.equal(network[0].weight, before)


def test_running_averages_that_are_too_slow_are_measured_anew() -> None:
    torch.manual_seed(0)
    slow = nn.Sequential(nn.BatchNorm1d(3, momentum=0.001), nn.Linear(3, 2))
    batches = [(torch.randn(16, 3) * 5 + number,) for number in range(8)]
    with torch.no_grad():
        for batch in batches:
            slow(*batch)
    assert abs(float(slow[0].running_mean.mean())) < 0.05  # 3.5 in truth
    assert running_statistics.lag_behind(slow, 800)
    assert not running_statistics.lag_behind(slow, 10_000)
    assert not running_statistics.lag_behind(nn.BatchNorm2d(3), 800)
    assert not running_statistics.lag_behind(nn.LayerNorm(3), 1)
    slow.eval()
    running_statistics.measure_again(slow, batches, Accelerator(cpu=True))
    each = torch.stack([batch for (batch,) in batches])
    torch.testing.assert_close(slow[0].running_mean, each.mean(dim=(0, 1)))
    torch.testing.assert_close(slow[0].running_var, each.var(dim=1).mean(dim=0))
    assert slow[0].momentum == 0.001 and not slow[0].training


@pytest.mark.slow
def test_a_network_whose_averages_are_slow_scores_as_it_trained(root: Path, tmp_path: Path) -> None:
    training = made_training(root, model="s3d_tiny")
    state, _ = fit(training, tmp_path / "checkpoint.safetensors")
    again, _ = fit(training, tmp_path / "again.safetensors")
    variances = [entry for name, entry in state.items() if name.endswith("running_var")]
    assert variances and all(float((entry - 1).abs().median()) > 0.05 for entry in variances)
    assert all(torch.equal(entry, again[name]) for name, entry in state.items())
