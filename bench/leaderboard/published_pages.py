"""Published numbers next to those of boards as text: Markdown, HTML, CSV and JSON."""

import csv
import io
from collections.abc import Callable, Sequence

import msgspec

from ...datasets.errors import UnknownNameError
from ..text.json_text import escaped_json
from ..text.markup import csv_text, escaped, html_escaped
from .published import Comparison
from .published_pairs import HEAD, Pairs, cells_of, plain, plain_pairs


def markdown_table(found: Sequence[tuple[str, Comparison]]) -> str:
    """Return pairs of the name of a row and a comparison as a table in Markdown."""
    lines = [f"| {' | '.join(HEAD)} |", f"|{' --- |' * len(HEAD)}"]
    for name, each in found:
        *cells, source = map(escaped, cells_of(name, each))
        lines.append(f"| {' | '.join((*cells, f'[{source}](<{each.url}>)'))} |")
    return "\n".join(lines) + "\n"


def html_table(found: Sequence[tuple[str, Comparison]]) -> str:
    """Return the same as a table in HTML; the class of a line is the first word of its verdict.

    Reasons are in a line of their own below.
    """
    names = [name for name in HEAD if name != "why"]
    head = "".join(f'<th scope="col">{name}</th>' for name in names)
    bodies = []
    for name, each in found:
        *cells, why, source = map(html_escaped, cells_of(name, each))
        shown_cells = "".join(f"<td>{cell}</td>" for cell in cells)
        link = f'<a href="{html_escaped(each.url)}">{source}</a>'
        kind = "known" if "known" in each.verdict else each.verdict.split(",")[0].split()[0]
        below = f'<tr class="why"><td colspan="{len(names)}">{why}</td></tr>' if why else ""
        row = f'<tr class="{kind}">{shown_cells}<td>{link}</td></tr>'
        bodies.append(f"<tbody>{row}{below}</tbody>")
    body = "\n".join(bodies)
    return f"<table>\n<thead><tr>{head}</tr></thead>\n{body}\n</table>\n"


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
    "td,th{padding:.3em .9em .3em 0;text-align:left;vertical-align:top}"
    "tbody{border-top:1px solid var(--line)}.why td{opacity:.8;font-size:.92em}"
    "td:nth-child(n+3):nth-child(-n+5){white-space:nowrap}"
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
            digits = {"printed": str(each.printed), "why": "; ".join(each.reasons)}
            cells = row | plain(each) | digits
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


def _json(found: Sequence[Pairs]) -> str:
    text = msgspec.json.format(msgspec.json.encode(plain_pairs(found)), indent=2).decode()
    return escaped_json(text) + "\n"


FORMATS: dict[str, Callable[[Sequence[Pairs]], str]] = {
    "md": _markdown,
    "html": _html,
    "csv": _csv,
    "json": _json,
}
