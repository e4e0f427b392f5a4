"""The rows that people select of boards: by a condition, on the Pareto front, the first few."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, Optional

import msgspec

from ...datasets.errors import KinobenchError
from ...datasets.plurals import quantity
from .fields import Field, field, numbers
from .groups import differences, grouped, named
from .leaderboard import Board
from .means import shown
from .order import ordered
from .pareto import front
from .typed_values import likely_slips

if TYPE_CHECKING:
    from .where import Where


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows are wanted, and in what order.

    Attributes:
        where: A condition; None: all rows.
        pareto: Two numbers; the rows stay that no other row beats in both.
        group_by: Settings by which boards are parted further.
        sort: Name of the field that gives the order; None: that of a leaderboard.
        top: Number of rows of each board, after sorting; None: all.
    """

    where: Optional["Where"] = None
    pareto: tuple[Field, Field] | None = None
    group_by: tuple[Field, ...] = ()
    sort: str | None = None
    top: int | None = None

    @property
    def leaves_out(self) -> bool:
        """Whether it may leave rows out, or part boards."""
        return bool(self.where or self.pareto or self.group_by or self.top is not None)


class _Step(NamedTuple):
    """What one step of a selection does: how many rows it leaves, and which ones."""

    left: int | None
    text: str


class Selected(msgspec.Struct, frozen=True, kw_only=True):
    """The boards with the rows that were selected, and lines on all of them together."""

    boards: tuple[Board, ...]
    lines: tuple[str, ...] = ()


def selection(
    *,
    where: str | None = None,
    pareto: str | None = None,
    group_by: str | None = None,
    sort: str | None = None,
    top: int | None = None,
) -> Selection:
    """Return a selection from texts as they are typed.

    Args:
        where: See `where.parse`.
        pareto: Two names of numbers, as `latency,top1`.
        group_by: Names of settings, as `device,precision`.
        sort: Name of a field.
        top: Number of rows.

    Raises:
        KinobenchError: One of them can't be read; the message quotes it.
        UnknownNameError: A name is of no field; the message has the nearest.
    """
    condition = None
    if where is not None:
        from .where import parse  # the parser takes long to import

        condition = parse(where)
    if sort is not None:
        field(sort)
    if top is not None and top < 1:
        raise KinobenchError(f"--top {top}: it must be 1 or more")
    return Selection(
        where=condition,
        pareto=None if pareto is None else _pair(pareto),
        group_by=() if group_by is None else _settings(group_by),
        sort=sort,
        top=top,
    )


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _pair(text: str) -> tuple[Field, Field]:
    names = _names(text)
    if len(names) != 2:
        raise KinobenchError(f"--pareto {text}: give two numbers, as in latency,top1")
    found = field(names[0]), field(names[1])
    for each in found:
        if each.name not in numbers() or each.better is None:
            raise KinobenchError(
                f"--pareto {text}: neither less nor more of {each.name} is better; give numbers, "
                "as in latency,top1"
            )
    if found[0].name == found[1].name:
        raise KinobenchError(f"--pareto {text}: both are {found[0].name}; give two numbers")
    return found


def _settings(text: str) -> tuple[Field, ...]:
    names = _names(text)
    if not names:
        raise KinobenchError("--group-by: give settings, as in device,precision")
    found = {each.name: each for each in map(field, names)}
    for each in found.values():
        if each.is_number:
            raise KinobenchError(
                f"--group-by {text}: {each.name} is measured; give settings, as in device,precision"
            )
    return tuple(found.values())


def selected(boards: Sequence[Board], wanted: Selection) -> Selected:
    """Return the rows of boards that are wanted: where, then the front, the order, the first few.

    Ranks stay those of the whole boards. A line in the `remarks` of each board says which of its
    rows are there, and how many were left out because a value is unknown.
    """
    lines: list[str] = []
    if wanted.where is not None:
        lines += wanted.where.warnings
        lines += likely_slips(wanted.where.condition, boards)
    parted = grouped(boards, wanted.group_by)
    found = [_rows_of(board, wanted) for board in parted]
    kept = tuple(board for board in found if board.rows)
    if wanted.group_by:
        lines.append(_groups(kept, wanted.group_by))
    elif wanted.leaves_out and len(list(shown(kept))) > 1:
        lines.append(_tables(list(shown(kept))))
    lines += _emptied(found)
    return Selected(boards=kept, lines=tuple(filter(None, lines)))


