"""A network's page in HTML: one file that works from disk, in light and dark, and on a phone."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from markupsafe import Markup

from ...datasets.visible import one_line
from ..leaderboard.published_pages import html_table
from ..text.html_frame import framed_page
from ..text.markup import html_escaped
from .content import CardPage
from .markdown import PRINTED, WEIGHTS, contract, notes
from .shapes import given

ASSETS = Path(__file__).resolve().parent / "assets"


def render(page: CardPage, picture: str) -> str:
    """Return the page.

    Args:
        page: What it shows.
        picture: The cost by module as an `svg` element, whose text has the colour of the page.
    """
    card = page.card
    inputs = " and ".join(f"<code>{html_escaped(text)}</code>" for text in contract(page))
    facts = [
        ("paper", link(card.paper, page.paper_url)),
        ("code", ", ".join(link(name, url) for name, url in page.code)),
        ("input", f"{inputs} → logits <code>{given(card.inputs, card.input['classes'])}</code>"),
        ("parameters", "–" if card.params is None else f"{card.params:,}"),
        ("MACs of a view", f"{card.cost.macs:,}"),
        ("FLOPs of a view", f"{card.cost.flops:,}"),
    ]
    rows = "".join(f"<dt>{name}</dt><dd>{text}</dd>" for name, text in facts if text)
    parts = [
        f"<dl>{rows}</dl>",
        *(f"<p>{html_escaped(note)}</p>" for note in notes(page)),
        f"<h2>Cost by module</h2><figure>{picture}</figure>",
        "<h2>Results here</h2>",
    ]
    if not page.stored:
        parts.append("<p>No stored record is of this network.</p>")
    for stored in page.stored:
        lines = [[html_escaped(cell) for cell in line] for line in stored.lines]
        parts.append(f"<h3>{html_escaped(stored.title)}</h3>{_table(stored.head, lines)}")
    if page.pairs:
        found = [(each.name, one) for each in page.pairs for one in each.comparisons]
        parts.append(f"<h2>Published and measured</h2>{_scrolled(html_table(found))}")
    if page.in_print:
        lines = [
            [
                *map(html_escaped, (each.of, each.accuracy, each.gmacs, each.params)),
                link(each.source, each.url),
            ]
            for each in page.in_print
        ]
        below = [html_escaped("; ".join(each.reasons)) for each in page.in_print]
        parts.append(f"<h2>In print</h2>{_table(PRINTED[:-1], lines, below)}")
    parts.append("<h2>Weights</h2>")
    if page.weights:
        lines = [
            [
                f"<code>{html_escaped(each.name)}</code>",
                html_escaped(each.printed),
                link(each.source, each.url),
                html_escaped(each.licence),
            ]
            for each in page.weights
        ]
        below = [html_escaped(each.note) for each in page.weights]
        parts.append(_table(WEIGHTS[:-1], lines, below))
    else:
        text = "There are no published weights of it here; <code>fit</code> trains it."
        parts.append(f"<p>{text}</p>")
    parts.append("<h2>Run it</h2>")
    parts += [
        f"<p>To {html_escaped(text)}:</p><pre>{html_escaped(command)}</pre>"
        for text, command in page.commands
    ]
    return framed_page(
        ASSETS,
        "card.html",
        card.name,
        styles=["reasons.css", "card.css"],
        has_pictures_of_matplotlib=True,
        family=one_line(card.family),
        content=Markup("\n".join(parts)),
    )


def link(text: str, url: str) -> str:
    """Return a link, or the text alone without an address."""
    shown = html_escaped(text)
    return f'<a href="{html_escaped(url)}">{shown}</a>' if url else shown


def _table(head: Iterable[str], lines: Sequence[Sequence[str]], below: Sequence[str] = ()) -> str:
    """Return a table; a text of `below` is in a line of its own under that of `lines`."""
    names = [html_escaped(name) for name in head]
    row = "".join(f'<th scope="col">{name}</th>' for name in names)
    bodies = []
    for line, text in zip(lines, below or [""] * len(lines), strict=True):
        under = f'<tr class="why"><td colspan="{len(names)}">{text}</td></tr>' if text else ""
        cells = "".join(f"<td>{cell}</td>" for cell in line)
        bodies.append(f"<tbody><tr>{cells}</tr>{under}</tbody>")
    body = "\n".join(bodies)
    return _scrolled(f"<table><thead><tr>{row}</tr></thead>\n{body}\n</table>")


def _scrolled(table: str) -> str:
    return f'<div class="scroll" role="region" tabindex="0" aria-label="Table">{table}</div>'
