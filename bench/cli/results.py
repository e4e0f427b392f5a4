"""`results`: folders of results merged, checked, and passed on as one file."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...datasets.plurals import quantity
from . import common
from .frame import (
    EXIT_FAILED,
    RESULTS,
    app,
    command,
    print_json,
    progress,
    report,
    write_results,
)
from .options import Commands, Group, argument, flag, option

if TYPE_CHECKING:
    from ..export.findings import Validation
    from ..export.merge import Merged

SHOWN = 20
"""The most findings of a kind that are printed; JSON has all."""

results_app = typer.Typer(
    cls=Commands,
    help="Merge, check, export or import folders of results.",
    no_args_is_help=True,
)
app.add_typer(results_app, name="results", rich_help_panel=RESULTS)


class Target(Group, panel="Results"):
    """The folder that gets the records."""

    to: Annotated[Path, option("Folder that gets them; it is made if need be.", "DIR", "--to")]
    json: common.Json = False


class Folders(Group, panel="What"):
    """The folders that are merged."""

    folders: Annotated[list[Path], argument("Folder of results; nothing in it is changed.", "DIR")]


class Folder(Group, panel="What"):
    """The folder that is read."""

    folder: Annotated[Path, argument("Folder of results; nothing in it is changed.", "DIR")] = Path(
        "results"
    )


class Form(Group, panel="Results"):
    """The form of the report."""

    json: common.Json = False


class Written(Group, panel="What"):
    """The archive, and what it gets."""

    file: Annotated[Path, argument("Archive to write, a zip file.", "FILE.zip")]
    results: common.ResultsFolder = Path("results")
    no_predictions: Annotated[
        bool,
        flag(
            "Leave out the predictions: a small file, whose networks have no rank.",
            "--no-predictions",
        ),
    ] = False


class Read(Group, panel="What"):
    """The archive that is added."""

    file: Annotated[Path, argument("Archive that `results export` wrote.", "FILE.zip")]


@command("merge", to=results_app)
def merge(folders: Folders, target: Target) -> None:
    """Add the runs of some folders, with their predictions and checks, to another, each once."""
    from ..export.merge import merge as add

    _show_merged(add(folders.folders, target.to, report), target)


@command("validate", to=results_app)
def validate(folder: Folder, form: Form) -> None:
    """Read every record and prediction; compute each accuracy again; exit with 1 if one is off."""
    from ..export.validate import validate as check

    with progress("reading predictions", shown=not form.json) as on_progress:
        found = check(folder.folder, on_progress)
    if form.json:
        from msgspec import to_builtins

        print_json({**to_builtins(found), "counts": found.counts, "faults": found.faults})
    else:
        _show_findings(found)
    if found.faults:
        raise SystemExit(EXIT_FAILED)


@command("export", to=results_app)
def export(written: Written, form: Form) -> None:
    """Write records, predictions and checks of a folder to one file, which others import."""
    from ..export.archive import export as pack
    from ..text.units import file_size

    done = pack(written.results, written.file, with_predictions=not written.no_predictions)
    for problem in done.problems:
        report(problem)
    if form.json:
        print_json(done)
        return
    _print(
        f"{done.file}: {quantity(done.records, 'record')}, "
        f"{quantity(done.predictions, 'folder')} of predictions{_checks(done.checks)}, "
        f"{file_size(done.bytes)}."
    )


@command("import", to=results_app)
def import_(read: Read, target: Target) -> None:
    """Add the records of an exported file to a folder, once all of it has been checked."""
    from ..export.unpack import import_archive

    _show_merged(import_archive(read.file, target.to, report), target)


def _show_merged(found: "Merged", target: Target) -> None:
    for line in (*found.problems, *(f"refused: {each}" for each in found.refused)):
        report(line)
    if target.json:
        print_json(found)
    else:
        there = f", {quantity(found.same, 'record')} there already" if found.same else ""
        _print(
            f"{target.to}: {_added(found)} added{there}"
            f"{f', {len(found.refused)} refused' if found.refused else ''}."
        )
    if found.refused:
        raise SystemExit(EXIT_FAILED)


def _added(found: "Merged") -> str:
    """Return what a folder got: that of which there is some."""
    counts = {
        f"{quantity(found.records, 'record')} of {quantity(found.runs, 'run')}": found.records,
        f"{quantity(found.predictions, 'folder')} of predictions": found.predictions,
        f"{quantity(found.checks, 'check')} of the speed gate": found.checks,
    }
    *first, last = [text for text, count in counts.items() if count] or ["nothing"]
    return f"{', '.join(first)} and {last}" if first else last


def _checks(count: int) -> str:
    return f", {quantity(count, 'check')} of the speed gate" if count else ""


def _show_findings(found: "Validation") -> None:
    from ..export.findings import MEANINGS

    _print(found.summary)
    for kind, count in found.counts.items():
        _print(f"\n{kind} ({count}): {next(MEANINGS[each] for each in MEANINGS if each == kind)}")
        members = [each for each in found.findings if each.kind == kind]
        for each in members[:SHOWN]:
            line = f", line {each.line}" if each.line is not None else ""
            whose = f" (record {each.record}, {each.model})" if each.record else ""
            _print(f"  {each.where}{line}{whose}: {each.what}")
        if count > SHOWN:
            _print(f"  and {count - SHOWN} more: --json has all")


def _print(text: str) -> None:
    from ...datasets.visible import visible

    write_results(visible(text) + "\n")
