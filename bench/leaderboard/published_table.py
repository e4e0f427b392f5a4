"""Published numbers next to those of boards, as text: terminal, Markdown, HTML, CSV and JSON."""

import csv
import io
import textwrap
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from rich.console import Console

from ...datasets.errors import UnknownNameError, program
from ...datasets.plurals import quantity
from ...datasets.visible import one_line
from ..text.json_text import escaped_json
from ..text.markup import csv_text, escaped, html_escaped
from ..text.terminal import line
from .footnotes import row_names
from .leaderboard import Board
from .means import shown
from .printed_digits import exponent
from .published import Comparison, closest, compare_record

STYLES = {
    "reproduced": "green",
    "agrees, other conditions": "",
    "differs, known reason": "yellow",
    "differs": "bold red",
    "not compared": "dim",
}
"""How each verdict is shown on a terminal."""
_LEAST_DECIMALS = {"%": 1, "G": 3, "M": 3}
_UNITS = {"%": " %", "G": "", "M": " M"}


class Pairs(msgspec.Struct, frozen=True, kw_only=True):
    """What was printed of a row's network, next to what the row has.

    Attributes:
        table: Title of its board.
        name: The model, and the settings in which the row differs from others of that model.
        record: Name of its record.
    """

    table: str
    name: str
    model: str
    record: str
    comparisons: tuple[Comparison, ...]


def pairs_of(boards: Sequence[Board], every: bool = False) -> list[Pairs]:
    """Return the rows of boards of which anything was printed.

    Args:
        boards: The boards.
        every: Give all printed numbers of a row, and not only those whose conditions are closest.
    """
    found = []
    for board in shown(boards):
        for name, row in zip(row_names(board), board.rows, strict=True):
            comparisons = compare_record(row.record)
            if comparisons:
                found.append(
                    Pairs(
                        table=board.title,
                        name=one_line(name),
                        model=row.record.case.model,
                        record=row.record.id,
                        comparisons=tuple(comparisons if every else closest(comparisons)),
                    )
                )
    return found


def texts_of(each: Comparison) -> tuple[str, str, str]:
    """Return the printed number, the one here with its interval, and their difference."""
    unit = _UNITS.get(each.unit, f" {each.unit}")
    decimals = max(-exponent(each.printed), _LEAST_DECIMALS.get(each.unit, 1))
    if each.here is None or each.difference is None:
        return f"{each.printed}{unit}", "–", "–"
    here = f"{each.here:.{decimals}f}{unit}"
    if each.ends is not None:
        here += f" [{each.ends[0]:.{decimals}f}, {each.ends[1]:.{decimals}f}]"
    if each.unit == "%":
        return f"{each.printed}{unit}", here, f"{each.difference:+.{decimals}f} points"
    share = 100 * each.difference / float(each.printed)
    return f"{each.printed}{unit}", here, f"{share:+.2g} %" if abs(share) < 10 else f"{share:+.0f} %"


def show(found: Sequence[Pairs], rows: int, console: Console) -> None:
    """Print the pairs, a block a row; text folds between words, and no number is ever cut.

    Args:
        found: The pairs.
        rows: Number of rows that were looked at.
        console: Console to print to.
    """
    title = None
    for pairs in found:
        if pairs.table != title:
            title = pairs.table
            console.print(line(title, "bold"))
        console.print()
        console.print(line(pairs.name, "bold"), soft_wrap=True)
        show_comparisons(pairs.comparisons, console)
    without = rows - len(found)
    if found:
        console.print()
    if without:
        of = "any of" if len(found) else "the networks of"
        text = f"Nothing was printed of {of} {quantity(without, 'row' if not found else 'more row')}."
        console.print(line(text if not found else f"{quantity(without, 'row')}: nothing printed."))
    if not rows:
        console.print(line(f"No records yet. Measure networks first: {program()} run"))


def show_comparisons(comparisons: Sequence[Comparison], console: Console) -> None:
    """Print the comparisons of a row: a line each, its reasons and its source below it."""
    cells = [(each.quantity, *texts_of(each)) for each in comparisons]
    head = ("", "printed", "here", "difference")
    widths = [max(map(len, column)) for column in zip(head, *cells, strict=True)]
    for texts, each in zip((head, *cells), (None, *comparisons), strict=True):
        numbers = "  ".join(
            f"{text:<{width}}" if place == 0 else f"{text:>{width}}"
            for place, (text, width) in enumerate(zip(texts, widths, strict=True))
        )
        if each is None:
            console.print(line(f"  {numbers}", "dim"), soft_wrap=True)
            continue
        first = line(f"  {numbers}  ")
        if len(numbers) + 4 + len(each.verdict) <= console.width:
            first.append_text(line(each.verdict, STYLES[each.verdict]))
            console.print(first, soft_wrap=True)
        else:
            first.rstrip()
            console.print(first, soft_wrap=True)
            console.print(line(f"      {each.verdict}", STYLES[each.verdict]), soft_wrap=True)
        for text in (*each.reasons, _source_text(each)):
            _print_folded(text, console)


def _source_text(each: Comparison) -> str:
    return ", ".join(filter(None, (each.variant, each.url)))


