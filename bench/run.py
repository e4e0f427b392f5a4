"""`run`: options, plan, measure, save, show."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from ..datasets import catalog
from ..datasets.split import Split
from . import environment, job, runner
from .record import Case, Record
from .store import RunFile
from .suite import Planned, Suite


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line says of a whole run."""

    data_root: Path | None
    results: Path
    plugins: tuple[str, ...]
    timeout_s: float
    memory_limit_bytes: int | None
    skip_unreadable: bool
    strict: bool


def measure(
    planned: list[Planned], suite: Suite, options: Options, console: Console
) -> Iterator[Record]:
    """Measure case after case; each record is on disk before it is yielded.

    Args:
        planned: The cases.
        suite: Its latency budget counts.
        options: Where things lie, and limits.
        console: Where progress is shown, if it is a terminal.

    Raises:
        KinobenchError: A dataset is not there, or the results can't be written: before any case.
    """
    for device in sorted({entry.case.device for entry in planned}):
        environment.require_device(device)
    for case in {
        (entry.case.dataset, entry.case.split): entry.case
        for entry in planned
        if "accuracy" in entry.measures
    }.values():
        prepare(case, options.data_root, console)
    run = runner.new_run_id()
    file = RunFile(options.results, run)
    here = environment.describe()
    with _bar(console) as bar:
        overall = bar.add_task("", total=len(planned))
        ready: runner.Worker | None = None
        try:
            for number, entry in enumerate(planned, 1):
                worker, ready = ready or runner.Worker(entry.case), None
                following = planned[number].case if number < len(planned) else None

                def on_progress(
                    progress: job.Progress,
                    case: Case = entry.case,
                    following: Case | None = following,
                ) -> None:
                    nonlocal ready
                    count = f" {progress.done}/{progress.total}" if progress.total else ""
                    bar.update(overall, description=f"{case.model}: {progress.stage}{count}")
                    if progress.stage == "accuracy" and following is not None and ready is None:
                        # Nothing is timed any more: the next process may load its libraries.
                        ready = runner.Worker(following)

                with worker:
                    record = runner.run_job(
                        _job(number, entry, suite, options, run),
                        worker,
                        run=run,
                        environment=here,
                        timeout_s=options.timeout_s,
                        on_progress=on_progress,
                    )
                file.append(record)
                bar.advance(overall)
                yield record
        finally:
            if ready is not None:
                ready.end()


def _job(number: int, entry: Planned, suite: Suite, options: Options, run: str) -> job.Job:
    return job.Job(
        case=entry.case,
        measures=entry.measures,
        budget=suite.latency,
        data_root=None if options.data_root is None else str(options.data_root),
        plugins=options.plugins,
        results=str(options.results),
        predictions=f"predictions/{run}/{number:03d}-{entry.case.model}.parquet",
        memory_limit_bytes=_memory_limit(entry.case, options),
        skip_unreadable=options.skip_unreadable,
        strict=options.strict,
    )


def prepare(case: Case, data_root: Path | None, console: Console) -> Split | None:
    """Load a case's split, generating the dataset first if it is one that can be generated."""
    if case.dataset is None:
        return None
    dataset = catalog.get(case.dataset)
    if dataset.make is not None:
        make(dataset, data_root, console)
    return dataset.load(data_root, case.split)


def make(dataset: catalog.Dataset, root: Path | None, console: Console) -> Path:
    """Generate a dataset that can be, showing how far it is; at once if it is there already."""
    assert dataset.make is not None
    with _bar(console) as bar:
        task = bar.add_task(f"generating {dataset.name}", total=None, visible=False)
        return dataset.make(
            root,
            lambda done, total: bar.update(task, completed=done, total=total, visible=True),
        )


def _memory_limit(case: Case, options: Options) -> int | None:
    if case.device != "cpu":
        return options.memory_limit_bytes
    return options.memory_limit_bytes or int(0.9 * environment.available_memory_bytes())


@contextmanager
def _bar(console: Console) -> Iterator[Progress]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        yield bar
