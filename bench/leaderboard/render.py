"""Boards -> text: Markdown, CSV, LaTeX, HTML and JSON."""

from collections.abc import Callable, Sequence

from tabulate import tabulate

from ...datasets.errors import UnknownNameError
from ..text.markup import escaped, html_escaped
from .columns import table_of
from .footnotes import footnotes
from .latex import latex
from .leaderboard import Board
from .means import shown
from .values import frame, to_json


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
    for board in shown(boards):
        table = _tabulated(board, "github", escaped)
        notes = "".join(f"- {escaped(line)}\n" for line in footnotes(board))
        parts.append(f"## {escaped(board.title)}\n\n{table}\n\n{notes}")
    return "# Leaderboard\n\n" + "\n".join(parts)


def _tabulated(board: Board, tablefmt: str, shown: Callable[[str], str] = lambda text: text) -> str:
    """Return the table alone; tabulate itself escapes LaTeX and HTML, and not Markdown."""
    head, lines = table_of(board)
    rows = [[shown(" ".join(part for part in cell if part)) for cell in line] for line in lines]
    align = ("left", "left", *("right" for _ in head[2:]))
    return tabulate(rows, head, tablefmt=tablefmt, disable_numparse=True, colalign=align)


def _html(boards: Sequence[Board]) -> str:
    tables = "\n".join(
        f"<h2>{html_escaped(b.title)}</h2>\n{_tabulated(b, 'html')}\n"
        + "".join(f"<p>{html_escaped(line)}</p>\n" for line in footnotes(b))
        for b in shown(boards)
    )
    style = (
        "body{font:15px system-ui;margin:2em}table{border-collapse:collapse}"
        "td,th{padding:.3em .8em;border-bottom:1px solid #ccc;white-space:nowrap}"
        "h2{font-size:1.1em}"
    )
    return (
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>Leaderboard</title>'
        f"<style>{style}</style>\n<h1>Leaderboard</h1>\n{tables}</html>\n"
    )


def _csv(boards: Sequence[Board]) -> str:
    return str(frame(boards).to_csv(index=False))


FORMATS: dict[str, Callable[[Sequence[Board]], str]] = {
    "md": _markdown,
    "csv": _csv,
    "latex": latex,
    "html": _html,
    "json": to_json,
}
