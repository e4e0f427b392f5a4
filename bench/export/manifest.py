"""The list of an archive's files, and where in it what may be."""

import re
from importlib.metadata import PackageNotFoundError, version

import msgspec

from ...datasets.errors import KinobenchError
from ..records.inside import fault_in

FILE = "manifest.json"
FORMAT = 1
"""The version of the archive's layout."""

_RUN = re.compile(r"runs/[A-Za-z0-9][A-Za-z0-9._-]*\.jsonl")
_PREDICTIONS = "predictions/"


class Listed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file of an archive: its digest, and its size when it is unpacked."""

    sha256: str
    bytes: int


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What an archive of results has.

    Attributes:
        format: The version of its layout.
        kinobench: The version of kinobench that wrote it.
        records: Number of records.
        predictions: Number of folders of predictions.
        files: The files by their names in the archive, but for this list.
    """

    format: int
    kinobench: str
    records: int
    predictions: int
    files: dict[str, Listed]


def own_version() -> str:
    """Return the version of kinobench that runs."""
    try:
        return version("kinobench")
    except PackageNotFoundError:
        return "a checkout"


def refuse_place(name: str) -> None:
    """Check that a file of an archive may have that name.

    Raises:
        KinobenchError: It is neither a run's file nor one of predictions.
    """
    fault = fault_in(name)
    if fault is None and not _RUN.fullmatch(name):
        parts = name.split("/")
        if not name.startswith(_PREDICTIONS) or len(parts) < 2:
            fault = "it is neither in runs/ nor in predictions/"
        elif any(not part or part.startswith(".") or part.endswith((" ", ".")) for part in parts):
            fault = "a part of it is empty or hidden"
        elif any(ord(character) < 32 or character in '<>:"|?*' for character in name):
            fault = "it has a character that file names have not on every system"
    if fault is not None:
        raise KinobenchError(f"it has a file {name!r}: {fault}")
