"""`list`, `show` and `verify`: the models, their cost, and their published numbers."""

from collections import Counter
from pathlib import Path
from typing import Annotated, Any

from ...datasets.errors import KinobenchError, UnknownNameError
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
    write_page,
    write_results,
)
from .options import Group, argument, flag, option, values

KINDS = ("models", "datasets", "protocols", "suites", "runtimes", "measurements")


class Listed(Group, panel="What"):
    """The kind of thing that is listed."""

    kind: Annotated[
        str,
        argument(
            "models, datasets, protocols, suites, runtimes or measurements.",
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
        bool,
        flag(
            "Time each module, and compare it with the roofline; in another runtime than torch, "
            "time each operator.",
            "--profile",
        ),
    ] = False
    device: common.Device = None
    runtime: common.OneRuntime = None
    provider: common.Provider = None
    hint: common.Hint = None
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


class Card(Group, panel="Results"):
    """Options for the form of a card, and for the results on it."""

    format: Annotated[
        str | None,
        option(
            "Format of the card as a page, which has stored results too: md or html.",
            "FORMAT",
            default="by the ending of --output; without it, a card for the terminal",
        ),
    ] = None
    output: Annotated[
        Path | None, option("Write the page to this file.", "FILE", default="none")
    ] = None
    results: common.ResultsFolders = None
    json: common.Json = False


class Page(Group, panel="Results"):
    """Options for the page: its file and its form."""

    output: Annotated[
        Path | None, option("Write the page in Markdown to this file.", "FILE", default="none")
    ] = None
    json: common.Json = False


@command("list", MODELS)
def list_(what: Listed, form: Form) -> None:
    """List models, datasets, protocols, suites, runtimes or measurements."""
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
def show(what: Shown, how: Timed, form: Card) -> None:
    """Show a model's card: paper, contract, cost by module, published numbers, times."""
    from ..cards import model as card
    from ..cards.profile import profile_settings

    common.check_threads(how.threads)
    page = _page_of(form, how.profile)
    load_plugins(what.plugin)
    settings = profile_settings(**values(how))
    made = card.make_card(what.model, what.frames, what.size, what.classes)
    if settings is not None:
        made = card.profiled(made, what.depth, settings)
    if form.json:
        write_results(card.to_json(made) + "\n")
    elif page is None:
        card.show_card(made, console(), what.depth)
    else:
        text = _card_page(made, page, what, form)
        if form.output is None:
            write_page(text)
        else:
            from ..records.files import write_text

            write_text(form.output, text)


def _page_of(form: Card, profile: bool) -> str | None:
    """Return the format of the page, `md` or `html`; None if none is asked for.

    Raises:
        KinobenchError: There is no such format, or another option contradicts it.
    """
    suffix = "" if form.output is None else form.output.suffix[1:].lower()
    page = form.format or {"htm": "html", "": "md"}.get(suffix, suffix)
    if form.format is None and form.output is None:
        if form.results:
            raise KinobenchError("--results: only a page has stored results; add --format html")
        return None
    if page not in ("md", "html"):
        raise UnknownNameError("format of a card", page, ("md", "html"))
    for given, name in ((form.json, "--json"), (profile, "--profile")):
        if given:
            raise KinobenchError(f"{name}: a page has no place for it; leave out one of them")
    return page


def _card_page(made: Any, page: str, what: Shown, form: Card) -> str:
    """Return the page of a card."""
    from ..cards import html, markdown
    from ..cards.content import card_page
    from ..leaderboard.build import read_boards

    is_empty = form.results is None and not (Path("results") / "runs").is_dir()
    boards = [] if is_empty else read_boards(common.results_of(form.results), report)
    content = card_page(made, boards, [str(each) for each in what.plugin or ()])
    if page == "md":
        return markdown.render(content, what.depth)
    from ..figures.modules import modules_svg

    return html.render(content, modules_svg(made.macs_by_module, what.depth))


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
