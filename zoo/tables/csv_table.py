"""The tables of the zoo: CSV files whose lines are structs."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from ...datasets.errors import KinobenchError

Row = TypeVar("Row", bound=msgspec.Struct)


FOLDER = Path(__file__).resolve().parent
"""The folder of the tables."""


def read_rows(path: Path, kind: type[Row]) -> Iterator[tuple[str, Row]]:
    """Yield the place of each line, for messages, and the line; an empty cell is None.

    Args:
        path: The file; its columns are the fields of `kind`.
        kind: The struct of a line.

    Raises:
        KinobenchError: A column is missing or unknown, or a line has too few or too many cells, or
            one with a wrong value; the message names the file and the line.
    """
    columns = kind.__struct_fields__
    with path.open(encoding="utf-8", newline="") as file:
        lines = csv.DictReader(file, strict=True)
        if tuple(lines.fieldnames or ()) != columns:
            raise KinobenchError(
                f"{path}: the columns are {', '.join(lines.fieldnames or ()) or 'missing'}; "
                f"they must be {', '.join(columns)}"
            )
        for cells in lines:
            place = f"{path}, line {lines.line_num}"
            if None in cells or None in cells.values():
                raise KinobenchError(f"{place}: a line must have {len(columns)} cells")
            present = {column: cell or None for column, cell in cells.items()}
            try:
                yield place, msgspec.convert(present, kind, strict=False)
            except msgspec.ValidationError as error:
                raise KinobenchError(f"{place}: {error}") from error
