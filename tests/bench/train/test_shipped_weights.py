"""Weights that come with kinobench: found by name, and held to their classes."""

from pathlib import Path

import msgspec
import pytest
import torch
from typer.testing import CliRunner

from kinobench.bench.cli.commands import app
from kinobench.bench.cost import models
from kinobench.bench.evaluation.case import compare_classes
from kinobench.bench.gate import command as gate_command
from kinobench.bench.records.case import Case
from kinobench.bench.records.fitted_weights import in_half, read_fitted, write_fitted
from kinobench.bench.records.job import Note
from kinobench.bench.run import suite
from kinobench.bench.run.plan import plan
from kinobench.bench.run.planned import Planned
from kinobench.bench.run.settings import settings_of
from kinobench.bench.train import recipe
from kinobench.datasets.errors import KinobenchError
from kinobench.datasets.lists.class_names import class_names
from kinobench.datasets.protocol import preset
from kinobench.datasets.split import Split, Video
from kinobench.zoo import registry
from kinobench.zoo.checkpoints import shipped
from kinobench.zoo.checkpoints.named import load_weights, resolve_weights

from ...fakes.made_fitted import made_fitted

MODEL = "karpathy_late_fusion_tiny"
CLASSES = class_names("pointlight")


def write(folder: Path, classes: tuple[str, ...] = tuple(CLASSES), manifest: str = "m") -> Path:
    protocol = preset("pointlight")
    torch.manual_seed(0)
    network = registry.get(MODEL).build(len(classes), protocol.frames, protocol.size)
    said = made_fitted(MODEL, manifest=manifest, classes=classes, protocol_digest=protocol.digest)
    path = folder / "pointlight" / f"{MODEL}.safetensors"
    write_fitted(path, in_half(network.state_dict()), said)
    return path


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(shipped, "FOLDER", tmp_path / "weights")
    return write(tmp_path / "weights")


def test_a_name_finds_the_file_and_float16_fills_the_network(path: Path) -> None:
    assert resolve_weights(MODEL, "PointLight") == path
    network = registry.get(MODEL).build(8, 16, 64)
    load_weights(network, MODEL, "pointlight")
    torch.manual_seed(0)
    made = registry.get(MODEL).build(8, 16, 64).state_dict()
    for name, entry in network.state_dict().items():
        assert entry.dtype == made[name].dtype
        torch.testing.assert_close(entry, made[name], rtol=1e-3, atol=1e-6)


def test_a_network_without_them_says_what_there_is(path: Path) -> None:
    with pytest.raises(KinobenchError, match=r"known for c3d_tiny \(it has none\)"):
        resolve_weights("c3d_tiny", "pointlight")
    with pytest.raises(KinobenchError, match="did you mean 'pointlight'"):
        resolve_weights(MODEL, "pointligth")


def test_the_list_of_models_names_them(path: Path) -> None:
    found = {model.name: model.shipped for model in models.models()}
    assert found[MODEL] == ("pointlight",)
    assert found["c3d"] == ()


def planned(**settings: object) -> Planned:
    asked = settings_of(weights="Pointlight", **settings)
    (only,) = plan(suite.Suite(), asked, (MODEL,))
    return only


def test_a_case_has_their_name_and_their_head(path: Path) -> None:
    case = planned(protocol="pointlight").case
    assert (case.weights, case.classes) == ("pointlight", 8)
    assert planned(dataset="pointlight").case.weights == "pointlight"


def test_another_number_of_classes_is_refused_with_the_cure(path: Path) -> None:
    with pytest.raises(KinobenchError, match="have 8 classes, but ucf101 has 101; give --dataset"):
        planned(dataset="ucf101")


@pytest.mark.parametrize(
    ("settings", "weights"),
    [
        ({"dataset": "pointlight"}, "pointlight"),
        ({"dataset": "pointlight", "protocol": "common-112"}, None),  # another size of clips
        ({"dataset": "ucf101"}, None),
        ({"dataset": "none"}, None),
        ({"dataset": "pointlight", "model": "c3d_tiny"}, None),  # it has none here
    ],
)
def test_shipped_is_what_there_is_for_the_dataset(
    path: Path, settings: dict[str, str], weights: str | None
) -> None:
    asked = {key: value for key, value in settings.items() if key != "model"}
    model = settings.get("model", MODEL)
    (only,) = plan(suite.Suite(weights="shipped"), settings_of(**asked), (model,))
    assert only.case.weights == weights


def said_of(
    classes: tuple[str, ...], protocol: str = "pointlight", split_name: str = "test"
) -> list[str]:
    case = planned(dataset="pointlight", protocol=protocol).case
    video = Video(id="v", path=Path("v.mp4"), label=0)
    split = Split(dataset="pointlight", name=split_name, classes=classes, videos=(video,))
    told: list[str] = []
    compare_classes(
        case, split, lambda event: told.append(event.text if isinstance(event, Note) else "")
    )
    return told


def test_classes_in_another_order_are_refused(path: Path) -> None:
    assert said_of(tuple(CLASSES)) == []
    with pytest.raises(KinobenchError, match="the same in another order: class 0 is"):
        said_of(tuple(reversed(CLASSES)))


def test_videos_that_they_were_trained_on_are_told(path: Path) -> None:
    video = Video(id="v", path=Path("v.mp4"), label=0)
    split = Split(dataset="pointlight", name="test", classes=tuple(CLASSES), videos=(video,))
    write(path.parent.parent, manifest=split.manifest)
    (text,) = said_of(tuple(CLASSES))
    assert "were trained on these very videos" in text
    write(path.parent.parent)
    (text,) = said_of(tuple(CLASSES), split_name="train")
    assert "were trained on these very videos" in text


def test_clips_unlike_those_of_the_training_are_told(path: Path) -> None:
    told = said_of(tuple(CLASSES), "common-112")
    assert any("were trained on clips of size 64, not 112" in text for text in told)


def test_what_is_no_fitted_file_says_nothing(tmp_path: Path) -> None:
    other = tmp_path / "weights.pt"
    torch.save({}, other)
    assert read_fitted(other) is None
    damaged = tmp_path / "weights.safetensors"
    damaged.write_bytes(b"nothing")
    with pytest.raises(KinobenchError, match="can't be read"):
        read_fitted(damaged)


def test_what_is_said_survives_the_file(path: Path) -> None:
    said = read_fitted(path)
    assert said is not None
    assert msgspec.convert(said.recipe, recipe.Recipe).digest == said.recipe_digest


def test_the_speed_gate_leaves_them_out(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = path.parent / "own.toml"
    file.write_text(f'models = ["{MODEL}"]\nweights = "pointlight"\ndataset = "pointlight"\n')
    timed: list[Case] = []

    def noise(cases: list[Case], *_: object) -> None:
        timed.extend(cases)
        raise KinobenchError("enough")

    monkeypatch.setattr(gate_command, "noise", noise)
    said = CliRunner().invoke(app, ["check", "--aa", "--suite", str(file)])
    assert "enough" in said.output
    (case,) = timed
    assert (case.model, case.weights, case.classes) == (MODEL, None, 8)
