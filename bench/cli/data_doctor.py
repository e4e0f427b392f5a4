"""`data doctor`: what is wrong with a copy of a dataset, before a long run."""

import shlex
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from ...datasets.errors import program
from ..text.ranges import PROCESSES, TIMEOUT_S
from . import common, complete
from .data_app import data_app
from .frame import EXIT_FAILED, UNLIMITED, command, console, load_plugins, print_json, report
from .options import Group, argument, flag, option

if TYPE_CHECKING:
    from ...datasets.doctor.examine import Progress
    from ...datasets.doctor.report import Report
    from ...datasets.findings import Kind

_LINE_EVERY_S = 30.0
"""Without a terminal, a line says how far it is this often."""


class Examined(Group, panel="What"):
    """The dataset and its copy."""

    name: Annotated[str, argument("A dataset.", "NAME", complete=complete.datasets)]
    split: Annotated[
        str | None, option("Look at one split only.", "SPLIT", default="all of them")
    ] = None
    against: Annotated[
        list[str] | None,
        option(
            "Another release of Kinetics, whose videos these must not share; its lists are enough. "
            "May be repeated.",
            "NAME=DIR",
            default="none",
        ),
    ] = None
    plugin: common.Plugins = None


class Place(Group, panel="Data"):
    """Options for the folder of the dataset."""

    data_root: common.DataRoot = None


class How(Group, panel="How"):
    """How closely it is looked at."""

    decode: Annotated[bool, flag("Decode every frame of every file, too.", "--decode")] = False
    protocol: Annotated[
        str | None,
        option(
            "Protocol whose clips the videos must be long enough for.",
            "NAME",
            default="the dataset's",
            complete=complete.protocols,
        ),
    ] = None
    processes: Annotated[
        int | None,
        option("Processes that look at files.", "N", default="one a core", within=PROCESSES),
    ] = None
    file_timeout: Annotated[
        float,
        option("Give up on a file that gives nothing for this time.", "SECONDS", within=TIMEOUT_S),
    ] = 600.0
    fresh: Annotated[
        bool, flag("Look at all files again, also those that were looked at before.", "--fresh")
    ] = False


class Results(Group, panel="Results"):
    """Options for what is written."""

    write_missing: Annotated[
        Path | None,
        option("Write a list of the videos to get again, as CSV.", "FILE", default="none"),
    ] = None
    files_of: Annotated[
        str | None,
        option(
            "Print the files that findings of a kind say to remove, as `xargs -0` reads them.",
            "KIND",
            default="none",
            complete=complete.kinds_of_files,
        ),
    ] = None
    json: common.Json = False


@command("doctor", to=data_app)
def data_doctor(what: Examined, how: How, place: Place, own: common.Own, results: Results) -> None:
    """Check a copy of a dataset before a long run: what is missing, wrong or leaks, and the cure.

    Headers are read; --decode decodes every frame. What was looked at is kept, and the same command
    continues. The exit code is 1 if something changes results.
    """
    from ...datasets import catalog
    from ...datasets.doctor.again import list_to_get
    from ...datasets.doctor.examine import Examination, examine
    from ...datasets.doctor.workers import Workers
    from ...datasets.protocol import preset
    from ..records.files import write_text
    from ..records.job import worker_command

    kind = None if results.files_of is None else _kind(results)
    load_plugins(what.plugin)
    roots = common.data_roots_from(common.one_root(place.data_root), own)
    roots.refuse_unused([what.name])
    dataset = catalog.get(what.name)
    root = roots.of(what.name, only=True)
    said = [*roots.arguments(what.name), *_asked(what, how)]
    wanted = Examination(
        dataset=dataset,
        root=root,
        own=roots.own_of(what.name),
        split=what.split,
        look="frames" if how.decode else "header",
        protocol=preset(how.protocol or dataset.default_protocol),
        others=tuple(_other(given, dataset.name) for given in what.against or ()),
        again=shlex.join([*program().split(), "data", "doctor", what.name, *said]),
        min_found=roots.min_found,
        fresh=how.fresh,
    )
    workers = Workers(
        command=(*worker_command(), "--look-at"),
        count=how.processes or common.usable_processors(),
        timeout_s=how.file_timeout,
    )
    with _progress(shown=not results.json and kind is None) as progress:
        copy, found = examine(wanted, workers, progress)
    if results.write_missing is not None:
        write_text(results.write_missing, list_to_get(copy, found.complaints, root))
    if kind is not None:
        _print_files(found, kind)
    else:
        _show(found, results.json)
    if found.is_interrupted:
        raise KeyboardInterrupt
    if found.is_bad and kind is None:
        raise SystemExit(EXIT_FAILED)


