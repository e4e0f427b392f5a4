"""The scores of temporal localization that papers and repositories printed, with their source."""

from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

from ...datasets.errors import KinobenchError
from .csv_table import FOLDER, read_rows

TABLE = FOLDER / "published_localizations.csv"


class Localization(msgspec.Struct, frozen=True, kw_only=True):
    """One line of `published_localizations.csv`.

    Attributes:
        model: The head, as the registry's names begin: `actionformer` stands for
            `actionformer_on_...`; None if the zoo doesn't have it.
        variant: Its name in the source.
        dataset: The videos that it was tested on.
        features: What the head sees: the backbone, and the data that it was trained on.
        metric: The metric and its thresholds: an average over several, or proposals' `AUC`, both in
            percent; or `GMACs` of the head for `features`.
        rule: The evaluator, by its origin; None for a cost.
        value: The printed number, with all printed digits.
        classifier: The other network that the classes' scores come from; None if the head's own.
        source: Repository and file, or paper.
        evidence: See `Published`.
        note: A caution.
    """

    model: Literal["actionformer", "bmn", "tridet", "windows"] | None
    variant: str
    dataset: Literal["thumos14", "activitynet-1.3"]
    features: str
    metric: Literal["mAP@0.3:0.1:0.7", "mAP@0.5:0.05:0.95", "AUC", "GMACs"]
    rule: str | None
    value: Decimal
    classifier: str | None
    source: str
    evidence: Literal["primary-repo", "primary-paper-text", "abstract", "secondary"]
    note: str | None


def published_localizations(
    model: str | None = None, dataset: str | None = None
) -> list[Localization]:
    """Return the printed numbers of a head and on a dataset, or all, in the table's order.

    Args:
        model: A registered name, such as `tridet_on_slow_r50`, or the name of a head; None for all.
        dataset: A dataset's name; None for all.
    """
    head = None if model is None else model.partition("_on_")[0].removesuffix("_tiny")
    return [row for row in _table() if head in (None, row.model) and dataset in (None, row.dataset)]


def read_localizations(path: Path) -> list[Localization]:
    """Read and check a table in the layout of `published_localizations.csv`; an empty cell is None.

    Raises:
        KinobenchError: A column is missing or unknown, or a cell has a wrong value; the message
            names the file and the line.
    """
    rows = []
    for place, row in read_rows(path, Localization):
        if (row.rule is None) != (row.metric == "GMACs"):
            raise KinobenchError(f"{place}: a score has a rule, and a cost has none")
        if not 0 < row.value <= (float("inf") if row.metric == "GMACs" else 100):
            raise KinobenchError(f"{place}: value is {row.value}; give a percentage above 0")
        rows.append(row)
    return rows


@cache
def _table() -> tuple[Localization, ...]:
    return tuple(read_localizations(TABLE))
