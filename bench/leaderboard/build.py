"""Boards of stored records: read, ranked, and written as leaderboard.md and leaderboard.csv."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..records.stores import Results


def read_boards(
    results: "Results", report: Callable[[str], None], *, common_videos: bool = False
) -> list[Any]:
    """Read all stored records of a folder, or of several, as ordered boards.

    `report` gets a line for each record that can't be read.

    Raises:
        KinobenchError: There is no folder of records; see also `ranked_boards`.
    """
    from ..records.stores import read_results

    records, problems = read_results(results)
    for problem in problems:
        report(problem)
    return ranked_boards(records, results, common_videos=common_videos)


def ranked_boards(
    records: list[Any], results: "Results", *, common_videos: bool = False
) -> list[Any]:
    """Return records as ordered boards, in which trained networks have a rank.

    Args:
        records: The records.
        results: Folder with their predictions, or the folders that they were read from.
        common_videos: Compute the accuracies of a board on the videos that every row scored.

    Raises:
        KinobenchError: With `common_videos`, a board has none.
    """
    from .leaderboard import boards
    from .means import with_means
    from .order import ordered

    found = boards(records)
    known: dict[str, Any] = {}
    if common_videos:
        from .common_videos import on_common_videos

        restricted = [on_common_videos(board, results) for board in found]
        found = [each.board for each in restricted]
        for each in restricted:
            known |= each.scored
    is_trained = any(record.case.weights for record in records)
    if is_trained:
        from .ranking import ranked  # scipy takes long to import

        found = [ranked(board, results, known) for board in found]
    found = with_means(found, results, known)
    if is_trained:
        from .mean_ranks import ranked_means

        found = ranked_means(found, results, known)
    return [ordered(board) for board in found]


def rebuild(results: Path, report: Callable[[str], None]) -> list[Any]:
    """Write leaderboard.md and leaderboard.csv from all stored records; return the boards."""
    boards = read_boards(results, report)
    write_boards(boards, results, report)
    return boards


def write_boards(boards: list[Any], results: Path, report: Callable[[str], None]) -> None:
    """Write leaderboard.md and leaderboard.csv.

    Where they can't be written, `report` gets the reason: the records themselves are safe.
    """
    from ...datasets.errors import KinobenchError
    from ..records.files import write_text
    from ..records.inside import inside
    from .render import render

    try:
        for form in ("md", "csv"):
            path = inside(results, f"leaderboard.{form}")
            write_text(path, render(boards, form), own=True)
    except KinobenchError as error:
        report(str(error))
