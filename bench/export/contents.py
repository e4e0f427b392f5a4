"""What a folder of results has: its records by their ids, and the files of their predictions."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ...datasets.errors import KinobenchError, reason_of
from ...datasets.files import check_regular, open_regular
from ..records.inside import inside
from ..records.record import Record
from ..records.store import run_files, stored_lines
from ..tasks.truth_file import FILE as TRUTH

PLACE = "predictions/"
"""The folder of all predictions in a folder of results."""
DERIVED = "_places.parquet"
"""A file that is made again from the shards; where these were removed, a leaderboard needs it."""
MARK = "finished"
"""The empty file of a folder of shards that no run continues."""
_LISTED = ("digests.json", "classes.json", "conditions.json", TRUTH, MARK)
"""What a folder of predictions has besides the shards. Locks and owners are of living processes."""


class Stored(NamedTuple):
    """A record as it is stored.

    Attributes:
        run: Name of its run's file.
        line: Its line, without the end.
        record: The record.
    """

    run: str
    line: bytes
    record: Record

    @property
    def predictions(self) -> str | None:
        """Path of its predictions in the folder of results, if it keeps any."""
        return self.record.predictions


def stored_in(results: Path) -> tuple[list[Stored], list[str]]:
    """Return the records of a folder with their lines, and a text for each line that is none.

    Raises:
        KinobenchError: There is no folder of records, or a file can't be read.
    """
    found, problems = [], []
    for path in run_files(results):
        for line in stored_lines(path):
            if line.record is None:
                problems.append(f"{path}, line {line.number}: left out, {line.problem}")
            else:
                found.append(Stored(path.name, line.content, line.record))
    return found, problems


def prediction_files(results: Path, named: str) -> dict[str, Path]:
    """Return the files of a record's predictions by their names; empty if there are none.

    A single file is under the name "". The file of places is among them only if it stands alone.

    Raises:
        KinobenchError: They are outside of `predictions/`, or one of them is no file.
    """
    place = inside(results, named)
    if not named.startswith(PLACE):
        raise KinobenchError(
            f"{named!r} is no place of predictions, which are in {PLACE}; measure the case again, "
            "and remove the line of the record that names it"
        )
    if place.is_file():
        return {"": place}
    if not place.is_dir():
        return {}
    found = {}
    names = sorted(path.name for path in place.iterdir())
    shards = {name for name in names if name.endswith(".parquet") and name[0] not in "._"}
    for path in map(place.joinpath, names):
        if path.name in (shards or {DERIVED}) or path.name in _LISTED:
            try:
                check_regular(inside(results, f"{named}/{path.name}"))
            except OSError as error:
                raise KinobenchError(f"{path}: {reason_of(error)}; measure it again") from error
            found[path.name] = path
    return found


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal digits.

    Raises:
        KinobenchError: It can't be read.
    """
    try:
        with open_regular(path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise KinobenchError(f"{path} can't be read: {reason_of(error)}") from error


def by_run(stored: list[Stored]) -> Iterator[tuple[str, list[Stored]]]:
    """Yield the records of each run together, in the order of the runs' names."""
    runs: dict[str, list[Stored]] = {}
    for each in stored:
        runs.setdefault(each.run, []).append(each)
    yield from sorted(runs.items())
