"""Records -> runs of Weights & Biases, on this disk; `wandb sync` uploads them."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ...datasets.errors import KinobenchError, reason_of
from .flat import Flat
from .tracker import cut_notes, failed, library

MARK = "kinobench-published"
"""The file in the folder of a run that has all of its record."""
_LONGEST_TAG = 64
_START_S = 300.0
"""Time for wandb's own process to start: on a busy machine it needs more than wandb's 30 s."""


class Wandb:
    """A folder of offline runs, one for each record. Nothing is sent, and no key is read."""

    def __init__(self, logdir: Path, project: str, *, with_predictions: bool = False) -> None:
        """Name the folder.

        Args:
            logdir: Folder that gets `wandb/offline-run-...`; it is made if need be.
            project: The project that the runs are of.
            with_predictions: Add the predictions to the files of a run.

        Raises:
            KinobenchError: wandb is not installed, or the folder can't be made.
        """
        self._wandb = library("wandb", "wandb")
        try:
            logdir.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise KinobenchError(f"--logdir {logdir}: {reason_of(error)}; give another") from error
        self._logdir, self._project = logdir, project
        self._with_predictions = with_predictions
        self._runs = logdir / "wandb"
        self._finished: dict[str, Path] = {}
        self.place = f"{self._runs}, project {project}"

    def there(self) -> set[str]:
        """Return the ids of the records whose runs are whole."""
        return {
            (path / MARK).read_text(encoding="utf-8").strip()
            for path in self._runs.glob("offline-run-*")
            if (path / MARK).is_file()
        }

    def add(self, flat: Flat) -> None:
        """Make a run of a record, whose id is the record's; one that was stopped is made again."""
        for path in self._runs.glob(f"offline-run-*-{flat.id}"):
            shutil.rmtree(path)
        with self._errors():
            self._wandb.setup(self._settings())  # its process starts by these, not by those of init
            run = self._wandb.init(
                project=self._project,
                id=flat.id,
                name=flat.name,
                dir=str(self._logdir),
                group=flat.record.run,
                job_type="benchmark",
                notes=flat.tags.get("kinobench.notes"),
                tags=_labels(flat),
                config=flat.params | flat.tags,
                settings=self._settings(),
            )
            try:
                run.log(flat.metrics, step=0)
                self._add_files(Path(run.dir), flat)
            except BaseException:
                run.finish(exit_code=1)
                raise
            run.finish(exit_code=1 if flat.error else 0)
            self._finished[flat.id] = Path(run.dir).parent

    def _settings(self) -> Any:
        """Return settings by which a run says nothing of this machine, this code or this user."""
        return self._wandb.Settings(
            mode="offline",
            console="off",
            silent=True,
            disable_code=True,
            disable_git=True,
            save_code=False,
            x_disable_machine_info=True,
            x_disable_meta=True,
            x_disable_stats=True,
            x_save_requirements=False,
            x_service_wait=_START_S,
            init_timeout=_START_S,
        )

    def _add_files(self, folder: Path, flat: Flat) -> None:
        (folder / "record.json").write_bytes(flat.line + b"\n")
        place = flat.predictions if self._with_predictions else None
        if place is None:
            return
        if place.is_dir():
            shutil.copytree(place, folder / "predictions")
        elif place.is_file():
            (folder / "predictions").mkdir()
            shutil.copy(place, folder / "predictions")

    def notes(self, flats: Sequence[Flat]) -> list[str]:
        """Return which labels are cut."""
        cut = [
            name
            for flat in flats
            for name, text in _label_texts(flat).items()
            if len(text) > _LONGEST_TAG
        ]
        return cut_notes(cut, "label", _LONGEST_TAG, "the run's config has all of it")

    def close(self) -> str:
        """Wait until wandb's own process has written all; return how to upload the runs."""
        self._mark()
        return f"`wandb sync {self._runs}/offline-run-*` uploads them; twice is as once"

    def _mark(self) -> None:
        self._wandb.teardown()
        for record, folder in self._finished.items():
            (folder / MARK).write_text(f"{record}\n", encoding="utf-8")

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (self._wandb.errors.Error, OSError) as error:
            with suppress(OSError):  # those before it are whole
                self._mark()
            raise failed(
                f"--to wandb, {self.place}", error, "publish again: what is there stays"
            ) from None


def _labels(flat: Flat) -> list[str]:
    return list(dict.fromkeys(text[:_LONGEST_TAG] for text in _label_texts(flat).values()))


def _label_texts(flat: Flat) -> dict[str, str]:
    case = flat.record.case
    found = {
        "model": case.model,
        "dataset": case.dataset,
        "protocol": case.protocol.name,
        "device": case.device,
        "runtime": case.runtime,
        "precision": case.precision,
    }
    return {name: text for name, text in found.items() if text}
