"""The network to take under limits: the most accurate, and those that can't be told from it."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Optional

import msgspec

from ...datasets.errors import KinobenchError, program
from ...datasets.visible import one_line
from ..records.record import Record
from ..records.stores import Results
from .board_choice import Taken, the_board
from .fields import Field, field
from .footnotes import row_names
from .joining import Joint, costs_among, joint
from .leaderboard import Board, Row, boards
from .limits import KINDS, Limit, limits_of
from .means import shown, with_means
from .measured_elsewhere import measured_elsewhere
from .recommendation import Figure, LeftOut, Network, Place, Recommendation, Source, Sources
from .sentences import sentences
from .sieve import sieve

if TYPE_CHECKING:
    from .where import Where

OF = ("device", "machine", "dataset", "split", "protocol")
"""What can be said of the table that is meant."""


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for.

    Attributes:
        limits: What a network must keep.
        where: What must be true of it.
        of: `device`, `machine`, `dataset`, `split` and `protocol` of the table; None: whichever
            there is.
    """

    limits: tuple[Limit, ...] = ()
    where: Optional["Where"] = None
    of: Mapping[str, str | None] = {}

    @property
    def costs(self) -> list[Field]:
        """The numbers in it that depend on the machine."""
        found = [limit.field for limit in self.limits]
        if self.where is not None:
            found += [each for one in self.where.condition.every() for each in one.read_fields()]
        return costs_among(found)

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
    candidates; see `rivals`. Where the accuracies and the limited costs are in different records,
    those that are sure to be of the same network are joined; see joining.py.

    Args:
        records: The records.
        results: Folder with their predictions.
        asked: The question.

    Raises:
        UnknownNameError: No table has such a device, machine, dataset, split or protocol.
        SeveralBoardsError: Several tables are meant.
    """
    every = with_means(boards(records), results)
    warnings = () if asked.where is None else asked.where.warnings
    taken = the_board(every, asked.of)
    of = taken or _scored_elsewhere(every, asked)
    together = Joint(None, ())
    if of is not None and (taken is None or _lacks(of.board, asked.costs)):
        together = joint(of.board, every, asked.costs, asked.of)
    if of is None or (taken is None and together.board is None):
        said = _unscored(every, asked.of, together.not_joined)
        return Recommendation(limits=asked.texts, sentences=said, warnings=warnings)
    scored, others = of
    board = together.board or scored
    if asked.where is not None:
        from .typed_values import likely_slips

        warnings += tuple(likely_slips(asked.where.condition, [board]))
    found = msgspec.structs.replace(
        _of_board(board, every, results, asked), not_joined=together.not_joined
    )
    if found.table is not None and board.environment.fingerprint != scored.environment.fingerprint:
        place = msgspec.structs.replace(found.table, accuracies=scored.title)
        found = msgspec.structs.replace(found, table=place)
    others = " ".join(filter(None, (others, together.others)))
    return msgspec.structs.replace(found, sentences=sentences(found, others), warnings=warnings)


def _scored_elsewhere(every: Sequence[Board], asked: Question) -> Taken | None:
    """Return the board with the accuracies for costs of a device or machine that scored nothing."""
    if not asked.costs:
        return None
    without: tuple[str, ...]
    for without in (("machine",), ("machine", "device")):
        of = {name: None if name in without else value for name, value in asked.of.items()}
        found = the_board(every, of)
        if found is not None:
            return found
    return None


def _lacks(board: Board, numbers: Sequence[Field]) -> bool:
    """Return whether a trained row of a board lacks one of some numbers."""
    rows = [row for row in board.rows if row.is_trained and row.record.case.probe is None]
    return any(each.read(board, row) is None for row in rows for each in numbers)


def _unscored(
    every: Sequence[Board], of: Mapping[str, str | None], not_joined: Sequence[str]
) -> tuple[str, ...]:
    """Return why nothing can be said of boards without a trained network, and what to do."""
    trained = [
        one_line(board.title) for board in shown(every) if any(row.is_trained for row in board.rows)
    ]
    if trained:
        given = " ".join(f"--{name} {value}" for name, value in of.items() if value is not None)
        return (
            f"Nothing can be said: no table of {one_line(given)} has the accuracy of a trained "
            f"network. {'These have' if len(trained) > 1 else 'This one has'}: "
            f"{' '.join(('; '.join(trained) + '.', *not_joined))}",
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

    accuracy = next((each for row in board.rows if (each := row.record.accuracy)), None)
    if accuracy is None:
        raise KinobenchError(
            f"{one_line(board.title)}: networks are recommended by their accuracy; `leaderboard "
            "--pareto latency,score` shows which localizers and detectors no other beats"
        )
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
        record="" if row.splits or row.joined is not None else row.record.id,
        score_percent=figure(field("score")),
        figures={each: figure(field(each)) for each in shown},
        joined=None
        if row.joined is None
        else Sources(accuracy=_source(row.joined.accuracy), costs=_source(row.joined.costs)),
    )


def _source(record: Record) -> Source:
    environment, device = record.environment, record.case.device
    return Source(
        record=record.id,
        run=record.run,
        started=record.started,
        device=device,
        machine=environment.name_of(device),
        fingerprint=environment.fingerprint,
        torch=environment.versions.get("torch"),
    )


def _place(board: Board) -> Place:
    return Place(
        title=board.title,
        dataset=board.dataset,
        split=board.split,
        manifest=board.manifest,
        protocol=board.protocol,
        protocol_digest=board.protocol_digest,
        device=board.device,
        machine=board.machine,
        fingerprint=board.environment.fingerprint,
    )
