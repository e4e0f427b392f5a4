"""Networks by runtime -> a terminal's tables, Markdown, CSV, LaTeX and plain values."""

import csv
import io
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec
from rich import box
from rich.console import Console
from rich.table import Table

from ...datasets.errors import UnknownNameError
from ..measure.lost_accuracy import MARK
from ..text.json_text import json_text
from ..text.markup import csv_text, escaped, latex_escaped
from ..text.pipe_table import pipe_table
from ..text.terminal import line, lines, print_line, print_plain_table
from ..text.units import ABSENT, logit_difference, milliseconds, rounded
from .runtimes import EAGER, InRuntime, Mean, RuntimeTable

FAILED = "failed"


class _Column(NamedTuple):
    """A column of a way: its head, its unit, and how it is left out where there is no room."""

    kind: str
    head: str
    cell: Callable[[InRuntime], str]


def _latency(cell: InRuntime) -> str:
    if cell.error is not None:
        return FAILED
    return ("~" if cell.is_rough else "") + milliseconds(cell.latency_s)[0]


def _speed_up(cell: InRuntime) -> str:
    return ABSENT if cell.speed_up is None else f"{cell.speed_up:.2f}"


def _interval(cell: InRuntime) -> str:
    ends = cell.speed_up_interval
    return "" if ends is None else f"[{ends[0]:.2f}, {ends[1]:.2f}]"


def _drift(cell: InRuntime) -> str:
    if cell.flips is None:
        return ABSENT
    flipped = f" ({cell.flips}/{cell.drift_clips} flips)" if cell.flips else ""
    return logit_difference(cell.drift) + flipped


def _change(cell: InRuntime) -> str:
    if cell.score_change is None:
        return ABSENT
    points = rounded(100 * cell.score_change, 1)
    sign = "" if points.startswith("-") or float(points) == 0 else "+"
    return f"{sign}{points}{MARK if cell.loses else ''}"


def _score(cell: InRuntime) -> str:
    return ABSENT if cell.score is None else rounded(100 * cell.score, 1)


def _columns(table: RuntimeTable, way: int) -> list[_Column]:
    """Return the columns of a way; those that no network has a value in are left out."""
    if way == 0:
        some = [
            _Column("eager latency", "ms", _latency),
            _Column("score", f"{table.score_name} %", _score),
        ]
    else:
        some = [
            _Column("latency", "ms", _latency),
            _Column("speed-up", "speed-up", _speed_up),
            _Column("interval", "95 %", _interval),
            _Column("drift", "drift", _drift),
            _Column("score", f"{table.score_name} ±", _change),
        ]
    cells = [network.cells[way] for network in table.networks]
    known = [cell for cell in cells if cell is not None]
    return [
        column
        for column in some
        if column.kind != "score" or any(column.cell(cell) != ABSENT for cell in known)
    ]


_LEFT_OUT = (
    frozenset[str](),
    frozenset({"interval"}),
    frozenset({"interval", "drift"}),
    frozenset({"interval", "drift", "score"}),
    frozenset({"interval", "drift", "score", "latency"}),
)
"""Kinds of columns that a narrow terminal has no room for: as few as possible."""


class _Grid(NamedTuple):
    """The cells of a table.

    Attributes:
        ways: Name of the way above each column after the first, once for all of its columns.
        heads: Heads below them.
        rows: The cells, the name first.
    """

    ways: list[str]
    heads: list[str]
    rows: list[list[str]]


def _grid(table: RuntimeTable, left_out: frozenset[str] = frozenset()) -> _Grid:
    chosen = [
        (place, column)
        for place in range(len(table.ways))
        for column in _columns(table, place)
        if column.kind not in left_out
    ]
    rows = [
        [
            network.name,
            *(_in(network.cells[place], column, left_out) for place, column in chosen),
        ]
        for network in table.networks
    ]
    for name, means in _mean_lines(table):
        by_way = {mean.way: mean for mean in means}
        rows.append([name, *(_mean(by_way.get(table.ways[at]), column) for at, column in chosen)])
    return _Grid([table.ways[at] for at, _ in chosen], [column.head for _, column in chosen], rows)


def _in(cell: InRuntime | None, column: _Column, left_out: frozenset[str]) -> str:
    if cell is None:
        return "" if column.kind == "interval" else ABSENT
    if cell.error is not None and column.kind == "speed-up" and "latency" in left_out:
        return FAILED
    loses = cell.loses and column.kind == "speed-up" and "score" in left_out
    return column.cell(cell) + (MARK if loses else "")