def _asked(what: Examined, how: How) -> list[str]:
    """Return the options that say what is looked for, for a command that does it again."""
    said = [] if what.split is None else ["--split", what.split]
    said += [] if how.protocol is None else ["--protocol", how.protocol]
    for option_, values in (("--against", what.against), ("--plugin", what.plugin)):
        for value in values or ():
            said += [option_, str(value)]
    return said


def _kind(results: Results) -> "Kind":
    """Return the kind of findings whose files are asked for."""
    from ...datasets.doctor.complaints import KINDS, word_of
    from ...datasets.errors import KinobenchError, UnknownNameError

    assert results.files_of is not None
    if results.json:
        raise KinobenchError("--files-of: it prints files in place of --json; leave one out")
    known = {word_of(kind): kind for kind in KINDS}
    kind = known.get(results.files_of.replace(" ", "-"))
    if kind is None:
        raise UnknownNameError("kind of finding", results.files_of, list(known))
    return kind


def _print_files(found: "Report", kind: "Kind") -> None:
    """Print the paths of files, each with a NUL behind it, which no path has."""
    import os
    import sys

    paths = [path for each in found.complaints if each.kind == kind for path in each.files]
    sys.stdout.flush()
    sys.stdout.buffer.write(b"".join(os.fsencode(path) + b"\0" for path in dict.fromkeys(paths)))
    sys.stdout.buffer.flush()


def _other(given: str, dataset: str) -> tuple[str, Path]:
    """Return the name of another release, and the place of its lists."""
    from ...datasets.doctor.other_lists import check_names
    from ...datasets.errors import KinobenchError
    from ...datasets.own import expanded

    name, equals, place = given.partition("=")
    if not equals:
        raise KinobenchError(f"--against {given}: write NAME=DIR, as kinetics600=~/k600")
    check_names(name, dataset)
    return name, expanded(place)


def _show(found: "Report", as_json: bool) -> None:
    from ..cards.copy_page import show_report

    if as_json:
        print_json(found)
        return
    screen = console(UNLIMITED)
    show_report(found, screen, screen.height - 1 if screen.is_terminal else None)


@contextmanager
def _progress(shown: bool) -> Iterator["Progress"]:
    """Give a function that is called with what is done, how much of it, and of how much.

    On a terminal it moves a bar; else it prints a line now and then.
    """
    from ..text.progress import open_bar
    from ..text.terminal import PlainConsole

    screen = PlainConsole(stderr=True)
    with open_bar(screen) as bar:
        task = bar.add_task("", total=None, visible=shown)
        begun: dict[str, tuple[float, float]] = {}
        said_s = time.monotonic()

        def show(step: str, done: float, total: float) -> None:
            nonlocal said_s
            now_s = time.monotonic()
            begun_s, begun_done = begun.setdefault(step, (now_s, done))
            end = ""
            if done > begun_done:
                left_s = (total - done) * (now_s - begun_s) / (done - begun_done)
                end = time.strftime(", ends %H:%M", time.localtime(time.time() + left_s))
            if screen.is_terminal:
                bar.update(task, description=f"{step}{end}", completed=done, total=total)
            elif shown and now_s - said_s > _LINE_EVERY_S:
                said_s = now_s
                report(f"{step}: {done:.0f} of {total:.0f}{end}")

        yield show
