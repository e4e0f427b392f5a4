"""Records on disk: one JSON Lines file a run, appended as each case ends."""

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

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
    "it ends in the middle, as a killed command or a full disk leaves it; measure that case again"
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
        except OSError:
            return "free some space, or give another --results"
        return (
            f"the record is in {folder}: free some space, then `{program()} results merge {folder} "
            f"--to {self.path.parent.parent}`, or give another --results"
        )


def read_records(results: Path) -> tuple[list[Record], list[str]]:
    """Read every stored record, oldest run first.

    Returns:
        The records, and a line for each one that can't be read (a killed write, another schema).

    Raises:
        KinobenchError: There is no folder of records.
    """
    folder = results / "runs"
    if not folder.is_dir():
        raise KinobenchError(
            f"--results {results}: there is no {folder}; `{program()} run` makes it"
        )
    records: list[Record] = []
    problems: list[str] = []
    with _uncollected():
        for path in sorted(folder.glob("*.jsonl")):
            found, faults = _read(path)
            records += found
            problems += faults
    return records, [one_line(problem) for problem in problems]


def _read(path: Path) -> tuple[list[Record], list[str]]:
    """Return the records of a file, and a line for each that can't be read."""
    try:
        content = read_regular(path)
    except OSError as error:
        raise KinobenchError(f"{path} can't be read: {reason_of(error)}") from error
    with suppress(*UNDECODABLE, KinobenchError):
        records = from_lines(content)  # a tenth faster than line by line, in half the memory
        lines = content.count(b"\n") + (not content.endswith(b"\n"))
        if len(records) == lines and all(record.schema == SCHEMA for record in records):
            return records, []
    return _read_line_by_line(path, content)


def _read_line_by_line(path: Path, content: bytes) -> tuple[list[Record], list[str]]:
    records: list[Record] = []
    problems: list[str] = []
    lines, is_cut = content.splitlines(), not content.endswith(b"\n")
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            schema = _version.decode(line).schema
            if schema == SCHEMA:
                records.append(from_json(line))
            else:
                problems.append(
                    f"{path}, line {number}: left out, schema {schema} (this is {SCHEMA})"
                )
        except (*UNDECODABLE, KinobenchError) as error:
            why = HALF if number == len(lines) and is_cut else str(error)
            problems.append(f"{path}, line {number}: left out, not a record: {why}")
    return records, problems


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
