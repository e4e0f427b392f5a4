"""`run`: options, plan, measure, save, show."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import get_args

import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn
from rich.table import Column
from rich.text import Text

from ...datasets import catalog
from ...datasets.errors import KinobenchError
from ..evaluation.resume import mark_finished
from ..machine import environment
from ..measure import registry
from ..records import job
from ..records.record import Case, Device, Environment, LogitsType, Peak, Precision, Record
from ..records.store import RunFile
from . import process as runner
from .downloads import fetch_published
from .plan import Planned
from .suite import Suite


class DataRoots(msgspec.Struct, frozen=True):
    """Where datasets lie: `--data-root DIR`, or `--data-root NAME=DIR` for each of several.

    A folder without a name is that of the datasets that need one; a dataset that is generated is
    looked for there only if no other is measured.
    """

    unnamed: Path | None
    named: dict[str, Path]

    def of(self, name: str, only: bool) -> Path | None:
        """Return the folder of a dataset; `only` says whether no other is measured."""
        if name in self.named:
            return self.named[name]
        return self.unnamed if only or catalog.get(name).needs_root else None


def data_roots(given: Sequence[str]) -> DataRoots:
    """Read the values of `--data-root`.

    Raises:
        KinobenchError: Two folders have the same name, or none.
    """
    unnamed: Path | None = None
    named: dict[str, Path] = {}
    for value in given:
        name, equals, folder = value.partition("=")
        path = Path(folder if equals and name in catalog.names() else value).expanduser()
        if equals and name in catalog.names():
            if named.setdefault(name, path) != path:
                raise KinobenchError(f"--data-root {value}: {name} has a folder already")
        elif unnamed is not None:
            raise KinobenchError(f"--data-root {value}: with several, name each, as in ucf101=DIR")
        else:
            unnamed = path
    return DataRoots(unnamed, named)


def logits_type(given: str) -> LogitsType:
    """Read the value of `--logits`.

    Raises:
        KinobenchError: It is none.
    """
    try:
        return msgspec.convert(given, LogitsType)
    except msgspec.ValidationError as error:
        known = " or ".join(get_args(LogitsType))
        raise KinobenchError(f"--logits {given}: logits are kept as {known}") from error


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line says of a whole run."""

    data_roots: "DataRoots"
    results: Path
    plugins: tuple[str, ...]
    timeout_s: float
    memory_limit_bytes: int | None
    skip_unreadable: bool
    strict: bool
    logits: LogitsType = "float32"
    fresh: bool = False
    flow_cache: str | None = None
    cluster: str | None = None


