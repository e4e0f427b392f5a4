"""Boards parted further, by settings of their rows."""

from collections.abc import Sequence
from typing import Any

import msgspec

from .fields import Field
from .leaderboard import Board, Row

_IN_TITLE = {"dataset", "split", "protocol", "views", "device", "machine"}
"""Settings that a board's title has."""

_PARTED_BY = ("dataset", "split", "manifest", "protocol_digest", "device", "fingerprint", "group")
"""What rows of different boards differ in."""
_CALLED = {"protocol_digest": "protocol", "manifest": "videos", "fingerprint": "machine"}


def grouped(boards: Sequence[Board], by: Sequence[Field]) -> list[Board]:
    """Part each board by the values that its rows have in some settings.

    Boards of a group stand together, in the order of their first rows. A board stays what it was
    but for its rows: nothing that was apart is put together, and ranks stay those of the whole.

    Args:
        boards: The boards.
        by: The settings; with none, the boards are returned as they are.
    """
    if not by:
        return list(boards)
    groups: dict[tuple[Any, ...], list[Board]] = {}
    for board in boards:
        parts: dict[tuple[Any, ...], list[Row]] = {}
        for row in board.rows:
            parts.setdefault(tuple(each.read(board, row) for each in by), []).append(row)
        for key, rows in parts.items():
            first = rows[0]
            title = (named(each, board, first) for each in by if each.name not in _IN_TITLE)
            remarks = board.remarks
            if len(parts) > 1 and any(row.rank is not None for row in board.rows):
                remarks = (*remarks, "Ranks are those of the table before it was parted.")
            part = msgspec.structs.replace(
                board, rows=tuple(rows), group=", ".join(title), remarks=remarks
            )
            groups.setdefault(key, []).append(part)
    return [board for members in groups.values() for board in members]


def named(by: Field, board: Board, row: Row) -> str:
    """Return the value of a setting as text: `cpu`, `batch 8`, `no probe`, `not trained`."""
    value = by.read(board, row)
    if isinstance(value, bool):
        return by.label if value else f"not {by.label}"
    if value is None:
        return f"no {by.label}"
    return str(value) if by.name in _IN_TITLE else f"{by.label} {value}"


def differences(boards: Sequence[Board]) -> list[str]:
    """Return what parts some boards: dataset, split, videos, protocol, device, machine."""
    found = []
    for name in _PARTED_BY:
        values = {
            board.environment.fingerprint if name == "fingerprint" else getattr(board, name)
            for board in boards
        }
        if len(values) > 1:
            found.append(_CALLED.get(name, name))
    if "dataset" in found:  # other datasets have other videos
        found = [name for name in found if name not in ("split", "videos")]
    return found or ["what was measured together"]
