"""Numbers that the rows of a board lack, and that another board has of the same networks."""

from collections.abc import Sequence

from ...datasets.errors import program
from ...datasets.visible import one_line
from ..measure import registry
from .fields import Field
from .leaderboard import Board, Row
from .means import shown


def measured_elsewhere(
    board: Board, every: Sequence[Board], lacking: Sequence[tuple[Field, Sequence[Row]]]
) -> list[str]:
    """Return a line for each number that another board has, and how to have it in this one.

    Boards are never mixed: the other one is of other clips, another device or another machine.

    Args:
        board: The board.
        every: All boards.
        lacking: Each number with the rows that lack it.
    """
    found = []
    for field, rows in lacking:
        models = {row.record.case.model for row in rows}
        for other in shown(every):
            if other is board or other.title == board.title:
                continue
            there = {
                row.record.case.model
                for row in other.rows
                if row.record.case.model in models and field.read(other, row) is not None
            }
            if not there:
                continue
            found.append(
                f"Another table ({one_line(other.title)}) has the {field.label} of {len(there)} of "
                "these networks, but tables are not mixed. Measure both with one dataset, "
                f"protocol and device: `{program()} run --measure {_measurement(field)},accuracy`."
            )
            break
    return found


def _measurement(field: Field) -> str:
    """Return the name of the measurement that a number is of."""
    of = (each.name for each in registry.every() if field.name in {it.name for it in each.figures})
    return next(of, "latency")