def measure(
    planned: list[Planned], suite: Suite, options: Options, console: Console
) -> Generator[Record, None, None]:
    """Measure case after case; each record is on disk before it is yielded.

    Args:
        planned: The cases.
        suite: Its latency budget counts.
        options: Where things lie, and limits.
        console: Where progress is shown, if it is a terminal.

    Raises:
        KinobenchError: A dataset or a cluster is not there, or the results can't be written: before
            any case.
    """
    cluster = _cluster(planned, options)
    # A machine without a GPU may have others measure on theirs.
    needed = {
        entry.case.device
        for entry in planned
        if cluster is None
        or cluster.address == job.LOCAL
        or not registry.on_cluster_alone(entry.measures)
    }
    for device in sorted(needed):
        environment.require_device(device)
    for decoder in sorted({e.case.decoder for e in planned if registry.reads_videos(e.measures)}):
        environment.require_decoder(decoder)
    datasets = {e.case.dataset for e in planned if registry.reads_videos(e.measures)} - {None}
    roots = {
        name: options.data_roots.of(name, only=len(datasets) == 1)
        for name in sorted(filter(None, datasets))
    }
    for name, split in sorted(
        {
            (entry.case.dataset, entry.case.split or "")
            for entry in planned
            if entry.case.dataset in roots
        }
    ):
        prepare(name, split, roots[name], console)
    fetch_published((entry.case for entry in planned), console)
    run = runner.new_run_id()
    file = RunFile(options.results, run)
    here = {
        (case.device, case.decoder): _described(case, needed, cluster)
        for case in {(e.case.device, e.case.decoder): e.case for e in planned}.values()
    }
    peaks: dict[tuple[Device, Precision, int | None], Peak] = {}
    with open_bar(console) as bar:
        overall = bar.add_task("cases", total=len(planned))
        within = bar.add_task("", total=None)
        ready: runner.Worker | None = None
        nursery = runner.nursery_for([entry.case for entry in planned])
        if nursery is not None:  # which takes seconds: time to load what the tables will need
            from ..leaderboard import ranking, tables  # noqa: F401
        try:
            for number, entry in enumerate(planned, 1):
                described = here[entry.case.device, entry.case.decoder]
                worker, ready = ready or runner.Worker(entry.case, nursery), None
                following = planned[number].case if number < len(planned) else None
                stage = ""

                def on_progress(
                    progress: job.Progress,
                    case: Case = entry.case,
                    following: Case | None = following,
                ) -> None:
                    nonlocal ready, stage
                    if progress.stage != stage:
                        stage = progress.stage
                        bar.reset(within, description=f"{case.model}: {stage}", total=None)
                    if progress.total:
                        bar.update(within, completed=progress.done, total=progress.total)
                    if stage == "accuracy" and following is not None and ready is None:
                        # Nothing is timed any more: the next process may load its libraries.
                        ready = runner.Worker(following, nursery)

                with _folder(cluster) as folder, worker:
                    record = runner.run_job(
                        _job(
                            number,
                            entry,
                            suite,
                            options,
                            run,
                            roots,
                            described.fingerprint,
                            cluster and msgspec.structs.replace(cluster, folder=folder),
                            peaks.get(_of_peak(entry.case)),
                        ),
                        worker,
                        run=run,
                        environment=described,
                        timeout_s=options.timeout_s,
                        on_progress=on_progress,
                    )
                file.append(record)
                if record.peak is not None:
                    peaks[_of_peak(entry.case)] = record.peak
                kept = record.accuracy.predictions if record.accuracy is not None else None
                if kept is not None and not _may_be_mended(record):
                    mark_finished(options.results / kept)
                bar.advance(overall)
                yield record
        finally:
            if ready is not None:
                ready.end()
            if nursery is not None:
                nursery.close()


def _described(case: Case, needed: set[Device], cluster: job.Cluster | None) -> Environment:
    """Describe the machine that a case is measured on: a node, where no GPU is needed here."""
    if cluster is None or case.device in needed or case.device == "cpu":
        return environment.describe(case.device, case.decoder)
    from ..cluster.address import environment_of

    return environment_of(cluster, case.decoder)


def _job(
    number: int,
    entry: Planned,
    suite: Suite,
    options: Options,
    run: str,
    roots: dict[str, Path | None],
    machine: str,
    cluster: job.Cluster | None,
    peak: Peak | None,
) -> job.Job:
    root = roots.get(entry.case.dataset or "")
    return job.Job(
        case=entry.case,
        measures=entry.measures,
        budget=suite.latency,
        data_root=None if root is None else str(root),
        plugins=options.plugins,
        results=str(options.results),
        predictions=f"{run}-{number:03d}",
        logits=options.logits,
        fresh=options.fresh,
        machine=machine,
        memory_limit_bytes=_memory_limit(entry.case, options),
        skip_unreadable=options.skip_unreadable,
        strict=options.strict,
        flow_cache=options.flow_cache,
        max_batch=entry.max_batch,
        cluster=cluster,
        peak=peak,
    )


def _of_peak(case: Case) -> tuple[Device, Precision, int | None]:
    """Return what the machine's peak depends on: it is measured once for each in a run."""
    return case.device, case.precision, case.threads