def _mean_lines(table: RuntimeTable) -> list[tuple[str, Sequence[Mean]]]:
    """Return the last lines: the means over all networks, and over those that all ways have."""
    found: list[tuple[str, Sequence[Mean]]] = [("geometric mean", table.means)]
    counts = {mean.networks for mean in table.means}
    if len(counts) > 1 and table.common and table.common[0].networks:
        found.append((f"of the {table.common[0].networks} in all", table.common))
    return found


def _mean(mean: Mean | None, column: _Column) -> str:
    if mean is None or column.kind != "speed-up" or mean.speed_up is None:
        return ""
    return f"{mean.speed_up:.2f} ({mean.networks})"


def footnotes(table: RuntimeTable, left_out: frozenset[str] = frozenset()) -> list[str]:
    """Return the lines under a table.

    Args:
        table: The table.
        left_out: Kinds of columns that it has no room for.
    """
    slower = [
        f"{mean.way} on {mean.slower} of {mean.networks}" for mean in table.means if mean.slower
    ]
    has_score = any(
        cell.score is not None for each in table.networks for cell in each.cells if cell
    )
    score = f"{table.score_name} ±"
    interval = (
        "" if "interval" in left_out else ", with the interval of the ratio of two log-normal times"
    )
    common = ", and that of those that all runtimes have" if len(_mean_lines(table)) > 1 else ""
    notes = [
        "ms: time of a forward; ~: it was disturbed, or its interval is wide.",
        f"speed-up: time in {EAGER.name} (eager PyTorch in fp32) over this one{interval}; at the "
        f"end the geometric mean, with the number of networks{common}."
        + (f" Slower than eager PyTorch: {'; '.join(slower)}." if slower else ""),
    ]
    if "drift" not in left_out:
        notes.append(
            "drift: largest difference of a logit from eager PyTorch in fp32 on the same clips; "
            "flips: clips whose top-1 class is another one."
        )
    if has_score and "score" not in left_out:
        notes.append(
            f"{score}: points more or less than in eager PyTorch on the same videos; "
            "`compare` tests whether a difference is real."
        )
    names = {"interval": "intervals", "drift": "drift", "latency": "ms in other runtimes"}
    names |= {"score": score} if has_score else {}
    missing = [name for kind, name in names.items() if kind in left_out]
    if missing:
        notes.append(f"no room for {', '.join(missing)}: --format md, csv or json has all.")
    return [*notes, *table.notes]


def show(tables: Sequence[RuntimeTable], console: Console) -> None:
    """Print tables for a person, as wide as the console is."""
    for number, table in enumerate(tables):
        if number:
            console.print()
        print_line(table.title, console, "bold")
        console.print()
        left_out: frozenset[str] = frozenset()
        if console.is_terminal:
            left_out = _print_table(table, console)
        else:
            grid = _grid(table)
            print_plain_table(["network", *_joined(grid)], grid.rows, (0,), console)
        console.print()
        for text in footnotes(table, left_out):
            print_line(text, console, "dim")


def _joined(grid: _Grid) -> list[str]:
    return [f"{way} {head}" for way, head in zip(grid.ways, grid.heads, strict=True)]


def _print_table(table: RuntimeTable, console: Console) -> frozenset[str]:
    """Print the table with the columns that fit; where few fit, a block of lines a network.

    Return the kinds of columns that are left out.
    """
    unbounded = console.options.update(max_width=10_000)
    for left_out in _LEFT_OUT:
        made = _rich(_grid(table, left_out))
        if console.measure(made, options=unbounded).maximum <= console.width:
            console.print(made)
            return left_out
    grid = _grid(table)
    for name, *cells in grid.rows:
        console.print(line(name))
        for head, cell in zip(_joined(grid), cells, strict=True):
            if cell and cell != ABSENT:
                console.print(line(f"  {head}: {cell}"))
    return frozenset()


def _rich(grid: _Grid) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    above = {way: way.split() for way in grid.ways}  # each word has a line of its own
    height = max((len(words) for words in above.values()), default=0)
    table.add_column(lines("\n" * height + "network"), no_wrap=True)
    before = ""
    for way, head in zip(grid.ways, grid.heads, strict=True):
        words = above[way] if way != before else []
        padded = [""] * (height - len(words)) + words
        table.add_column(lines("\n".join([*padded, head])), justify="right", no_wrap=True)
        before = way
    for cells in grid.rows:
        table.add_row(*map(line, cells))
    return table


