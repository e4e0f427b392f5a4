"""Which of some networks is best, and which can't be told apart from it."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import numpy as np

from ...datasets.errors import KinobenchError
from ..records.stores import Results
from .fields import Field, field
from .leaderboard import Board, Row
from .mean_pairs import better_means
from .pairs import better, better_by_map
from .scored import read_scored
from .split_intervals import places_of


class Rivals(msgspec.Struct, frozen=True, kw_only=True):
    """How some rows of a board stand to the best of them.

    Attributes:
        best: Number of the best row.
        alike: Numbers of the rows that can't be told apart from it, the most accurate first.
        pairs: Pairs of rows that were compared by paired tests.
        by_interval: Reason why a row is compared with the best by the 95 % intervals alone, by its
            number.
    """

    best: int
    alike: tuple[int, ...]
    pairs: int
    by_interval: dict[int, str]


def rivals(
    rows: Sequence[Row], board: Board, every: Iterable[Board], results: Results, cost: Field
) -> Rivals:
    """Compare rows as ranks do, with Holm's adjustment for all pairs of these rows.

    All pairs count, and not only those with the best: which row is best is known from the same
    videos. The best is the most accurate row that no other is significantly better than; of several
    that are equally accurate, the cheapest. Where the predictions of one of two rows can't be read,
    they are told apart if their intervals don't overlap, which is coarser.

    Args:
        rows: Trained rows with an accuracy, one at least.
        board: Their board.
        every: All boards: those of single splits have the records that a mean is made of.
        results: Folder with the records and predictions, or several.
        cost: The number that is least for the cheapest.
    """
    found, reasons = _read(rows, board, every, results)
    numbers = list(found)
    beats = np.zeros((len(rows), len(rows)), bool)
    if len(numbers) > 1:
        beats[np.ix_(numbers, numbers)] = _better(board)(list(found.values()))
    score = field("score")
    scores = [float(score.read(board, row) or 0.0) for row in rows]
    costs = [cost.read(board, row) for row in rows]
    costs = [float("inf") if each is None else float(each) for each in costs]
    order = sorted(range(len(rows)), key=lambda number: (-scores[number], costs[number]))
    best = next((number for number in order if not beats[:, number].any()), order[0])
    alike, by_interval = [], {}
    for number in order:
        if number == best:
            continue
        unread = reasons.get(number) or reasons.get(best)
        if unread is None:
            told = bool(beats[best, number])
        else:
            ends = score.ends(board, rows[best]), score.ends(board, rows[number])
            without = "; nor is there an interval of both" if None in ends else ""
            by_interval[number] = f"{unread}{without}"
            told = _apart(*ends)
        if not told:
            alike.append(number)
    pairs = len(numbers) * (len(numbers) - 1) // 2
    return Rivals(best=best, alike=tuple(alike), pairs=pairs, by_interval=by_interval)


def _apart(best: tuple[float, float] | None, other: tuple[float, float] | None) -> bool:
    """Return whether the other interval ends below the best one; False if one is unknown."""
    return best is not None and other is not None and other[1] < best[0]


def _better(board: Board) -> Any:
    if any(row.splits for row in board.rows):
        return better_means
    return better_by_map if board.scoring == "map" else better


def _read(
    rows: Sequence[Row], board: Board, every: Iterable[Board], results: Results
) -> tuple[dict[int, Any], dict[int, str]]:
    """Return what each row scored by its number, and the reason for each that can't be read."""
    found: dict[int, Any] = {}
    reasons: dict[int, str] = {}
    if len(rows) < 2:
        return found, reasons
    records = {each.record.id: each.record for one in every for each in one.rows if not each.splits}
    for number, row in enumerate(rows):
        try:
            if not row.splits:
                found[number] = read_scored(row, board, results)
            elif board.scoring == "map":
                reasons[number] = "means of an mAP have no paired test"
            else:
                of_splits = [records[each.record] for each in row.splits]
                found[number] = places_of(of_splits, results)
        except KinobenchError as error:
            reasons[number] = str(error)
    return found, reasons