def _folder(cluster: job.Cluster | None) -> AbstractContextManager[str | None]:
    """Make a folder for the Ray that a case may start; it outlives the process of the case."""
    if cluster is None or cluster.address != job.LOCAL:
        return nullcontext()
    from ..cluster.folder import folder_of_local_ray

    return folder_of_local_ray()


def _cluster(planned: list[Planned], options: Options) -> job.Cluster | None:
    """Find the cluster, if one is asked for and there is something to measure on it."""
    scored = [
        entry.case
        for entry in planned
        if "accuracy" in entry.measures and entry.case.dataset is not None
    ]
    if options.cluster is None:
        return None
    from ..cluster.address import check_form, find_cluster

    check_form(options.cluster)
    if not scored:
        return None
    return find_cluster(options.cluster, scored)


def prepare(name: str, split: str, root: Path | None, console: Console) -> None:
    """See that a split is there; generate it at its own place first if that can be done.

    Raises:
        KinobenchError: It is not there, or it has no videos.
    """
    dataset = catalog.get(name)
    if dataset.make is not None and root is None:
        make(dataset, None, console)
    if not dataset.load(root, split).videos:
        raise KinobenchError(f"{name}: split {split} has no videos{f' in {root}' if root else ''}")


def make(
    dataset: catalog.Dataset,
    root: Path | None,
    console: Console,
    changes: catalog.Changes | None = None,
) -> Path:
    """Generate a dataset that can be, showing how far it is; at once if it is there already.

    Raises:
        KinobenchError: Changes are asked for, and the dataset knows none, or not these; or it can't
            be written.
    """
    assert dataset.make is not None
    with open_bar(console) as bar:
        task = bar.add_task(f"generating {dataset.name}", total=None, visible=False)

        def tell(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total, visible=True)

        if changes is None or changes == catalog.Changes():
            return dataset.make(root, tell)
        if dataset.make_changed is None:
            raise KinobenchError(
                f"{dataset.name} is generated in one way only: leave out --set, --seed, --train "
                "and --test"
            )
        return dataset.make_changed(root, changes, tell)


def _may_be_mended(record: Record) -> bool:
    """Tell whether replacing files, or `--skip-unreadable`, makes a success of what is kept."""
    return record.error is not None and record.error.kind == "unreadable"


def _memory_limit(case: Case, options: Options) -> int | None:
    if case.device != "cpu":
        return options.memory_limit_bytes
    return options.memory_limit_bytes or int(0.9 * environment.available_memory_bytes())


class _Amount(ProgressColumn):
    """`3/9` where things are counted."""

    def render(self, task: Task) -> Text:
        """Return the amount done, or nothing."""
        counted = "" if task.total is None else f"{task.completed:.0f}/{task.total:.0f}"
        return Text(counted, no_wrap=True)


class _Left(ProgressColumn):
    """How long still, once that can be told."""

    def render(self, task: Task) -> Text:
        """Return the time left, or nothing."""
        if task.total is None or not task.time_remaining:
            return Text("")
        minutes, seconds = divmod(int(task.time_remaining), 60)
        hours, minutes = divmod(minutes, 60)
        return Text(f"{hours}:{minutes:02}:{seconds:02} left", no_wrap=True)


@contextmanager
def open_bar(console: Console) -> Iterator[Progress]:
    """Show how far things are while the context lasts, where the console is a terminal."""
    columns = (
        TextColumn("{task.description}", table_column=Column(no_wrap=True, overflow="ellipsis")),
        BarColumn(bar_width=20),
        _Amount(),
        TimeElapsedColumn(table_column=Column(no_wrap=True)),
        _Left(),
    )
    with Progress(
        *columns,
        console=console,
        transient=True,
        disable=not console.is_terminal,
        speed_estimate_period=24 * 3600,  # cases take minutes: all of them count
    ) as bar:
        yield bar
