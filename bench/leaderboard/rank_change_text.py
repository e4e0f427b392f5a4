"""Differences of ranks -> Markdown, a terminal's tables, and plain values."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

from ...datasets.plurals import quantity
from ...datasets.visible import one_line
from ..text.markup import escaped
from ..text.pipe_table import pipe_table
from ..text.terminal import line, lines, print_line, print_plain_table
from ..text.units import ABSENT, rounded, significant
from .rank_changes import RankChange, RankChanges

_RULES = {
    "paired": "beyond noise: tested on the videos that both sides scored, as compare does (exact "
    "McNemar test, and bootstrap of whole source groups; for mAP the bootstrap), 5 % for all "
    "networks of the table together by Holm's method.",
    "interval": "beyond noise: the interval of the ratio, of two log-normal values with their 95 % "
    "intervals, leaves out 1; 5 % for all networks of the table together by Holm's method. The "
    "interval that is shown is that of the one ratio.",
    "counted": "beyond noise: it is counted, not measured, so every difference is real.",
    "none": "beyond noise: unknown, as this number has no interval.",
}


def title_of(found: RankChanges) -> str:
    """Return the title of a comparison: what it is on, and the number."""
    ground = dict(found.ground)
    dataset = " ".join(ground.pop(name) for name in ("dataset", "split") if name in ground)
    parts = [dataset or "no dataset", *ground.values()]
    return f"{', '.join(parts)}: by {found.head}"


def summary(found: RankChanges) -> list[str]:
    """Return what moved, and how far the orders agree."""
    up = sum(each.moved > 0 for each in found.changes)
    down = sum(each.moved < 0 for each in found.changes)
    beyond = sum(bool(each.is_beyond_noise) for each in found.changes)
    unknown = sum(each.is_beyond_noise is None for each in found.changes)
    told = [
        f"{quantity(len(found.changes), 'network')}: {up} up, {down} down, "
        f"{len(found.changes) - up - down} at the same rank. Changed by more than noise: {beyond}"
        + (f"; not known: {unknown}." if unknown else ".")
    ]
    agreed = found.agreement
    if agreed is not None:
        pairs = agreed.same + agreed.opposite + agreed.tied
        tau = ABSENT if agreed.tau is None else f"{agreed.tau:.3f}"
        tied = f", {agreed.tied} are equal on a side" if agreed.tied else ""
        told.append(
            f"Kendall's tau {tau} (1: the same order, -1: the opposite one): of "
            f"{quantity(pairs, 'pair')} of networks, {agreed.same} are in the same order in A and "
            f"B, {agreed.opposite} in the opposite one{tied}."
        )
    return told


def footnotes(found: RankChanges) -> list[str]:
    """Return the lines after the table."""
    told = [
        "rank: 1 + the number of networks with a better value, of those that both sides have.",
        _RULES[found.kind],
    ]
    if any(each.a.is_rough or each.b.is_rough for each in found.changes):
        told.append("~: the latency was disturbed, or its interval is wide.")
    reasons: dict[str, list[str]] = {}
    for each in found.changes:
        if each.why is not None and found.kind != "none":
            reasons.setdefault(each.why, []).append(each.name)
    told += [f"not known: {why}: {_few(names)}." for why, names in reasons.items()]
    for head, names in (
        ("Only in A", found.only_a),
        ("Only in B", found.only_b),
        ("In both, without the number on a side", found.without),
    ):
        if names:
            told.append(f"{head}: {_few(names)}.")
    return [*told, *found.notes]


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - 12} more" if len(names) > 12 else ""
    return "; ".join(names[:12]) + more


def _number(value: float, unit: str) -> str:
    return rounded(value, 1) if unit == "%" else significant(value, 4)


def _moved(each: RankChange) -> str:
    if not each.moved:
        return ""
    return f"{'up' if each.moved > 0 else 'down'} {abs(each.moved)}"


def _change(each: RankChange, unit: str) -> tuple[str, str]:
    """Return a difference in points or a ratio, and its interval."""
    if each.ratio is None:
        shown = f"{each.difference:+.1f}" if unit == "%" else f"{each.difference:+.4g}"
        low, high = each.interval or (0.0, 0.0)
        return shown, f"[{low:+.1f}, {high:+.1f}]" if each.interval else ""
    low, high = each.interval or (0.0, 0.0)
    interval = f"[{low:.3f}, {high:.3f}]" if each.interval else ""
    return f"x{each.ratio:.3f}", interval


_BEYOND = {True: "yes", False: "no", None: "?"}


def _head(found: RankChanges) -> list[str]:
    change = "points" if found.kind == "paired" else "B / A"
    unit = f" ({found.unit})" if found.unit else ""
    return [
        *("network", "rank", "moved", f"A{unit}", f"B{unit}", change, "95 %", "beyond noise"),
    ]


def _cells(found: RankChanges) -> list[list[str]]:
    return [
        [
            each.name,
            f"{each.a.rank} → {each.b.rank}" if each.moved else str(each.b.rank),
            _moved(each),
            ("~" if each.a.is_rough else "") + _number(each.a.value, found.unit),
            ("~" if each.b.is_rough else "") + _number(each.b.value, found.unit),
            *_change(each, found.unit),
            _BEYOND[each.is_beyond_noise],
        ]
        for each in found.changes
    ]


def markdown(several: Sequence[RankChanges]) -> str:
    """Return comparisons as a page in Markdown."""
    first = several[0]
    parts = ["# Rank differences", f"A: {escaped(first.a)}  \nB: {escaped(first.b)}"]
    for found in several:
        head = _head(found)
        table = pipe_table(
            head, [[escaped(cell) for cell in cells] for cells in _cells(found)], left=(0,)
        )
        parts += [f"## {escaped(title_of(found))}", table]
        parts.append("\n\n".join(map(escaped, summary(found))))
        parts.append("\n".join(f"- {escaped(each)}" for each in footnotes(found)))
    return "\n\n".join(parts) + "\n"


_MOVED, _A, _B, _INTERVAL, _VERDICT = 2, 3, 4, 6, 7
"""Places of columns."""
_LEFT_OUT = (
    frozenset[int](),
    frozenset({_INTERVAL}),
    frozenset({_INTERVAL, _MOVED}),
    frozenset({_INTERVAL, _MOVED, _A, _B}),
)
"""Columns that a narrow terminal has no room for: as few as possible."""
LEAST_NAME = 16
"""Columns of the terminal that a long name has at least; it is folded into lines."""


def _table(found: RankChanges, left_out: frozenset[int], name_width: int | None = None) -> Table:
    """Return the table for a terminal, without the columns of some places."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    kept = [place for place in range(_VERDICT + 1) if place not in left_out]
    head = _head(found)
    head[_VERDICT] = "beyond\nnoise"
    for place in kept:
        if place == 0:
            table.add_column(lines(head[0]), overflow="fold", width=name_width)
        else:
            table.add_column(lines(head[place]), justify="right", no_wrap=True)
    for each, cells in zip(found.changes, _cells(found), strict=True):
        styles = dict.fromkeys(kept, "")
        styles[_MOVED] = "green" if each.moved > 0 else "red" if each.moved < 0 else ""
        styles[_VERDICT] = "bold" if each.is_beyond_noise else ""
        table.add_row(*(line(cells[place], styles[place]) for place in kept))
    return table


