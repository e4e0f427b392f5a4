"""A smaller copy of a dataset's splits, read back to see that it has the same videos and labels."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ...datasets import catalog
from ...datasets.errors import DatasetError, KinobenchError, program
from ...datasets.made.begin import Copy, Kind
from ...datasets.made.form import Form
from ...datasets.made.make import make_copy
from ...datasets.made.report import Report
from ...datasets.own import LIST, SHARDS, OwnVideos
from ...datasets.plurals import quantity
from ...datasets.sizes import bytes_in
from ...datasets.split import Split
from ..text.progress import open_bar
from ..text.terminal import line
from .found import look_for
from .options import DataRoots
from .prepare import make_dataset

if TYPE_CHECKING:
    from rich.console import Console

_SHOWN = 20
"""Videos that are named one by one."""


class Copied(NamedTuple):
    """A copy that was made.

    Attributes:
        folder: Where it is.
        lines: What to say about it.
        is_whole: False if files could not be encoded, or if the copy is not read as its source.
    """

    folder: Path
    lines: tuple[str, ...]
    is_whole: bool


class Manner(NamedTuple):
    """How a copy is made.

    Attributes:
        processes: Number of processes that encode; None: one a processor.
        overwrite: Remove another copy that is there.
        ignore_space: Begin even if there seems to be too little room.
    """

    processes: int | None = None
    overwrite: bool = False
    ignore_space: bool = False


def size_bytes(option: str, given: str) -> int:
    """Return a size that is written as `1GB`, `500 MB`, `2GiB` or in bytes.

    Raises:
        KinobenchError: It is written otherwise.
    """
    size = bytes_in(given)
    if not size:
        raise KinobenchError(f"{option} {given}: write a size, as in 1GB, 500MB or 2GiB")
    return size


def copy_dataset(
    name: str,
    splits: Sequence[str],
    data: DataRoots,
    to: Path,
    form: Form,
    manner: Manner,
    console: "Console",
) -> Copied:
    """Make a copy of splits of a dataset.

    Args:
        name: The catalog's name.
        splits: Names of splits; none: the first of an official dataset, all of one's own videos.
        data: The folder of the videos, and what is said about one's own.
        to: The folder of the copy.
        form: What its files are like.
        manner: How it is made.
        console: Shows what was found, the progress, and the room that is needed.

    Raises:
        KinobenchError: The dataset is not there, or the copy can't be made.
    """
    dataset, root = catalog.get(name), data.of(name, only=True)
    if root is None and dataset.make is not None:
        root = make_dataset(dataset, None, console)
    own = data.own_of(name)
    is_own = dataset.read is not None
    if name == SHARDS and form.shard_bytes is None:
        raise DatasetError(f"{name}: a copy of tars is in tars, too; give --shards SIZE, as 1GB")
    names = tuple(dict.fromkeys(splits))
    if not names:
        names = catalog.split_names(dataset, root, own) if is_own else dataset.splits[:1]
    loaded = tuple(catalog.load_split(dataset, root, split, own) for split in names)
    for split in loaded:
        _refuse_losing_times(split, form)
        found = look_for(split)
        if found.there:
            console.print(line(found.text), soft_wrap=True)
        found.refuse_too_few(data.min_found)
    base = own.base(root)
    roots = tuple(dict.fromkeys(each for each in (base, root) if each is not None))
    if not roots:
        raise DatasetError(f"{name}: no data root is given; say where it is by --data-root DIR")
    kind: Kind = "list" if name == LIST else "folder" if is_own else "official"
    copy = Copy(name, kind, loaded, roots, to, form, are_parts=own.holdout is not None)
    with open_bar(console) as bar:
        task = bar.add_task(f"{form.text}", total=None)
        report = make_copy(
            copy,
            processes=manner.processes,
            overwrite=manner.overwrite,
            ignore_space=manner.ignore_space,
            progress=lambda done, of: bar.update(task, completed=done, total=of),
            on_room=lambda room: console.print(line(room.text), soft_wrap=True),
        )
    return _read_back_and_said(report, copy, own, names)


def _refuse_losing_times(split: Split, form: Form) -> None:
    """Refuse a copy from which nobody could say any more when, or where, something happens.

    Raises:
        KinobenchError: It would be one.
    """
    if split.truth is None:
        return
    if form.shard_bytes is not None:
        raise KinobenchError(
            f"{split.dataset}: tars have no place for times and boxes; leave out --shards"
        )
    if not form.keeps_bytes and any(clock.fps is not None for clock in split.clocks.values()):
        raise KinobenchError(
            f"{split.dataset}: folders of pictures would become files whose times are others; give "
            "--copy, which keeps them, or --layout videos"
        )


def _read_back_and_said(report: Report, copy: Copy, own: OwnVideos, names: Sequence[str]) -> Copied:
    here = _own_of_copy(copy, own)
    in_tars = copy.form.shard_bytes is not None
    name = SHARDS if in_tars else copy.dataset
    asked = names if copy.kind == "official" and not in_tars else [s.name for s in copy.splits]
    differences = _read_back(catalog.get(name), copy, here, asked)
    last = f"run on it: {_command(name, copy, here, asked[0])}"
    lines = (*_said(report, copy), *differences, last)
    return Copied(copy.to, lines, not report.faults and not differences)


def _own_of_copy(copy: Copy, own: OwnVideos) -> OwnVideos:
    """Return what is said about own videos to read the copy."""
    if copy.kind != "list" or copy.form.shard_bytes is not None:
        in_files = copy.form.shard_bytes is None
        return OwnVideos(group=own.group, layout=own.layout if in_files else "")
    lists = tuple((each.name, str(copy.to / f"{each.name}.csv")) for each in copy.splits)
    return OwnVideos(lists=lists, group=own.group)


def _read_back(
    dataset: catalog.Dataset, copy: Copy, own: OwnVideos, names: Sequence[str]
) -> list[str]:
    """Return how the splits of a copy differ from those that it was made from."""
    differences = []
    for name, before in zip(names, copy.splits, strict=True):
        try:
            now = catalog.load_split(dataset, copy.to, name, own)
        except KinobenchError as error:
            differences.append(f"the copy of {before.name} is not read as {dataset.name}: {error}")
            continue
        if now.manifest != before.manifest:
            differences.append(
                f"the copy of {before.name} has another manifest: {now.manifest}, not "
                f"{before.manifest}"
            )
        lacks, lacked = look_for(now).missing, look_for(before).missing
        if len(lacks) > len(lacked):
            differences.append(
                f"the copy of {before.name} lacks {quantity(len(lacks) - len(lacked), 'video')} "
                f"that its source has, such as {lacks[0]}"
            )
    return differences


def _said(report: Report, copy: Copy) -> list[str]:
    """Return the lines on what came of a copy."""
    sizes = f"{report.source_bytes / 1e6:,.1f} MB have become {report.bytes / 1e6:,.1f} MB"
    said = [f"{quantity(report.files, 'file')}, {copy.form.text}: {sizes}"]
    if report.kept:
        said.append(f"{report.kept} of them were finished before")
    if report.missing:
        said.append(
            f"missing before and now: {quantity(len(report.missing), 'video')}, such as "
            f"{report.missing[0]}"
        )
    said += [f"{change}: {quantity(count, 'file')}" for change, count in report.changes.items()]
    for split in copy.splits:
        said.append(f"{split.dataset} {split.name}: manifest {split.manifest}")
    if report.left_out:
        said.append(f"lists left out, behind links that leave the root: {report.left_out}")
    if report.faults:
        said.append(f"copied as they are, since they can't be encoded: {len(report.faults)}")
        said += [f"  {video}: {fault}" for video, fault in report.faults[:_SHOWN]]
        if len(report.faults) > _SHOWN:
            said.append(f"  ... and {len(report.faults) - _SHOWN} more, in kinobench-made.jsonl")
    return said


def _command(dataset: str, copy: Copy, own: OwnVideos, split: str) -> str:
    data = DataRoots(unnamed=copy.to, own=own)
    words = ["--dataset", dataset, *data.arguments(dataset), "--split", split]
    return f"{program()} run {' '.join(map(shlex.quote, words))} --model MODEL"