def _rows_of(board: Board, wanted: Selection) -> Board:
    """Return the rows of a board that are wanted, with a line on those that are not."""
    said: list[_Step] = []
    whole, rest = len(board.rows), board
    if wanted.where is not None:
        rest, step = _satisfying(rest, wanted.where)
        said.append(step)
    if wanted.pareto is not None:
        at = front(rest, *wanted.pareto)
        rows = tuple(row for number, row in enumerate(rest.rows) if number in at)
        of = " and ".join(each.short or each.name for each in wanted.pareto)
        said.append(_Step(len(rows), f"on the Pareto front of {of}"))
        rest = msgspec.structs.replace(rest, rows=rows)
    rest = ordered(rest, wanted.sort)
    if wanted.top is not None and len(rest.rows) > wanted.top:
        said.append(_Step(None, "the first" if wanted.top == 1 else f"the first {wanted.top}"))
        rest = msgspec.structs.replace(rest, rows=rest.rows[: wanted.top])
    if not said:
        return rest
    of_all = f"of {quantity(whole, 'row')}"
    if len(said) > 1:
        steps = "; ".join(
            step.text if step.left is None else f"{step.left} {step.text}" for step in said
        )
        remark = f"{len(rest.rows)} {of_all}: {steps}"
    elif said[0].left is None:
        remark = f"{said[0].text} {of_all}"
    else:
        remark = f"{len(rest.rows)} {of_all} {said[0].text}"
    remark += f"{_ranks(board, len(rest.rows), whole)}."
    return msgspec.structs.replace(rest, remarks=(*rest.remarks, remark))


def _ranks(board: Board, left: int, whole: int) -> str:
    ranked = any(row.rank is not None for row in board.rows)
    return "; ranks are those of the whole table" if ranked and 0 < left < whole else ""


def _satisfying(board: Board, where: "Where") -> tuple[Board, _Step]:
    """Return the rows of which a condition is true, and what is said of them."""
    rows = []
    lacking: Counter[str] = Counter()
    unknown = 0
    for row in board.rows:
        holds = where.condition.holds(board, row)
        if holds:
            rows.append(row)
        elif holds is None:
            unknown += 1
            names = map(field, where.condition.unknown(board, row))
            lacking.update(each.short or each.name for each in names)
    line = f"where {' '.join(where.text.split())}"
    if unknown:
        which = ", ".join(f"{name} of {count}" for name, count in lacking.most_common())
        line += f" ({unknown} left out because a value is unknown: {which})"
    return msgspec.structs.replace(board, rows=tuple(rows)), _Step(len(rows), line)


def _emptied(found: Sequence[Board]) -> list[str]:
    """Return a line on the boards of which no row is left."""
    every = list(shown(found))
    empty = [board for board in every if not board.rows]
    if not empty:
        return []
    tables = quantity(len(every), "table")
    begin = f"{len(empty)} of {tables} left out" if len(empty) < len(every) else "no row is left"
    return [f"{begin}: {empty[0].title}: {' '.join(empty[0].remarks)}"]


def _tables(found: Sequence[Board]) -> str:
    """Return a line on what parts several tables, whose rows are never ranked together."""
    differ = " and ".join(differences(found))
    return f"{quantity(len(found), 'table')}, which differ in {differ}; ranks are within each"


def _groups(kept: Sequence[Board], by: Sequence[Field]) -> str:
    """Return a line on the groups that there are."""
    groups: dict[str, list[Board]] = {}
    for board in shown(kept):
        first = board.rows[0]
        key = ", ".join(named(each, board, first) for each in by)
        groups.setdefault(key, []).append(board)
    if not groups:
        return ""
    parts = []
    for key, members in groups.items():
        rows = quantity(sum(len(board.rows) for board in members), "row")
        if len(members) > 1:
            differ = " and ".join(differences(members))
            rows += f" in {quantity(len(members), 'table')}, which differ in {differ}"
        parts.append(f"{key} ({rows})")
    names = ", ".join(each.name for each in by)
    return f"{quantity(len(groups), 'group')} by {names}: {'; '.join(parts)}"
