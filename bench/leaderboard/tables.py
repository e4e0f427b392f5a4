"""Boards -> text: Markdown, CSV, LaTeX, HTML, JSON, and a table on the screen."""

import html
from collections.abc import Callable, Iterable, Sequence

import msgspec
import pandas as pd
from rich import box
from rich.console import Console, ConsoleOptions, JustifyMethod
from rich.markup import escape
from rich.table import Table
from tabulate import tabulate

from ...datasets.errors import UnknownNameError
from ...datasets.names import DEFAULT_DECODER
from ..text.markup import escaped as _markdown_escaped
from ..text.units import logit_difference as difference
from ..text.units import of_spread
from .leaderboard import Board, Row
from .sweep_table import rate

NOT_MEASURED = "–"
LOWER_BOUND = "≥"

_Cell = tuple[str, str]
"""A value, and what qualifies it: an interval, `untrained`."""

_SETTINGS: dict[str, Callable[[Row], str]] = {
    "precision": lambda row: row.precision,
    "mode": lambda row: row.mode,
    "flow": lambda row: row.flow or NOT_MEASURED,
    "batch": lambda row: str(row.batch),
    "threads": lambda row: "default" if row.threads is None else str(row.threads),
    "classes": lambda row: str(row.classes),
    "eval batch": lambda row: str(row.eval_batch),
    "decoder": lambda row: row.decoder,
    "probe": lambda row: row.probe or NOT_MEASURED,
    "L2": lambda row: "cold" if row.cold_l2 else "warm",
}

