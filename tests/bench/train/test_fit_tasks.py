"""Training localizers and detectors, end to end on a few made videos."""

import json
from pathlib import Path

import pytest

from kinobench.bench.records.fitted_weights import read_fitted
from kinobench.bench.train.lessons import lesson_of
from kinobench.bench.train.training import Training
from kinobench.datasets.errors import KinobenchError

from ...fakes import made_tasks
from ...fakes.command import call


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    made_tasks.events(folder, test=2)
    made_tasks.boxes(folder, test=2)
    return folder


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    """A copy whose first training video can't be read."""
    made_tasks.events(tmp_path, test=2)
    made_tasks.boxes(tmp_path, test=2)
    return tmp_path


def fit(monkeypatch: pytest.MonkeyPatch, folder: Path, model: str, root: Path, *more: object):
    dataset = "pointlight-events" if root.name == "events" else "pointlight-boxes"
    recipe = root.name
    return call(
        monkeypatch,
        folder,
        *("fit", model, "--dataset", dataset, "--data-root", root),
        *("--recipe", recipe, "--epochs", 2, "--threads", 1, "--output", "weights.safetensors"),
        *more,
    )


def test_a_localizer_learns_and_another_step_is_another_training(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, made: Path
) -> None:
    done = fit(monkeypatch, tmp_path, "windows_tiny", made / "events", "--step", 15)
    assert done.exit_code == 0, done.output
    fitted = read_fitted(tmp_path / "weights.safetensors")
    assert fitted is not None and fitted.score is not None and len(fitted.curve) == 2
    assert fitted.step == 15 and fitted.backbone is not None
    assert fitted.backbone.weights == "pointlight"
    assert "--step 15" in done.output.replace("\n", " ")
    assert not list(tmp_path.rglob("unscored*"))
    again = fit(monkeypatch, tmp_path, "windows_tiny", made / "events", "--step", 15)
    assert "already trained" in again.output
    other = fit(monkeypatch, tmp_path, "windows_tiny", made / "events", "--step", 30)
    assert other.exit_code == 0 and "already trained" not in other.output
    fitted = read_fitted(tmp_path / "weights.safetensors")
    assert fitted is not None and fitted.step == 30


def test_a_detector_learns(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, made: Path) -> None:
    done = fit(monkeypatch, tmp_path, "roi_tiny", made / "boxes")
    assert done.exit_code == 0, done.output
    fitted = read_fitted(tmp_path / "weights.safetensors")
    assert fitted is not None and fitted.score is not None and fitted.step is None
    losses = [each.loss for each in fitted.curve]
    assert len(losses) == 2 and all(0 < loss < 10 for loss in losses)
    refused = fit(monkeypatch, tmp_path, "roi_tiny", made / "boxes", "--step", 2)
    assert refused.exit_code != 0 and "takes no windows" in refused.output


@pytest.mark.parametrize(("model", "kind"), [("windows_tiny", "events"), ("roi_tiny", "boxes")])
def test_a_video_that_can_not_be_read_is_left_out_aloud(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, damaged: Path, model: str, kind: str
) -> None:
    root = damaged / kind
    names = [path for path in sorted((root / "videos").rglob("*.mp4")) if is_training(root, path)]
    names[0].write_bytes(b"no video")
    done = fit(monkeypatch, tmp_path, model, root)
    assert done.exit_code == 0, done.output
    assert f"left out of training: {names[0]}" in done.output.replace("\n", "")


def is_training(root: Path, video: Path) -> bool:
    if root.name == "boxes":
        return video.stem in (root / "train.csv").read_text()
    database = json.loads((root / "annotations.json").read_text())["database"]
    return bool(database[video.stem]["subset"] in ("train", "training"))


def test_several_processes_can_not_share_a_head(made: Path) -> None:
    from kinobench.bench.train.recipe import load
    from kinobench.datasets import catalog
    from kinobench.datasets.protocol import preset

    split = catalog.load_split(catalog.get("pointlight-events"), made / "events", "train")
    training = Training(
        model="windows_tiny",
        split=split,
        protocol=preset("pointlight"),
        recipe=load("events"),
        seed=0,
        flow="tvl1",
        device="cpu",
    )
    with pytest.raises(KinobenchError, match="2 processes can't share"):
        lesson_of(training, None, 2)  # type: ignore[arg-type]
