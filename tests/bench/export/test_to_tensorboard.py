"""Event files, read back by TensorBoard's own reader."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import metadata, plugin_data_pb2

from kinobench.bench.export.flat import Flat, flattened
from kinobench.bench.export.to_tensorboard import Tensorboard
from kinobench.bench.export.tracker import publish

from ...fakes.made_records import failed_record, made_accuracy, made_copy, made_record


def _flat(folder: Path, model: str = "c3d_tiny", **changes: Any) -> Flat:
    accuracy = made_accuracy(copy=made_copy(), predictions=changes.pop("predictions", None))
    return flattened(made_record(model, accuracy=accuracy, **changes), folder)


def _read(folder: Path) -> Any:
    found = EventAccumulator(str(folder), size_guidance={"tensors": 0, "scalars": 0})
    found.Reload()
    return found


def _hparams(events: Any, tag: str) -> Any:
    content = events.SummaryMetadata(tag).plugin_data.content
    return metadata._parse_plugin_data_as(content, tag_kind(tag))


def tag_kind(tag: str) -> str:
    return {
        metadata.EXPERIMENT_TAG: "experiment",
        metadata.SESSION_START_INFO_TAG: "session_start_info",
        metadata.SESSION_END_INFO_TAG: "session_end_info",
    }[tag]


def test_scalars_and_hparams_come_back(tmp_path: Path) -> None:
    flat = _flat(tmp_path)
    logs = tmp_path / "logs"
    assert publish([flat], Tensorboard(logs)).new == (flat.id,)
    (folder,) = logs.iterdir()
    assert folder.name == f"c3d_tiny~{flat.id}"
    events = _read(folder)
    tags = set(events.Tags()["tensors"]) | set(events.Tags()["scalars"])
    assert {"figures/latency_ms", "latency/median_s", "record"} <= tags
    (latency,) = events.Scalars("figures/latency_ms")
    assert latency.value == pytest.approx(12.5) and latency.step == 0
    assert latency.wall_time == flat.began.timestamp()
    start = _hparams(events, metadata.SESSION_START_INFO_TAG)
    assert start.group_name == flat.id
    assert start.hparams["kinobench.manifest"].string_value == "0123456789abcdef"
    assert start.hparams["kinobench.copy"].string_value == "fedcba9876543210"
    assert start.hparams["protocol.frames"].number_value == 16
    experiment = _hparams(events, metadata.EXPERIMENT_TAG)
    shown = [info.name.tag for info in experiment.metric_infos]
    assert "figures/latency_ms" in shown and "figures/latency_ms_low" not in shown
    assert _hparams(events, metadata.SESSION_END_INFO_TAG).status == 1  # success
    assert (folder / "record.json").read_bytes() == flat.line + b"\n"
    (text,) = events.Tensors("record")
    assert f"| kinobench.record | {flat.id} |" in text.tensor_proto.string_val[0].decode()


def test_twice_is_as_once_and_another_record_is_added(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    first, failed = _flat(tmp_path), flattened(failed_record("x3d_tiny"), tmp_path)
    publish([first], Tensorboard(logs))
    before = sorted(path.name for path in logs.rglob("*"))
    again = publish([first, failed], Tensorboard(logs))
    assert again.new == (failed.id,) and again.there == (first.id,)
    assert set(before) < {path.name for path in logs.rglob("*")}
    events = _read(logs / f"x3d_tiny~{failed.id}")
    assert _hparams(events, metadata.SESSION_END_INFO_TAG).status == 2  # failure


def test_a_folder_that_was_not_finished_counts_for_nothing(tmp_path: Path) -> None:
    flat = _flat(tmp_path)
    (tmp_path / "logs" / f".c3d_tiny~{flat.id}.{'0' * 32}.unfinished").mkdir(parents=True)
    assert Tensorboard(tmp_path / "logs").there() == set()


def test_predictions_are_copied_if_asked_for(tmp_path: Path) -> None:
    (tmp_path / "predictions" / "p").mkdir(parents=True)
    (tmp_path / "predictions" / "p" / "0.parquet").write_bytes(b"x")
    flat = _flat(tmp_path, predictions="predictions/p")
    publish([flat], Tensorboard(tmp_path / "without"))
    publish([flat], Tensorboard(tmp_path / "with", with_predictions=True))
    assert not list((tmp_path / "without").rglob("0.parquet"))
    assert [path.read_bytes() for path in (tmp_path / "with").rglob("0.parquet")] == [b"x"]


def test_no_torch_is_imported(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from kinobench.bench.export.to_tensorboard import Tensorboard, _write_events\n"
        f"Tensorboard(Path({str(tmp_path)!r}))\n"
        "from tensorboard.summary.writer.event_file_writer import EventFileWriter\n"
        "assert not {'torch', 'tensorflow'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_the_status_of_hparams_is_what_the_test_thinks() -> None:
    from tensorboard.plugins.hparams import api_pb2

    assert (api_pb2.STATUS_SUCCESS, api_pb2.STATUS_FAILURE) == (1, 2)
    assert plugin_data_pb2.SessionEndInfo(status=1).status == api_pb2.STATUS_SUCCESS
