"""`data list`: every dataset that is known, how large it is, and where people get it."""

from typing import Any

import msgspec

from ...datasets import catalog
from ...datasets.errors import program
from ...datasets.names import Task
from ..text.units import scaled

_OF_YOURS = "those of your videos"


class KnownDataset(msgspec.Struct, frozen=True, kw_only=True):
    """Facts about a dataset, whether its videos are here or not.

    Attributes:
        name: The catalog's name.
        title: The name as people write it.
        task: What a network is to say of its videos.
        classes: Number of its classes; None: its videos say it.
        splits: Names of its splits, the default first; empty: its videos say them.
        videos: Number of its videos as published; None if that isn't known.
        size_bytes: What they take as published; None if that isn't known.
        licence: As its publishers state it; empty if that isn't known.
        homepage: The page of its publishers; empty if it has none.
        obtain: Text that says how people get it.
        check: The command that checks a copy of it.
    """

    name: str
    title: str
    task: Task
    classes: int | None
    splits: tuple[str, ...]
    videos: int | None
    size_bytes: int | None
    licence: str
    homepage: str
    obtain: str
    check: str


def known_datasets() -> list[KnownDataset]:
    """Return every dataset, those of plug-ins and generated ones too, in alphabetical order.

    Raises:
        KinobenchError: An installed plug-in is not a dataset.
    """
    return [_known(catalog.get(name)) for name in catalog.names()]


def _known(dataset: catalog.Dataset) -> KnownDataset:
    return KnownDataset(
        name=dataset.name,
        title=dataset.title,
        task=dataset.task,
        classes=dataset.num_classes,
        splits=dataset.splits,
        videos=dataset.videos,
        size_bytes=dataset.size_bytes,
        licence=dataset.licence,
        homepage=dataset.homepage,
        obtain=dataset.obtain,
        check=check_command(dataset),
    )


def check_command(dataset: catalog.Dataset) -> str:
    """Return the command that checks a copy of a dataset."""
    list_ = " --list FILE" if dataset.name == "list" else ""
    root = " --data-root DIR" if dataset.needs_root and not list_ else ""
    return f"{program()} data doctor {dataset.name}{list_}{root}"


def on_screen(known: list[KnownDataset]) -> list[dict[str, Any]]:
    """Return rows for `listing.show`."""
    return [
        {
            "name": each.name,
            "task": each.task,
            "classes": each.classes,
            "videos": None if each.videos is None else f"{each.videos:,}",
            "GB": None if each.size_bytes is None else scaled(each.size_bytes, 1e9, 1),
            "splits": ", ".join(each.splits) or _OF_YOURS,
            "title": each.title,
            "licence": each.licence or None,
            "get it": each.obtain or each.homepage or None,
            "check it": each.check,
        }
        for each in known
    ]
