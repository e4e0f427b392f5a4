"""The options of a whole run, as the command line gives them."""

from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import msgspec
from msgspec.structs import force_setattr

from ...datasets import catalog
from ...datasets.errors import KinobenchError
from ..records.case import LogitsType
from ..records.job import FileLimits


class DataRoots(msgspec.Struct, frozen=True):
    """Folders of datasets: `--data-root DIR`, or `--data-root NAME=DIR` for each of several.

    A folder without a name is for the datasets that need one; a dataset that is generated is looked
    for there only if no other is measured.
    """

    unnamed: Path | None
    named: dict[str, Path]

    def of(self, name: str, only: bool) -> Path | None:
        """Return the folder of a dataset; `only`: no other dataset is measured."""
        if name in self.named:
            return self.named[name]
        return self.unnamed if only or catalog.get(name).needs_root else None


def data_roots(given: Sequence[str]) -> DataRoots:
    """Read the values of `--data-root`.

    Raises:
        KinobenchError: Two folders have the same name, or no name.
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
    flow_cache: str | None = None
    cluster: str | None = None
    file_limits: FileLimits = FileLimits()

    def __post_init__(self) -> None:
        """Make the paths of plug-ins absolute: the working folder may change before a case."""
        absolute = tuple(str(Path(plugin).absolute()) for plugin in self.plugins)
        force_setattr(self, "plugins", absolute)
