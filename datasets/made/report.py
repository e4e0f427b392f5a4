"""What came of a copy."""

from typing import NamedTuple


class Report(NamedTuple):
    """What came of a copy.

    Attributes:
        files: Number of files of the copy, of all splits.
        kept: Number of them that an earlier run had finished.
        missing: Ids of videos that have no file.
        faults: Ids of videos whose files keep their bytes, since they can't be encoded, and why.
        source_bytes: Size of the files that were copied.
        bytes: What they have become.
        changes: What was changed of files besides the size, and of how many.
        lists: Names of the lists that were copied or written.
        left_out: Names of lists that a link leads to out of the data root.
    """

    files: int
    kept: int
    missing: tuple[str, ...]
    faults: tuple[tuple[str, str], ...]
    source_bytes: int
    bytes: int
    changes: dict[str, int]
    lists: tuple[str, ...]
    left_out: tuple[str, ...]
