"""Where a source of printed numbers is on the web."""

import re
from functools import cache

import msgspec

from ...datasets.errors import KinobenchError
from .csv_table import FOLDER, read_rows

TABLE = FOLDER / "sources.csv"
_FILE = re.compile(r"(?P<repository>[\w.-]+/[\w.-]+)@(?P<path>[^ (]+)(?: \((?P<rest>.*))?")
_COMMIT = re.compile(r"(?:main|branch [\w.]+), (?P<commit>[0-9a-f]{7,40})\)")
_VERSION = re.compile(r"(?P<version>\d+(?:\.\d+)+)\)")
_HUB = re.compile(r"[\w.-]+/[\w.-]+")


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """One line of `sources.csv`.

    Attributes:
        begins: How the sources of the other tables begin that are at this place.
        url: Its address.
    """

    begins: str
    url: str


def url_of(source: str) -> str:
    """Return the address of a source.

    A source is `owner/repository@path`, a repository of Hugging Face's hub, or begins as one of
    `sources.csv`. The commit or version in parentheses after a path is part of the address.

    Raises:
        KinobenchError: It is neither.
    """
    for each in _table():
        if source.startswith(each.begins):
            return each.url
    found = _FILE.fullmatch(source)
    if found is not None:
        return (
            f"https://github.com/{found['repository']}/blob/{_ref(found['rest'])}/{found['path']}"
        )
    if _HUB.fullmatch(source):
        return f"https://huggingface.co/{source}"
    raise KinobenchError(f"source {source!r} has no address: add how it begins to {TABLE}")


def _ref(rest: str | None) -> str:
    """Return the commit or tag that parentheses name; HEAD is the newest."""
    if rest is None:
        return "HEAD"
    if commit := _COMMIT.match(rest):
        return commit["commit"]
    version = _VERSION.match(rest)
    return "HEAD" if version is None else f"v{version['version']}"


@cache
def _table() -> tuple[Source, ...]:
    return tuple(row for _, row in read_rows(TABLE, Source))
