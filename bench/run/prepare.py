"""The things that a run needs before its first case: cluster, datasets, weights, environments."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ...datasets import catalog
from ...datasets.errors import KinobenchError
from ...datasets.lists.split_names import training_of
from ...datasets.names import Decoder
from ...datasets.split import Split
from ...zoo.checkpoints.named import cache_folder, fetch_weights, named_weights
from ..machine import environment
from ..measure import registry
from ..network.runtimes.known import versions_of
from ..records.case import QUANTISED, Case, Device, Runtime
from ..records.job import LOCAL, Cluster
from ..records.record import Environment
from ..text.progress import open_bar
from ..text.terminal import line
from .found import look_for
from .options import DataRoots, Options
from .planned import Planned
from .split_names import SplitNames

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID


@dataclass(frozen=True)
class Prepared:
    """Everything that the cases of a run need, in place.

    Attributes:
        cluster: Cluster that measures accuracy; None measures it here.
        roots: Folder of each dataset; None is the dataset's own place.
        environments: Environment of the cases of each device, decoder and runtime.
        splits: The splits that are read, by the names of their dataset and their own.
    """

    cluster: Cluster | None
    roots: dict[str, Path | None]
    environments: dict[tuple[Device, Decoder, Runtime], Environment]
    splits: dict[tuple[str, str], Split] = field(default_factory=dict)

    def environment_of(self, case: Case) -> Environment:
        """Return the machine of a case."""
        return self.environments[case.device, case.decoder, case.runtime]

    def split_of(self, case: Case) -> Split | None:
        """Return the videos of a case; None if none are read."""
        return self.splits.get((case.dataset or "", case.split or ""))

    def root_of(self, case: Case) -> str | None:
        """Return the folder of a case's videos; None: the dataset's own place."""
        root = self.roots.get(case.dataset or "")
        return None if root is None else str(root)


def prepare(planned: Sequence[Planned], options: Options, console: "Console") -> Prepared:
    """Find or make everything that the cases need.

    Args:
        planned: The cases.
        options: Folders and limits.
        console: Shows the progress, if it is a terminal.

    Raises:
        KinobenchError: A device, a decoder, a dataset or a cluster is not there.
    """
    cluster = _cluster(planned, options)
    needed = _devices_needed_here(planned, cluster)
    for device in sorted(needed):
        environment.require_device(device)
    reading = [entry.case for entry in planned if registry.reads_videos(entry.measures)]
    quantised = [
        entry.case
        for entry in planned
        if entry.case.precision in QUANTISED and registry.run_network(entry.measures)
    ]
    for decoder in sorted({case.decoder for case in (*reading, *quantised)}):
        environment.require_decoder(decoder)
    roots = _roots([*reading, *quantised], options.data_roots)
    read = {case.dataset for case in reading}
    splits = {(e.case.dataset, e.case.split or "") for e in planned if e.case.dataset in read}
    training = {(case.dataset, _training(case, options.data_roots)) for case in quantised}
    options.data_roots.refuse_unused(entry.case.dataset for entry in planned)
    loaded = {}
    for name, split in sorted((name, split) for name, split in splits | training if name):
        try:
            loaded[name, split] = prepare_split(
                name, split, options.data_roots, console, only=len(roots) == 1
            )
        except KinobenchError as error:
            if (name, split) in splits:
                raise
            raise KinobenchError(f"int8 takes training clips, and {error}") from error
    fetch_published(((entry.case.model, entry.case.weights) for entry in planned), console)
    kinds = {(e.case.device, e.case.decoder, e.case.runtime): e.case for e in planned}
    return Prepared(
        cluster=cluster,
        roots=roots,
        environments={kind: _environment(case, needed, cluster) for kind, case in kinds.items()},
        splits=loaded,
    )


def _training(case: Case, data: DataRoots) -> str:
    """Return the name of the split whose clips quantise a case's network; planning found it."""
    names = SplitNames(data).names(catalog.get(case.dataset or ""))
    return training_of(names, case.split) or ""


def _devices_needed_here(planned: Sequence[Planned], cluster: Cluster | None) -> set[Device]:
    """Return the devices that this machine must have; another cluster's nodes have their own."""
    return {
        entry.case.device
        for entry in planned
        if cluster is None
        or cluster.address == LOCAL
        or not registry.on_cluster_alone(entry.measures)
    }


