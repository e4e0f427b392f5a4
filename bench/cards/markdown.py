"""A network's page in Markdown."""

from collections.abc import Iterable, Sequence

from ..leaderboard.published_pages import markdown_table
from ..text.markup import escaped, fenced
from ..text.units import percent
from .content import CardPage, InPrint
from .module_bars import amount, bars_of
from .shapes import given, left_out, taken

_BAR = 30
"""Letters of the longest bar."""


def render(page: CardPage, depth: int = 2) -> str:
    """Return the page.

    Args:
        page: What it shows.
        depth: Levels of modules.
    """
    card = page.card
    inputs = " and ".join(f"`{text}`" for text in contract(page))
    facts = [
        ("family", escaped(card.family)),
        ("paper", link(card.paper, page.paper_url)),
        ("code", ", ".join(link(name, url) for name, url in page.code)),
        ("input", f"{inputs} -> logits `{given(card.inputs, card.input['classes'])}`"),
        ("parameters", "–" if card.params is None else f"{card.params:,}"),
        ("MACs of a view", f"{card.cost.macs:,}"),
        ("FLOPs of a view", f"{card.cost.flops:,}"),
    ]
    parts = [
        f"# {escaped(card.name)}\n",
        "".join(f"- **{name}**: {text}\n" for name, text in facts if text),
    ]
    parts += [f"{escaped(note)}\n" for note in notes(page)]
    parts += ["## Cost by module\n", fenced(bars(page, depth)) + "\n"]
    parts.append("## Results here\n")
    if not page.stored:
        parts.append("No stored record is of this network.\n")
    for stored in page.stored:
        lines = [[escaped(cell) for cell in line] for line in stored.lines]
        parts.append(f"### {escaped(stored.title)}\n\n{_table(stored.head, lines)}")
    if page.pairs:
        parts.append("## Published and measured\n")
        found = [(each.name, one) for each in page.pairs for one in each.comparisons]
        parts.append(markdown_table(found))
    if page.in_print:
        parts.append("## In print\n")
        parts.append(_table(PRINTED, [_printed_line(each) for each in page.in_print]))
    parts.append("## Weights\n")
    if page.weights:
        lines = [
            [
                escaped(each.name),
                escaped(each.printed),
                link(each.source, each.url),
                escaped(each.licence),
                escaped(each.note),
            ]
            for each in page.weights
        ]
        parts.append(_table(WEIGHTS, lines))
    else:
        parts.append("There are no published weights of it here; `fit` trains it.\n")
    parts.append("## Run it\n")
    parts += [f"To {escaped(text)}:\n\n{fenced(command)}\n" for text, command in page.commands]
    return "\n".join(parts)


PRINTED = ("of", "accuracy", "GMACs", "M parameters", "source", "remarks")
WEIGHTS = ("name", "printed", "source", "licence", "remark")
"""The heads of the tables."""


def contract(page: CardPage) -> list[str]:
    """Return the shapes of the network's inputs."""
    frames, size = page.card.input["frames"], page.card.input["size"]
    return taken(page.card.inputs, frames, size)


def notes(page: CardPage) -> list[str]:
    """Return the remarks on the counts."""
    card = page.card
    uncounted = [f"not counted: {name} ({calls})" for name, calls in card.cost.uncounted.items()]
    return [*left_out(card.inputs), *card.notes, *card.cost.notes, *uncounted]


def bars(page: CardPage, depth: int) -> str:
    """Return the cost of each module as a bar of letters."""
    found = bars_of(page.card.macs_by_module, depth)
    if not found:
        return "no module has multiply-adds"
    total = sum(macs for _, macs in found)
    most = max(macs for _, macs in found)
    width = max(len(name) for name, _ in found)
    lines = []
    for name, macs in found:
        eighths = round(8 * _BAR * macs / most)
        bar = "█" * (eighths // 8) + ("", *"▏▎▍▌▋▊▉")[eighths % 8]
        share = f"{percent(macs / total)} %"
        lines.append(f"{name:<{width}}  {amount(macs):>7}  {share:>7}  {bar}".rstrip())
    return "\n".join(lines)


def link(text: str, url: str) -> str:
    """Return a link in Markdown, or the text alone without an address."""
    return f"[{escaped(text)}](<{url}>)" if url else escaped(text)


def _printed_line(each: InPrint) -> Sequence[str]:
    return (
        escaped(each.of),
        escaped(each.accuracy),
        escaped(each.gmacs),
        escaped(each.params),
        link(each.source, each.url),
        escaped("; ".join(each.reasons)),
    )


def _table(head: Iterable[str], lines: Iterable[Sequence[str]]) -> str:
    names = [escaped(name) for name in head]
    rows = [f"| {' | '.join(line)} |" for line in (names, *lines)]
    return "\n".join([rows[0], f"|{' --- |' * len(names)}", *rows[1:]]) + "\n"
