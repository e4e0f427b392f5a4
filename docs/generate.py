"""Write the parts of pages that come from the code itself: `docs/_generated/`.

`conf.py` calls `write_all` before each build, so these parts are never older than the code.
"""

import ast
import inspect
import json
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
from pictures import GREY, INK, label, line, svg

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOK = ROOT / "examples" / "quickstart.ipynb"


def write_all(folder: Path) -> None:
    """Write every generated part into a folder, which is emptied first."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for file, make in PARTS.items():
        (folder / file).write_text(make(), encoding="utf-8")
    (folder / "site").mkdir()
    (folder / "site" / "own-report.html").write_text(_own_report(), encoding="utf-8")
    if NOTEBOOK.is_file():
        shutil.copyfile(NOTEBOOK, folder / "quickstart.ipynb")
    else:
        (folder / "quickstart.ipynb").write_text(_missing_notebook(), encoding="utf-8")


def _own_report() -> str:
    """Return the report of the records that the repository has; see results/README.md."""
    from kinobench.bench.leaderboard.build import read_boards
    from kinobench.bench.records.stores import results_in
    from kinobench.bench.report.page import render_report

    def refuse(problem: str) -> None:
        raise ValueError(problem)

    folder = ROOT / "results"
    results = results_in([folder / name for name in ("quick", "zoo", "h200")])
    return render_report(
        read_boards(results, refuse),
        results,
        title="kinobench's own records",
        gate=folder / "gate_checks.jsonl.gz",
    )


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown; a `|` in a cell is escaped."""

    def escaped(cell: str) -> str:
        return cell.replace("|", "\\|").replace("\n", " ")

    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(map(escaped, row))} |\n" for row in lines)


# --- the record schema ----------------------------------------------------------------------------

DERIVED = {
    "id": "name of the record: the run, and the first 8 digits of the case's digest",
    "case.digest": "16 hexadecimal digits of everything that decides the case",
    "case.protocol.digest": "16 hexadecimal digits of all that decides a view or the average",
    "latency.p90_s": "the 90th percentile; `null` with fewer than 64 samples",
    "latency.p95_s": "the 95th percentile; `null` with fewer than 130 samples",
    "latency.p99_s": "the 99th percentile; `null` with fewer than 662 samples",
    "latency.is_rough": "the latency was disturbed, or its interval is wider than 20 % to a side",
    "latency.process_medians_s": "the median of each process, over the medians of its blocks",
    "latency.reached_s": "`wall_median_s` if the network is launch bound, otherwise `median_s`",
    "latency.throughput_per_s": (
        "clips (or streamed frames) a second, with optical flow: the batch size over the sum of "
        "`reached_s` and the flow of as many clips; `null` if the time of the flow is missing"
    ),
    "latency.video_s": (
        "the time of a whole video: the forward passes of its views, the optical flow of its clips"
    ),
    "memory.fragmentation_bytes": "memory that CUDA's allocator reserved and had not given out",
    "energy.j_per_video": "joules of the forward passes of a whole video, without optical flow",
    "sweep.knee": "the smallest batch that reaches 95 % of the best throughput",
    "sweep.points.latency.p90_s": "as in `latency`",
    "sweep.points.latency.p95_s": "as in `latency`",
    "sweep.points.latency.p99_s": "as in `latency`",
    "sweep.points.latency.is_rough": "as in `latency`",
    "sweep.points.latency.process_medians_s": "as in `latency`",
    "sweep.points.latency.reached_s": "as in `latency`",
    "sweep.points.latency.throughput_per_s": (
        "batch size / `reached_s`: of the forward alone, without optical flow"
    ),
    "sweep.points.latency.throughput_interval_per_s": "its 95 % interval",
    "sweep.points.memory.fragmentation_bytes": "as in `memory`",
}
"""What JSON has next to the fields, because it follows from them."""


def records_page() -> str:
    """Return a table of fields for each struct that a record is made of, and what follows."""
    from kinobench.bench.records.record import Record

    parts = [_struct_part(kind) for kind in structs_of(Record)]
    rows = [(f"`{path}`", meaning) for path, meaning in DERIVED.items()]
    follows = (
        "## What follows from the fields\n\n"
        "These values are written for readers of the JSON. kinobench computes them again when it "
        "reads a record.\n\n" + table(("key", "meaning"), rows)
    )
    return "\n".join([*parts, follows])


