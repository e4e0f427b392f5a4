r"""Boards as tables of LaTeX, no wider than a page of a paper with two columns.

A table has what a paper prints: few columns, the best value in bold and the second underlined, and
intervals as in $12.5^{+0.4}_{-0.3}$. It stands in one column of the page if it fits there, else
across both.
"""

import re
import textwrap
from collections.abc import Iterator, Sequence

from ...datasets.errors import KinobenchError
from ...datasets.plurals import quantity
from ..measure import registry
from ..measure.columns import LOWER_BOUND
from ..measure.video_cost import UPPER_BOUND
from ..records.results import SCORE_NAMES
from ..text.markup import latex_escaped
from ..text.units import ABSENT
from .columns import settings_of
from .fields import Field, field
from .latex_cells import ABOUT, AT_LEAST, AT_MOST, Cell, column_of
from .leaderboard import Board
from .means import shown

USUAL = ("model", "params_m", "gmacs", "latency_ms", "score_percent", "rank")
"""The columns of a table for which none were chosen; those without any value are left out."""

COLUMN_PT, PAGE_PT, ROWS_OF_A_PAGE = 229.0, 469.0, 42
"""Widths of a column and of both in `article` with two columns (10 pt, letter), the narrowest that
are usual, and the most rows that fit on its page."""

LEAST_SIZE = 0.88
"""A table is made smaller to this share, 7 pt of 8, rather than put across both columns."""

_LABEL = re.compile(r"[\w:.+-]+", re.ASCII)
_HEAD = 14
"""Letters of a line of a head."""
_NOTES = 3
"""The most failures that the notes name."""


def latex(
    boards: Sequence[Board],
    columns: Sequence[Field] | None = None,
    *,
    label: str | None = None,
    caption: str | None = None,
) -> str:
    r"""Return a table of LaTeX for each board; it needs the packages booktabs and graphicx.

    Args:
        boards: The boards.
        columns: The columns, in their order; by default those of `USUAL`.
        label: Name for `\ref`; later tables get `-2`, `-3` and so on after it.
        caption: The caption in LaTeX, taken as it is; None: what all rows have in common.

    Raises:
        KinobenchError: The label or the caption would break the table.
    """
    _check_label(label)
    _check_caption(caption)
    parts = [r"% Needs \usepackage{booktabs,graphicx}."] if boards else []
    for number, board in enumerate(shown(boards), 1):
        name = label if label is None or number == 1 else f"{label}-{number}"
        parts.append(_table(board, columns or _usual(board), name, caption))
    return "\n".join(parts)


def _check_label(label: str | None) -> None:
    if label is not None and not _LABEL.fullmatch(label):
        raise KinobenchError(
            f"--label {label!r}: use letters, digits and : . + - _ only, as in tab:networks"
        )


def _check_caption(caption: str | None) -> None:
    depth = 0
    for sign in re.findall(r"(?<!\\)(?:\\\\)*([{}])", caption or ""):
        depth += 1 if sign == "{" else -1
        if depth < 0:
            break
    if depth or re.search(r"(?<!\\)(?:\\\\)*%|\n\s*\n|(?<!\\)(?:\\\\)*\\$", caption or ""):
        raise KinobenchError(
            f"--caption {caption!r}: its braces don't match, or a comment, an empty line or a "
            r"backslash at its end would break the table; write \% for a percent sign"
        )


def _usual(board: Board) -> list[Field]:
    """Return the columns of a table for which none were chosen."""
    first, *rest = USUAL
    known = [field(name) for name in rest]
    kept = [each for each in known if any(each.read(board, row) is not None for row in board.rows)]
    return [field(first), *_telling_apart(board), *kept]


def _telling_apart(board: Board) -> list[Field]:
    """Return the settings without which two rows of a model look alike."""
    models = [row.record.case.model for row in board.rows]
    if len(set(models)) == len(models):
        return []
    differing = {name for name, values in settings_of(board) if len(values) > 1}
    names = {"L2": "cold_l2", "eval batch": "eval_batch"}
    found = [field(names.get(name, name)) for name in sorted(differing)]
    if len({row.weights for row in board.rows}) > 1:
        found.insert(0, field("weights"))
    return found