_COLUMNS: dict[str, Callable[[Row], _Cell]] = {
    "params (M)": lambda row: (_scaled(row.params, 1e6, 3), ""),
    "GMACs": lambda row: _arithmetic(row, row.macs),
    "GFLOPs": lambda row: _arithmetic(row, row.flops),
    "latency (ms)": lambda row: _latency(row),
    "wall (ms)": lambda row: _time(row.wall_median_s, row.wall_low_s, row.wall_high_s),
    "with flow (ms)": lambda row: _with_flow(row),
    "clips/s": lambda row: (rate(row.throughput_per_s), ""),
    "drift": lambda row: _drift(row),
    "MFU (%)": lambda row: (_scaled(row.mfu, 1e-2, 1), f"({row.limit})" if row.limit else ""),
    "peak memory (MB)": lambda row: (_scaled(row.peak_bytes, 1e6, 1), ""),
    "energy (J/clip)": lambda row: (_joules(row.joules_per_clip), ""),
    "rank": lambda row: (NOT_MEASURED if row.rank is None else str(row.rank), ""),
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
        table = _tabulated(board, "github", _markdown_escaped)
        notes = "".join(f"- {_markdown_escaped(line)}\n" for line in footnotes(board))
        parts.append(f"## {_markdown_escaped(board.title)}\n\n{table}\n\n{notes}")
    return "# Leaderboard\n\n" + "\n".join(parts)


def _tabulated(
    board: Board, tablefmt: str, escaped: Callable[[str], str] = lambda text: text
) -> str:
    """Return the table alone; tabulate itself escapes LaTeX and HTML, and not Markdown."""
    head, lines = _lines(board)
    rows = [[escaped(" ".join(part for part in cell if part)) for cell in line] for line in lines]
    align = ("left", "left", *("right" for _ in head[2:]))
    return tabulate(rows, head, tablefmt=tablefmt, disable_numparse=True, colalign=align)


def _latex(boards: Sequence[Board]) -> str:
    parts = [r"% Needs \usepackage{booktabs}."] if boards else []
    for board in boards:
        table = _tabulated(board, "latex_booktabs")
        for sign, command in _LATEX_SIGNS.items():  # those that tabulate leaves as they are
            table = table.replace(sign, command)
        notes = "\n\n".join(_latex_escaped(line) for line in footnotes(board))
        parts.append(
            "\\begin{table}\n\\centering\n"
            f"\\caption{{{_latex_escaped(board.title)}}}\n{table}\n\n"
            f"{{\\raggedright\\small\n{notes}\n\n}}\n\\end{{table}}\n"
        )
    return "\n".join(parts)


def _over_all(row: Row) -> str:
    """Return both accuracies over all videos, of which those that were not scored are missed."""
    shares = {"top-1": row.top1_of_expected, "top-5": row.top5_of_expected}
    told = [f"{name} {100 * share:.1f} %" for name, share in shares.items() if share is not None]
    return f"; over all {row.expected}: {', '.join(told)}" if told else ""


_LATEX_SIGNS = {LOWER_BOUND: r"\ensuremath{\geq}", NOT_MEASURED: "--"}
_LATEX = str.maketrans(
    {
        **{sign: rf"\{sign}" for sign in "&%$#_{}"},
        **{sign: rf"\ensuremath{{{sign}}}" for sign in "<>|"},
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "\\": r"\textbackslash{}",
        **_LATEX_SIGNS,
    }
)


def _latex_escaped(text: str) -> str:
    return text.translate(_LATEX)


def _html(boards: Sequence[Board]) -> str:
    tables = "\n".join(
        f"<h2>{html.escape(b.title)}</h2>\n{_tabulated(b, 'html')}\n"
        + "".join(f"<p>{html.escape(line)}</p>\n" for line in footnotes(b))
        for b in boards
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
    return str(_frame(boards).to_csv(index=False))


def _frame(boards: Sequence[Board]) -> pd.DataFrame:
    """Return all rows in base units, each with what its board has in common."""
    lines = [
        {
            **{field: getattr(board, field) for field in _BOARD_FIELDS},
            "fingerprint": board.environment.fingerprint,
            **msgspec.to_builtins(row),
            **{field: "; ".join(getattr(row, field)) for field in ("uncounted", "notes")},
        }
        for board in boards
        for row in board.rows
    ]
    columns = [*_BOARD_FIELDS, "fingerprint", *Row.__struct_fields__]
    # As objects: one None in a column of integers would make them all floats.
    return pd.DataFrame(lines, columns=columns, dtype=object)


_BOARD_FIELDS = ("dataset", "split", "manifest", "protocol", "protocol_digest", "views", "device")


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
    """Print the boards for a person, as wide as the console is; no number is ever cut."""
    for board in boards:
        head, lines = _lines(board)
        console.print(escape(board.title), style="bold", highlight=False)
        for layout in (_beside, _under, _under_short):
            table = layout(head, lines)
            if console.measure(table, options=_unbounded(console)).maximum <= console.width:
                console.print(table)
                break
        else:
            _print_blocks(head, lines, console)
        for note in footnotes(board):
            console.print(escape(note), highlight=False)
        console.print()


def _unbounded(console: Console) -> ConsoleOptions:
    return console.options.update(max_width=10_000)


def _beside(head: list[str], lines: list[list[_Cell]]) -> Table:
    """Intervals beside their values: one line a row."""
    table = _table()
    for number, name in enumerate(head):
        side: JustifyMethod = "left" if number < 2 else "right"
        table.add_column(escape(name), justify=side, overflow="fold", max_width=40)
    for line in lines:
        table.add_row(*(escape(" ".join(part for part in cell if part)) for cell in line))
    return table


def _under(head: list[str], lines: list[list[_Cell]], longest_name: int | None = None) -> Table:
    """Intervals under their values, weights under the model."""
    table = _table()
    table.add_column(f"{head[0]}\n{head[1]}", overflow="fold", max_width=longest_name)
    for name in head[2:]:
        table.add_column(escape(name.replace(" ", "\n")), justify="right", no_wrap=True)
    for (model, _), (weights, _), *cells in lines:
        stacked = ("\n".join((value, *rest.split())).strip() for value, rest in cells)
        table.add_row(escape(f"{model}\n{weights}"), *map(escape, stacked))
    return table


def _under_short(head: list[str], lines: list[list[_Cell]]) -> Table:
    """The same with long names folded."""
    return _under(head, lines, longest_name=12)


def _table() -> Table:
    # Room on the right of a column alone, to save a column of the console for each.
    return Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))


def _print_blocks(head: list[str], lines: list[list[_Cell]], console: Console) -> None:
    """Print a block of lines for each row, where no table fits."""
    for (model, _), (weights, _), *cells in lines:
        console.print(escape(f"\n{model}, {weights}"), highlight=False)
        for name, cell in zip(head[2:], cells, strict=True):
            value = " ".join(part for part in cell if part)
            console.print(escape(f"  {name}: {value}"), highlight=False)
    console.print()