def structs_of(root: type) -> list[type]:
    """Return a struct and all structs in its fields, in the order in which they come."""
    found: list[type] = []

    def visit(kind: msgspec.inspect.Type) -> None:
        if isinstance(kind, msgspec.inspect.StructType) and kind.cls not in found:
            found.append(kind.cls)
            for field in kind.fields:
                visit(field.type)
        for part in _inner(kind):
            visit(part)

    visit(msgspec.inspect.type_info(root))
    return found


def _inner(kind: Any) -> Iterator[Any]:
    """Yield the types that a type of a container or a union is made of."""
    for name in ("types", "item_types"):
        yield from getattr(kind, name, ())
    for name in ("item_type", "key_type", "value_type"):
        if hasattr(kind, name):
            yield getattr(kind, name)


def _struct_part(kind: type) -> str:
    said = inspect.cleandoc(kind.__doc__ or "")
    meanings = attributes_of(said)
    prose = re.split(r"\n(?:Attributes|Args|Raises):\n", said)[0].strip()
    prose = re.sub(r"\bNone\b", "`null`", prose)
    rows = []
    info = msgspec.inspect.type_info(kind)
    assert isinstance(info, msgspec.inspect.StructType)
    for field in info.fields:
        default = "" if field.required else f"`{json.dumps(_default(field))}`"
        meaning = meanings.get(field.name) or _first_line(field.type)
        meaning = re.sub(r"\bNone\b", "`null`", meaning)
        rows.append((f"`{field.encode_name}`", type_text(field.type), default, meaning))
    heading = f"## {kind.__name__}\n\n{prose}\n\n"
    return heading + table(("field", "type", "default", "meaning"), rows)


def _first_line(kind: Any) -> str:
    """Return what the first struct in a type says of itself; "" where there is none."""
    if isinstance(kind, msgspec.inspect.StructType):
        return inspect.cleandoc(kind.cls.__doc__ or "").partition("\n")[0]
    return next(filter(None, map(_first_line, _inner(kind))), "")


def _default(field: msgspec.inspect.Field) -> Any:
    if field.default is not msgspec.NODEFAULT:
        return msgspec.to_builtins(field.default)
    return msgspec.to_builtins(field.default_factory())


def attributes_of(docstring: str) -> dict[str, str]:
    """Return field -> meaning, from `Attributes:` in a docstring; `a, b: ...` describes both."""
    section = re.search(r"^Attributes:\n(.*?)(?=^\S|\Z)", docstring, re.MULTILINE | re.DOTALL)
    found: dict[str, str] = {}
    if section is None:
        return found
    for entry in re.split(r"\n(?=    \S)", section[1].rstrip()):
        names, _, meaning = entry.strip().partition(":")
        for name in names.split(","):
            found[name.strip()] = " ".join(meaning.split())
    return found


def type_text(kind: Any) -> str:
    """Return a JSON type as text: `number or null`, `list of integer`, a link to a struct."""
    simple = {
        "IntType": "integer",
        "FloatType": "number",
        "StrType": "string",
        "BoolType": "boolean",
        "NoneType": "null",
        "AnyType": "anything",
        "RawType": "anything",
    }
    name = type(kind).__name__
    if name in simple:
        return simple[name]
    if name == "LiteralType":
        return " or ".join(f"`{json.dumps(value)}`" for value in kind.values)
    if name == "StructType":
        return f"[{kind.cls.__name__}](#{kind.cls.__name__.lower()})"
    if name in ("VarTupleType", "ListType", "SetType", "FrozenSetType"):
        return f"list of {type_text(kind.item_type)}"
    if name == "TupleType":
        return "[" + ", ".join(map(type_text, kind.item_types)) + "]"
    if name == "DictType":
        return f"object of {type_text(kind.value_type)}"
    if name == "UnionType":
        ordered = sorted(kind.types, key=lambda part: type(part).__name__ == "NoneType")
        return " or ".join(map(type_text, ordered))
    raise TypeError(f"docs/generate.py has no text for the type {name}; add them to type_text")


