"""The network to take under limits: the most accurate, and those that can't be told from it."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Optional

import msgspec

from ...datasets.errors import KinobenchError
from ..records.record import Record
from ..records.stores import Results
from .board_choice import the_board
from .fields import Field, field
from .footnotes import row_names
from .leaderboard import Board, Row, boards
from .limits import KINDS, Limit, limits_of
from .means import with_means
from .recommendation import Figure, Network, Place, Recommendation
from .sentences import sentences
from .sieve import sieve

if TYPE_CHECKING:
    from .where import Where


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for.

    Attributes:
        limits: What a network must keep.
        where: What must be true of it.
        of: `device`, `dataset`, `split` and `protocol` of the table; None: whichever there is.
    """

    limits: tuple[Limit, ...] = ()
    where: Optional["Where"] = None
    of: Mapping[str, str | None] = {}

    @property
    def texts(self) -> tuple[str, ...]:
        """The limits and the condition as text."""
        condition = () if self.where is None else (" ".join(self.where.text.split()),)
        return (*(limit.text for limit in self.limits), *condition)


def question(
    limits: Mapping[str, str | None], where: str | None, of: Mapping[str, str | None]
) -> Question:
    """Return a question of texts as they are typed.

    Raises:
        KinobenchError: There is neither a limit nor a condition, or one can't be read.
    """
    condition = None
    if where is not None:
        from .where import parse  # the parser takes long to import

        condition = parse(where)
    found = limits_of(limits)
    if not found and condition is None:
        names = ", ".join(f"--{name.replace('_', '-')}" for name in KINDS)
        raise KinobenchError(f"give a limit, such as --max-latency 5ms (or {names}, --where)")
    return Question(limits=found, where=condition, of=of)


def recommend(records: Sequence[Record], results: Results, asked: Question) -> Recommendation:
    """Return which networks of stored records are best under limits.

    Candidates are trained networks of one table that keep every limit for sure: the whole 95 %
    interval of a cost does. They are compared as ranks are, with Holm's adjustment for all pairs of
    candidates; see `rivals`.

    Args:
        records: The records.
        results: Folder with their predictions.
        asked: The question.

    Raises:
        UnknownNameError: No table has such a device, dataset, split or protocol.
        SeveralBoardsError: Several tables are meant.
    """
    every = with_means(boards(records), results)
    warnings = () if asked.where is None else asked.where.warnings
    taken = the_board(every, asked.of)
    if taken is None:
        said = "Nothing can be said: these records have no accuracy of a trained network."
        return Recommendation(limits=asked.texts, sentences=(said,), warnings=warnings)
    if asked.where is not None:
        from .typed_values import unmet_texts

        warnings += tuple(unmet_texts(asked.where.condition, [taken.board]))
    found = _of_board(taken.board, every, results, asked)
    return msgspec.structs.replace(
        found, sentences=sentences(found, taken.others), warnings=warnings
    )


def _of_board(
    board: Board, every: Sequence[Board], results: Results, asked: Question
) -> Recommendation:
    names = row_names(board)
    condition = None if asked.where is None else asked.where.condition
    candidates, over, left_out = sieve(board, names, asked.limits, condition)
    cost = _cost(board, [board.rows[number] for number in candidates or over], asked.limits)
    shown = list(dict.fromkeys((*(limit.field.name for limit in asked.limits), cost.name)))

    def network(number: int, by_interval: str = "") -> Network:
        return _network(board, number, names[number], shown, by_interval)

    accuracy = next(row.record.accuracy for row in board.rows if row.record.accuracy is not None)
    nothing = Recommendation(
        limits=asked.texts,
        table=_place(board),
        score_name=accuracy.score_name,
        cost=cost.name,
        candidates=len(candidates),
        left_out=tuple(left_out),
    )
    if not candidates:
        nearest = min(over, key=lambda number: _excess(board, number, asked.limits), default=None)
        return msgspec.structs.replace(
            nothing, nearest=None if nearest is None else network(nearest)
        )
    from .rivals import rivals  # scipy takes long to import

    compared = rivals([board.rows[number] for number in candidates], board, every, results)
    best = network(candidates[compared.best])
    alike = tuple(
        network(candidates[number], compared.by_interval.get(number, ""))
        for number in compared.alike
    )
    costs = [each for each in (best, *alike) if each.figures[cost.name].value is not None]
    return msgspec.structs.replace(
        nothing,
        best=best,
        alike=alike,
        cheapest=min(costs, key=lambda each: each.figures[cost.name].value or 0.0, default=None),
        pairs=compared.pairs,
    )


def _cost(board: Board, rows: Sequence[Row], limits: Sequence[Limit]) -> Field:
    """Return what is cheap: the first cost that is limited, or one that every row has."""
    limited = next((limit.field for limit in limits if limit.is_most), None)
    if limited is not None:
        return limited
    known = (field(name) for name in ("latency", "macs", "params"))
    measured = (each for each in known if all(each.read(board, row) is not None for row in rows))
    return next(measured, field("latency"))


def _excess(board: Board, number: int, limits: Sequence[Limit]) -> float:
    return max((limit.excess(board, board.rows[number]) for limit in limits), default=1.0)


def _network(
    board: Board, number: int, name: str, shown: Sequence[str], by_interval: str
) -> Network:
    row = board.rows[number]
    case = row.record.case

    def figure(each: Field) -> Figure:
        return Figure(value=each.read(board, row), interval=each.ends(board, row))

    return Network(
        name=name,
        model=case.model,
        weights=row.weights,
        precision=case.precision,
        mode=case.mode,
        batch=case.batch,
        record="" if row.splits else row.record.id,
        score_percent=figure(field("score")),
        figures={each: figure(field(each)) for each in shown},
        by_interval=by_interval,
    )


def _place(board: Board) -> Place:
    row = board.rows[0]
    return Place(
        title=board.title,
        dataset=board.dataset,
        split=board.split,
        manifest=board.manifest,
        protocol=board.protocol,
        protocol_digest=board.protocol_digest,
        device=board.device,
        machine=str(field("machine").read(board, row)),
        fingerprint=board.environment.fingerprint,
    )
