"""The numbers that papers and repositories printed of the networks of a report."""

from ...zoo.tables.published import published
from ...zoo.tables.rows import Published
from ..leaderboard.printed_digits import as_float
from ..leaderboard.published import Comparison, closest, compare_record
from ..leaderboard.published_pairs import texts_of
from ..records.case import Case
from ..records.record import Record
from .content import Column, Compared, Printed

COLUMNS = (
    Column(
        name="printed_top1_percent",
        label="published top-1",
        unit="%",
        better="more",
        is_number=True,
        of_accuracy=True,
    ),
    Column(
        name="printed_gmacs",
        label="published arithmetic",
        unit="GMACs",
        better="less",
        is_number=True,
    ),
    Column(
        name="printed_params_m",
        label="published params",
        unit="M",
        better="less",
        is_number=True,
    ),
)
"""The columns of printed numbers; all that was printed is with the network's details."""


def printed_of(case: Case) -> tuple[Printed, ...]:
    """Return all that was printed of a case's network."""
    return tuple(_plain(row) for row in published(case.model))


def compared_of(record: Record) -> tuple[Compared, ...]:
    """Return the printed numbers that are closest to a record's own, each with a verdict."""
    return tuple(_compared(each) for each in closest(compare_record(record)))


def values_of(record: Record) -> dict[str, float]:
    """Return the printed numbers that are of the record's own videos, views, clip and classes."""
    names = {"top-1": "printed_top1_percent", "GMACs": "printed_gmacs", "params": _PARAMS}
    return {
        names[each.quantity]: float(each.printed)
        for each in closest(compare_record(record))
        if each.quantity in names
        and each.verdict != "not compared"
        and not {"clip", "views", "classes", "split"} & {one.reason for one in each.conditions}
    }


_PARAMS = "printed_params_m"


def _compared(each: Comparison) -> Compared:
    printed, here, difference = texts_of(each)
    return Compared(
        quantity=each.quantity,
        printed=printed,
        here=here,
        difference=difference,
        verdict=each.verdict,
        why="; ".join(each.reasons),
        source=each.source,
        url=each.url,
    )


def _plain(row: Published) -> Printed:
    parts = [f"{row.frames} frames" if row.frames else "", f"{row.size}²" if row.size else ""]
    return Printed(
        variant=row.variant,
        pretraining=row.pretraining,
        dataset=row.dataset,
        input=", ".join(part for part in parts if part) or None,
        views=row.views,
        top1=as_float(row.top1),
        top5=as_float(row.top5),
        gmacs=as_float(row.gmacs),
        params_m=as_float(row.mparams),
        source=row.source,
        evidence=row.evidence,
    )