# --- the commands ---------------------------------------------------------------------------------


def commands_page() -> str:
    """Return a part for each command: its help, its arguments, its options by panel."""
    import typer.main

    from kinobench.bench.cli.commands import app

    parts = [
        _command_part(name, command)
        for name, command in _commands("kinobench", typer.main.get_command(app))
    ]
    return "\n".join(parts)


def _commands(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    children = getattr(command, "commands", None)
    if children is None:
        yield name, command
        return
    for child, found in children.items():
        if not found.hidden:
            yield from _commands(f"{name} {child}", found)


def _command_part(name: str, command: Any) -> str:
    shown = [p for p in command.params if not getattr(p, "hidden", False) and p.name != "help"]
    arguments = [p for p in shown if p.param_type_name == "argument"]
    usage = " ".join([name, "[OPTIONS]", *(_argument(p) for p in arguments)])
    lines = [
        f"## {name.removeprefix('kinobench ')}",
        f"```text\n{usage}\n```",
        _plain(command.help),
    ]
    if arguments:
        rows = [(f"`{_argument(p)}`", _plain(p.help)) for p in arguments]
        lines.append(table(("argument", "meaning"), rows))
    panels: dict[str, list[Any]] = {}
    for option in shown:
        if option.param_type_name == "option":
            panels.setdefault(getattr(option, "rich_help_panel", None) or "Options", []).append(
                option
            )
    for panel, options in panels.items():
        rows = [(_option(p), _plain(p.help)) for p in options]
        title = f"**{panel}**\n\n" if len(panels) > 1 else ""
        lines.append(title + table(("option", "meaning"), rows))
    return "\n\n".join(lines) + "\n"


def _argument(parameter: Any) -> str:
    name = (parameter.metavar or parameter.name.upper()).strip("[]{}")
    name += "..." if parameter.nargs == -1 and not name.endswith("...") else ""
    return name if parameter.required else f"[{name}]"


def _option(parameter: Any) -> str:
    names = ", ".join(f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts))
    if parameter.is_flag:
        return names
    metavar = parameter.metavar or parameter.name.strip("_").upper()
    return f"{names} {' or '.join(f'`{choice}`' for choice in metavar.split('|'))}"


def _plain(said: str | None) -> str:
    """Return help without rich's markup, as the screen shows it."""
    from rich.text import Text

    from kinobench.bench.cli.commands import app

    cleaned = inspect.cleandoc(said or "")
    if app.rich_markup_mode == "rich":
        cleaned = Text.from_markup(cleaned).plain
    parts = cleaned.split("`")  # every other one is code already
    for at in range(0, len(parts), 2):
        parts[at] = re.sub(r"(?<![\w-])(--[a-z][\w-]*)(?![\w-])", r"`\1`", parts[at])
    return "`".join(parts)


# --- the Python API -------------------------------------------------------------------------------


def python_page() -> str:
    """Return directives that document every public name of `kinobench`, by kind."""
    import kinobench

    kinds: dict[str, list[str]] = {"Functions": [], "Classes": [], "Errors": []}
    for name in sorted(getattr(kinobench, "__all__", ()), key=str.lower):
        found = getattr(kinobench, name)
        if inspect.isclass(found):
            kind = "Errors" if issubclass(found, Exception) else "Classes"
            kinds[kind].append(f".. autoclass:: kinobench.{name}\n   :members:\n")
        elif callable(found):
            kinds["Functions"].append(f".. autofunction:: kinobench.{name}\n")
    parts = []
    for kind, directives in kinds.items():
        body = "\n".join(directives)
        parts.append(f"## {kind}\n\n```{{eval-rst}}\n.. currentmodule:: kinobench\n\n{body}```\n")
    return "\n".join(parts)


# --- the protocols --------------------------------------------------------------------------------