def _table(board: Board, columns: Sequence[Field], label: str | None, caption: str | None) -> str:
    cells = [column_of(board, each) for each in columns]
    heads = [[_escaped(line) for line in _head(board, each)] for each in columns]
    with_ends = [any(cell.above for cell in column) for column in cells]
    spec = "".join(
        ("r@{}l" if ends else "r") if each.is_number else "l"
        for each, ends in zip(columns, with_ends, strict=True)
    )
    rows = [
        _line(_written(cell, ends) for cell, ends in zip(row, with_ends, strict=True))
        for row in zip(*cells, strict=True)
    ]
    width = _width_pt(heads, cells, with_ends)
    wide = "" if width <= COLUMN_PT / LEAST_SIZE else "*"
    notes = [_breakable(note) for note in _notes(board, columns, cells)]
    return "\n".join(
        [
            *_warnings(len(rows), width),
            rf"\begin{{table{wide}}}",
            r"\centering",
            rf"\caption{{{_breakable(_escaped(board.title)) if caption is None else caption}}}",
            *([rf"\label{{{label}}}"] if label else []),
            r"\footnotesize\setlength{\tabcolsep}{3pt}\renewcommand{\arraystretch}{1.3}",
            r"\sbox0{%",
            rf"\begin{{tabular}}{{@{{}}{spec}@{{}}}}",
            r"\toprule",
            *_head_lines(heads, with_ends),
            r"\midrule",
            *rows,
            r"\bottomrule",
            r"\end{tabular}}%",
            r"\ifdim\wd0>\linewidth\resizebox{\linewidth}{!}{\usebox0}\else\usebox0\fi",
            *([r"\par\smallskip", rf"{{\raggedright {' '.join(notes)}\par}}"] if notes else []),
            rf"\end{{table{wide}}}",
            "",
        ]
    )


def _warnings(rows: int, width: float) -> Iterator[str]:
    if rows > ROWS_OF_A_PAGE:
        yield f"% {rows} rows are higher than a page: choose some of them."
    if width > PAGE_PT / LEAST_SIZE:
        share = f"{100 * PAGE_PT / width:.0f} %"
        yield f"% The table is printed at about {share} of its size: choose fewer --columns."


def _head_lines(heads: Sequence[Sequence[str]], with_ends: Sequence[bool]) -> Iterator[str]:
    """Yield the lines of the heads, which end together at the bottom."""
    height = max(map(len, heads))
    padded = [["", *[""] * height, *head][-height:] for head in heads]
    for line in zip(*padded, strict=True):
        yield _line(
            rf"\multicolumn{{2}}{{c}}{{{text}}}" if ends else text
            for text, ends in zip(line, with_ends, strict=True)
        )


def _line(cells: Iterator[str]) -> str:
    """Return a row; `{}` keeps its begin from being the argument of the end of the one before."""
    text = " & ".join(cells)
    return ("{}" if text.startswith(("[", "*")) else "") + text + r" \\"


def _head(board: Board, of: Field) -> list[str]:
    """Return the lines of a head: the name, which may take several, and the unit."""
    if of.name == "score_percent":
        return [SCORE_NAMES[board.scoring][0], "(%)"]
    name, unit = (of.label, of.unit) if of.shown is None else (of.shown.name, of.shown.unit)
    shown = [f"({unit})"] if unit else []
    return [*textwrap.wrap(name, _HEAD, break_long_words=False), *shown]


def _written(cell: Cell, with_ends: bool) -> str:
    """Return a cell in LaTeX: one, or with an interval two."""
    text = _escaped(cell.text)
    command = {None: "", 0: r"\textbf", 1: r"\underline"}[cell.standing]
    written = cell.mark + (f"{command}{{{text}}}" if command else text)
    if not with_ends:
        return written
    ends = f"$^{{+{cell.above}}}_{{-{cell.below}}}$" if cell.above else ""
    return f"{written} & {ends}".rstrip()