def markdown(tables: Sequence[RuntimeTable]) -> str:
    """Return tables as a page in Markdown."""
    parts = ["# Networks by runtime"]
    for table in tables:
        grid = _grid(table)
        head = ["network", *(escaped(each) for each in _joined(grid))]
        rows = [[escaped(cell) for cell in cells] for cells in grid.rows]
        parts += [f"## {escaped(table.title)}", pipe_table(head, rows, left=(0,))]
        parts.append("\n".join(f"- {escaped(each)}" for each in footnotes(table)))
    return "\n\n".join(parts) + "\n"


def to_csv(tables: Sequence[RuntimeTable]) -> str:
    """Return a line for each network in each runtime, in base units and not rounded."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    ends = ("latency_low_s", "latency_high_s", "speed_up_low", "speed_up_high")
    fields = [name for name in msgspec.structs.fields(InRuntime) if "interval" not in name.name]
    names = [each.name for each in fields]
    writer.writerow(["table", "network", "model", "weights", *names, *ends])
    for table in tables:
        for network in table.networks:
            for cell in network.cells:
                if cell is None:
                    continue
                intervals = (cell.latency_interval_s, cell.speed_up_interval)
                values = [
                    *(table.title, network.name, network.model, network.weights),
                    *(getattr(cell, name) for name in names),
                    *(end for each in intervals for end in each or (None, None)),
                ]
                writer.writerow([_plain(value) for value in values])
    return text.getvalue()


def _plain(value: Any) -> Any:
    return csv_text(value) if isinstance(value, str) else value


def to_json(tables: Sequence[RuntimeTable]) -> str:
    """Return the tables as JSON, in base units and not rounded."""
    return json_text([msgspec.to_builtins(table) for table in tables]) + "\n"


def latex(tables: Sequence[RuntimeTable]) -> str:
    """Return a table of LaTeX for each; it needs the packages booktabs and graphicx."""
    parts = [r"% Needs \usepackage{booktabs,graphicx}."] if tables else []
    return "\n".join([*parts, *map(_latex, tables)])


def _latex(table: RuntimeTable) -> str:
    grid = _grid(table, frozenset({"interval"}))
    above, rules, at = [], [], 2
    for way in dict.fromkeys(grid.ways):
        width = grid.ways.count(way)
        above.append(rf"\multicolumn{{{width}}}{{c}}{{{_tex(way)}}}")
        rules.append(rf"\cmidrule(lr){{{at}-{at + width - 1}}}")
        at += width
    rows = [" & ".join(map(_tex, cells)) + r" \\" for cells in grid.rows]
    last = len(table.networks)
    notes = r" ".join(_tex(each) for each in footnotes(table))
    return "\n".join(
        [
            r"\begin{table*}",
            r"\centering",
            rf"\caption{{{_tex(table.title)}}}",
            r"\footnotesize\setlength{\tabcolsep}{3pt}",
            r"\sbox0{%",
            rf"\begin{{tabular}}{{@{{}}l{'r' * len(grid.heads)}@{{}}}}",
            r"\toprule",
            " & ".join(["", *above]) + r" \\",
            " ".join(rules),
            " & ".join(["network", *map(_tex, grid.heads)]) + r" \\",
            r"\midrule",
            *rows[:last],
            r"\midrule",
            *rows[last:],
            r"\bottomrule",
            r"\end{tabular}}%",
            r"\ifdim\wd0>\linewidth\resizebox{\linewidth}{!}{\usebox0}\else\usebox0\fi",
            rf"\par\smallskip {{\raggedright {notes}\par}}",
            r"\end{table*}",
            "",
        ]
    )


def _tex(text: str) -> str:
    escaped_text = latex_escaped(text).replace(ABSENT, "--").replace("±", r"$\pm$")
    return "{}" + escaped_text if escaped_text.startswith(("[", "*")) else escaped_text


FORMATS: dict[str, Callable[[Sequence[RuntimeTable]], str]] = {
    "md": markdown,
    "csv": to_csv,
    "latex": latex,
    "json": to_json,
}


def render(tables: Sequence[RuntimeTable], form: str) -> str:
    """Return the tables as text in one of `FORMATS`.

    Raises:
        UnknownNameError: There is no such format.
    """
    if form not in FORMATS:
        raise UnknownNameError("format", form, FORMATS)
    return FORMATS[form](tables)
