"""Boards -> text: Markdown, CSV, LaTeX, HTML, JSON, and a table on the screen."""

from collections.abc import Callable, Sequence

import msgspec
import pandas as pd
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from tabulate import tabulate

from ..datasets.errors import UnknownNameError
from .leaderboard import Board, Row

NOT_MEASURED = "–"
WIDE = 118
"""Below this many columns an interval goes under its value instead of beside it."""

_Cell = tuple[str, str]
"""A value, and what qualifies it: an interval, `untrained`."""

_SETTINGS: dict[str, Callable[[Row], str]] = {
    "precision": lambda row: row.precision,
    "mode": lambda row: row.mode,
    "batch": lambda row: str(row.batch),
    "threads": lambda row: NOT_MEASURED if row.threads is None else str(row.threads),
}

_COLUMNS: dict[str, Callable[[Row], _Cell]] = {
    "params (M)": lambda row: (_scaled(row.params, 1e6, 3), ""),
    "GMACs": lambda row: (_scaled(row.macs, 1e9, 3), ""),
    "GFLOPs": lambda row: (_scaled(row.flops, 1e9, 3), ""),
    "latency (ms)": lambda row: _latency(row),
    "peak memory (MB)": lambda row: (_scaled(row.peak_bytes, 1e6, 1), ""),
    "top-1 (%)": lambda row: _share(row.top1, row.top1_low, row.top1_high),
    "top-5 (%)": lambda row: _share(row.top5, row.top5_low, row.top5_high),
}


def render(boards: Sequence[Board], form: str) -> str:
    """Return the boards as text in one of `FORMATS`.

    Raises:
        UnknownNameError: There is no such format.
    """
    if form not in FORMATS:
        raise UnknownNameError("format", form, FORMATS)
    return FORMATS[form](boards)


def _markdown(boards: Sequence[Board]) -> str:
    parts = []
    for board in boards:
        parts.append(f"## {board.title}\n\n{_tabulated(board, 'github')}\n")
        parts.append("".join(f"- {line}\n" for line in footnotes(board)))
    return "# Leaderboard\n\n" + "\n".join(parts)


def _tabulated(board: Board, tablefmt: str) -> str:
    head, lines = _lines(board)
    rows = [[" ".join(part for part in cell if part) for cell in line] for line in lines]
    align = ("left", "left", *("right" for _ in head[2:]))
    return tabulate(rows, head, tablefmt=tablefmt, disable_numparse=True, colalign=align)


def _latex(boards: Sequence[Board]) -> str:
    return "\n\n".join(f"% {b.title}\n{_tabulated(b, 'latex_booktabs')}" for b in boards) + "\n"


def _html(boards: Sequence[Board]) -> str:
    tables = "\n".join(
        f"<h2>{b.title}</h2>\n{_tabulated(b, 'html')}\n"
        + "".join(f"<p>{line}</p>\n" for line in footnotes(b))
        for b in boards
    )
    style = (
        "body{font:15px system-ui;margin:2em}table{border-collapse:collapse}"
        "td,th{padding:.3em .8em;border-bottom:1px solid #ccc}h2{font-size:1.1em}"
    )
    return (
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>Leaderboard</title>'
        f"<style>{style}</style>\n<h1>Leaderboard</h1>\n{tables}</html>\n"
    )


def _csv(boards: Sequence[Board]) -> str:
    return str(_frame(boards).to_csv(index=False))


def _frame(boards: Sequence[Board]) -> pd.DataFrame:
    """Return all rows in base units, each with what its board has in common."""
    return pd.DataFrame(
        [
            {
                "dataset": board.dataset,
                "split": board.split,
                "manifest": board.manifest,
                "protocol": board.protocol,
                "protocol_digest": board.protocol_digest,
                "views": board.views,
                "device": board.device,
                "fingerprint": board.environment.fingerprint,
                **msgspec.to_builtins(row),
            }
            for board in boards
            for row in board.rows
        ]
    )


def _json(boards: Sequence[Board]) -> str:
    return msgspec.json.format(msgspec.json.encode(boards), indent=2).decode() + "\n"


FORMATS: dict[str, Callable[[Sequence[Board]], str]] = {
    "md": _markdown,
    "csv": _csv,
    "latex": _latex,
    "html": _html,
    "json": _json,
}


def show(boards: Sequence[Board], console: Console) -> None:
    """Print the boards for a person, as wide as the console is."""
    for board in boards:
        head, lines = _lines(board)
        joint = " " if console.width >= WIDE else "\n"
        table = Table(
            box=box.SIMPLE_HEAD, title=escape(board.title), title_justify="left", pad_edge=False
        )
        for number, name in enumerate(head):
            words = name.replace(" (", joint + "(") if number else name
            table.add_column(words, justify="right" if number > 1 else "left", overflow="fold")
        for line in lines:
            table.add_row(*(escape(joint.join(part for part in cell if part)) for cell in line))
        console.print(table)
        for note in footnotes(board):
            console.print(escape(note), highlight=False)


def footnotes(board: Board) -> list[str]:
    """Return what a reader must know to read a board right."""
    notes = []
    if any(row.top1 is not None and row.weights == "untrained" for row in board.rows):
        notes.append("untrained: the accuracy is that of random weights; it ranks nothing.")
    if any(row.converged is False for row in board.rows):
        notes.append("~ the latency had not converged when its time was up.")
    if any(row.peak_bytes is not None for row in board.rows):
        notes.append("Peak memory: weights and what a forward takes on top of them.")
    short = [row for row in board.rows if row.scored != row.expected]
    notes += [f"{row.model}: {row.scored} of {row.expected} videos were scored." for row in short]
    notes += [f"{row.model} failed: {row.error}" for row in board.rows if row.error]
    return notes


def _lines(board: Board) -> tuple[list[str], list[list[_Cell]]]:
    """Return the head and the cells; settings that all rows share are left to the title."""
    settings = {
        name: read for name, read in _SETTINGS.items() if len({read(row) for row in board.rows}) > 1
    }
    columns = {
        name: read
        for name, read in _COLUMNS.items()
        if any(read(row)[0] != NOT_MEASURED for row in board.rows)
    }
    lines = [
        [
            (row.model, ""),
            (row.weights, ""),
            *((read(row), "") for read in settings.values()),
            *(read(row) for read in columns.values()),
        ]
        for row in board.rows
    ]
    return ["model", "weights", *settings, *columns], lines


def _latency(row: Row) -> _Cell:
    if row.latency_s is None:
        return NOT_MEASURED, ""
    rough = "" if row.converged else "~"
    digits = 3 if row.latency_s < 1e-3 else 2
    if row.latency_low_s is None or row.latency_high_s is None:
        return f"{rough}{row.latency_s * 1e3:.{digits}f}", ""
    low, high = row.latency_low_s * 1e3, row.latency_high_s * 1e3
    return f"{rough}{row.latency_s * 1e3:.{digits}f}", f"[{low:.{digits}f}, {high:.{digits}f}]"


def _share(value: float | None, low: float | None, high: float | None) -> _Cell:
    if value is None:
        return NOT_MEASURED, ""
    interval = "" if low is None or high is None else f"[{low * 100:.1f}, {high * 100:.1f}]"
    return f"{value * 100:.1f}", interval


def _scaled(value: float | None, unit: float, digits: int) -> str:
    return NOT_MEASURED if value is None else f"{value / unit:.{digits}f}"
