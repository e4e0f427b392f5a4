"""The motion card in Markdown, in JSON, and on a terminal of any width."""

import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from tabulate import tabulate

from ...datasets.errors import UnknownNameError
from ...datasets.names import PROBES
from ...datasets.visible import one_line
from ..analysis.motion_judge import Effect, Share
from ..analysis.motion_sentences import verdict_sentence
from ..analysis.pages import p_value
from ..text.json_text import json_text
from ..text.markup import escaped
from ..text.terminal import line, lines
from ..text.units import percent_with_interval
from .card import Card, contents, facts, remarks, sentences

NOT_MEASURED = "–"
HEAD = ("clips", "top-1 (%)", "drop (points)", "p")

_Cell = tuple[str, str]
"""A value, and its interval."""


def rows(card: Card) -> list[tuple[str, _Cell, _Cell, str]]:
    """Return the cells of the table: the plain clips, and then those of each probe."""
    effects = {effect.probe: effect for effect in card.judgement.effects}
    cells: list[tuple[str, _Cell, _Cell, str]] = [
        ("plain", _share(card.judgement.top1), ("", ""), "")
    ]
    for probe in PROBES:
        if probe in effects:
            effect = effects[probe]
            p = p_value(effect.p_adjusted).removeprefix("= ")
            cells.append((probe, _share(effect.top1), _drop(effect), p))
        elif probe in card.missing:
            cells.append((probe, (NOT_MEASURED, ""), (NOT_MEASURED, ""), NOT_MEASURED))
    return cells


def markdown(card: Card) -> str:
    """Return the card as a page."""
    cells = [
        (name, " ".join(top1).strip(), " ".join(drop).strip(), p)
        for name, top1, drop, p in rows(card)
    ]
    align = ("left", "right", "right", "right")
    table = tabulate(cells, HEAD, tablefmt="github", disable_numparse=True, colalign=align)
    parts = [
        f"# Motion: {escaped(card.title)} on {escaped(card.ground)}",
        escaped(facts(card)),
        table,
        _listed(sentences(card)),
        f"**{escaped(verdict_sentence(card.judgement))}**",
        _listed(remarks(card)),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def card_text(card: Card, form: str) -> str:
    """Return the card as text in one of `FORMATS`."""
    return FORMATS[form](card)


def form_of(asked: str | None, output: Path | None) -> str | None:
    """Return the format that is asked for, or else that the file's name ends in, or else None.

    Raises:
        UnknownNameError: There is no such format.
    """
    form = asked
    if form is None and output is not None:
        form = output.suffix[1:] or "md"
    if form is not None and form not in FORMATS:
        raise UnknownNameError("format", form, FORMATS)
    return form


def _json(card: Card) -> str:
    return json_text(contents(card)) + "\n"


FORMATS: dict[str, Callable[[Card], str]] = {"md": markdown, "json": _json}


def print_card(card: Card, console: Console) -> None:
    """Print the card for a person, as wide as the console is; no number is ever cut."""
    _print(f"{card.title} on {card.ground}", console, style="bold")
    _print(facts(card), console)
    for table in (_on_one_line(card), _on_two_lines(card)):
        unbounded = console.options.update(max_width=10_000)
        if console.measure(table, options=unbounded).maximum <= console.width:
            console.print(table)
            break
    else:
        _print_blocks(card, console)
    for sentence in sentences(card):
        _print(f"- {sentence}", console)
    console.print()
    _print(verdict_sentence(card.judgement), console, style="bold")
    console.print()
    for remark in remarks(card):
        _print(remark, console)


def _on_one_line(card: Card) -> Table:
    """Return a table with the intervals next to their values."""
    table = _table(HEAD)
    for name, top1, drop, p in rows(card):
        table.add_row(name, line(" ".join(top1).strip()), line(" ".join(drop).strip()), p)
    return table


def _on_two_lines(card: Card) -> Table:
    """Return a table with the intervals under their values."""
    table = _table([head.replace(" ", "\n") for head in HEAD])
    for name, top1, drop, p in rows(card):
        table.add_row(name, lines("\n".join(top1).strip()), lines("\n".join(drop).strip()), p)
    return table


def _table(head: Sequence[str]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column(head[0], no_wrap=True)
    for name in head[1:]:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _print_blocks(card: Card, console: Console) -> None:
    """Print a block of lines for each row, for a console that no table fits."""
    for name, top1, drop, p in rows(card):
        _print(f"\n{name}", console)
        for head, cell in zip(HEAD[1:], (" ".join(top1), " ".join(drop), p), strict=True):
            if cell.strip():
                _print(f"  {head}: {cell.strip()}", console)
    console.print()


def _print(text: str, console: Console, style: str = "") -> None:
    """Print a line folded between words, indented like its text from the second line on."""
    first = text.lstrip("\n")
    indent = "  " if first.startswith(("- ", "  ")) else ""
    for _ in range(len(text) - len(first)):
        console.print()
    first = one_line(first)
    folded = textwrap.wrap(first, console.width, subsequent_indent=indent, break_on_hyphens=False)
    for part in folded:
        console.print(line(part, style), soft_wrap=True)


def _listed(texts: Sequence[str]) -> str:
    return "\n".join(f"- {escaped(text)}" for text in texts)


def _share(share: Share) -> _Cell:
    return percent_with_interval(share.share, share.interval)


def _drop(effect: Effect) -> _Cell:
    return percent_with_interval(effect.drop, effect.interval)
