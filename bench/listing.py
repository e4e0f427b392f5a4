"""`list`: what there is to choose from."""

import textwrap
from collections.abc import Callable
from itertools import accumulate
from typing import Any

from rich.console import Console
from rich.text import Text

from ..datasets import catalog
from ..datasets.errors import UnknownNameError
from ..datasets.protocol import PRESETS
from ..zoo import registry
from . import suite

Line = dict[str, Any]


def lines(kind: str) -> list[Line]:
    """Return one dict a model, dataset, protocol or suite.

    Raises:
        UnknownNameError: There is no such kind of thing.
    """
    if kind not in KINDS:
        raise UnknownNameError("list", kind, KINDS)
    return KINDS[kind]()


def show(found: list[Line], console: Console) -> None:
    """Print the lines as a table, as wide as the console is; no name is ever broken.

    Columns for which there is no room go under each line, with their names.
    """
    if not found:
        return
    head = [name for name in found[0] if name not in _TOO_LONG]
    rows = [["–" if line[n] is None else str(line[n]) for n in head] for line in found]
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    narrow = sum(widths) + len(widths) - 1
    gap = 1 if narrow <= console.width < narrow + len(widths) - 1 else 2
    beside = max(1, sum(end + gap * n <= console.width for n, end in enumerate(accumulate(widths))))

    def show_line(cells: list[str], style: str = "") -> None:
        fields = zip(cells[:beside], widths, strict=False)
        line = (" " * gap).join(f"{cell:<{width}}" for cell, width in fields)
        # Not folded by rich, which would break a name that is longer than the console is wide.
        console.print(Text(line.rstrip(), style=style), soft_wrap=True)

    show_line(head, "bold")
    for cells in rows:
        show_line(cells)
        for name, cell in zip(head[beside:], cells[beside:], strict=True):
            for part in _folded(f"{name}: {cell}", console.width):
                console.print(Text(part), soft_wrap=True)


def _folded(words: str, width: int) -> list[str]:
    return textwrap.wrap(
        words,
        width,
        initial_indent="    ",
        subsequent_indent="      ",
        break_long_words=False,
        break_on_hyphens=False,
    )


_TOO_LONG = ("paper",)
"""What only `--json` gives: one paper fills a line of the screen and more."""


def _models() -> list[Line]:
    architectures = [registry.get(name) for name in registry.names()]
    return [
        {
            "name": a.name,
            "family": a.family,
            "year": a.year,
            "inputs": ", ".join(a.inputs),
            "input": "{}x{}, {} px".format(*a.native) if a.native else None,
            "paper": a.paper or None,
        }
        for a in architectures
    ]


def _datasets() -> list[Line]:
    return [
        {
            "name": d.name,
            "title": d.title,
            "classes": d.num_classes,
            "splits": ", ".join(d.splits),
            "protocol": d.default_protocol,
            "data root": "needed" if d.needs_root else "made on first use",
            "homepage": d.homepage,
        }
        for d in map(catalog.get, catalog.names())
    ]


def _protocols() -> list[Line]:
    return [
        {
            "name": p.name,
            "clip": f"{p.frames}x{p.stride}" + (f" at {p.fps:g} fps" if p.fps else " frames"),
            "views": f"{p.clips}x{p.crops}",
            "size": f"{p.short_side} -> {p.size} px",
            "placement": p.placement,
            "short videos": p.short,
            "aggregation": p.aggregation,
            "digest": p.digest,
        }
        for p in PRESETS.values()
    ]


def _suites() -> list[Line]:
    return [
        {
            "name": name,
            "cases": len(suite.plan(loaded, suite.Settings())),
            "description": loaded.description,
        }
        for name, loaded in ((name, suite.load(name)) for name in suite.names())
    ]


KINDS: dict[str, Callable[[], list[Line]]] = {
    "models": _models,
    "datasets": _datasets,
    "protocols": _protocols,
    "suites": _suites,
}
