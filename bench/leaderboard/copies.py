"""Which copies of the dataset the rows of a board are of, and how these differ."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from ...datasets.errors import KinobenchError
from ..records.dataset_copy import DatasetCopy
from .leaderboard import Board, Row


class _Group(NamedTuple):
    """Rows of one copy; None: it isn't known, as their records are of an earlier version."""

    copy: DatasetCopy | None
    rows: list[Row]


def copy_lines(board: Board, name_of: Callable[[Row], str]) -> list[str]:
    """Return the lines on the copies that the rows of a board are of.

    Args:
        board: The board.
        name_of: Gives the name of a row.
    """
    groups = _groups(row for row in board.rows if row.record.evaluated is not None)
    base = groups[0].copy if groups else None
    if base is None:
        return []
    first = f"copy {base.digest}: {base.text}."
    if len(groups) == 1:
        return [first]
    lines = [f"different copies of the dataset. {_names(groups[0], name_of)}: {first}"]
    for group in groups[1:]:
        names = _names(group, name_of)
        if group.copy is None:
            lines.append(f"{names}: copy unknown, the record is of an earlier version.")
        else:
            lines.append(f"{names}: copy {group.copy.digest}: {group.copy.against(base)}.")
    return lines


def refuse_different_copies(boards: Sequence[Board]) -> None:
    """Check that the ranked rows of each board are of one copy.

    Rows of an unknown copy may be of the same one only where all are.

    Raises:
        KinobenchError: They are of several; the message says how they differ.
    """
    for board in boards:
        groups = _groups(row for row in board.rows if row.rank is not None)
        if len(groups) < 2:
            continue
        base, other = groups[0].copy, groups[1].copy
        assert base is not None
        how = "unknown (an earlier version)" if other is None else other.against(base)
        one, second = (_names(group, lambda row: row.record.case.model) for group in groups[:2])
        raise KinobenchError(
            f"{board.title}: its rows are of different copies of the dataset: {second} against "
            f"{one}: {how}; measure them on one copy, or leave out --strict"
        )


def _groups(rows: Iterable[Row]) -> list[_Group]:
    """Return the rows of each copy: first the copy of which most was found; last, unknown ones."""
    groups: dict[str | None, _Group] = {}
    for row in rows:
        copy = None if row.record.evaluated is None else row.record.evaluated.copy
        digest = None if copy is None else copy.digest
        groups.setdefault(digest, _Group(copy, [])).rows.append(row)

    def order(group: _Group) -> tuple[bool, int, int, str]:
        copy = group.copy
        if copy is None:
            return True, 0, 0, ""
        return False, -copy.found, -len(group.rows), copy.digest

    return sorted(groups.values(), key=order)


def _names(group: _Group, name_of: Callable[[Row], str]) -> str:
    return ", ".join(dict.fromkeys(map(name_of, group.rows)))
