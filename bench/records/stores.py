"""Folders of results that are read as one, and where the predictions of each record are."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from ...datasets.errors import KinobenchError, program
from ...datasets.visible import one_line
from .inside import inside
from .record import Record
from .results import Accuracy
from .store import read_records
from .task_results import TaskScore

_Key = tuple[str | None, str, float]

Evaluated = Accuracy | TaskScore
"""What a record has of its dataset."""


class Stores:
    """Several folders of results, whose records make one table.

    A record is counted once, in whichever of the folders it is. Its predictions are in the folder
    that it was read from; of two copies, in the first that has them.

    Attributes:
        folders: The folders, in the order in which they were given.
    """

    def __init__(self, folders: Iterable[Path]) -> None:
        """Take folders; one that is given twice counts once."""
        given: dict[Path, Path] = {}
        for folder in folders:
            given.setdefault(folder.resolve(), folder)
        self.folders = tuple(given.values())
        self._places: dict[_Key, Path] = {}
        self._is_read = False

    def __str__(self) -> str:
        return ", ".join(map(str, self.folders))

    def read(self) -> tuple[list[Record], list[str]]:
        """Return the records of all folders, and a line for each that is left out.

        That is a record that can't be read, and one with the id of another record: one of the two
        is not as it was written.

        Raises:
            KinobenchError: One of the folders has no records.
        """
        found: dict[str, tuple[Record, Path]] = {}
        records: list[Record] = []
        problems: list[str] = []
        self._is_read = True
        for folder in self.folders:
            read, faults = read_records(folder)
            problems += faults
            for record in read:
                known = found.get(record.id)
                if known is None or known[1] == folder:
                    found.setdefault(record.id, (record, folder))
                    records.append(record)
                    self._place(record, folder)
                elif known[0] == record:
                    self._place(record, folder)
                else:
                    problems.append(
                        f"{folder}: left out, record {record.id}: {known[1]} has another one of "
                        f"that id; `{program()} results validate` says which one is damaged"
                    )
        return records, [one_line(problem) for problem in problems]

    def folder_of(self, accuracy: Evaluated) -> Path:
        """Return the folder of results that the predictions of an accuracy are in.

        Raises:
            KinobenchError: One of the folders has no records.
        """
        if not self._is_read:
            self.read()
        return self._places.get(_key(accuracy), self.folders[0])

    def _place(self, record: Record, folder: Path) -> None:
        accuracy = record.evaluated
        if accuracy is None or accuracy.predictions is None:
            return
        before = self._places.get(_key(accuracy))
        if before is None or not _has(before, accuracy.predictions):
            self._places[_key(accuracy)] = folder


Results = Path | Stores
"""A folder of results, or several that are read as one."""


def results_in(folders: Sequence[Path]) -> Results:
    """Return one folder as it is, and several as one."""
    stores = Stores(folders)
    return stores.folders[0] if len(stores.folders) == 1 else stores


def folders_of(results: Results) -> tuple[Path, ...]:
    """Return the one folder, or the several."""
    return results.folders if isinstance(results, Stores) else (results,)


def read_results(results: Results) -> tuple[list[Record], list[str]]:
    """Read the records of a folder or of several; see `read_records` and `Stores.read`."""
    return results.read() if isinstance(results, Stores) else read_records(results)


def predictions_in(accuracy: Evaluated, results: Results) -> Path:
    """Return where the predictions of an accuracy are, whether they exist or not.

    Args:
        accuracy: An accuracy that names its predictions.
        results: The folder of its record, or the folders that it was read from.

    Raises:
        KinobenchError: It names none, or they are outside of the results.
    """
    if accuracy.predictions is None:
        raise KinobenchError("its record keeps no predictions; measure it again")
    folder = results.folder_of(accuracy) if isinstance(results, Stores) else results
    return inside(folder, accuracy.predictions)


def _has(folder: Path, named: str) -> bool:
    try:
        return inside(folder, named).exists()
    except (KinobenchError, OSError):
        return False


def _key(accuracy: Evaluated) -> _Key:
    """Return what tells an accuracy from another one that names predictions elsewhere.

    Two folders may have predictions of one name, if one is a copy of the other and both were
    continued. No two evaluations take the same time to the last digit.
    """
    return accuracy.predictions, accuracy.manifest, accuracy.wall_s
