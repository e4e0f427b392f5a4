"""The scores of detection that papers and repositories printed of networks, with their source."""

from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

from ...datasets.errors import KinobenchError
from .csv_table import FOLDER, read_rows

TABLE = FOLDER / "published_detections.csv"


class Detection(msgspec.Struct, frozen=True, kw_only=True):
    """One line of `published_detections.csv`.

    Attributes:
        model: The registry's name of the network that is nearest to the source's; `note` says what
            differs.
        variant: Its name in the source.
        dataset: The videos that it was tested on: `ava-2.1`, `ava-2.2`, `ava-kinetics`.
        metric: The metric and its threshold.
        rule: The evaluator, by its origin: the official one is `ava`.
        value: The printed score, in percent, with all printed digits.
        mparams: Printed parameters, in millions; None if none are printed.
        source: Repository and file, or paper and table.
        evidence: See `Published`.
        note: A caution.
    """

    model: str
    variant: str
    dataset: Literal["ava-2.1", "ava-2.2", "ava-kinetics"]
    metric: str
    rule: str
    value: Decimal
    mparams: Decimal | None
    source: str
    evidence: Literal["primary-repo", "primary-paper-text", "abstract", "secondary"]
    note: str | None


def published_detections(model: str | None = None, dataset: str | None = None) -> list[Detection]:
    """Return the printed scores of an architecture and on a dataset, or all, in table order."""
    return [
        row for row in _table() if model in (None, row.model) and dataset in (None, row.dataset)
    ]


def read_detections(path: Path) -> list[Detection]:
    """Read and check a table in the layout of `published_detections.csv`; an empty cell is None.

    Raises:
        KinobenchError: A column is missing or unknown, or a cell has a wrong value; the message
            names the file and the line.
    """
    rows = []
    for place, row in read_rows(path, Detection):
        if not 0 <= row.value <= 100:
            raise KinobenchError(f"{place}: value is {row.value}; give a percentage from 0 to 100")
        rows.append(row)
    return rows


@cache
def _table() -> tuple[Detection, ...]:
    return tuple(read_detections(TABLE))
