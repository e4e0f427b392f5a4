"""A network's page in HTML: one file that works from disk, in light and dark, and on a phone."""

from collections.abc import Iterable, Sequence

from ..leaderboard.published_pages import html_table
from ..text.markup import html_escaped
from .content import CardPage
from .markdown import PRINTED, WEIGHTS, contract, notes


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
        ("input", f"{inputs} → logits <code>[B, {card.input['classes']}]</code>"),
        ("parameters", "–" if card.params is None else f"{card.params:,}"),
        ("MACs of a view", f"{card.cost.macs:,}"),
        ("FLOPs of a view", f"{card.cost.flops:,}"),
    ]
    rows = "".join(f"<dt>{name}</dt><dd>{text}</dd>" for name, text in facts if text)
    parts = [
        f"<h1>{html_escaped(card.name)}</h1><p class='family'>{html_escaped(card.family)}</p>",
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
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        f"<title>{html_escaped(card.name)}</title><style>{STYLE}</style></head>\n<body><main>\n"
        + "\n".join(parts)
        + "\n</main></body></html>\n"
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


STYLE = """
:root { color-scheme: light dark; --page: #fff; --panel: #f6f7f9; --ink: #16202b; --muted: #566270;
  --line: #d5dae0; --link: #005a8f; --bar: #0072b2; --good: #00684a; --bad: #b02a1a; }
@media (prefers-color-scheme: dark) { :root { --page: #11161c; --panel: #1a2129; --ink: #e8edf2;
  --muted: #a7b3bf; --line: #3a4653; --link: #7cc4f0; --bar: #56b4e9; --good: #5fd0a5;
  --bad: #ff9a85; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, Arial, sans-serif; }
main { max-width: 70rem; margin: 0 auto; padding: 1.5rem; }
h1 { margin: 0; font-size: 2rem; overflow-wrap: anywhere; }
h2 { margin: 2.2rem 0 0.6rem; font-size: 1.3rem; border-top: 1px solid var(--line);
  padding-top: 1rem; }
h3 { margin: 1.2rem 0 0.4rem; font-size: 1rem; }
.family { margin: 0 0 1rem; color: var(--muted); }
a { color: var(--link); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.25rem 1.2rem; margin: 0; }
dt { color: var(--muted); }
dd { margin: 0; overflow-wrap: anywhere; }
figure { margin: 0; overflow-x: auto; }
figure svg { width: 100%; max-width: 46rem; height: auto; display: block; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 0.92rem; }
th, td { text-align: left; vertical-align: top; padding: 0.35rem 1rem 0.35rem 0; }
tbody { border-top: 1px solid var(--line); }
th { color: var(--muted); font-weight: 600; white-space: nowrap; }
td { min-width: 6rem; max-width: 22rem; overflow-wrap: break-word; }
.why td { max-width: none; color: var(--muted); padding-top: 0; }
.reproduced td:nth-child(6) { color: var(--good); font-weight: 600; }
.differs td:nth-child(6) { color: var(--bad); font-weight: 600; }
.known td:nth-child(6) { color: var(--muted); }
code, pre { font: 0.9em ui-monospace, "DejaVu Sans Mono", monospace; }
pre { background: var(--panel); padding: 0.6rem 0.8rem; border-radius: 6px;
  white-space: pre-wrap; overflow-wrap: anywhere; }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
@media (max-width: 40rem) { dl { grid-template-columns: 1fr; } dt { margin-top: 0.5rem; } }
@media print { main { max-width: none; padding: 0; } .scroll { overflow: visible; } }
"""
"""The style: colours of Okabe and Ito, darker or lighter where contrast needs it."""