def _roots(cases: Sequence[Case], given: DataRoots) -> dict[str, Path | None]:
    names = sorted({case.dataset for case in cases if case.dataset is not None})
    return {name: given.of(name, only=len(names) == 1) for name in names}


def _environment(case: Case, needed: set[Device], cluster: Cluster | None) -> Environment:
    """Describe the machine of a case: this one, or a node if this one needs no GPU."""
    if cluster is None or case.device in needed or case.device == "cpu":
        return environment.describe(case.device, case.decoder, runtime=versions_of(case.runtime))
    from ..cluster.address import environment_of

    return environment_of(cluster, case.decoder)


def _cluster(planned: Sequence[Planned], options: Options) -> Cluster | None:
    """Find the cluster, if there is something to measure on it."""
    if options.cluster is None:
        return None
    from ..cluster.address import check_form, find_cluster

    check_form(options.cluster)
    scored = [
        entry.case
        for entry in planned
        if "accuracy" in entry.measures and entry.case.dataset is not None
    ]
    return find_cluster(options.cluster, scored) if scored else None


def prepare_split(
    name: str, split: str | None, data: DataRoots, console: "Console", *, only: bool = True
) -> Split:
    """Check that a split is there; generate a dataset that has no folder, if that is possible.

    The console shows how many of its videos are there, and examples of those that aren't.

    Args:
        name: The dataset's name.
        split: The split's name; None is the first.
        data: Folders of datasets, and the least share of the videos that must be there.
        console: Shows progress and what was found.
        only: No other dataset is measured.

    Returns:
        The split.

    Raises:
        KinobenchError: It is not there, it has no videos, or too few of them are there.
    """
    dataset, root = catalog.get(name), data.of(name, only)
    if dataset.make is not None and root is None:
        make_dataset(dataset, None, console, split=split)
    loaded = data.split(name, split, only)
    if not loaded.videos:
        raise KinobenchError(f"{name}: split {split} has no videos{f' in {root}' if root else ''}")
    found = look_for(loaded, root)
    if found.there:
        console.print(line(found.text), soft_wrap=True)
    found.refuse_too_few(data.min_found)
    return loaded


def make_dataset(
    dataset: catalog.Dataset,
    root: Path | None,
    console: "Console",
    changes: catalog.Changes | None = None,
    split: str | None = None,
) -> Path:
    """Generate a dataset and show the progress; one that is there already is kept.

    Args:
        dataset: One that can be generated.
        root: The folder; None: where the dataset looks for itself.
        console: Shows the progress.
        changes: Differences from the named dataset.
        split: Without a root: the one split that is needed, if the dataset can make it alone.

    Raises:
        KinobenchError: The dataset has no such changes, or it can't be written.
    """
    assert dataset.make is not None
    with open_bar(console) as bar:
        task = bar.add_task(f"generating {dataset.name}", total=None, visible=False)

        def report(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total, visible=True)

        if changes is None or changes == catalog.Changes():
            if root is None and split and dataset.make_split is not None:
                return dataset.make_split(split, report)
            return dataset.make(root, report)
        if dataset.make_changed is None:
            raise KinobenchError(
                f"{dataset.name} is generated in one way only: leave out --set, --seed, --train "
                "and --test"
            )
        return dataset.make_changed(root, changes, report)


def fetch_published(wanted: Iterable[tuple[str, str | None]], console: "Console") -> None:
    """Download the published weights of models, by their names, that torch hub's cache lacks.

    The console shows why a file can't be downloaded; its cases are refused when their turn comes,
    and the others go on.
    """
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TransferSpeedColumn,
    )

    entries = [named_weights(model, weights) for model, weights in wanted]
    absent = {
        entry.file: entry
        for entry in entries
        if entry is not None and not (cache_folder() / entry.file).is_file()
    }
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn())
    for entry in absent.values():
        if not console.is_terminal:  # a log, which has no bar
            console.print(
                line(f"fetching {entry.url} to {cache_folder() / entry.file}"), soft_wrap=True
            )
        with Progress(
            *columns, TransferSpeedColumn(), console=console, disable=not console.is_terminal
        ) as bar:
            task = bar.add_task(f"{entry.model}: {entry.name}", total=None)
            try:
                fetch_weights(entry, partial(_show, bar, task))
            except KinobenchError as error:
                bar.stop()
                console.print(line(f"kinobench: {error}"), soft_wrap=True)


def _show(bar: "Progress", task: "TaskID", received: int, whole: int | None) -> None:
    bar.update(task, completed=received, total=whole)
