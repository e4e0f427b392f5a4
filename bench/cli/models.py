"""`list`, `show` and `verify`: the models, their cost, and their published numbers."""

from collections import Counter
from pathlib import Path
from typing import Annotated

from ...datasets.plurals import quantity
from ..text.ranges import LEVELS, THREADS, VIEWS
from . import common, complete
from .frame import (
    EXIT_FAILED,
    MODELS,
    UNLIMITED,
    command,
    console,
    load_plugins,
    print_json,
    progress,
    report,
    write_results,
)
from .options import Group, argument, flag, option

KINDS = ("models", "datasets", "protocols", "suites", "measurements")


class Listed(Group, panel="What"):
    """The kind of thing that is listed."""

    kind: Annotated[
        str,
        argument(
            "models, datasets, protocols, suites or measurements.",
            "KIND",
            complete=lambda incomplete: [kind for kind in KINDS if kind.startswith(incomplete)],
        ),
    ]
    recount: Annotated[
        bool, flag("Build and count every model again; it takes minutes.", "--recount")
    ] = False
    plugin: common.Plugins = None


class Shown(Group, panel="What"):
    """The model, and its input."""

    model: common.Model
    frames: common.OwnFrames = None
    size: common.OwnSize = None
    classes: common.OwnClasses = None
    depth: Annotated[int, option("Levels of modules to show.", "N", within=LEVELS)] = 2
    plugin: common.Plugins = None


class Timed(Group, panel="How"):
    """Options for timing the modules."""

    profile: Annotated[
        bool, flag("Time each module, and compare it with the roofline.", "--profile")
    ] = False
    device: common.Device = None
    precision: common.Precision = None
    batch: Annotated[
        int | None, option("Views in a timed forward.", "N", default="1", within=VIEWS)
    ] = None
    threads: Annotated[
        int | None,
        option("Threads on the CPU.", "N", default="all physical cores", within=THREADS),
    ] = None


class Verified(Group, panel="What"):
    """The models that are compared with published numbers."""

    model: Annotated[
        list[str] | None,
        argument("Models to compare.", "MODEL", default="all", complete=complete.models),
    ] = None
    plugin: common.Plugins = None


class Form(Group, panel="Results"):
    """Options for the form of the output."""

    json: common.Json = False


class Page(Group, panel="Results"):
    """Options for the page: its file and its form."""

    output: Annotated[
        Path | None, option("Write the page in Markdown to this file.", "FILE", default="none")
    ] = None
    json: common.Json = False


@command("list", MODELS)
def list_(what: Listed, form: Form) -> None:
    """List models, datasets, protocols, suites or measurements."""
    from ..cards import listing

    load_plugins(what.plugin)
    with progress("counting", shown=what.recount) as on_progress:
        found = listing.lines(what.kind, what.recount, on_progress)
    if form.json:
        print_json(found)
    else:
        spare = listing.SPARE.get(what.kind, ())
        listing.show(listing.on_screen(what.kind, found), console(UNLIMITED), spare)


@command("show", MODELS)
def show(what: Shown, how: Timed, form: Form) -> None:
    """Show a model's card: paper, contract, cost by module, published numbers, times."""
    from ..cards import model as card
    from ..cards.profile import profile_settings

    common.check_threads(how.threads)
    load_plugins(what.plugin)
    settings = profile_settings(how.profile, how.device, how.precision, how.batch, how.threads)
    made = card.make_card(what.model, what.frames, what.size, what.classes)
    if settings is not None:
        made = card.profiled(made, what.depth, *settings)
    if form.json:
        write_results(card.to_json(made) + "\n")
    else:
        card.show_card(made, console(), what.depth)


@command("verify", MODELS)
def verify(what: Verified, page: Page) -> None:
    """Count models at the inputs of published numbers, and compare both."""
    from ..cards import printed as verifying
    from ..cards import printed_page
    from ..cards.listing import show as show_lines
    from ..records.files import write_text

    load_plugins(what.plugin)
    with progress("comparing") as on_progress:
        compared = verifying.verify(what.model, on_progress)
    if page.output is not None:
        write_text(page.output, printed_page.render(compared))
    if page.json:
        print_json(compared)
    elif page.output is None:
        if not compared:
            print("no published numbers of " + ", ".join(what.model or ()))
        show_lines(printed_page.lines(compared), console(UNLIMITED))
    unexplained = [each for each in compared if each.is_unexplained]
    for each in unexplained:
        report(f"{each.published.model} is not what {each.published.source} printed")
    for error, count in Counter(each.error for each in compared if each.error).items():
        report(f"not compared: {quantity(count, 'published row')}: {error}")
    if unexplained:
        raise SystemExit(EXIT_FAILED)
