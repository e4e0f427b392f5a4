"""Planning cases of int8: the clips that quantise a network, or why there are none."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kinobench.bench.records.case import Case
from kinobench.bench.run.options import DataRoots
from kinobench.bench.run.plan import plan
from kinobench.bench.run.settings import settings_of
from kinobench.bench.run.suite import Suite, parse
from kinobench.datasets.errors import KinobenchError

from ...fakes.command import call
from ...fakes.media import write_video
from ...fakes.trees import make_ucf101


def _case(data: DataRoots | None = None, **settings: Any) -> Case:
    given = {"dataset": "pointlight", "precision": "int8", "runtime": "openvino", "threads": 1}
    asked = settings_of(**(given | settings))
    (planned,) = plan(Suite(), asked, ("c3d_tiny",), data=data)
    return planned.case


def test_a_case_names_how_many_clips_calibrate_it() -> None:
    assert _case().calibration == 128
    assert _case(calibration=16).calibration == 16
    assert _case(precision="fp32").calibration is None
    assert len({_case(calibration=count).digest for count in (16, 17)}) == 2


def test_a_suite_says_it_for_its_cases() -> None:
    suite = parse(
        'models = ["c3d_tiny"]\ndataset = "pointlight"\nruntime = "onnxruntime"\n'
        'precision = "int8"\ncalibration = 32\n',
        "deploy.toml",
    )
    (planned,) = plan(suite, settings_of())
    assert planned.case.calibration == 32
    with pytest.raises(KinobenchError, match=r"deploy\.toml: calibration = 0.*from 1 to 100000"):
        parse('models = ["c3d_tiny"]\ncalibration = 0\n', "deploy.toml")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"dataset": "none"}, r"--precision int8: .*training clips of a dataset; give --dataset"),
        ({"split": "train"}, r"split 'train' of pointlight, .* is its training split; give anoth"),
        ({"mode": "stream"}, r"mode 'stream'.*; give another --precision, or another --mode"),
        ({"runtime": "torch"}, r"runtime 'torch' on 'cpu' has no precision 'int8'; give --prec"),
        ({"precision": "fp32", "calibration": 9}, r"--calibration 9: nothing is quantised; add"),
        ({"calibration": 0}, r"--calibration 0: .*from 1 to 100000"),
    ],
)
def test_int8_that_cannot_be_calibrated_is_refused_while_planning(
    settings: dict[str, Any], message: str
) -> None:
    model = "cnn_lstm_tiny" if "mode" in settings else "c3d_tiny"
    given = {"dataset": "pointlight", "precision": "int8", "runtime": "openvino", "threads": 1}
    with pytest.raises(KinobenchError, match=message):
        plan(Suite(), settings_of(**(given | settings)), (model,))


def test_own_videos_that_nobody_parted_have_none_to_train_on(tmp_path: Path) -> None:
    for name in ("a", "b"):
        frames = np.zeros((20, 32, 32, 3), dtype=np.uint8)
        write_video(tmp_path / name / "one.mp4", frames)
    with pytest.raises(KinobenchError, match=r"no training split \(all\).*--holdout 20%"):
        _case(DataRoots(unnamed=tmp_path), dataset="folder")


def test_training_videos_that_are_not_there_are_named_though_only_latency_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "data"
    make_ucf101(root, [0, 3])
    listed = "ApplyEyeMakeup/v_ApplyEyeMakeup_g08_c01.avi 1\n"
    (root / "ucfTrainTestlist" / "trainlist01.txt").write_text(listed)
    done = call(
        *(monkeypatch, tmp_path, "run", "--model", "early_fusion_tiny", "--dataset", "ucf101"),
        *("--data-root", root, "--runtime", "onnxruntime", "--precision", "int8"),
        *("--measure", "latency", "--threads", "1"),
    )
    assert done.exit_code == 2
    assert "int8 takes training clips, and ucf101 train01: none of its 1 video" in done.stderr


def test_a_latency_of_int8_is_measured_and_scored_with_the_clips_of_its_dataset(
    few_points: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KINOBENCH_CACHE", str(tmp_path / "cache"))
    done = call(
        *(monkeypatch, tmp_path, "run", "--model", "early_fusion_tiny", "--dataset", "pointlight"),
        *("--data-root", few_points, "--runtime", "onnxruntime", "--precision", "int8"),
        *("--calibration", "4", "--measure", "accuracy", "--threads", "1", "--json"),
    )
    assert done.exit_code == 0, done.stderr
    record = json.loads(done.stdout.splitlines()[-1])
    quantised = record["export"]["quantised"]
    assert (quantised["clips"], record["case"]["calibration"]) == (4, 4)
    assert 0 < quantised["macs_share"] <= 1
    assert record["accuracy"]["scored"] == 64