def footnotes(board: Board) -> list[str]:
    """Return what a reader must know to read a board right, a line each."""
    notes = []
    scored = any(row.scored is not None for row in board.rows)
    shared = {name: values.pop() for name, values in _settings(board) if len(values) == 1}
    if not scored:
        shared.pop("eval batch", None)
    if not scored or shared.get("decoder") == DEFAULT_DECODER:
        shared.pop("decoder", None)
    if shared.get("probe") == NOT_MEASURED:
        del shared["probe"]
    if shared.get("L2") == "warm":
        del shared["L2"]
    if shared.get("flow") == NOT_MEASURED:
        del shared["flow"]
    elif _flow_is_in_a_cell(board):
        shared.pop("flow", None)
    if shared:
        listed = ", ".join(f"{name} {value}" for name, value in shared.items())
        notes.append(f"{'All rows' if len(board.rows) > 1 else 'Setting'}: {listed}.")
    meanings = []
    if any(row.macs is not None for row in board.rows):
        meanings.append("GMACs and GFLOPs: one view")
    if any(row.latency_s is not None for row in board.rows):
        if any(row.mode != "stream" for row in board.rows):
            meanings.append("latency: one forward of the batch")
        if any(row.launch_bound for row in board.rows):
            meanings.append(
                "wall: a call by the host's clock, waited for; latency leaves out the gaps in "
                "which the GPU waits for the host, so that where wall is over 1.1 times as long, "
                "clips/s and the order by latency go by wall"
            )
        if any(row.flow_s is not None for row in board.rows):
            meanings.append("with flow: and the optical flow of the batch's clips, on the CPU")
        if any(row.mfu is not None for row in board.rows):
            meanings.append(
                "MFU: its FLOPs a second, at the latency, over those of a large matrix product in "
                "the same run (and what bounds its operators by the roofline)"
            )
    if any(row.drift_clips is not None for row in board.rows):
        scale = ""
        if any(row.logit_spread for row in board.rows):
            scale = "in % of the standard deviation of its logits over the classes, "
        meanings.append(
            f"drift: the largest logit difference from eager fp32 ({scale}and of how many clips "
            "the first class is another)"
        )
    if of_one_frame := _of_one_frame(board):
        meanings.append(f"mode stream: {of_one_frame}")
    if meanings:
        told = "; ".join(meanings)
        notes.append(f"{told[0].upper()}{told[1:]}.")
    if any(row.peak_bytes is not None for row in board.rows):
        notes.append("Peak memory: weights and what a forward takes on top of them.")
    if any(row.top1 is not None and row.weights == "untrained" for row in board.rows):
        notes.append("untrained: the accuracy is that of random weights; it ranks nothing.")
    if board.comparisons:
        pairs = "1 pair" if board.comparisons == 1 else f"{board.comparisons} pairs"
        notes.append(
            "rank: 1 and the number of rows that are significantly better (exact McNemar tests and "
            "bootstraps, which draw whole source groups, on the videos that both scored; "
            f"{pairs}, 5 % for all together by Holm's method)."
        )
    if any(row.converged is False for row in board.rows):
        notes.append("~ the latency had not converged when its time was up.")
    notes += _once(
        board,
        [
            (row, f": {LOWER_BOUND} a lower bound; not counted: {', '.join(row.uncounted)}")
            for row in board.rows
            if row.uncounted
        ],
    )
    notes += _once(
        board,
        [
            (row, f": {row.scored} of {row.expected} videos were scored{_over_all(row)}.")
            for row in board.rows
            if row.scored != row.expected
        ],
    )
    notes += _once(
        board, [(row, f": not ranked: {row.unranked}") for row in board.rows if row.unranked]
    )
    notes += _once(board, [(row, f": {note}") for row in board.rows for note in row.notes])
    notes += _once(board, [(row, f" failed: {row.error}") for row in board.rows if row.error])
    notes += _once(
        board,
        [
            (row, f": a later run failed: {row.later_failure}")
            for row in board.rows
            if row.later_failure
        ],
    )
    notes.append(_origin(board))
    return [" ".join(note.split()) for note in notes]


def _origin(board: Board) -> str:
    """Tell what made the numbers, so that boards with one title are told apart."""
    since = min(row.since for row in board.rows)[:10]
    until = max(row.started for row in board.rows)[:10]
    parts = [
        f"torch {_all_of(row.torch for row in board.rows)}",
        f"Python {_all_of(row.python for row in board.rows)}",
        f"kinobench commit {_all_of(row.commit for row in board.rows)}",
        since if since == until else f"{since} to {until}",
        f"protocol {board.protocol_digest}",
    ]
    expected = {row.expected for row in board.rows if row.expected is not None}
    if board.manifest is not None:
        counts = " or ".join(str(count) for count in sorted(expected))
        parts.append(f"{counts} videos of manifest {board.manifest}")
    parts.append(f"machine {board.environment.fingerprint}")
    return f"Measured with {', '.join(parts)}."


def _all_of(values: Iterable[str | None]) -> str:
    return ", ".join(sorted({value or "unknown" for value in values}))


def _once(board: Board, notes: Iterable[tuple[Row, str]]) -> list[str]:
    """Say what holds for several rows once, behind their names."""
    rows: dict[str, list[Row]] = {}
    for row, words in notes:
        rows.setdefault(words, []).append(row)
    return [
        f"{', '.join(dict.fromkeys(_row_name(board, row) for row in members))}{words}"
        for words, members in rows.items()
    ]


