"""Boards of stored records: read, ranked, and written as leaderboard.md and leaderboard.csv."""

from collections.abc import Callable
from pathlib import Path
from typing import Any


def read_boards(results: Path, report: Callable[[str], None]) -> list[Any]:
    """Read all stored records as ordered boards; `report` gets a line for each unreadable one."""
    from ..records.store import read_records

    records, problems = read_records(results)
    for problem in problems:
        report(problem)
    return ranked_boards(records, results)


def ranked_boards(records: list[Any], results: Path) -> list[Any]:
    """Return records as ordered boards, in which trained networks have a rank."""
    from .leaderboard import boards, ordered
    from .means import with_means

    found = boards(records)
    is_trained = any(record.case.weights for record in records)
    if is_trained:
        from .ranking import ranked  # scipy takes long to import

        found = [ranked(board, results) for board in found]
    found = with_means(found, results)
    if is_trained:
        from .mean_ranks import ranked_means

        found = ranked_means(found, results)
    return [ordered(board) for board in found]


def rebuild(results: Path, report: Callable[[str], None]) -> list[Any]:
    """Write leaderboard.md and leaderboard.csv from all stored records; return the boards.

    Where they can't be written, `report` gets the reason: the records themselves are safe.
    """
    from ...datasets.errors import KinobenchError
    from ..records.files import write_text
    from ..records.inside import inside
    from .render import render

    boards = read_boards(results, report)
    try:
        for form in ("md", "csv"):
            path = inside(results, f"leaderboard.{form}")
            write_text(path, render(boards, form), own=True)
    except KinobenchError as error:
        report(str(error))
    return boards
