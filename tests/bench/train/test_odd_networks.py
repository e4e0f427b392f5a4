"""Training of networks as other people write them."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch

from kinobench.bench.train import recipe
from kinobench.bench.train import run as fit_run
from kinobench.bench.train.fit import fit
from kinobench.bench.train.training import Training
from kinobench.datasets import pointlight
from kinobench.datasets.errors import KinobenchError
from kinobench.datasets.protocol import preset

from ...fakes.odd_networks import (
    Giving,
    Late,
    Lazy,
    Locked,
    Normalising,
    Plain,
    Scaled,
    Tabled,
    TrainReturnsNothing,
    WeightNormed,
    odd,
)

ONE_EPOCH = msgspec.structs.replace(
    recipe.load("common"), epochs=1, warmup_epochs=0.5, batch=4, scale=(1.0, 1.1), ema_decay=0.9999
)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "pointlight"
    return pointlight.make_pointlight(folder, train_per_class=1, test_per_class=1)


def training_of(root: Path, model: str) -> Training:
    return Training(
        model=model,
        split=pointlight.load(root, "train"),
        protocol=preset("pointlight"),
        recipe=ONE_EPOCH,
        seed=0,
        flow="dis",
        device="cpu",
    )


def in_a_dict(classes: int) -> Giving:
    return Giving(lambda logits: {"logits": logits, "loss": logits.sum()}, classes)


@pytest.mark.parametrize(
    "kind",
    [TrainReturnsNothing, Locked, WeightNormed, Lazy, Normalising, Tabled, in_a_dict],
)
def test_it_is_trained_and_scored(root: Path, tmp_path: Path, kind: Any) -> None:
    training = training_of(root, odd("odd", kind))
    state, curve = fit(training, tmp_path / "checkpoint.safetensors")
    assert curve[0].step == 2 and all(entry.isfinite().all() for entry in state.values())
    accuracy = fit_run.score(training, state, pointlight.load(root, "test"), tmp_path)
    assert accuracy.scored == 8 and accuracy.not_finite == 0


def test_integer_and_boolean_buffers_come_out_as_they_went_in(root: Path, tmp_path: Path) -> None:
    training = training_of(root, odd("tabled", Tabled))
    state, _ = fit(training, tmp_path / "checkpoint.safetensors")
    fresh = Tabled()
    assert torch.equal(state["index"], fresh.index) and torch.equal(state["mask"], fresh.mask)
    assert torch.equal(state["first.weight"], state["second.weight"])


def test_a_tensor_of_a_parameter_from_before_the_forward_is_refused(
    root: Path, tmp_path: Path
) -> None:
    with pytest.raises(
        KinobenchError, match=r"^scaled \(.*computed from its parameters before the"
    ):
        fit(training_of(root, odd("scaled", Scaled)), tmp_path / "checkpoint.safetensors")


def test_layers_made_in_a_forward_are_refused_before_the_first_step(
    root: Path, tmp_path: Path
) -> None:
    training = training_of(root, odd("late", Late))
    with pytest.raises(KinobenchError, match=r"^late \(.*makes layers in its forward \(fc\.bias,"):
        fit(training, tmp_path / "checkpoint.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_a_network_that_gives_no_logits_is_refused_at_once(root: Path, tmp_path: Path) -> None:
    def nothing(classes: int) -> Giving:
        return Giving(lambda logits: {"loss": logits.sum()}, classes)

    with pytest.raises(KinobenchError, match=r"gives a dict {loss: \[\]}; it must give"):
        fit(training_of(root, odd("nothing", nothing)), tmp_path / "checkpoint.safetensors")


def test_a_plain_network_is_built_twice_and_never_copied(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[Plain] = []

    class Kept(Plain):
        def __init__(self, classes: int) -> None:
            super().__init__(classes)
            built.append(self)

        def __deepcopy__(self, twins: Any) -> Any:
            raise AssertionError

    fit(training_of(root, odd("kept", Kept)), tmp_path / "checkpoint.safetensors")
    assert len(built) == 2