def _notes(
    board: Board, columns: Sequence[Field], cells: Sequence[Sequence[Cell]]
) -> Iterator[str]:
    """Yield the few sentences below a table."""
    every = [cell for column in cells for cell in column]
    said = []
    if any(cell.standing == 0 for cell in every):
        said.append("bold: best; underlined: second")
    if any(cell.above for cell in every):
        said.append(r"$^+_-$: 95\,\% interval")
    if any(cell.mark == ABOUT for cell in every):
        said.append(r"$\sim$: disturbed, or known to no better than 20\,\%")
    bounds = [mark for mark in (AT_LEAST, AT_MOST) if any(cell.mark == mark for cell in every)]
    if bounds:
        said.append(f"{', '.join(bounds)}: has operators that can't be counted")
    if any(each.name == "rank" for each in columns):
        said.append("rank: 1 + number of significantly better networks")
    if said:
        text = "; ".join(said)
        yield f"{text[0].upper()}{text[1:]}."
    yield from _untrained(board, columns)
    failed = [row for row in board.rows if row.error is not None]
    for row in failed[:_NOTES]:
        yield _escaped(f"{row.record.case.model} failed: {row.error}".rstrip(".")) + "."
    if len(failed) > _NOTES:
        yield f"{quantity(len(failed) - _NOTES, 'other')} failed."


def _untrained(board: Board, columns: Sequence[Field]) -> Iterator[str]:
    scores = {each.name for each in registry.get("accuracy").figures}
    if not scores & {each.name for each in columns}:
        return
    names = [
        row.record.case.model
        for row in board.rows
        if row.record.evaluated is not None and not row.is_trained
    ]
    if names and len(names) == len(board.rows):
        yield "All networks are untrained: their accuracy is chance."
    elif names:
        yield _escaped(f"Untrained, so its accuracy is chance: {', '.join(dict.fromkeys(names))}.")


_SIGNS = {LOWER_BOUND: AT_LEAST, UPPER_BOUND: AT_MOST, ABSENT: "--"}
"""Signs of the tables that plain LaTeX lacks."""


def _escaped(text: str) -> str:
    text = latex_escaped(text)
    for sign, command in _SIGNS.items():
        text = text.replace(sign, command)
    return text


def _breakable(text: str) -> str:
    r"""Return a text whose long paths and names may go on in the next line."""
    return re.sub(r"(/|\\_)", r"\1\\allowbreak{}", text)


# Widths of Computer Modern Roman at 8 pt, in points: `\footnotesize` of a paper of 10 pt.
_NARROW, _BROAD = "iljtfrI.,:;'!|()[]- ", "mwMWABCDGHKNOQRUVXY%&@+"
_NARROW_PT, _USUAL_PT, _BROAD_PT = 2.9, 4.4, 6.5
_GAP_PT, _SMALL = 6.0, 0.78


def _text_pt(text: str) -> float:
    plain = re.sub(r"\\(textbf|underline|ensuremath|textasciitilde|geq|sim)|[\\${}^]", "", text)
    return sum(
        _NARROW_PT if sign in _NARROW else _BROAD_PT if sign in _BROAD else _USUAL_PT
        for sign in plain
    )


def _width_pt(
    heads: Sequence[Sequence[str]], cells: Sequence[Sequence[Cell]], with_ends: Sequence[bool]
) -> float:
    """Return about how wide a table is, in points."""
    total = _GAP_PT * (len(heads) - 1)
    for head, column, ends in zip(heads, cells, with_ends, strict=True):
        value = max((_text_pt(cell.text) + (6.5 if cell.mark else 0) for cell in column), default=0)
        small = max((_SMALL * _text_pt(f"+{cell.above}") for cell in column), default=0)
        total += max(*map(_text_pt, head), value + (small if ends else 0))
    return total
