"""The network to take under limits: the most accurate, and those that can't be told from it."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Optional

import msgspec

from ...datasets.errors import KinobenchError, program
from ...datasets.visible import one_line
from ..records.record import Record
from ..records.stores import Results
from .board_choice import the_board
from .fields import Field, field
from .footnotes import row_names
from .leaderboard import Board, Row, boards
from .limits import KINDS, Limit, limits_of
from .means import shown, with_means
from .measured_elsewhere import measured_elsewhere
from .recommendation import Figure, LeftOut, Network, Place, Recommendation
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
        said = _unscored(every, asked.of)
        return Recommendation(limits=asked.texts, sentences=said, warnings=warnings)
    if asked.where is not None:
        from .typed_values import likely_slips

        warnings += tuple(likely_slips(asked.where.condition, [taken.board]))
    found = _of_board(taken.board, every, results, asked)
    return msgspec.structs.replace(
        found, sentences=sentences(found, taken.others), warnings=warnings
    )


def _unscored(every: Sequence[Board], of: Mapping[str, str | None]) -> tuple[str, ...]:
    """Return why nothing can be said of boards without a trained network, and what to do."""
    trained = [
        one_line(board.title) for board in shown(every) if any(row.is_trained for row in board.rows)
    ]
    if trained:
        given = " ".join(f"--{name} {value}" for name, value in of.items() if value is not None)
        return (
            f"Nothing can be said: no table of {one_line(given)} has the accuracy of a trained "
            f"network. {'These have' if len(trained) > 1 else 'This one has'}: "
            f"{'; '.join(trained)}.",
        )
    return (
        "Nothing can be said: these records have no accuracy of a trained network.",
        f"Score some: `{program()} run --model NAME --weights WEIGHTS --dataset NAME`. By costs "
        f'alone, `{program()} leaderboard --where "latency_ms < 5"` selects networks.',
    )


def _of_board(
    board: Board, every: Sequence[Board], results: Results, asked: Question
) -> Recommendation:
    names = row_names(board)
    condition = None if asked.where is None else asked.where.condition
    candidates, over, left_out = sieve(board, names, asked.limits, condition)
    cost = _cost(board, [board.rows[number] for number in candidates or over], asked.limits)
    figures = list(dict.fromkeys((*(limit.field.name for limit in asked.limits), cost.name)))

    def network(number: int) -> Network:
        return _network(board, number, names[number], figures)

    accuracy = next(row.record.accuracy for row in board.rows if row.record.accuracy is not None)
    nothing = Recommendation(
        limits=asked.texts,
        table=_place(board),
        score_name=accuracy.score_name,
        cost=cost.name,
        candidates=len(candidates),
        left_out=tuple(left_out),
        elsewhere=tuple(_elsewhere(board, every, asked.limits, left_out, names)),
    )
    if not candidates:
        nearest = min(over, key=lambda number: _excess(board, number, asked.limits), default=None)
        return msgspec.structs.replace(
            nothing, nearest=None if nearest is None else network(nearest)
        )
    from .rivals import rivals  # scipy takes long to import

    compared = rivals([board.rows[number] for number in candidates], board, every, results, cost)
    best = network(candidates[compared.best])
    alike = tuple(network(candidates[number]) for number in compared.alike)
    costs = [each for each in (best, *alike) if each.figures[cost.name].value is not None]
    return msgspec.structs.replace(
        nothing,
        best=best,
        alike=alike,
        cheapest=min(costs, key=lambda each: each.figures[cost.name].value or 0.0, default=None),
        pairs=compared.pairs,
        by_interval={
            names[candidates[number]]: reason for number, reason in compared.by_interval.items()
        },
    )


def _elsewhere(
    board: Board,
    every: Sequence[Board],
    limits: Sequence[Limit],
    left_out: Sequence[LeftOut],
    names: Sequence[str],
) -> list[str]:
    """Return where the limited numbers are that networks were left out for."""
    out = {each.name for each in left_out if each.why == "not measured"}
    rows = [row for row, name in zip(board.rows, names, strict=True) if name in out]
    lacking = [
        (limit.field, [row for row in rows if limit.field.read(board, row) is None])
        for limit in limits
    ]
    return [*measured_elsewhere(board, every, lacking), *_other_score(board, limits)]


def _other_score(board: Board, limits: Sequence[Limit]) -> list[str]:
    """Return what to write instead of a limit of top-1, where the board has another accuracy."""
    name = {"map": "map", "hit-k": "hit1"}.get(board.scoring)
    found = [limit for limit in limits if limit.field.name == "top1_percent"]
    if name is None or not found:
        return []
    instead = f'--where "{name} >= {found[0].value:g}"'
    return [f"This table has {field(name).label}, and no top-1: write {instead}."]


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


def _network(board: Board, number: int, name: str, shown: Sequence[str]) -> Network:
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
