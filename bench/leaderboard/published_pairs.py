"""The rows of boards of which anything was printed, and how numbers of them are written."""

from collections.abc import Sequence
from typing import Any

import msgspec

from ...datasets.visible import one_line
from .footnotes import row_names
from .leaderboard import Board
from .means import shown
from .printed_digits import exponent
from .published import Comparison, closest, compare_record

_LEAST_DECIMALS = {"%": 1, "G": 3, "M": 3}
_UNITS = {"%": " %", "G": "", "M": " M"}


class Pairs(msgspec.Struct, frozen=True, kw_only=True):
    """What was printed of a row's network, next to what the row has.

    Attributes:
        table: Title of its board.
        name: The model, and the settings in which the row differs from others of that model.
        record: Name of its record.
    """

    table: str
    name: str
    model: str
    record: str
    comparisons: tuple[Comparison, ...]


def pairs_of(boards: Sequence[Board], every: bool = False) -> list[Pairs]:
    """Return the rows of boards of which anything was printed.

    Args:
        boards: The boards.
        every: Give all printed numbers of a row, and not only those whose conditions are closest.
    """
    found = []
    for board in shown(boards):
        for name, row in zip(row_names(board), board.rows, strict=True):
            comparisons = compare_record(row.record)
            if comparisons:
                found.append(
                    Pairs(
                        table=board.title,
                        name=one_line(name),
                        model=row.record.case.model,
                        record=row.record.id,
                        comparisons=tuple(comparisons if every else closest(comparisons)),
                    )
                )
    return found


def texts_of(each: Comparison) -> tuple[str, str, str]:
    """Return the printed number, the one here with its interval, and their difference."""
    unit = _UNITS.get(each.unit, f" {each.unit}")
    decimals = max(-exponent(each.printed), _LEAST_DECIMALS.get(each.unit, 1))
    if each.here is None or each.difference is None:
        return f"{each.printed}{unit}", "–", "–"
    here = f"{each.here:.{decimals}f}{unit}"
    if each.ends is not None:
        here += f" [{each.ends[0]:.{decimals}f}, {each.ends[1]:.{decimals}f}]"
    if each.unit == "%":
        return f"{each.printed}{unit}", here, f"{each.difference:+.{decimals}f} points"
    share = 100 * each.difference / float(each.printed)
    return (
        f"{each.printed}{unit}",
        here,
        f"{share:+.2g} %" if abs(share) < 10 else f"{share:+.0f} %",
    )


HEAD = ("model", "number", "printed", "here", "difference", "verdict", "why", "source")


def cells_of(name: str, each: Comparison) -> tuple[str, ...]:
    """Return the cells of a line of a table, under `HEAD`; the source is without its address."""
    printed, here, difference = texts_of(each)
    why = "; ".join(each.reasons)
    return (name, each.quantity, printed, here, difference, each.verdict, why, each.source)


def plain(each: Comparison) -> dict[str, Any]:
    """Return a comparison as plain values."""
    low, high = each.ends or (None, None)
    return {
        "quantity": each.quantity,
        "unit": each.unit,
        "printed": float(each.printed),
        "here": each.here,
        "low": low,
        "high": high,
        "difference": each.difference,
        "verdict": each.verdict,
        "reason": each.reason,
        "conditions": [
            {"reason": one.reason or None, "text": one.text, "evidence": one.evidence or None}
            | {"url": one.url or None}
            for one in each.conditions
        ],
        "variant": each.variant,
        "note": each.note,
        "source": each.source,
        "url": each.url,
        "evidence": each.evidence,
    }


def plain_pairs(found: Sequence[Pairs]) -> list[dict[str, Any]]:
    """Return pairs as plain values."""
    return [
        {"table": each.table, "name": each.name, "model": each.model, "record": each.record}
        | {"comparisons": [plain(one) for one in each.comparisons]}
        for each in found
    ]
