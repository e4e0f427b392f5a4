"""Boards -> the tables of a page: every value that is known of a row, exact."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from ..leaderboard import fields as known
from ..leaderboard.fields import Field
from ..leaderboard.footnotes import footnotes
from ..leaderboard.leaderboard import Board, Row
from ..measure import registry
from ..measure.columns import LOWER_BOUND
from ..measure.lost_accuracy import lossy
from ..records.record import Record
from . import printed
from .content import Answers, Column, Ends, Line, Seen, Table
from .runtimes import by_runtime
from .tasks import TaskAnswers
from .timings import probes_of, swept, timing_of, under_probes

Read = Callable[[Row], Answers | None]
"""Returns what the stored logits of a row say."""
ReadTask = Callable[[Row], TaskAnswers | None]
"""Returns what the stored predictions of a row that localizes or detects say."""
Judge = Callable[[Row, Sequence[Record]], Seen | None]
"""Returns what the probes show of a row, of which there are records under some."""

_FIRST = (
    *("model", "rank", "score_percent", "top1_percent", "top5_percent", "hit1_percent"),
    *(
        "map_percent",
        "printed_top1_percent",
        "params_m",
        "printed_params_m",
        "gmacs",
        "printed_gmacs",
    ),
    *("latency_ms", "video_ms", "clips_per_s", "memory_mb", "j_per_clip", "score_per_gmac"),
)
"""Columns that a table shows at first, in their order."""

ROUGH, UPPER_BOUND = "~", "≤"

_OF_BOARD = {"dataset", "split", "manifest", "protocol", "views", "device", "machine"}
"""Settings that all rows of a board share; they are among its facts, and in no column."""

_DIFFERING = (
    "weights",
    "runtime",
    "provider",
    "hint",
    "precision",
    "calibration",
    "mode",
    "flow",
    "batch",
    "threads",
    "decoder",
    "probe",
    "cold_l2",
)
"""Settings that a table shows at first if its rows differ in them."""


def columns(chosen: Sequence[Field] = ()) -> tuple[Column, ...]:
    """Return every column that a table may have, in the order of its fields.

    Args:
        chosen: Columns that somebody chose: a table may have these, too.
    """
    of_accuracy = {
        figure.name
        for measurement in registry.every()
        if measurement.name == "accuracy"
        for figure in measurement.figures
    }
    found = [
        Column(
            name=each.name,
            label=each.label,
            unit=each.unit,
            better=each.better,
            is_number=each.is_number,
            of_accuracy=each.name in of_accuracy,
        )
        for each in _listed(chosen)
    ]
    return (*found, *printed.COLUMNS)


def _listed(chosen: Sequence[Field]) -> list[Field]:
    """Return all fields but those that a whole board shares, unless they were chosen."""
    wanted = {each.name for each in chosen}
    return [each for each in known.fields().values() if each.name not in _OF_BOARD - wanted]


def table_of(
    board: Board,
    read: Read = lambda row: None,
    chosen: Sequence[Field] | None = None,
    judge: Judge = lambda row, probed: None,
    read_task: ReadTask = lambda row: None,
) -> Table:
    """Return the table of a board.

    Args:
        board: The board.
        read: Returns what the stored logits of a row say.
        chosen: The columns that are shown at first; None: the usual ones.
        judge: Returns what the probes show of a row.
        read_task: Returns what the stored predictions of a row that localizes or detects say.
    """
    listed = _listed(chosen or ())
    lost = lossy([row.record for row in board.rows])
    lines = tuple(
        msgspec.structs.replace(
            _line(board, row, listed, read, judge, lost),
            task=None if row.splits else read_task(row),
        )
        for row in board.rows
    )
    asked = [each.name for each in chosen or ()]
    with_value = {name for line in lines for name in line.values}.union(asked)
    names = tuple(each.name for each in columns(chosen or ()) if each.name in with_value)
    usual = _shown(board, lines, names)
    return Table(
        title=board.title,
        facts=tuple(_facts(board)),
        columns=names,
        shown=tuple(usual if not asked else asked if "model" in asked else ["model", *asked]),
        lines=lines,
        notes=tuple(footnotes(board)),
        runtimes=by_runtime(board),
    )


def _line(
    board: Board,
    row: Row,
    listed: Sequence[Field],
    read: Read,
    judge: Judge,
    lost: Mapping[str, float],
) -> Line:
    record = row.record
    probes = probes_of(board, row)
    values: dict[str, Any] = {}
    ends: dict[str, Ends] = {}
    for each in listed:
        value = each.read(board, row)
        if value is None:
            continue
        values[each.name] = value
        interval = each.ends(board, row)
        if interval is not None:
            ends[each.name] = interval
    return Line(
        name=name_of(board, row),
        record="; ".join(each.record for each in row.splits) if row.splits else record.id,
        values=values | printed.values_of(record),
        ends=ends,
        marks={name: sign for name, sign in _marks(row) if name in values},
        lost=None if row.splits else lost.get(record.case.digest),
        is_trained=row.is_trained,
        is_plain=row.error is None and record.case.probe is None,
        error=row.error,
        notes=row.notes,
        printed=printed.printed_of(record.case),
        compared=printed.compared_of(record),
        answers=read(row),
        timing=None if record.latency is None else timing_of(record.latency),
        swept=None if record.sweep is None else swept(record.sweep),
        probes=probes,
        seen=judge(row, under_probes(board, row)) if probes else None,
    )


def _marks(row: Row) -> Iterable[tuple[str, str]]:
    """Yield the values that have a reservation, with the sign for it."""
    latency = row.record.latency
    if latency is not None and latency.is_rough:
        for name in ("latency_ms", "video_ms", "clips_per_s", "mfu_percent", "score_per_ms"):
            yield name, ROUGH
    if row.uncounted:
        yield from ((name, LOWER_BOUND) for name in ("gmacs", "gflops", "video_gmacs"))
        yield "score_per_gmac", UPPER_BOUND


def name_of(board: Board, row: Row) -> str:
    """Return the model, and where several rows have it, the settings that tell this one from them.

    A setting that follows from those before it is left out, such as the clips of int8.
    """
    model = row.record.case.model
    alike = [other for other in board.rows if other.record.case.model == model]
    differing = []
    for each in map(known.field, _DIFFERING):
        value = each.read(board, row)
        same = [other for other in alike if each.read(board, other) == value]
        if len(same) < len(alike):
            differing.append(_said(each.label, value))
            alike = same
    return f"{model} ({', '.join(differing)})" if differing else model


def _said(label: str, value: Any) -> str:
    return f"no {label}" if value is None else f"{label} {value}"


def _shown(board: Board, lines: Sequence[Line], names: Sequence[str]) -> Iterable[str]:
    """Yield the columns that are shown at first: those with a value, top-1 alone as the score."""
    differing = [name for name in _DIFFERING if len({line.values.get(name) for line in lines}) > 1]
    own = {"top-k": "top1_percent", "hit-k": "hit1_percent", "map": "map_percent"}[board.scoring]
    for name in (*_FIRST[:1], *differing, *_FIRST[1:]):
        if name in names and not (name == "score_percent" and own in names):
            yield name


def _facts(board: Board) -> Iterable[tuple[str, str]]:
    environment = board.environment
    protocol = board.rows[0].record.case.protocol
    yield "Dataset", f"{board.dataset} {board.split}" if board.dataset else "none"
    scored = [r.record.accuracy.scored for r in board.rows if r.record.accuracy is not None]
    if scored:
        yield "Videos", str(max(scored))
    yield "Protocol", f"{board.protocol}, {protocol.frames} frames of {protocol.size} pixels"
    yield "Views", f"{protocol.clips} × {protocol.crops}, averaged by {board.aggregation}"
    yield "Device", board.device
    yield "Machine", board.machine
    yield "Protocol digest", board.protocol_digest
    if board.manifest is not None:
        yield "Manifest", board.manifest
    yield "Machine fingerprint", environment.fingerprint
    if board.common_videos is not None:
        yield "Common videos", str(board.common_videos)
