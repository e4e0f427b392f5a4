"""The numbers that papers and repositories printed of the networks of a report."""

from collections.abc import Sequence

from ...zoo.tables.published import published
from ...zoo.tables.rows import Published
from ..records.case import Case
from .content import Column, Printed

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
        label="published GMACs",
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


def values_of(case: Case) -> dict[str, float]:
    """Return the printed numbers of a case, as far as they are of its own dataset and input.

    The top-1 is that of the same number of views; of several, the first of the table. The cost and
    the parameters are of the same frames, size and classes.
    """
    rows, protocol = published(case.model), case.protocol
    views = f"{protocol.clips}x{protocol.crops}"
    on_dataset = [row for row in rows if row.dataset == case.dataset and row.views == views]
    shape = (protocol.frames, protocol.size, case.classes)
    alike = [row for row in rows if (row.frames, row.size, row.classes) == shape]
    found = {
        "printed_top1_percent": _first(
            [row.top1 for row in on_dataset] if case.weights is not None else []
        ),
        "printed_gmacs": _first([row.gmacs for row in alike if row.convention == "matmul"]),
        "printed_params_m": _first([r.mparams for r in alike if r.params_convention is None]),
    }
    return {name: value for name, value in found.items() if value is not None}


def _first(values: Sequence[object]) -> float | None:
    return next((float(str(value)) for value in values if value is not None), None)


def _plain(row: Published) -> Printed:
    parts = [f"{row.frames} frames" if row.frames else "", f"{row.size}²" if row.size else ""]
    return Printed(
        variant=row.variant,
        pretraining=row.pretraining,
        dataset=row.dataset,
        input=", ".join(part for part in parts if part) or None,
        views=row.views,
        top1=row.top1,
        top5=row.top5,
        gmacs=None if row.gmacs is None else float(row.gmacs),
        params_m=None if row.mparams is None else float(row.mparams),
        source=row.source,
        evidence=row.evidence,
    )