PLACEMENTS = {
    "spread": "evenly from the first frame to the last",
    "segments": "in the middle of equal segments",
    "mmaction2": "evenly, as `SampleFrames` rounds",
    "tsn": "in the middle of equal segments",
    "torchvision": "evenly among all windows, as `UniformClipSampler`",
    "pytorchvideo": "evenly in seconds, the last before the end",
    "pytorchvideo-to-end": "evenly in seconds, the last at the end",
    "pyslowfast-announced": "evenly, as `get_start_end_idx`",
    "pyslowfast-announced-offset": "whole steps, as `USE_OFFSET_SAMPLING`",
}
RESIZES = {
    "unit": "colours from 0 to 1",
    "normalised": "after normalising",
    "uint8": "bytes",
    "opencv": "bytes, by OpenCV",
}


def origins_table() -> str:
    """Return the most usual protocol of each origin."""
    from kinobench.datasets.protocol import ALIASES, preset

    rows = []
    for alias in ALIASES:
        p = preset(alias)
        side = f"short side {p.short_side}" if p.exact_size is None else f"{p.exact_size}"
        averaged = f"the mean of the {p.aggregation}"
        rows.append(
            (
                f"`{alias}`",
                p.origin or "kinobench",
                f"{_frames(p)}, {p.clips} × {p.crops} views",
                PLACEMENTS[p.placement],
                f"{side}, {RESIZES[p.resize_on]}" + ("" if p.antialias else ", no antialias"),
                averaged,
            )
        )
    heads = ("`--protocol`", "origin", "clips of a video", "clips start", "resize", "prediction")
    return table(heads, rows)


def protocols_table() -> str:
    """Return every preset, with its origin and its digest."""
    from kinobench.datasets.protocol import PRESETS

    rows = [
        (
            f"`{p.name}`",
            _frames(p),
            f"{p.clips} × {p.crops}",
            str(p.size),
            p.origin or "kinobench",
            f"`{p.digest}`",
        )
        for p in PRESETS.values()
    ]
    return table(("protocol", "clip", "clips × crops", "crop", "origin", "digest"), rows)


def _frames(protocol: Any) -> str:
    if protocol.frames == 1:
        return "single frames"
    spread = " over the whole video" if protocol.sparse else f", stride {protocol.stride}"
    rate = "" if protocol.fps is None else f" at {protocol.fps:g} fps"
    return f"{protocol.frames} frames{spread}{rate}"


# --- the packages ---------------------------------------------------------------------------------

LAYERS = ("datasets", "zoo", "bench")
API = ("bench", "api")
PURPOSES = {
    "datasets/flow": "Optical flow of frames, and its cache.",
    "datasets/copies": "Copies of known datasets, in whichever layout, become a split: videos with "
    "labels.",
    "datasets/lists": "Classes, own folders and own lists become a split: videos with labels.",
    "datasets/made": "Copies of a dataset in smaller files, or in tars, are made here.",
    "datasets/video": "From a file to frames: index, decode, find damage.",
    "datasets/views": "From frames to views: resize, crop, normalise; and the probes.",
    "zoo/checkpoints": "Find, fetch, verify and load weights.",
    "zoo/parts": "Layers and backbones that families share.",
    "zoo/tables": "Printed numbers, published weights, and the index of all networks.",
    "zoo/weights": "The weights that come with kinobench.",
}
"""What is in the folders that have no `__init__.py` to say it."""


def packages_of(layer: str) -> list[Path]:
    """Return the folders of a layer with Python files."""
    folders = (path for path in (ROOT / layer).iterdir() if path.is_dir())
    return sorted(path for path in folders if any(path.glob("*.py")))


def imported_packages(folder: Path) -> set[tuple[str, str]]:
    """Return `(layer, package)` of all that the files of a package import of this repository.

    The package is "" for a file that is directly in a layer's folder.
    """
    found = set()
    for file in sorted(folder.rglob("*.py")):
        package = file.relative_to(ROOT).parts[:-1]
        if package == API:
            if file.name == "__main__.py":  # it is the command, which imports everything
                continue
            package = ()  # its modules are those of the package `kinobench` itself
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level:
                base = package[: len(package) - node.level + 1]
                path = (*base, *(node.module or "").split(".")) if node.module else base
                for alias in node.names:
                    found.add(_package_of((*path, alias.name)))
    own = folder.relative_to(ROOT).parts
    return {each for each in found if each != own and each[0] in LAYERS}


