"""Published numbers next to those of boards as text: Markdown, HTML, CSV and JSON."""

import csv
import io
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from ...datasets.errors import UnknownNameError
from ..text.json_text import escaped_json
from ..text.markup import csv_text, escaped, html_escaped
from .published import Comparison
from .published_pairs import HEAD, Pairs, cells_of, plain, plain_pairs

ASSETS = Path(__file__).resolve().parent / "assets"


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
    from markupsafe import Markup

    from ..text.html_frame import framed_page

    tables = "\n".join(
        f'<h2>{html_escaped(title)}</h2>\n<div class="scroll" role="region" tabindex="0" '
        f'aria-label="Table">{html_table(lines)}</div>'
        for title, lines in _by_table(found).items()
    )
    return framed_page(
        ASSETS,
        "published.html",
        "Published and measured",
        styles=["reasons.css"],
        tables=Markup(tables),
    )


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
