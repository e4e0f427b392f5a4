"""Offline runs of Weights & Biases, read back from their files with wandb's own messages."""

import errno
import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from wandb.proto.wandb_internal_pb2 import Record
from wandb.sdk.lib.service import service_port_file

from kinobench.bench.export.flat import Flat, flattened
from kinobench.bench.export.to_wandb import MARK, Wandb
from kinobench.bench.export.tracker import publish
from kinobench.datasets.errors import KinobenchError

from ...fakes.made_records import made_accuracy, made_copy, made_record

BLOCK = 32768


def records_in(path: Path) -> Iterator[Any]:
    """Yield the messages of a `.wandb` file, a log of LevelDB after a header of 7 bytes."""
    content = path.read_bytes()
    assert content.startswith(b":W&B")
    at, parts = 7, b""
    while at + 7 <= len(content):
        if BLOCK - at % BLOCK < 7:
            at += BLOCK - at % BLOCK
            continue
        length, kind = struct.unpack_from("<HB", content, at + 4)
        parts += content[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):  # whole, or the last part
            message = Record()
            message.ParseFromString(parts)
            parts = b""
            yield message


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No network, no login, and nothing in the home folder."""
    monkeypatch.setenv("WANDB_API_KEY", "0123456789abcdef0123456789abcdef01234567")
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    for name in ("WANDB_CONFIG_DIR", "WANDB_CACHE_DIR", "WANDB_DATA_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "home"))


def test_a_record_is_one_offline_run_that_reads_back(tmp_path: Path) -> None:
    (tmp_path / "predictions" / "p").mkdir(parents=True)
    (tmp_path / "predictions" / "p" / "0.parquet").write_bytes(b"x")
    accuracy = made_accuracy(copy=made_copy(), predictions="predictions/p")
    flat = flattened(made_record(accuracy=accuracy), tmp_path)
    logs = tmp_path / "logs"
    assert publish([flat], Wandb(logs, "ours", with_predictions=True)).new == (flat.id,)
    assert publish([flat], Wandb(logs, "ours")).there == (flat.id,)
    (folder,) = (logs / "wandb").glob("offline-run-*")
    (file,) = folder.glob("*.wandb")
    messages = list(records_in(file))
    run = next(each.run for each in messages if each.WhichOneof("record_type") == "run")
    assert (run.run_id, run.project, run.display_name) == (flat.id, "ours", flat.name)
    config = {each.key: json.loads(each.value_json) for each in run.config.update}
    assert config["kinobench.record"] == flat.id and config["protocol.frames"] == 16
    assert config["kinobench.manifest"] == "0123456789abcdef"
    assert config["kinobench.copy"] == "fedcba9876543210"
    assert config["kinobench.units"].startswith("metrics with dots are fields")
    history = {
        item.key or ".".join(item.nested_key): json.loads(item.value_json)
        for each in messages
        if each.WhichOneof("record_type") == "history"
        for item in each.history.item
    }
    assert history["latency_ms"] == pytest.approx(12.5)
    assert history["top1_percent_low"] == pytest.approx(18.75)
    assert history["accuracy.top1"] == 0.25
    ends = [each.exit for each in messages if each.WhichOneof("record_type") == "exit"]
    assert [end.exit_code for end in ends] == [0]
    assert json.loads((folder / "files" / "record.json").read_bytes())["id"] == flat.id
    assert (folder / "files" / "predictions" / "0.parquet").read_bytes() == b"x"
    stored = b"".join(path.read_bytes() for path in logs.rglob("*") if path.is_file())
    assert b"0123456789abcdef0123456789abcdef01234567" not in stored


def test_a_run_that_was_stopped_is_made_again(tmp_path: Path) -> None:
    flat = flattened(made_record(), tmp_path)
    logs = tmp_path / "logs"
    publish([flat], Wandb(logs, "ours"))
    (mark,) = logs.rglob(MARK)
    mark.unlink()
    assert publish([flat], Wandb(logs, "ours")).new == (flat.id,)
    assert len(list((logs / "wandb").glob("offline-run-*"))) == 1


def test_what_was_whole_before_a_full_disk_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = flattened(made_record(), tmp_path)
    second = flattened(made_record("x3d_tiny"), tmp_path)
    tracker = Wandb(tmp_path / "logs", "ours")
    add_files = tracker._add_files

    def full(folder: Path, flat: Flat) -> None:
        if flat.id == second.id:
            raise OSError(errno.ENOSPC, "No space left on device")
        add_files(folder, flat)

    monkeypatch.setattr(tracker, "_add_files", full)
    with pytest.raises(KinobenchError, match=r"No space left on device; publish again"):
        publish([first, second], tracker)
    assert Wandb(tmp_path / "logs", "ours").there() == {first.id}


def test_a_busy_machine_has_time_to_start_the_process_of_wandb(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its 30 s end a publication where many processes start at once."""
    waits = []
    poll = service_port_file.poll_for_token

    def polled(*given: Any, timeout: float, **more: Any) -> Any:
        waits.append(timeout)
        return poll(*given, timeout=timeout, **more)

    monkeypatch.setattr(service_port_file, "poll_for_token", polled)
    flat = flattened(made_record(), tmp_path)
    assert publish([flat], Wandb(tmp_path / "logs", "ours")).new == (flat.id,)
    assert waits == [300.0]


def test_a_label_that_is_cut_is_said(tmp_path: Path) -> None:
    flat = flattened(made_record("m" * 65), tmp_path)
    assert Wandb(tmp_path, "ours").notes([flat]) == [
        "label model of 1 record is cut to 64 characters; the run's config has all of it"
    ]
