"""The Pareto front of a board: the rows that no other row beats in both of two numbers."""

from ...datasets.errors import KinobenchError
from ..measure import registry
from .fields import Field
from .leaderboard import Board, Row


def front(board: Board, cost: Field, score: Field) -> set[int]:
    """Return the numbers of the rows that no other row dominates.

    A row dominates another if it is no worse in both numbers and better in one; so rows that are
    equal in both are on the front together. Values are compared as they were measured, without
    their intervals.

    Rows whose numbers may be wrong here are neither on the front nor keep others from it: those
    that failed or lack a value, untrained or probed ones where a number is an accuracy, and those
    whose cost is a lower bound where a number is arithmetic.

    Args:
        board: The board.
        cost: A number, such as the latency.
        score: Another one, such as the accuracy.

    Raises:
        KinobenchError: One of the two is no number with a better end.
    """
    for each in (cost, score):
        if each.better is None:
            raise KinobenchError(
                f"Pareto front by {each.name!r}: neither less nor more of it is better; choose a "
                "number such as 'latency' or 'score'"
            )
    found: dict[int, tuple[float, float]] = {}
    for number, row in enumerate(board.rows):
        spent, reached = (each.rising(board, row) for each in (cost, score))
        if (
            spent is not None
            and reached is not None
            and is_comparable(cost, row)
            and is_comparable(score, row)
        ):
            found[number] = (spent, reached)
    return _not_dominated(found)


TASK_SCORES = ("segment_map_percent", "box_map_percent")
"""Figures of localization and detection that say how good a network is."""


def is_comparable(by: Field, row: Row) -> bool:
    """Return whether a row has a value of a field that can be compared with others'."""
    if row.error is not None:
        return False
    scores = {*_names("accuracy"), *TASK_SCORES}
    if by.name in scores and not (row.is_trained and row.record.case.probe is None):
        return False
    return not (row.uncounted and by.name in {*_names("flops"), "score_per_gmac", "gmacs_per_s"})


def _names(measurement: str) -> set[str]:
    return {each.name for each in registry.get(measurement).figures}


def _not_dominated(found: dict[int, tuple[float, float]]) -> set[int]:
    """Return the keys of the pairs that are least: from left to right, each new least height."""
    kept: set[int] = set()
    least: tuple[float, float] | None = None
    for number, pair in sorted(found.items(), key=lambda each: each[1]):
        if least is None or pair[1] < least[1]:
            least = pair
        if pair == least:
            kept.add(number)
    return kept
