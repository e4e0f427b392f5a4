"""Which of several boards a question is about."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ...datasets.errors import KinobenchError, UnknownNameError
from ...datasets.plurals import quantity
from ...datasets.visible import one_line
from .groups import differences
from .leaderboard import Board
from .means import shown


class SeveralBoardsError(KinobenchError):
    """Several boards are meant; the message lists them, and the options that choose one."""

    has_lines = True


class Taken(NamedTuple):
    """A board, and a sentence on the others that could have been meant; empty: there are none."""

    board: Board
    others: str


def the_board(boards: Sequence[Board], given: Mapping[str, str | None]) -> Taken | None:
    """Return the board with accuracies of trained networks that options mean; None: there is none.

    Boards that differ in nothing that an option can name, only in videos or machine, are different
    states of one question: the one with the newest record is taken.

    Args:
        boards: All boards.
        given: `device`, `machine` (its fingerprint or its processor's name), `dataset`, `split` and
            `protocol` (its name or digest), each or None.

    Raises:
        UnknownNameError: No board has a dataset or the like of this name.
        SeveralBoardsError: Several boards are left; the message lists them.
    """
    left = list(shown(boards))
    for name, value in given.items():
        if value is None:
            continue
        kept = [board for board in left if is_of(board, name, value)]
        if not kept:
            known = {_values(board, name)[0] for board in left}
            raise UnknownNameError(f"{name} of these records", value, known)
        left = kept
    left = [board for board in left if any(row.is_trained for row in board.rows)]
    if not left:
        return None
    if len({_key(board) for board in left}) > 1:
        options = [
            name
            for name in given
            if name != "machine" and len({_values(board, name) for board in left}) > 1
        ]
        choose = " or ".join(f"--{name}" for name in options)
        listed = (one_line(f"{_options(board, options)}: {board.title}") for board in left)
        begin = f"{quantity(len(left), 'table')} have trained networks; choose one by {choose}:"
        raise SeveralBoardsError("\n".join((begin, *listed)))
    newest = max(left, key=lambda board: max(row.record.started for row in board.rows))
    if len(left) == 1:
        return Taken(newest, "")
    differ = " and ".join(differences(left))
    others = quantity(len(left) - 1, "other table")
    verb = "differs" if len(left) == 2 else "differ"
    return Taken(newest, f"It is the newest: {others} of the same kind {verb} in {differ}.")


def is_of(board: Board, name: str, value: str) -> bool:
    """Return whether a board is of the device, machine, dataset, split or protocol of this name."""
    wanted = {"gpu": "cuda"}.get(value, value) if name == "device" else value
    return wanted in _values(board, name)


def _values(board: Board, name: str) -> tuple[Any, ...]:
    """Return what an option may call this property of a board."""
    if name == "protocol":
        return board.protocol, board.protocol_digest
    if name == "machine":
        return board.machine, board.environment.fingerprint
    return (getattr(board, name) or "none",)


def _key(board: Board) -> tuple[Any, ...]:
    return board.dataset, board.split, board.protocol_digest, board.device


def _options(board: Board, names: Sequence[str]) -> str:
    same_name = {"protocol": board.protocol_digest}
    return " ".join(f"--{name} {same_name.get(name) or _values(board, name)[0]}" for name in names)