def _print_table(found: RankChanges, console: Console) -> None:
    """Print the table with the columns that fit; no number is cut.

    Where not even a few columns fit, each network has a block of lines.
    """
    longest = max(map(cell_len, ("network", *(one_line(each.name) for each in found.changes))))
    unbounded = console.options.update(max_width=10_000)
    for left_out in _LEFT_OUT:
        whole = console.measure(_table(found, left_out), options=unbounded).maximum
        room = console.width - (whole - longest)
        if room >= min(longest, LEAST_NAME):
            console.print(_table(found, left_out, min(longest, room)))
            return
    for cells in _cells(found):
        console.print(line(cells[0]))
        for head, cell in zip(_head(found)[1:], cells[1:], strict=True):
            if cell:
                console.print(line(f"  {head}: {cell}"))


def show(several: Sequence[RankChanges], console: Console) -> None:
    """Print comparisons for a person, as wide as the console is.

    Lines that are under each of several tables are printed once, after the last one.
    """
    print_line(f"A: {several[0].a}", console)
    print_line(f"B: {several[0].b}", console)
    under = [footnotes(found) for found in several]
    of_all = [text for text in under[0] if all(text in each for each in under[1:])]
    for found, texts in zip(several, under, strict=True):
        console.print()
        print_line(title_of(found), console, "bold")
        console.print()
        if console.is_terminal:
            _print_table(found, console)
        else:
            print_plain_table(_head(found), _cells(found), (0,), console)
        console.print()
        for text in summary(found):
            print_line(text, console)
        _print_dim((text for text in texts if text not in of_all), console)
    if of_all:
        console.print()
        _print_dim(of_all, console)


def _print_dim(texts: Iterable[str], console: Console) -> None:
    for text in texts:
        print_line(text, console, "dim")


def plain(several: Sequence[RankChanges]) -> list[dict[str, Any]]:
    """Return comparisons as plain values, for JSON."""
    return [msgspec.to_builtins(found) | {"words": summary(found)} for found in several]
