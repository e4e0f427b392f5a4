"""The end of a case: its record is stored, and its predictions are free for other commands."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from ..evaluation.recording import recording
from ..evaluation.resume import mark_finished
from ..measure import registry
from ..records.inside import inside
from ..records.record import Record
from ..records.store import RunFile


def kept_until_stored(
    results: Path, predictions: str, measures: Sequence[str]
) -> AbstractContextManager[None]:
    """Keep a case's predictions from other commands until its record is stored, in the context.

    Args:
        results: Folder of the results.
        predictions: See `Job.predictions`.
        measures: The case's measurements; some keep predictions.

    Raises:
        KinobenchError: The results can't be written.
    """
    keeps = any(registry.keeps_predictions(each) for each in measures)
    return recording(results, predictions) if keeps else nullcontext()


def store(record: Record, file: RunFile, results: Path) -> None:
    """Append a record to its run's file; no run continues the predictions that it names any more.

    Args:
        record: A record of the run.
        file: The run's file.
        results: Folder of the results.

    Raises:
        KinobenchError: The results can't be written.
    """
    file.append(record)
    kept = record.predictions
    if kept is not None and not _may_be_mended(record):
        mark_finished(inside(results, kept))


def _may_be_mended(record: Record) -> bool:
    """Return whether a record failed only because some videos could not be read."""
    return record.error is not None and record.error.kind == "unreadable"
