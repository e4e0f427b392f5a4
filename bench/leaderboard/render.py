"""Boards -> text: Markdown, CSV, LaTeX and JSON. As HTML they are the report: bench/report."""

import re
from collections.abc import Callable, Sequence

from tabulate import tabulate

from ...datasets.errors import UnknownNameError
from ..measure.columns import LOWER_BOUND
from ..text.markup import escaped, latex_escaped
from ..text.units import ABSENT
from .columns import table_of
from .footnotes import footnotes
from .leaderboard import Board
from .means import shown
from .values import frame, to_json


def render(boards: Sequence[Board], form: str) -> str:
    """Return the boards as text in one of `FORMATS`.

    Raises:
        UnknownNameError: There is no such format.
    """
    if form not in FORMATS:
        raise UnknownNameError("format", form, [*FORMATS, "html"])
    return FORMATS[form](boards)


def _markdown(boards: Sequence[Board]) -> str:
    parts = []
    for board in shown(boards):
        table = _tabulated(board, "github", escaped)
        notes = "".join(f"- {escaped(line)}\n" for line in footnotes(board))
        parts.append(f"## {escaped(board.title)}\n\n{table}\n\n{notes}")
    return "# Leaderboard\n\n" + "\n".join(parts)


def _tabulated(board: Board, tablefmt: str, shown: Callable[[str], str] = lambda text: text) -> str:
    """Return the table alone; tabulate itself escapes LaTeX, and not Markdown."""
    head, lines = table_of(board)
    rows = [[shown(" ".join(part for part in cell if part)) for cell in line] for line in lines]
    align = ("left", "left", *("right" for _ in head[2:]))
    return tabulate(rows, head, tablefmt=tablefmt, disable_numparse=True, colalign=align)


def _latex(boards: Sequence[Board]) -> str:
    parts = [r"% Needs \usepackage{booktabs}."] if boards else []
    for board in shown(boards):
        table = _after_ends(_with_commands(_tabulated(board, "latex_booktabs")))
        notes = "\n\n".join(_latex_line(line) for line in footnotes(board))
        parts.append(
            "\\begin{table}\n\\centering\n"
            f"\\caption{{{_latex_line(board.title)}}}\n{table}\n\n"
            f"{{\\raggedright\\small\n{notes}\n\n}}\n\\end{{table}}\n"
        )
    return "\n".join(parts)


_LATEX_SIGNS = {LOWER_BOUND: r"\ensuremath{\geq}", ABSENT: "--"}
"""Signs of the tables that plain LaTeX lacks, and that tabulate leaves as they are."""


def _after_ends(table: str) -> str:
    r"""Return a table in which no `\\` takes the begin of the next row for its argument."""
    return re.sub(r"^(\s*)(?=[\[*])", r"\1{}", table, flags=re.MULTILINE)


def _latex_line(text: str) -> str:
    return _with_commands(latex_escaped(text))


def _with_commands(text: str) -> str:
    for sign, command in _LATEX_SIGNS.items():
        text = text.replace(sign, command)
    return text


def _csv(boards: Sequence[Board]) -> str:
    return str(frame(boards).to_csv(index=False))


FORMATS: dict[str, Callable[[Sequence[Board]], str]] = {
    "md": _markdown,
    "csv": _csv,
    "latex": _latex,
    "json": to_json,
}
