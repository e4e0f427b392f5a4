"""The options of a whole run, as the command line gives them."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import get_args

import msgspec
from msgspec.structs import force_setattr

from ...datasets import catalog
from ...datasets.errors import KinobenchError, UnknownNameError, program
from ...datasets.own import OF_OTHERS, OWN, OwnVideos, expanded
from ...datasets.split import Split
from ..records.case import LogitsType
from ..records.job import FileLimits
from .default_root import default_root, refuse_absent

_NAME = re.compile(r"[\w.+-]+")


class DataRoots(msgspec.Struct, frozen=True):
    """Folders of datasets: `--data-root DIR`, or `--data-root NAME=DIR` for each of several.

    A folder without a name is for the datasets that need one; a dataset that is generated is looked
    for there only if no other is measured.

    Attributes:
        unnamed: The folder without a name.
        named: The others, by the names of their datasets.
        own: What is said about own videos, besides their folder.
        min_found: The least share of a split's videos that must be there; None: one of them.
    """

    unnamed: Path | None = None
    named: dict[str, Path] = {}
    own: OwnVideos = OwnVideos()
    min_found: float | None = None

    def of(self, name: str, only: bool) -> Path | None:
        """Return the folder of a dataset; `only`: no other dataset is measured."""
        name = catalog.canonical(name)
        if name in self.named:
            return self.named[name]
        needed = catalog.get(name).needs_root
        if self.unnamed is not None and (only or needed):
            return self.unnamed
        return default_root(catalog.get(name)) if needed else None

    def own_of(self, name: str | None) -> OwnVideos:
        """Return what is said about a dataset: of others than one's own, layout and links."""
        if name in OWN:
            return self.own
        has_layouts = name is not None and catalog.get(name).layouts
        layout, follow_links = self.own.layout, self.own.follow_links
        return OwnVideos(layout=layout, follow_links=follow_links) if has_layouts else OwnVideos()

    def place(self, name: str) -> str | None:
        """Return the folder of the videos of the only dataset that is measured."""
        root = self.of(name, only=True)
        return self.own_of(name).place(None if root is None else str(root))

    def split(self, name: str, split: str | None, only: bool = True) -> Split:
        """Return a split of a dataset.

        Args:
            name: The dataset's name.
            split: The split's name; None is the first.
            only: No other dataset is measured.

        Raises:
            KinobenchError: It is not there, or not what it should be.
        """
        dataset, root = catalog.get(name), self.of(name, only)
        if root is None:
            refuse_absent(dataset)
        return catalog.load_split(dataset, root, split, self.own_of(name))

    def arguments(self, name: str) -> list[str]:
        """Return the arguments of a command that measures a dataset's videos as they are here."""
        root, own = self.of(name, only=True), self.own_of(name)
        said = [] if root is None else ["--data-root", str(root)]
        for split, file in own.lists:
            said += ["--list", f"{split}={file}" if split else file]
        if own.path_prefix is not None:
            said += ["--path-prefix", own.path_prefix]
        if own.holdout is not None:
            said += own.holdout.text.split()
        if own.group is not None:
            said += ["--group", own.group]
        if own.follow_links:
            said.append("--follow-links")
        if own.layout:
            said += ["--layout", own.layout]
        return said

    def refuse_unused(self, names: Iterable[str | None]) -> None:
        """Raise KinobenchError if something is said about videos that aren't measured."""
        measured = [name for name in names if name is not None]
        if self.own.layout and not any(catalog.get(name).layouts for name in measured):
            raise KinobenchError(
                f"--layout {self.own.layout}: none of the datasets has several layouts; leave it "
                "out"
            )
        said = [option for option in self.own.given if option not in OF_OTHERS]
        if said and not any(name in OWN for name in measured):
            raise KinobenchError(
                f"{', '.join(said)}: none of the datasets is your own videos; give "
                f"--dataset {' or '.join(OWN)}, or leave it out"
            )


def data_roots(
    given: Sequence[str], own: OwnVideos | None = None, min_found: float | None = None
) -> DataRoots:
    """Read the values of `--data-root`.

    Args:
        given: The values.
        own: What is said about own videos.
        min_found: The least share of a split's videos that must be there.

    Raises:
        KinobenchError: Two folders have the same name, or no name; or a variable in one isn't set.
        UnknownNameError: A folder that isn't there has the name of no dataset.
    """
    unnamed: Path | None = None
    named: dict[str, Path] = {}
    for value in given:
        name, equals, folder = value.partition("=")
        name = catalog.canonical(name)
        is_named = bool(equals) and name in catalog.names()
        path = expanded(folder if is_named else value)
        if equals and not is_named and _NAME.fullmatch(name) and not path.exists():
            hint = f"`{program()} list datasets` shows all; a folder is written as ./{value}"
            raise UnknownNameError("dataset", name, catalog.names(), hint)
        if is_named:
            if named.setdefault(name, path) != path:
                raise KinobenchError(f"--data-root {value}: {name} has a folder already")
        elif unnamed is not None:
            raise KinobenchError(f"--data-root {value}: with several, name each, as in ucf101=DIR")
        else:
            unnamed = path
    return DataRoots(unnamed, named, own or OwnVideos(), min_found)


def logits_type(given: str) -> LogitsType:
    """Read the value of `--logits`.

    Raises:
        KinobenchError: It is another.
    """
    try:
        kept: LogitsType = msgspec.convert(given, LogitsType)
    except msgspec.ValidationError as error:
        known = " or ".join(get_args(LogitsType))
        raise KinobenchError(f"--logits {given}: logits are kept as {known}") from error
    return kept


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """The options that all cases of a run share.

    Attributes:
        plugins: Files that register networks; relative paths become absolute here.
        resume: Take the cases that stored records stand for.
        rows: Show a row, or a line, for each case as it ends.
    """

    data_roots: DataRoots
    results: Path
    plugins: tuple[str, ...]
    timeout_s: float
    memory_limit_bytes: int | None
    skip_unreadable: bool
    strict: bool
    logits: LogitsType = "float32"
    fresh: bool = False
    resume: bool = False
    rows: bool = False
    flow_cache: str | None = None
    cluster: str | None = None
    file_limits: FileLimits = FileLimits()

    def __post_init__(self) -> None:
        """Make the paths of plug-ins absolute: the working folder may change before a case."""
        absolute = tuple(str(Path(plugin).absolute()) for plugin in self.plugins)
        force_setattr(self, "plugins", absolute)
