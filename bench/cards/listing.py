"""`list`: the models, datasets, protocols, suites, runtimes and measurements."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from rich.console import Console

from ...datasets import catalog
from ...datasets.errors import KinobenchError, nearest_name
from ...datasets.protocol import PRESETS, Protocol
from ...datasets.protocol.placement import OWN_SHORT_RULE
from ...datasets.protocol.presets import ALIASES
from ...datasets.visible import one_line
from ..cost import models
from ..network.runtimes.listed import listed as listed_runtimes
from ..text.toml import one_of
from .terminal import print_folded, print_line

Line = dict[str, Any]
Progress = Callable[[int, int], None]
_ABSENT = "–"


def lines(kind: str, recount: bool = False, progress: Progress | None = None) -> list[Line]:
    """Return one dict for each model, dataset, protocol, suite, runtime or measurement.

    Args:
        kind: One of `KINDS`.
        recount: Build and count every model again.
        progress: Called with the number of models counted so far, and of all.

    Raises:
        KinobenchError: `kind` is none of `KINDS`; or `recount` with another kind than models.
    """
    if kind not in KINDS:
        nearest = nearest_name(kind, KINDS)
        cure = f"; did you mean {nearest!r}?" if nearest else ""
        raise KinobenchError(f"list {kind}: choose {one_of(tuple(KINDS))}{cure}")
    if recount and kind != "models":
        raise KinobenchError(f"--recount is for models; {kind} have nothing to count")
    return _models(recount, progress) if kind == "models" else KINDS[kind]()


def show(found: list[Line], console: Console, spare: Sequence[str] = ()) -> None:
    """Print a table in the width of the console; no name is ever cut.

    A column for which there is no room goes below each line, with its name.

    Args:
        found: The rows, from `lines` or `on_screen`.
        console: Console to print to. Give one of unlimited width if the output is no terminal, so
            that each row is one line.
        spare: Columns that are left out if there is no room for them.
    """
    if not found:
        return
    head = list(found[0])
    rows = [
        [_ABSENT if row[name] is None else one_line(str(row[name])) for name in head]
        for row in found
    ]
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    narrow = sum(widths) + len(widths) - 1
    gap = 1 if narrow <= console.width < narrow + len(widths) - 1 else 2
    shown, room = [0], console.width - widths[0]
    for place in range(1, len(head)):
        if widths[place] + gap <= room:
            shown.append(place)
            room -= widths[place] + gap
    below = [n for n in range(len(head)) if n not in shown and head[n] not in spare]

    def show_line(cells: list[str], style: str = "") -> None:
        line = (" " * gap).join(f"{cells[place]:<{widths[place]}}" for place in shown)
        print_line(line.rstrip(), console, style)

    show_line(head, "bold")
    for cells in rows:
        show_line(cells)
        for place in below:
            if cells[place] != _ABSENT:
                text = f"{head[place]}: {cells[place]}"
                print_folded(text, console, indent="    ", hanging="      ")


def on_screen(kind: str, found: list[Line]) -> list[Line]:
    """Return rows for `show`; those of models and runtimes are shortened."""
    short = {"models": _short_model, "runtimes": _short_runtime}.get(kind)
    return found if short is None else [short(line) for line in found]


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


def _short_runtime(runtime: Line) -> Line:
    install = runtime["install"]
    return {
        "name": runtime["name"],
        "installed": runtime["version"] or f"no: pip install '{install}'",
        "runs on": ", ".join(
            provider if provider == target["device"] else f"{provider} (device {target['device']})"
            for provider, target in runtime["targets"].items()
        ),
        "what it is": runtime["summary"],
        "precisions on cpu": _precisions(runtime, "cpu"),
        "precisions on cuda": _precisions(runtime, "cuda"),
        "hints": ", ".join(runtime["hints"]) or None,
    }


def _precisions(runtime: Line, device: str) -> str | None:
    targets = [each for each in runtime["targets"].values() if each["device"] == device]
    found = dict.fromkeys(name for each in targets for name in each["precisions"])
    return ", ".join(found) or None


SPARE = {"models": ("family", "paper", "inputs")}
"""Columns that a narrow screen leaves out, so that each of two hundred models has one line."""


def _models(recount: bool = False, progress: Progress | None = None) -> list[Line]:
    return [msgspec.to_builtins(model) for model in models.models(recount, progress)]


def _datasets() -> list[Line]:
    return [
        {
            "name": d.name,
            "title": d.title,
            "task": d.task,
            "classes": d.num_classes,
            "splits": ", ".join(d.splits),
            "protocol": d.default_protocol,
            "data root": "needed" if d.needs_root else "made on first use",
            "homepage": d.homepage or None,
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
            "origin": p.origin,
            "placement": p.placement,
            "short videos": None if p.placement in OWN_SHORT_RULE else p.short,
            "aggregation": p.aggregation,
            "digest": p.digest,
        }
        for p in PRESETS.values()
    ]


def _suites() -> list[Line]:
    from ..run import suite
    from ..run.plan import plan
    from ..run.settings import Settings

    return [
        {
            "name": name,
            "cases": len(plan(loaded, Settings())),
            "description": loaded.description,
        }
        for name, loaded in ((name, suite.load(name)) for name in suite.names())
    ]


def _runtimes() -> list[Line]:
    return [msgspec.to_builtins(each) for each in listed_runtimes()]


def _measurements() -> list[Line]:
    from ..measure.registry import described

    return described()


KINDS: dict[str, Callable[[], list[Line]]] = {
    "models": _models,
    "datasets": _datasets,
    "protocols": _protocols,
    "suites": _suites,
    "runtimes": _runtimes,
    "measurements": _measurements,
}
