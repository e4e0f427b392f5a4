"""Published weights, which are fetched before anything is measured."""

from collections.abc import Iterable
from functools import partial

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TransferSpeedColumn,
)

from ...datasets.errors import KinobenchError
from ...zoo.checkpoints.named import cache_folder, fetch_weights, named_weights
from ..records.record import Case


def fetch_published(cases: Iterable[Case], console: Console) -> None:
    """Fetch the published weights of all cases that torch hub's cache lacks.

    The console shows which can't be fetched; their cases are refused later, and the others go on.
    """
    entries = [named_weights(case.model, case.weights) for case in cases]
    absent = {
        entry.file: entry
        for entry in entries
        if entry is not None and not (cache_folder() / entry.file).is_file()
    }
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    for entry in absent.values():
        if not console.is_terminal:  # a log, which has no bar
            line = f"fetching {entry.url} to {cache_folder() / entry.file}"
            console.print(line, markup=False, highlight=False, soft_wrap=True)
        with Progress(
            *columns, TransferSpeedColumn(), console=console, disable=not console.is_terminal
        ) as bar:
            task = bar.add_task(f"{entry.model}: {entry.name}", total=None)
            try:
                fetch_weights(entry, partial(_show, bar, task))
            except KinobenchError as error:
                bar.stop()
                console.print(f"kinobench: {error}", markup=False, highlight=False, soft_wrap=True)


def _show(bar: Progress, task: TaskID, received: int, whole: int | None) -> None:
    bar.update(task, completed=received, total=whole)
