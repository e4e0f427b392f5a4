"""`list`, `show` and `verify`: what there is, what it costs, and what was printed of it."""

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from .frame import (
    EXIT_FAILED,
    UNLIMITED,
    AtPrecision,
    Json,
    Plugins,
    app,
    console,
    load_plugins,
    print_json,
    progress,
    tell,
    told,
)


@app.command("list")
@told
def list_(
    kind: Annotated[str, typer.Argument(metavar="models|datasets|protocols|suites")],
    recount: Annotated[
        bool, typer.Option("--recount", help="Build and count every model anew (minutes).")
    ] = False,
    plugin: Plugins = None,
    json: Json = False,
) -> None:
    """List models, datasets, protocols or suites."""
    from ..cards import listing

    load_plugins(plugin)
    with progress("counting", shown=recount) as told_of:
        found = listing.lines(kind, recount, told_of)
    if json:
        print_json(found)
    else:
        spare = listing.SPARE.get(kind, ())
        listing.show(listing.on_screen(kind, found), console(UNLIMITED), spare)


@app.command()
@told
def show(
    model: str,
    frames: Annotated[int | None, typer.Option(min=1, help="Frames of the clip.")] = None,
    size: Annotated[int | None, typer.Option(min=1, help="Height and width in pixels.")] = None,
    classes: Annotated[int | None, typer.Option(min=1, help="Outputs of the head.")] = None,
    depth: Annotated[int, typer.Option(min=1, help="Levels of modules to show.")] = 2,
    profile: Annotated[
        bool, typer.Option("--profile", help="Time each module and hold it against the roofline.")
    ] = False,
    device: Annotated[
        str | None, typer.Option(metavar="cpu|cuda", help="Where it is timed (default: cpu).")
    ] = None,
    precision: AtPrecision = None,
    batch: Annotated[
        int | None, typer.Option(min=1, help="Views in a timed forward (default: 1).")
    ] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Threads on the CPU (default: all physical cores).")
    ] = None,
    plugin: Plugins = None,
    json: Json = False,
) -> None:
    """Show a model's card: paper, contract, cost by module, published numbers, times."""
    from ..cards import model as card
    from ..cards.profile import profile_settings

    load_plugins(plugin)
    settings = profile_settings(profile, device, precision, batch, threads)
    made = card.make_card(model, frames, size, classes)
    if settings is not None:
        made = card.profiled(made, depth, *settings)
    if json:
        print(card.to_json(made).decode())
    else:
        card.show_card(made, console(), depth)


@app.command()
@told
def verify(
    model: Annotated[list[str] | None, typer.Argument(help="These alone (default: all).")] = None,
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the page, in Markdown, here.")
    ] = None,
    plugin: Plugins = None,
    json: Json = False,
) -> None:
    """Count every model at the inputs of printed numbers, and set both side by side."""
    from ..cards import printed as verifying
    from ..cards import printed_page
    from ..cards.listing import show as show_lines
    from ..records.files import write_text

    load_plugins(plugin)
    with progress("comparing") as told_of:
        compared = verifying.verify(model, told_of)
    if output is not None:
        write_text(output, printed_page.render(compared))
    if json:
        print_json(compared)
    elif output is None:
        if not compared:
            print("nothing was printed of " + ", ".join(model or ()))
        show_lines(printed_page.lines(compared), console(UNLIMITED))
    unexplained = [each for each in compared if each.is_unexplained]
    for each in unexplained:
        tell(f"{each.published.model} is not what {each.published.source} printed")
    for error, count in Counter(each.error for each in compared if each.error).items():
        tell(f"{count} printed rows were not compared: {error}")
    if unexplained:
        raise SystemExit(EXIT_FAILED)
