"""Records -> runs of MLflow, on a server or in a database."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from ...datasets.errors import KinobenchError
from .flat import RECORD, Flat
from .secrets import without_secrets
from .tracker import cut_notes, failed, library

Entity = TypeVar("Entity")

_PAGE = 1000
"""The most runs that MLflow returns, and the most metrics that it takes, at once."""
_PARAMS = 100
"""The most parameters and tags that it takes at once."""
_LONGEST_PARAM, _LONGEST_TAG = 500, 5000
"""Characters that every version's server takes."""
_ADDRESS = "MLFLOW_TRACKING_URI"
_SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",  # results go where the user says, and nothing elsewhere
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",  # else a wrong address takes minutes
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "60",
}


class Mlflow:
    """An experiment of MLflow, in which each record is a run."""

    def __init__(self, url: str | None, project: str, *, with_predictions: bool = False) -> None:
        """Find the experiment, or make it.

        Args:
            url: Address of the server, or of a database; None takes it from MLFLOW_TRACKING_URI.
            project: Name of the experiment.
            with_predictions: Add the predictions as artifacts.

        Raises:
            KinobenchError: There is no address, or MLflow can't be used.
        """
        address = url or os.environ.get(_ADDRESS)
        if not address:
            raise KinobenchError(
                f"--to mlflow: there is no address; give --url, as http://127.0.0.1:5000, or set "
                f"{_ADDRESS}"
            )
        for name, value in _SETTINGS.items():
            os.environ.setdefault(name, value)
        self._mlflow = library("mlflow", "mlflow")
        self._with_predictions = with_predictions
        self.place = f"{without_secrets(address)}, experiment {project}"
        with self._errors():
            self._client = self._mlflow.MlflowClient(tracking_uri=address)
            experiment = self._client.get_experiment_by_name(project)
            if experiment is None:
                self._experiment = self._client.create_experiment(project)
            elif experiment.lifecycle_stage != "active":
                raise KinobenchError(
                    f"--project {project}: this experiment was deleted; restore it, or give another"
                )
            else:
                self._experiment = experiment.experiment_id
        self._unfinished: dict[str, list[str]] = {}

    def there(self) -> set[str]:
        """Return the ids of the records that have a finished run."""
        found = set()
        with self._errors():
            for run in self._runs():
                record = run.data.tags.get(RECORD)
                if record is None:
                    continue
                if run.info.status in ("FINISHED", "FAILED"):
                    found.add(record)
                else:
                    self._unfinished.setdefault(record, []).append(run.info.run_id)
        return found

    def _runs(self) -> Iterator[Any]:
        token = None
        while True:
            page = self._client.search_runs([self._experiment], max_results=_PAGE, page_token=token)
            yield from page
            token = page.token
            if not token:
                return

    def add(self, flat: Flat) -> None:
        """Make a run of a record; one that was stopped halfway before is made again."""
        entities = self._mlflow.entities
        milliseconds = int(flat.began.timestamp() * 1000)
        with self._errors():
            for run_id in self._unfinished.pop(flat.id, ()):
                self._client.delete_run(run_id)
            run = self._client.create_run(
                self._experiment,
                start_time=milliseconds,
                run_name=flat.name,
                tags={RECORD: flat.id},
            )
            run_id = run.info.run_id
            tags = [entities.RunTag(name, text[:_LONGEST_TAG]) for name, text in flat.tags.items()]
            params = [
                entities.Param(name, str(value)[:_LONGEST_PARAM])
                for name, value in flat.params.items()
            ]
            metrics = [
                entities.Metric(name, value, milliseconds, 0)
                for name, value in flat.metrics.items()
            ]
            for part in _parts(tags, _PARAMS):
                self._client.log_batch(run_id, tags=part)
            for part in _parts(params, _PARAMS):
                self._client.log_batch(run_id, params=part)
            for part in _parts(metrics, _PAGE):
                self._client.log_batch(run_id, metrics=part)
            self._add_files(run_id, flat)
            self._client.set_terminated(run_id, "FAILED" if flat.error else "FINISHED")

    def _add_files(self, run_id: str, flat: Flat) -> None:
        with tempfile.TemporaryDirectory(prefix="kinobench-") as folder:
            path = Path(folder) / "record.json"
            path.write_bytes(flat.line + b"\n")
            self._client.log_artifact(run_id, str(path))
        place = flat.predictions if self._with_predictions else None
        if place is None:
            return
        if place.is_dir():
            self._client.log_artifacts(run_id, str(place), "predictions")
        elif place.is_file():
            self._client.log_artifact(run_id, str(place), "predictions")

    def notes(self, flats: Sequence[Flat]) -> list[str]:
        """Return which parameters and tags are cut."""
        found = []
        for what, longest, texts in (
            ("parameter", _LONGEST_PARAM, [flat.params for flat in flats]),
            ("tag", _LONGEST_TAG, [flat.tags for flat in flats]),
        ):
            cut = [
                name for each in texts for name, text in each.items() if len(str(text)) > longest
            ]
            found += cut_notes(cut, what, longest, "record.json of its run has all of it")
        return found

    def close(self) -> str:
        """Return nothing: the runs are there."""
        return ""

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (self._mlflow.exceptions.MlflowException, OSError) as error:
            raise failed(
                f"--to mlflow, {self.place}",
                error,
                "see that the server runs and lets you write; publish again: what is there stays",
            ) from None


def _parts(entities: Sequence[Entity], size: int) -> Iterator[list[Entity]]:
    for start in range(0, len(entities), size):
        yield list(entities[start : start + size])
