"""Records on disk: one JSON Lines file a run, appended as each case ends."""

import gc
import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import msgspec

from ...datasets.errors import KinobenchError, program, reason_of
from ...datasets.files import read_regular
from ...datasets.visible import one_line
from .appending import append_lines
from .files import UNDECODABLE
from .inside import inside
from .record import SCHEMA, Record, from_json, from_lines


class _Version(msgspec.Struct):
    """The schema of a line, which is read first: other schemas may have other fields."""

    schema: int


_version = msgspec.json.Decoder(_Version)

HALF = (
    "not a record: it ends in the middle (a killed command, a full disk); measure that case again"
)
"""What is wrong with a last line that was not written to its end."""


class RunFile:
    """The file that a run's records are appended to."""

    def __init__(self, results: Path, run: str) -> None:
        """Name the file and make its folder, so that a wrong place is an error at once.

        Raises:
            KinobenchError: The folder can't be made or written, or a link leads out of the results.
        """
        self.path = inside(results, "runs") / f"{run}.jsonl"
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise KinobenchError(
                f"--results {results}: {reason_of(error)}; give a folder that can be written"
            ) from error
        if not os.access(self.path.parent, os.W_OK):
            raise KinobenchError(
                f"--results {results}: {self.path.parent} can't be written; give another folder"
            )

    def append(self, record: Record) -> None:
        """Append a record and wait until the disk has it; see `append_lines`.

        A record that the results can't take is stored among the system's temporary files.

        Raises:
            KinobenchError: It can't be written (a full disk, a folder that is gone). The message
                names the folder that has it now, which `results merge` adds to the results.
        """
        line = record.to_json() + b"\n"
        try:
            append_lines(self.path, line)
        except OSError as error:
            raise KinobenchError(
                f"{self.path} can't be written: {reason_of(error)}; {self._rescued(line)}"
            ) from error

    def _rescued(self, line: bytes) -> str:
        """Store a line elsewhere; return the cure."""
        import tempfile  # slow

        try:
            folder = Path(tempfile.mkdtemp(prefix="kinobench-record-"))
            (folder / "runs").mkdir()
            append_lines(folder / "runs" / self.path.name, line)
            results = str(self.path.parent.parent)
        except OSError:
            return "free some space, or give another --results"
        return (
            f"the record is in {folder}: free some space, then `{program()} "
            f"{shlex.join(['results', 'merge', str(folder), '--to', results])}`, or give another "
            "--results"
        )


def read_records(results: Path) -> tuple[list[Record], list[str]]:
    """Read every stored record, oldest run first.

    Returns:
        The records, and a line for each one that can't be read (a killed write, another schema).

    Raises:
        KinobenchError: There is no folder of records.
    """
    records: list[Record] = []
    problems: list[str] = []
    with _uncollected():
        for path in run_files(results):
            found, faults = _read(path)
            records += found
            problems += faults
    return records, [one_line(problem) for problem in problems]


def _read(path: Path) -> tuple[list[Record], list[str]]:
    """Return the records of a file, and a line for each that can't be read."""
    content = _content(path)
    with suppress(*UNDECODABLE, KinobenchError):
        records = from_lines(content)  # a tenth faster than line by line, in half the memory
        lines = content.count(b"\n") + (not content.endswith(b"\n"))
        if len(records) == lines and all(record.schema == SCHEMA for record in records):
            return records, []
    found = _lines_in(content)
    problems = [
        f"{path}, line {each.number}: left out, {each.problem}" for each in found if each.problem
    ]
    return [each.record for each in found if each.record is not None], problems


def run_files(results: Path) -> list[Path]:
    """Return the files of the runs of a folder of results, the oldest run first.

    Raises:
        KinobenchError: There is no folder of records.
    """
    folder = results / "runs"
    if not folder.is_dir():
        raise KinobenchError(
            f"--results {results}: there is no {folder}; `{program()} run` makes it"
        )
    return sorted(folder.glob("*.jsonl"))


def _content(path: Path) -> bytes:
    try:
        return read_regular(path)
    except OSError as error:
        raise KinobenchError(f"{path} can't be read: {reason_of(error)}") from error


class StoredLine(NamedTuple):
    """A line of a run's file.

    Attributes:
        number: Its number, from 1.
        content: Its bytes, without the end of the line.
        record: The record; None if it can't be read.
        problem: Why it can't; "" if it can.
        is_cut: It is the last line, and has no end: it was not written whole.
    """

    number: int
    content: bytes
    record: Record | None
    problem: str = ""
    is_cut: bool = False


def stored_lines(path: Path) -> list[StoredLine]:
    """Return the lines of a run's file but for empty ones.

    Raises:
        KinobenchError: The file can't be read.
    """
    return _lines_in(_content(path))


def _lines_in(content: bytes) -> list[StoredLine]:
    lines, is_cut = content.splitlines(), not content.endswith(b"\n")
    found = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        record, problem = _record_in(line)
        cut = record is None and is_cut and number == len(lines)
        found.append(StoredLine(number, line, record, HALF if cut else problem, cut))
    return found


def _record_in(line: bytes) -> tuple[Record | None, str]:
    try:
        schema = _version.decode(line).schema
        if schema != SCHEMA:
            return None, f"schema {schema} (this is {SCHEMA})"
        return from_json(line), ""
    except (*UNDECODABLE, KinobenchError) as error:
        return None, f"not a record: {error}"


@contextmanager
def _uncollected() -> Iterator[None]:
    """Look for no garbage meanwhile: records make none, and the search takes half of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
