"""Verdicts of the speed gate in a folder of results: one file, a line for each, appended."""

import gzip
import io
import os
import zlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec

from ...datasets.errors import KinobenchError, reason_of
from ...datasets.files import read_regular
from .appending import append_lines
from .case import Case
from .files import UNDECODABLE
from .inside import inside
from .record import Environment

FILE = "gate_checks.jsonl"
FILES = (FILE, f"{FILE}.gz")
"""Files of a folder of results that have verdicts; the compressed one is made by hand."""
SCHEMA = 1
LARGEST = 1 << 28
"""Bytes of a file's content, unpacked; more is no history of checks."""


class Slowdown(msgspec.Struct, frozen=True, kw_only=True):
    """A slowdown by one clock, as a fraction: 0.05 is 5 % more time.

    Attributes:
        estimate: The estimate.
        low, high: Ends of its interval; None without one.
    """

    estimate: float
    low: float | None = None
    high: float | None = None


class GateVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict of a check of the speed gate on one case.

    Attributes:
        check: Name of the check; all verdicts of one command share it. It sorts by time.
        started: Time at which the check was begun, UTC, ISO 8601.
        against: What the checkout was compared with: a commit, a file of times, or itself.
        case: The case that was checked.
        verdict: `fail`, `broken`, `pass`, `inconclusive` or `new`.
        reason: The reason of the verdict, if the numbers don't show it.
        budget: The slowdown that is allowed, as a fraction.
        inject: The share by which the checkout was slowed on purpose; None: it was not.
        wall: The slowdown by the wall clock, or by the GPU's; None if nothing was timed.
        cpu: The slowdown by the processor time; None if it was not read.
        pairs: Number of pairs of processes in each batch.
        differences: Counts that differ, a line for each.
        seconds: Duration of the check of this case; None if it is unknown.
        candidate: The commit of the checkout, with + if files differ from it; None without one.
        baseline: The commit that it is compared with; None without one.
        environment: The machine and the software.
    """

    schema: int = SCHEMA
    check: str
    started: str
    against: Literal["commit", "file", "itself"]
    case: Case
    verdict: Literal["fail", "broken", "pass", "inconclusive", "new"]
    reason: str | None = None
    budget: float
    inject: float | None = None
    wall: Slowdown | None = None
    cpu: Slowdown | None = None
    pairs: tuple[int, ...] = ()
    differences: tuple[str, ...] = ()
    seconds: float | None = None
    candidate: str | None = None
    baseline: str | None = None
    environment: Environment | None = None

    @property
    def began(self) -> float:
        """When the check was begun, in seconds since 1970."""
        return datetime.fromisoformat(self.started).timestamp()

    @property
    def kind(self) -> str:
        """What was compared, if it is not the checkout as it is with a commit."""
        if self.inject is not None:
            return f"slowed by {100 * self.inject:g} %"
        return {"commit": "", "file": "times of a file", "itself": "itself"}[self.against]


class StoredLine(msgspec.Struct, frozen=True):
    """A line of a file of checks.

    Attributes:
        number: Its number in the file, from 1 on.
        content: Its bytes, without the end.
    """

    number: int
    content: bytes


_decoder = msgspec.json.Decoder(GateVerdict)


def refuse_unwritable(results: Path) -> None:
    """Check, before anything is measured, that verdicts can be stored in a folder; nothing is made.

    Raises:
        KinobenchError: The folder, or the one that it is made in, can't be written.
    """
    place = inside(results, FILE).parent
    while not place.exists() and place != place.parent:
        place = place.parent
    if not place.is_dir() or not os.access(place, os.W_OK):
        raise KinobenchError(
            f"--results {results}: {place} can't be written, so the verdicts can't be stored; give "
            "another folder, or --no-store"
        )


def append_verdicts(results: Path, verdicts: Sequence[GateVerdict]) -> Path:
    """Append verdicts to the file of a folder of results, all or none; return the file.

    Raises:
        KinobenchError: They can't be written.
    """
    path = inside(results, FILE)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        append_lines(path, b"".join(msgspec.json.encode(each) + b"\n" for each in verdicts))
    except OSError as error:
        raise KinobenchError(
            f"{path} can't be written: {reason_of(error)}; free some space, or give another "
            "--results"
        ) from error
    return path


class _Mark(msgspec.Struct):
    """What no other line of a file of checks has, and the schema: others may have other fields."""

    check: str | None = None
    schema: int = SCHEMA


_marked = msgspec.json.Decoder(_Mark)


def from_json(line: bytes) -> GateVerdict:
    """Read a line; fields that this version doesn't know are passed over.

    Raises:
        KinobenchError: It is of another schema, or its time is none.
        msgspec.DecodeError: It is no verdict.
    """
    schema = _marked.decode(line).schema
    if schema != SCHEMA:
        raise KinobenchError(f"schema {schema} (this is {SCHEMA})")
    found = _decoder.decode(line)
    try:
        _ = found.began
    except (ValueError, OverflowError) as error:
        raise KinobenchError(f"started {found.started!r} is no time") from error
    return found


def is_verdict(line: bytes) -> bool:
    """Return whether a line is written as `check` stores one, readable or not."""
    try:
        return _marked.decode(line).check is not None
    except UNDECODABLE:
        return False


def lines_of(path: Path, option: str = "") -> Iterator[StoredLine]:
    """Yield the lines of a file that are not empty.

    Args:
        path: The file; a name with `.gz` is unpacked.
        option: The option that names the file, for the error: `--gate`.

    Raises:
        KinobenchError: It can't be read.
    """
    named = f"{option} {path}".lstrip()
    try:
        content = read_regular(path)
    except OSError as error:
        raise KinobenchError(f"{named}: {reason_of(error)}") from error
    if path.suffix == ".gz":
        content = _unpacked(named, content)
    for number, line in enumerate(content.split(b"\n"), 1):
        if line.strip():
            yield StoredLine(number, line)


def files_in(folders: Sequence[Path]) -> list[Path]:
    """Return the files of checks that folders of results have."""
    paths = (folder / name for folder in folders for name in FILES)
    return [path for path in paths if path.is_file()]


def _unpacked(named: str, content: bytes) -> bytes:
    """Unpack a file, which may not grow without end."""
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
            found = file.read(LARGEST + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise KinobenchError(f"{named}: the file is damaged: {error}") from error
    if len(found) > LARGEST:
        raise KinobenchError(f"{named}: unpacked it has more than {LARGEST >> 20} MiB")
    return found