def _package_of(path: tuple[str, ...]) -> tuple[str, str]:
    """Return the layer and the package of an imported name."""
    if len(path) > 1 and (ROOT / path[0] / path[1]).is_dir():
        return path[0], path[1]
    return path[0], ""


def in_order(imports: dict[str, set[str]]) -> list[str]:
    """Return packages so that each stands after all that it imports; those nobody imports, last.

    Raises:
        SystemExit: Two packages import each other.
    """
    ordered: list[str] = []
    left = dict(sorted(imports.items()))
    while left:
        ready = [name for name, needed in left.items() if not needed - set(ordered)]
        if not ready:
            raise SystemExit(f"these packages import each other: {', '.join(left)}")
        ordered += ready
        for name in ready:
            del left[name]
    imported = set().union(*imports.values())
    return sorted(ordered, key=lambda name: name not in imported)


def layer_imports(layer: str) -> dict[str, set[str]]:
    """Return package -> the packages of its own layer that it imports."""
    names = {path.name for path in packages_of(layer)}
    return {
        path.name: {name for of, name in imported_packages(path) if of == layer} & names
        for path in packages_of(layer)
    }


def packages_page() -> str:
    """Return a table of packages for each layer."""
    parts = []
    for layer in LAYERS:
        imports = layer_imports(layer)
        rows = []
        for name in in_order(imports):
            needed = [other for other in in_order(imports) if other in imports[name]]
            lower = {of for of, _ in imported_packages(ROOT / layer / name)} - {layer}
            rows.append(
                (
                    f"`{layer}/{name}/`",
                    _purpose(layer, name),
                    ", ".join(f"`{other}`" for other in needed) or "–",
                    ", ".join(f"`{of}`" for of in LAYERS if of in lower) or "–",
                )
            )
        head = ("package", "what it is for", "imports", "other layers")
        parts.append(f"### {layer}\n\n{table(head, rows)}")
    return "\n".join(parts)


def _purpose(layer: str, name: str) -> str:
    own = ROOT / layer / name / "__init__.py"
    said = ast.get_docstring(ast.parse(own.read_text(encoding="utf-8"))) if own.is_file() else None
    return (said or PURPOSES[f"{layer}/{name}"]).split("\n\n")[0].replace("\n", " ")


def imports_picture() -> str:
    """Draw which package of bench imports which: a dot in row A, column B: A imports B."""
    imports = layer_imports("bench")
    names = in_order(imports)
    cell, left, top = 26.0, 130.0, 130.0
    end = left + cell * len(names)
    shapes = []
    for number, name in enumerate(names):
        middle = top + cell * (number + 0.5)
        shapes += [
            line(left, middle, end, middle),
            label(left - 10, middle + 4, name, more=' text-anchor="end"'),
        ]
        x = left + cell * (number + 0.5)
        turned = f' transform="rotate(-55 {x:.1f} {top - 8:.1f})"'
        shapes.append(label(x, top - 8, name, fill=GREY, more=turned))
        for other in sorted(imports[name], key=names.index):
            x = left + cell * (names.index(other) + 0.5)
            shapes.append(f'<circle cx="{x:.1f}" cy="{middle:.1f}" r="6" fill="{INK}"/>')
    shapes.append(line(left, top, end, top + cell * len(names), GREY, ' stroke-dasharray="3 4"'))
    height = round(top + cell * len(names) + 20)
    return svg(round(end + 70), height, "Which package of bench imports which", shapes)


def _missing_notebook() -> str:
    """Return a notebook that says that there is none, for a checkout without it."""
    cell = {
        "cell_type": "markdown",
        "metadata": {},
        "source": ["# Quickstart\n", "\n", "This checkout has no `examples/quickstart.ipynb`."],
    }
    return json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 4})


PARTS: dict[str, Callable[[], str]] = {
    "records.md": records_page,
    "commands.md": commands_page,
    "python.md": python_page,
    "origins.md": origins_table,
    "protocols.md": protocols_table,
    "packages.md": packages_page,
    "imports.svg": imports_picture,
}
"""File in `docs/_generated/` -> what makes it."""
