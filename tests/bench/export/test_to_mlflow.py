"""Runs of MLflow on a real server of this machine, read back by its own client."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kinobench.bench.export.flat import RECORD, flattened
from kinobench.bench.export.to_mlflow import Mlflow
from kinobench.bench.export.tracker import publish
from kinobench.datasets.errors import KinobenchError

from ...fakes.made_records import failed_record, made_accuracy, made_copy, made_record

WAIT_S = 240.0
QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "PYTHONWARNINGS": "ignore",
}


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start MLflow's server over SQLite, on this machine alone; give its address."""
    folder = tmp_path_factory.mktemp("mlflow")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    store = ["--backend-store-uri", f"sqlite:///{folder}/runs.db"]
    files = ["--artifacts-destination", str(folder / "artifacts")]
    at = ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    with (folder / "log").open("wb") as log:
        running = subprocess.Popen(
            [sys.executable, "-m", "mlflow", "server", *store, *files, *at],
            env=os.environ | QUIET,
            stdout=log,
            stderr=log,
            cwd=folder,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        _await(address, running, folder / "log")
        yield address
    finally:
        running.terminate()
        running.wait(60)


def _await(address: str, running: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end and running.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    pytest.fail(f"the server did not start:\n{log.read_text()[-3000:]}")


def _runs(server: str, project: str) -> list[Any]:
    from mlflow import MlflowClient

    client = MlflowClient(server)
    experiment = client.get_experiment_by_name(project)
    assert experiment is not None
    return list(client.search_runs([experiment.experiment_id]))


def test_records_are_runs_of_a_server_that_read_back(server: str, tmp_path: Path) -> None:
    """One test has the server, which takes several seconds to start."""
    _a_record_is_one_run(server, tmp_path)
    _a_long_text_is_cut_and_said(server, tmp_path)
    _a_run_that_was_stopped_is_made_again(server, tmp_path)
    _a_deleted_experiment_is_an_error(server)


def _a_record_is_one_run(server: str, tmp_path: Path) -> None:
    from mlflow import MlflowClient

    (tmp_path / "predictions" / "p").mkdir(parents=True)
    (tmp_path / "predictions" / "p" / "0.parquet").write_bytes(b"x")
    accuracy = made_accuracy(copy=made_copy(), predictions="predictions/p")
    flat = flattened(made_record(accuracy=accuracy), tmp_path)
    failed = flattened(failed_record("x3d_tiny"), tmp_path)
    first = publish([flat, failed], Mlflow(server, "ours", with_predictions=True))
    assert first.new == (flat.id, failed.id)
    again = publish([flat, failed], Mlflow(server, "ours", with_predictions=True))
    assert (again.new, again.there) == ((), (flat.id, failed.id))
    runs = {run.data.tags[RECORD]: run for run in _runs(server, "ours")}
    assert set(runs) == {flat.id, failed.id}
    run = runs[flat.id]
    assert run.data.metrics == pytest.approx(flat.metrics)
    assert run.data.params == {name: str(value) for name, value in flat.params.items()}
    assert flat.tags.items() <= run.data.tags.items()
    assert run.info.run_name == flat.name and run.info.status == "FINISHED"
    assert run.info.start_time == flat.began.timestamp() * 1000
    assert runs[failed.id].info.status == "FAILED"
    client = MlflowClient(server)
    record = client.download_artifacts(run.info.run_id, "record.json", str(tmp_path))
    assert json.loads(Path(record).read_bytes())["id"] == flat.id
    (stored,) = client.list_artifacts(run.info.run_id, "predictions")
    assert (stored.path, stored.file_size) == ("predictions/0.parquet", 1)


def _a_long_text_is_cut_and_said(server: str, tmp_path: Path) -> None:
    long = "w" * 501
    flat = flattened(made_record(case={"weights": long}, notes=("n" * 5001,)), tmp_path)
    done = publish([flat], Mlflow(server, "long"))
    whole = "record.json of its run has all of it"
    assert done.notes == (
        f"parameter weights of 1 record is cut to 500 characters; {whole}",
        f"tag kinobench.notes of 1 record is cut to 5,000 characters; {whole}",
    )
    (run,) = _runs(server, "long")
    assert run.data.params["weights"] == long[:500]
    assert run.data.tags["kinobench.notes"] == "n" * 5000


def _a_run_that_was_stopped_is_made_again(server: str, tmp_path: Path) -> None:
    from mlflow import MlflowClient

    flat = flattened(made_record(), tmp_path)
    client = MlflowClient(server)
    experiment = client.create_experiment("stopped")
    client.create_run(experiment, tags={RECORD: flat.id})
    assert publish([flat], Mlflow(server, "stopped")).new == (flat.id,)
    (run,) = _runs(server, "stopped")
    assert run.info.status == "FINISHED" and run.data.metrics["latency_ms"] == 12.5


def _a_deleted_experiment_is_an_error(server: str) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(server)
    client.delete_experiment(client.create_experiment("gone"))
    with pytest.raises(KinobenchError, match="--project gone: this experiment was deleted"):
        Mlflow(server, "gone")


def test_a_server_that_is_not_there_is_an_error_without_the_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(KinobenchError, match="see that the server runs") as found:
        Mlflow("http://me:hush-hush@127.0.0.1:9", "ours")
    assert "hush" not in str(found.value) and found.value.__suppress_context__


def test_an_address_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with pytest.raises(KinobenchError, match="there is no address; give --url"):
        Mlflow(None, "ours")
