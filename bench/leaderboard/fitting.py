"""Which columns of a board a terminal has room for, and what its rows are called there."""

from collections import Counter
from collections.abc import Sequence

import msgspec

from ...datasets.visible import one_line
from .candidates import CORE, IMPORTANCE, Candidate, candidates, widest
from .columns import differing_settings
from .leaderboard import Board

HEAD = "model"
GAP = 2
LEAST_NAME = 16
"""Columns of the terminal that a long name has at least; it is folded into lines."""
NAMED = {"runtime", "precision", "mode", "flow"}
"""Settings whose values say what they are."""


class Fitted(msgspec.Struct, frozen=True, kw_only=True):
    """The columns of a table that fits.

    Attributes:
        names: The model of each row; after it the weights, if they are not the usual ones.
        name_width: Columns of the terminal for them; longer ones are folded.
        settings: The settings in which rows differ, as head and values.
        under: A line of those settings for each row, where they have no room for columns.
        shown: The other columns, in the order of the tables.
        rests: By the name of a column, what qualifies its values, such as intervals, a row each;
            columns without room for it are left out.
        hidden: Names of the columns that have no room, as `--columns` takes them.
        weights: The usual weights; None if each row names its own, or they are in a column.
    """

    names: list[tuple[str, str]]
    name_width: int
    settings: list[tuple[str, list[str]]]
    under: list[str]
    shown: list[Candidate]
    rests: dict[str, list[str]]
    hidden: list[str]
    weights: str | None


def fitted(board: Board, width: int, mark: int) -> Fitted:
    """Return the columns of a board for a terminal.

    Args:
        board: The board.
        width: Columns of the terminal.
        mark: Columns of the terminal for the mark before each name.
    """
    usual, names = _names(board)
    settings = [
        (head, [one_line(read(row)) for row in board.rows])
        for head, read in differing_settings(board).items()
    ]
    found = candidates(board)
    by_importance = sorted(found, key=lambda each: each.order)
    core = [each for each in by_importance if each.order < CORE]
    widths = {each.name: _width(each) for each in found}
    for_settings = sum(widest([head, *of]) + GAP for head, of in settings)
    longest = max(len(HEAD), mark + widest([name + rest for name, rest in names]))
    for_core = sum(widths[each.name] for each in core)
    under: list[str] = []
    if settings and longest + for_settings + for_core > width:
        under = [together(settings, number) for number in range(len(board.rows))]
        settings, for_settings = [], 0
        longest = max(longest, mark + widest(under))
    least = min(LEAST_NAME, width // 2)
    name_width = min(longest, max(least, width - for_settings - for_core))
    room = width - name_width - for_settings
    shown, rests = _greedy(by_importance, widths, room)
    return Fitted(
        names=names,
        name_width=name_width,
        settings=settings,
        under=under,
        shown=[each for each in found if each.name in shown],
        rests=rests,
        hidden=[each.asked for each in by_importance if each.name not in shown],
        weights=usual,
    )


def _greedy(
    found: Sequence[Candidate], widths: dict[str, int], room: int
) -> tuple[set[str], dict[str, list[str]]]:
    """Return what fits: column by column, or its intervals, by importance."""
    shown: set[str] = set()
    qualified: dict[str, list[str]] = {}
    for place in range(len(IMPORTANCE)):
        for each in found:
            if each.order == place and widths[each.name] <= room:
                shown.add(each.name)
                room -= widths[each.name]
        for each in found:
            if each.order_of_rest != place or each.name not in shown:
                continue
            for rests in each.rests:
                more = _width(each, rests) - widths[each.name]
                if more <= room:
                    qualified[each.name] = rests
                    room -= more
                    break
    return shown, qualified


def _width(each: Candidate, rests: list[str] | None = None) -> int:
    """Return the columns of the terminal that a column takes, with the gap before it."""
    width = each.value_width() + (0 if rests is None else 1 + widest(rests))
    return GAP + max(width, widest(each.title(width).split("\n")))


def _names(board: Board) -> tuple[str | None, list[tuple[str, str]]]:
    """Return the usual weights, and each row's model and weights if they are others.

    Usual are those of more than half of the rows; without any, each row names its own.
    """
    weights = [row.weights for row in board.rows]
    most, count = Counter(weights).most_common(1)[0] if weights else ("", 0)
    usual = most if 2 * count > len(weights) else None
    names = []
    for row, its in zip(board.rows, weights, strict=True):
        at = " untrained" if row.record.case.weights is None else f"@{one_line(its)}"
        names.append((one_line(row.record.case.model), "" if its == usual else at))
    return usual, names


def together(settings: Sequence[tuple[str, list[str]]], number: int) -> str:
    """Return the settings of a row in one line."""
    return ", ".join(
        values[number] if head in NAMED else f"{head} {values[number]}" for head, values in settings
    )