def _print_folded(text: str, console: Console) -> None:
    folded = textwrap.wrap(
        one_line(text),
        console.width,
        initial_indent="      ",
        subsequent_indent="      ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    for each in folded:
        console.print(line(each, "dim"), soft_wrap=True)


HEAD = ("model", "number", "printed", "here", "difference", "verdict", "why", "source")


def cells_of(name: str, each: Comparison) -> tuple[str, ...]:
    """Return the cells of a line of a table, under `HEAD`; the source is without its address."""
    printed, here, difference = texts_of(each)
    why = "; ".join(each.reasons)
    return (name, each.quantity, printed, here, difference, each.verdict, why, each.source)


def markdown_table(found: Sequence[tuple[str, Comparison]]) -> str:
    """Return pairs of the name of a row and a comparison as a table in Markdown."""
    lines = [f"| {' | '.join(HEAD)} |", f"|{' --- |' * len(HEAD)}"]
    for name, each in found:
        *cells, source = map(escaped, cells_of(name, each))
        lines.append(f"| {' | '.join((*cells, f'[{source}](<{each.url}>)'))} |")
    return "\n".join(lines) + "\n"


def html_table(found: Sequence[tuple[str, Comparison]]) -> str:
    """Return the same as a table in HTML; the class of a row is the first word of its verdict."""
    head = "".join(f'<th scope="col">{name}</th>' for name in HEAD)
    rows = []
    for name, each in found:
        *cells, source = map(html_escaped, cells_of(name, each))
        shown_cells = "".join(f"<td>{cell}</td>" for cell in cells)
        link = f'<a href="{html_escaped(each.url)}">{source}</a>'
        kind = "known" if "known" in each.verdict else each.verdict.split(",")[0].split()[0]
        rows.append(f'<tr class="{kind}">{shown_cells}<td>{link}</td></tr>')
    body = "\n".join(rows)
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>\n"


def render(found: Sequence[Pairs], form: str) -> str:
    """Return the pairs as text in one of `FORMATS`.

    Raises:
        UnknownNameError: There is no such format.
    """
    if form not in FORMATS:
        raise UnknownNameError("format", form, FORMATS, "LaTeX has no table of published numbers")
    return FORMATS[form](found)


def _by_table(found: Sequence[Pairs]) -> dict[str, list[tuple[str, Comparison]]]:
    tables: dict[str, list[tuple[str, Comparison]]] = {}
    for pairs in found:
        lines = tables.setdefault(pairs.table, [])
        lines += [(pairs.name, each) for each in pairs.comparisons]
    return tables


def _markdown(found: Sequence[Pairs]) -> str:
    tables = "\n".join(
        f"## {escaped(title)}\n\n{markdown_table(lines)}"
        for title, lines in _by_table(found).items()
    )
    return f"# Published and measured\n\n{tables or 'Nothing was printed of these networks.'}\n"


def _html(found: Sequence[Pairs]) -> str:
    tables = "\n".join(
        f"<h2>{html_escaped(title)}</h2>\n{html_table(lines)}"
        for title, lines in _by_table(found).items()
    )
    return (
        '<!doctype html>\n<html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>Published and measured</title><style>{STYLE}</style>\n"
        f"<h1>Published and measured</h1>\n{tables}</html>\n"
    )


STYLE = (
    ":root{color-scheme:light dark;--line:#c9ced6;--good:#00684a;--bad:#b02a1a}"
    "@media(prefers-color-scheme:dark){:root{--line:#3a4049;--good:#5fd0a5;--bad:#ff9a85}}"
    "body{font:15px/1.45 system-ui,sans-serif;margin:2em auto;max-width:75em;padding:0 1em}"
    "table{border-collapse:collapse;display:block;overflow-x:auto}"
    "td,th{padding:.3em .7em;border-bottom:1px solid var(--line);text-align:left;"
    "vertical-align:top}td:nth-child(n+3):nth-child(-n+5){white-space:nowrap}"
    ".reproduced td:nth-child(6){color:var(--good)}.differs td:nth-child(6){color:var(--bad)}"
    "h2{font-size:1.15em;margin-top:2em}"
)
"""How pages of published numbers look: in light and dark."""


def _csv(found: Sequence[Pairs]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, ("table", "model", "record", *_PLAIN), lineterminator="\n")
    writer.writeheader()
    for pairs in found:
        for each in pairs.comparisons:
            row = {"table": pairs.table, "model": pairs.name, "record": pairs.record}
            cells = row | plain(each) | {"why": "; ".join(each.reasons)}
            writer.writerow(
                {
                    key: csv_text(value) if isinstance(value, str) else value
                    for key, value in cells.items()
                    if key not in ("conditions", "reason")
                }
            )
    return out.getvalue()


_PLAIN = (
    *("quantity", "unit", "printed", "here", "low", "high", "difference", "verdict", "why"),
    *("variant", "note", "source", "url", "evidence"),
)


def plain(each: Comparison) -> dict[str, Any]:
    """Return a comparison as plain values."""
    low, high = each.ends or (None, None)
    return {
        "quantity": each.quantity,
        "unit": each.unit,
        "printed": float(each.printed),
        "here": each.here,
        "low": low,
        "high": high,
        "difference": each.difference,
        "verdict": each.verdict,
        "reason": each.reason,
        "conditions": [
            {"reason": one.reason or None, "text": one.text, "evidence": one.evidence or None}
            | {"url": one.url or None}
            for one in each.conditions
        ],
        "variant": each.variant,
        "note": each.note,
        "source": each.source,
        "url": each.url,
        "evidence": each.evidence,
    }


def plain_pairs(found: Sequence[Pairs]) -> list[dict[str, Any]]:
    """Return pairs as plain values."""
    return [
        {"table": each.table, "name": each.name, "model": each.model, "record": each.record}
        | {"comparisons": [plain(one) for one in each.comparisons]}
        for each in found
    ]


def _json(found: Sequence[Pairs]) -> str:
    text = msgspec.json.format(msgspec.json.encode(plain_pairs(found)), indent=2).decode()
    return escaped_json(text) + "\n"


FORMATS: dict[str, Callable[[Sequence[Pairs]], str]] = {
    "md": _markdown,
    "html": _html,
    "csv": _csv,
    "json": _json,
}
