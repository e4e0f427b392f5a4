"""`list`: what there is to choose from."""

from collections.abc import Callable
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

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
    """Print the lines as a table."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in found[0] if found else ():
        table.add_column(name, overflow="fold")
    for line in found:
        table.add_row(*(escape("–" if value is None else str(value)) for value in line.values()))
    console.print(table)


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
