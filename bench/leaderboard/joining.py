"""Accuracies of one table with the costs that another run, device or machine measured."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from ...datasets.plurals import some
from ..measure import registry
from ..measure.figures import PARAMS
from ..records.record import RESULT_FIELDS
from .board_choice import is_of
from .fields import RANK, Field, field
from .leaderboard import Board, Joined, Row
from .same_network import why_not

_COST_OF = {"score_per_ms": "video_ms", "score_per_j": "j_per_video"}
"""The number of the machine that is in a figure of the accuracy."""

_Reasons = dict[str, tuple[int, str]]
"""Why a network was not joined: how near it came to it, and the reason, by its name."""


class Joint(NamedTuple):
    """What joining gave.

    Attributes:
        board: The board with joined rows; None if none could be joined.
        not_joined: A line for each reason why some were not.
        others: A sentence on other machines whose costs could have been taken; empty: none.
    """

    board: Board | None
    not_joined: tuple[str, ...]
    others: str = ""


def costs_among(fields: Iterable[Field]) -> list[Field]:
    """Return the numbers among some fields, or in them, that depend on the machine."""
    anywhere = {PARAMS.name, RANK.name}
    for each in registry.every():
        if each.name in ("accuracy", "flops"):
            anywhere |= {figure.name for figure in each.figures}
    of = [field(_COST_OF.get(each.name, each.name)) for each in fields]
    found = {each.name: each for each in of if each.is_number and each.name not in anywhere}
    return list(found.values())


def joint(
    scored: Board, every: Iterable[Board], needed: Sequence[Field], of: Mapping[str, str | None]
) -> Joint:
    """Return a board with the costs of other records where its rows lack some of them.

    A row takes all its costs from one record, which has every number that is needed and is sure to
    be of the same network; see same_network.py. All rows have those of one machine: the board's own
    if a number of it is known, else that of the newest record that fits.

    Args:
        scored: A board with accuracies of trained networks.
        every: All boards.
        needed: The numbers, as `costs_among` gives them.
        of: `device` and `machine` of the costs, each or None.
    """
    wanted = [(name, of[name]) for name in ("device", "machine") if of.get(name)]
    places: dict[tuple[str, str], Board] = {}
    costs: dict[tuple[str, str], list[Row]] = {}
    for board in every:
        if all(is_of(board, name, value or "") for name, value in wanted):
            places.setdefault(_place(board), board)
            costs.setdefault(_place(board), []).extend(_with_all(board, needed))
    own = _place(scored)
    order = sorted(places, key=lambda each: (each == own, _newest(costs[each])), reverse=True)
    tried = [_joined(scored, places[each], costs[each], needed) for each in order]
    found = [(board, reasons) for board, reasons in tried if board is not None]
    if not found:
        nearest: _Reasons = {}
        for _, reasons in tried:
            for name, why in reasons.items():
                nearest[name] = max(why, nearest.get(name, why))
        return Joint(None, _lines(nearest) or _none_of_them(wanted, needed, is_own=own in places))
    board, reasons = found[0]
    others = [each.environment.fingerprint for each, _ in found[1:]]
    if not others or _place(board) == own:
        return Joint(board, _lines(reasons))
    newest = f"The costs are the newest that fit; --machine takes those of {some(others)}."
    return Joint(board, _lines(reasons), newest)


def _place(board: Board) -> tuple[str, str]:
    return board.device, board.environment.fingerprint


def _with_all(board: Board, needed: Sequence[Field]) -> list[Row]:
    return [
        row
        for row in board.rows
        if not row.splits
        and row.error is None
        and all(each.read(board, row) is not None for each in needed)
    ]


def _newest(rows: Iterable[Row]) -> str:
    return max((row.record.started for row in rows), default="")


def _joined(
    scored: Board, place: Board, costs: Sequence[Row], needed: Sequence[Field]
) -> tuple[Board | None, _Reasons]:
    """Return the board with the costs of one machine; None if no row has any."""
    is_own = _place(scored) == _place(place)
    whole = _with_all(scored, needed) if is_own else []
    known = {row.record.case.digest for row in whole if row.is_trained}
    kept = {id(row) for row in whole}
    reasons: _Reasons = {}
    rows: list[Row] = []
    for row in scored.rows:
        if not row.is_trained or row.record.case.probe is not None or id(row) in kept:
            rows.append(row)
            continue
        fitting = _fitting(row, costs, reasons)
        made = {each.record.case.digest: each for each in (_together(row, it) for it in fitting)}
        rows += [each for digest, each in made.items() if digest not in known]
        known |= made.keys()
        if not made:
            rows.append(row if is_own else _without_costs(row, place))
    if not known:
        return None, reasons
    return (
        msgspec.structs.replace(
            scored, device=place.device, environment=place.environment, rows=tuple(rows)
        ),
        reasons,
    )


def _fitting(row: Row, costs: Iterable[Row], reasons: _Reasons) -> list[Row]:
    """Return rows with costs of a row's network: the newest of each way in which it ran."""
    model = row.record.case.model
    if row.splits:
        reasons[model] = (0, "its accuracy is the mean of several records")
        return []
    refused, found = [], {}
    for each in sorted(costs, key=lambda each: each.record.started):
        case = each.record.case
        if case.model != model:
            continue
        why = why_not(row.record, each.record)
        if why is None:
            ran = (case.batch, case.threads, case.cold_l2, case.provider, case.hint)
            found[ran] = each
        else:
            refused.append(why)
    if refused and not found:
        reasons[model] = max(refused)
    return list(found.values())


def _together(row: Row, costs: Row) -> Row:
    """Return a row with the accuracy of one record and the costs of another."""
    accuracy, other = row.record, costs.record
    case = msgspec.structs.replace(
        accuracy.case,
        device=other.case.device,
        batch=other.case.batch,
        threads=other.case.threads,
        cold_l2=other.case.cold_l2,
        provider=other.case.provider,
        hint=other.case.hint,
    )
    return Row(
        record=msgspec.structs.replace(
            other,
            case=case,
            cost=accuracy.cost or other.cost,
            accuracy=accuracy.accuracy,
            localization=accuracy.localization,
            detection=accuracy.detection,
            notes=(),
        ),
        since=min(row.since, costs.since),
        joined=Joined(accuracy=accuracy, costs=other),
    )


_ANYWHERE = ("cost", "accuracy", "localization", "detection")
"""Results that hold on every machine."""


def _without_costs(row: Row, place: Board) -> Row:
    """Return a row with what holds on every machine: its accuracy, arithmetic and parameters."""
    results = dict.fromkeys(name for name in RESULT_FIELDS if name not in _ANYWHERE)
    case = msgspec.structs.replace(row.record.case, device=place.device)
    record = msgspec.structs.replace(
        row.record, case=case, environment=place.environment, measurements={}, **results
    )
    return msgspec.structs.replace(row, record=record)


def _none_of_them(
    wanted: Sequence[tuple[str, str | None]], needed: Sequence[Field], *, is_own: bool
) -> tuple[str, ...]:
    """Say that a device or machine that was asked for has costs of other networks, or none."""
    if is_own or not wanted:
        return ()
    given = " ".join(f"--{name} {value}" for name, value in wanted)
    labels = " and ".join(each.label for each in needed)
    return (f"Not joined: no record of {given} has the {labels} of one of these networks.",)


def _lines(reasons: _Reasons) -> tuple[str, ...]:
    names: dict[str, list[str]] = {}
    for name, (_, why) in reasons.items():
        names.setdefault(why, []).append(name)
    return tuple(f"Not joined: {some(each)}: {why}." for why, each in names.items())
