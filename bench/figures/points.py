"""The networks of a board as points: two numbers each, with intervals, and the front."""

from collections.abc import Sequence
from typing import NamedTuple

from ...datasets.errors import KinobenchError, program
from ..leaderboard.fields import Field, field, numbers
from ..leaderboard.leaderboard import Board, Row
from ..leaderboard.pareto import front, is_comparable
from ..measure import registry
from .rows import names, wanted


class Point(NamedTuple):
    """A network in the figure.

    Attributes:
        name: Its name.
        x, y: Its numbers.
        x_ends, y_ends: Their intervals; None: they have none.
        in_front: No other is better in both.
        chosen: It was asked for by its name.
    """

    name: str
    x: float
    y: float
    x_ends: tuple[float, float] | None
    y_ends: tuple[float, float] | None
    in_front: bool
    chosen: bool


def number_field(name: str, option: str) -> Field:
    """Return a field that is a number.

    Raises:
        UnknownNameError: There is no field of that name.
        KinobenchError: It is no number.
    """
    found = field(name)
    if not found.is_number:
        raise KinobenchError(
            f"{option} {name}: it is no number; the numbers are {', '.join(numbers())}"
        )
    return found


def missing(x: Field, y: Field) -> str:
    """Return what to measure for two numbers to be there."""
    known = registry.every()
    needed = dict.fromkeys(
        each.name
        for axis in (x, y)
        for each in known
        if any(figure.name == axis.name for figure in each.figures)
    )
    who = "no trained network" if "accuracy" in needed else "no network"
    text = f"{who} has both {x.name} and {y.name}"
    asked = ",".join(needed)
    return f"{text}; measure {asked}: {program()} run --measure {asked}" if needed else text


def has_both(x: Field, y: Field, board: Board, row: Row) -> bool:
    """Return whether a row has both numbers, each comparable with those of others."""
    return all(each.read(board, row) is not None and is_comparable(each, row) for each in (x, y))


def points_of(board: Board, x: Field, y: Field, models: Sequence[str] = ()) -> list[Point]:
    """Return the points of a board, in the order of its rows."""
    rows = [row for row in board.rows if has_both(x, y, board, row)]
    best = front(board, x, y) if x.better and y.better else set()
    in_front = {id(board.rows[number]) for number in best}
    chosen = wanted(models, rows)
    return [
        Point(
            name=name,
            x=float(x.read(board, row)),
            y=float(y.read(board, row)),
            x_ends=x.ends(board, row),
            y_ends=y.ends(board, row),
            in_front=id(row) in in_front,
            chosen=place in chosen,
        )
        for place, (name, row) in enumerate(zip(names(rows), rows, strict=True))
    ]
