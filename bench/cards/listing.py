"""`list`: what there is to choose from."""

import textwrap
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from rich.console import Console
from rich.text import Text

from ...datasets import catalog
from ...datasets.errors import KinobenchError, UnknownNameError
from ...datasets.protocol import PRESETS, Protocol
from ...datasets.protocol.placement import OWN_SHORT_RULE
from ...datasets.protocol.presets import ALIASES
from ..cost import models
from ..run import suite
from ..run.plan import plan
from ..run.settings import Settings

Line = dict[str, Any]
Progress = Callable[[int, int], None]
_ABSENT = "–"


def lines(kind: str, recount: bool = False, progress: Progress | None = None) -> list[Line]:
    """Return one dict a model, dataset, protocol or suite.

    Args:
        kind: One of `KINDS`.
        recount: Build and count every model anew.
        progress: Is told how many of how many models are counted.

    Raises:
        UnknownNameError: There is no such kind of thing.
    """
    if kind not in KINDS:
        raise UnknownNameError("list", kind, KINDS)
    if recount and kind != "models":
        raise KinobenchError(f"--recount is for models; {kind} have nothing to be counted")
    return _models(recount, progress) if kind == "models" else KINDS[kind]()


def show(found: list[Line], console: Console, spare: Sequence[str] = ()) -> None:
    """Print the lines as a table, as wide as the console is; no name is ever broken.

    Columns for which there is no room go under each line, with their names, where there is
    anything to say.

    Args:
        found: As `lines` or `on_screen` returns them.
        console: Where to; one that is no terminal is best without a limit, for a line each.
        spare: Columns that are left out instead.
    """
    if not found:
        return
    head = list(found[0])
    rows = [[_ABSENT if line[n] is None else str(line[n]) for n in head] for line in found]
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    narrow = sum(widths) + len(widths) - 1
    gap = 1 if narrow <= console.width < narrow + len(widths) - 1 else 2
    beside, room = [0], console.width - widths[0]
    for place in range(1, len(head)):
        if widths[place] + gap <= room:
            beside.append(place)
            room -= widths[place] + gap
    under = [n for n in range(len(head)) if n not in beside and head[n] not in spare]

    def show_line(cells: list[str], style: str = "") -> None:
        line = (" " * gap).join(f"{cells[place]:<{widths[place]}}" for place in beside)
        # Not folded by rich, which would break a name that is longer than the console is wide.
        console.print(Text(line.rstrip(), style=style), soft_wrap=True)

    show_line(head, "bold")
    for cells in rows:
        show_line(cells)
        for place in under:
            words = "" if cells[place] == _ABSENT else f"{head[place]}: {cells[place]}"
            for part in _folded(words, console.width):
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


def on_screen(kind: str, found: list[Line]) -> list[Line]:
    """Return lines as `show` prints them: of models, rounded and in short."""
    return [_short_model(line) for line in found] if kind == "models" else found


def _short_model(model: Line) -> Line:
    authors = model["paper"].partition(",")[0]
    weights = model["weights"]
    return {
        "name": model["name"],
        "params (M)": None if model["params"] is None else f"{model['params'] / 1e6:.3f}",
        "GMACs": None if model["macs"] is None else f"{model['macs'] / 1e9:.3f}",
        "input": "{}x{}, {} px".format(*model["native"]) if model["native"] else None,
        "weights": ", ".join([*(each["name"] for each in weights), *model["shipped"]]) or None,
        "native protocol": ", ".join(dict.fromkeys(each["protocol"] or "?" for each in weights))
        or None,
        "family": model["family"],
        "paper": f"{authors} {model['year'] or ''}".strip() or None,
        "inputs": " + ".join(model["inputs"]),
    }


SPARE = {"models": ("family", "paper", "inputs")}
"""What a narrow screen goes without: of two hundred models, each should keep to its line."""


def _models(recount: bool = False, progress: Progress | None = None) -> list[Line]:
    return [msgspec.to_builtins(model) for model in models.models(recount, progress)]


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
            "what it tests": d.purpose or None,
        }
        for d in map(catalog.get, catalog.names())
    ]


def _protocols() -> list[Line]:
    def clip(p: Protocol) -> str:
        if p.sparse:
            return f"{p.frames} over the video"
        return f"{p.frames}x{p.stride}" + (f" at {p.fps:g} fps" if p.fps else " frames")

    return [
        {
            "name": p.name,
            "clip": clip(p),
            "views": f"{p.clips}x{p.crops}",
            "size": f"{'x'.join(map(str, p.exact_size or [p.short_side]))} -> {p.size} px",
            "also": next((alias for alias, name in ALIASES.items() if name == p.name), None),
            "placement": p.placement,
            "short videos": None if p.placement in OWN_SHORT_RULE else p.short,
            "aggregation": p.aggregation,
            "digest": p.digest,
        }
        for p in PRESETS.values()
    ]


def _suites() -> list[Line]:
    return [
        {
            "name": name,
            "cases": len(plan(loaded, Settings())),
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
