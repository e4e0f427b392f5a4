"""The list of an archive's files, with their digests and sizes."""

import zipfile
from importlib.metadata import PackageNotFoundError, version

import msgspec

FILE = "manifest.json"
FORMAT = 1
"""The version of the archive's layout."""
_MOST_RATIO = 200
"""Bytes of a file for each byte in the archive: lines of records have up to 20, a bomb 1,000."""


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


def grows(entry: zipfile.ZipInfo) -> bool:
    """Return whether a file of an archive grows as nothing does that an export writes."""
    return entry.file_size > _MOST_RATIO * max(entry.compress_size, 1024)
