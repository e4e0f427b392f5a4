"""The tables after the boards of a run: batch sweeps, and end-to-end times."""

from collections.abc import Sequence

from rich.console import Console

from ..records.record import Record
from . import end_to_end_table, sweep_table


def show(records: Sequence[Record], console: Console) -> None:
    """Print a table for each record that has a sweep, then for each that has end-to-end times."""
    for record in records:
        if record.sweep is not None:
            sweep_table.show(record, console)
    end_to_end_table.show(records, console)
