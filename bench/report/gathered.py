"""Boards, stored logits and checks of the gate -> the content of a page."""

from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ...datasets.errors import KinobenchError
from ...datasets.plurals import quantity
from ...datasets.visible import one_line
from ..leaderboard.fields import Field
from ..leaderboard.leaderboard import Board, Row
from ..records.record import Environment, Record
from ..records.stores import Results
from .answers import answers_of
from .content import Answers, Content, Seen, Table
from .gate_history import gate_history, stored_history
from .key_pictures import pictures_of_key_frames
from .motion import seen_by
from .pictures import Videos, pictures_of
from .tables import columns, table_of
from .tasks import TaskAnswers, of_record_alone, task_answers_of

OnProblem = Callable[[str], None]


def gather(
    boards: Sequence[Board],
    results: Results | None,
    *,
    title: str,
    made: str,
    videos: Videos | None,
    chosen: Sequence[Field] | None,
    gate: Path | None,
    checked: Sequence[Path],
    on_problem: OnProblem,
) -> Content:
    """Return the content of a page; see `page.render_report`.

    Raises:
        KinobenchError: The file of checks can't be read; the videos aren't where somebody says.
    """
    remarks: list[str] = []

    def left_out(line: str) -> None:
        if line not in remarks:
            remarks.append(one_line(line))
            on_problem(line)

    read, judge = _reader(results, left_out), _judge(results, left_out)
    read_task = _task_reader(results, left_out)
    tables = tuple(table_of(board, read, chosen, judge, read_task) for board in boards)
    _remark_absent_logits(tables, left_out)
    records = [row.record for board in boards for row in board.rows]
    started = [row.since for board in boards for row in board.rows]
    return Content(
        title=title,
        made=made,
        version=_version(),
        first=min(started, default="")[:10],
        last=max((record.started for record in records), default="")[:10],
        columns=columns(chosen or ()),
        tables=tables,
        environments=tuple(_described(each) for each in _environments(boards)),
        gate=gate_history(gate) if gate is not None else stored_history(checked, left_out),
        thumbnails=pictures_of(boards, tables, videos, left_out) if videos else {},
        key_frames=pictures_of_key_frames(boards, tables, videos, left_out) if videos else {},
        remarks=tuple(remarks),
    )


def _reader(results: Results | None, left_out: OnProblem) -> Callable[[Row], Answers | None]:
    """Return a function that reads a row's logits; those that can't be read are left out."""

    def read(row: Row) -> Answers | None:
        if results is None or row.splits:
            return None
        try:
            return answers_of(row.record, results)
        except KinobenchError as error:
            left_out(f"left out, the answers of {row.record.case.model}: {error}")
            return None

    return read


def _task_reader(
    results: Results | None, left_out: OnProblem
) -> Callable[[Row], TaskAnswers | None]:
    """Return a function that reads a row's segments or boxes; if damaged, the record alone."""

    def read(row: Row) -> TaskAnswers | None:
        if results is None:
            return of_record_alone(row.record)
        try:
            return task_answers_of(row.record, results)
        except KinobenchError as error:
            left_out(f"left out, the predictions of {row.record.case.model}: {error}")
            return of_record_alone(row.record)

    return read


def _judge(
    results: Results | None, left_out: OnProblem
) -> Callable[[Row, Sequence[Record]], Seen | None]:
    """Return a function that judges a row's probes; those that can't be read are left out."""

    def judge(row: Row, probed: Sequence[Record]) -> Seen | None:
        if results is None or row.splits:
            return None
        try:
            return seen_by(row.record, probed, results)
        except KinobenchError as error:
            left_out(f"left out, what the probes show of {row.record.case.model}: {error}")
            return None

    return judge


def _remark_absent_logits(tables: Sequence[Table], left_out: OnProblem) -> None:
    """Say once how many networks have no logits here."""
    lines = [line for table in tables for line in table.lines]
    count = sum(line.answers is not None and line.answers.without_logits for line in lines)
    if count:
        left_out(
            f"the logits of {quantity(count, 'row')} are not in the folder of results: views, "
            "confusions and misclassified videos need them"
        )
    count = sum(line.task is not None and line.task.without_predictions for line in lines)
    if count:
        left_out(
            f"the predictions of {quantity(count, 'row')} are not read, or not in the folder of "
            "results: classes, timelines and key frames need them"
        )


def _environments(boards: Sequence[Board]) -> list[Environment]:
    """Return each machine with its software once."""
    found: list[Environment] = []
    for board in boards:
        for row in board.rows:
            if row.record.environment not in found:
                found.append(row.record.environment)
    return found


def _described(environment: Environment) -> tuple[tuple[str, str], ...]:
    facts = {
        "Processor": environment.cpu,
        "Cores": f"{environment.physical_cores} ({environment.logical_cores} logical)",
        "Memory": f"{environment.memory_bytes / 2**30:.1f} GiB",
        "GPU": environment.gpu,
        "GPU driver": environment.gpu_driver,
        "GPU power limit": environment.gpu_power_limit_w and f"{environment.gpu_power_limit_w:g} W",
        "System": environment.system,
        "kinobench commit": environment.kinobench_commit,
        "Fingerprint": environment.fingerprint,
        **environment.versions,
        **(environment.variables or {}),
    }
    return tuple((name, str(value)) for name, value in facts.items() if value)


def _version() -> str:
    try:
        return version("kinobench")
    except PackageNotFoundError:
        return "a checkout that is not installed"