def _row_name(board: Board, row: Row) -> str:
    """Return the model, and where several rows have it, what else tells this one."""
    alike = [other for other in board.rows if other.model == row.model]
    readers: list[tuple[str, Callable[[Row], str]]] = [
        ("weights", lambda r: r.weights),
        *_SETTINGS.items(),
    ]
    told = [f"{n} {read(row)}" for n, read in readers if len({read(r) for r in alike}) > 1]
    return f"{row.model} ({', '.join(told)})" if told else row.model


def _settings(board: Board) -> list[tuple[str, set[str]]]:
    """Return the different values that each setting has in a board."""
    return [(name, {read(row) for row in board.rows}) for name, read in _SETTINGS.items()]


def _lines(board: Board) -> tuple[list[str], list[list[_Cell]]]:
    """Return the head and the cells; settings that all rows share are left to a footnote."""
    settings = {name: _SETTINGS[name] for name, values in _settings(board) if len(values) > 1}
    if _flow_is_in_a_cell(board):
        settings.pop("flow", None)
    columns = {
        name: read
        for name, read in _COLUMNS.items()
        if any(read(row)[0] != NOT_MEASURED for row in board.rows)
    }
    if not _has_clips_per_s(board):
        columns.pop("clips/s", None)
    if not any(row.launch_bound for row in board.rows):
        columns.pop("wall (ms)", None)  # it is the latency, and the launch of a kernel
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


def _has_clips_per_s(board: Board) -> bool:
    """Tell whether a batch holds several clips; of one, the time tells it."""
    return any(row.batch > 1 for row in board.rows)


def _of_one_frame(board: Board) -> str:
    """Return which columns of rows in mode `stream` are of frames."""
    streamed = [row for row in board.rows if row.mode == "stream"]
    parts = {
        "cost": any(row.macs is not None for row in streamed),
        "latency": any(row.latency_s is not None for row in streamed),
        "energy": any(row.joules_per_clip is not None for row in streamed),
    }
    measured = [part for part, there in parts.items() if there]
    if not measured:
        return ""
    listed = " and ".join(filter(None, (", ".join(measured[:-1]), measured[-1])))
    counted = parts["latency"] and _has_clips_per_s(board)
    frames = ", clips/s counts frames" if counted else ""
    return f"{listed} of one frame{frames}"


def _latency(row: Row) -> _Cell:
    value, interval = _time(row.latency_s, row.latency_low_s, row.latency_high_s)
    rough = "" if row.latency_s is None or row.converged else "~"
    return f"{rough}{value}", interval


def _time(value_s: float | None, low_s: float | None, high_s: float | None) -> _Cell:
    """Return milliseconds, and their interval to the same digits."""
    if value_s is None:
        return NOT_MEASURED, ""
    digits = 3 if value_s < 1e-3 else 2
    value = f"{value_s * 1e3:.{digits}f}"
    if low_s is None or high_s is None:
        return value, ""
    return value, f"[{low_s * 1e3:.{digits}f}, {high_s * 1e3:.{digits}f}]"


def _flow_is_in_a_cell(board: Board) -> bool:
    """Tell whether the method of each row with optical flow stands beside its time."""
    return all(row.flow_s is not None for row in board.rows if row.flow is not None)


def _with_flow(row: Row) -> _Cell:
    if row.flow_s is None:
        return NOT_MEASURED, ""
    flow = f"{row.flow} {row.flow_s * 1e3:.2f}"
    return _scaled(row.total_s, 1e-3, 2), f"({flow})"


def _arithmetic(row: Row, count: int | None) -> _Cell:
    bound = LOWER_BOUND if row.uncounted and count is not None else ""
    return f"{bound}{_scaled(count, 1e9, 3)}", ""


def _drift(row: Row) -> _Cell:
    if row.drift_clips is None:
        return NOT_MEASURED, ""
    told = (of_spread(row.drift, row.logit_spread), f"{row.flips}/{row.drift_clips}")
    return difference(row.drift), f"({', '.join(filter(None, told))})"


def _joules(value: float | None) -> str:
    return NOT_MEASURED if value is None else f"{value:.3g}"


def _share(value: float | None, low: float | None, high: float | None) -> _Cell:
    if value is None:
        return NOT_MEASURED, ""
    interval = "" if low is None or high is None else f"[{low * 100:.1f}, {high * 100:.1f}]"
    return f"{value * 100:.1f}", interval


def _scaled(value: float | None, unit: float, digits: int) -> str:
    return NOT_MEASURED if value is None else f"{value / unit:.{digits}f}"
