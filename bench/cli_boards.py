"""Boards of stored records, as the commands read, write and print them."""

from pathlib import Path
from typing import Any

from .cli_frame import console, tell


def read_boards(results: Path) -> list[Any]:
    """Read all stored records as ordered boards; what can't be read is told."""
    from .store import read_records

    records, problems = read_records(results)
    for problem in problems:
        tell(problem)
    return ranked_boards(records, results)


def ranked_boards(records: list[Any], results: Path) -> list[Any]:
    """Return records as ordered boards, in which trained networks have a rank."""
    from .leaderboard import boards, ordered

    found = [ordered(board) for board in boards(records)]
    if not any(record.case.weights for record in records):
        return found
    from .ranking import ranked  # scipy takes long to import

    return [ranked(board, results) for board in found]


def rebuild(results: Path) -> list[Any]:
    """Write leaderboard.md and leaderboard.csv from all stored records; return the boards.

    Where they can't be written that is told, and no more: the records themselves are safe.
    """
    from ..datasets.errors import KinobenchError
    from . import tables
    from .store import write_text

    boards = read_boards(results)
    try:
        for form in ("md", "csv"):
            write_text(results / f"leaderboard.{form}", tables.render(boards, form))
    except KinobenchError as error:
        tell(str(error))
    return boards


def print_boards(boards: list[Any]) -> None:
    """Print boards as wide as the console is."""
    from . import tables

    tables.show(boards, console())


def print_sweeps(records: list[Any]) -> None:
    """Print a table for each batch sweep of the records."""
    from . import sweep_table

    for record in records:
        if record.sweep is not None:
            sweep_table.show(record, console())
