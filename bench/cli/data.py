"""`data`: making and inspecting datasets."""

from pathlib import Path
from typing import Annotated

import typer

from .frame import DataRoot, Json, Plugins, console, data_app, load_plugins, print_json, tell, told


@data_app.command("make")
@told
def data_make(
    name: Annotated[str, typer.Argument(help="A dataset that can be generated.")],
    data_root: DataRoot = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="FIELD=VALUE",
            help="Another number than the dataset's own, as dots=3..24; `data show` lists them. "
            "May be repeated.",
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Of every draw (default: the dataset's).")
    ] = None,
    train: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Training videos of each class.")
    ] = None,
    test: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Test videos of each class.")
    ] = None,
    plugin: Plugins = None,
) -> None:
    """Generate a dataset, and print its folder; at once if it is there already."""
    from rich.console import Console

    from ...datasets import catalog
    from ...datasets.errors import KinobenchError
    from ..run import run as running

    load_plugins(plugin)
    dataset = catalog.get(name)
    if dataset.make is None:
        raise KinobenchError(
            f"{name} can't be generated; it is to be had at {dataset.homepage}: {dataset.obtain}"
        )
    changes = catalog.Changes(settings=tuple(set_ or ()), seed=seed, train=train, test=test)
    print(running.make(dataset, data_root, Console(stderr=True), changes))


@data_app.command("show")
@told
def data_show(
    name: Annotated[str, typer.Argument(help="A dataset.")],
    data_root: DataRoot = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            metavar="FILE.png",
            help="Draw a contact sheet of its classes: frames, and the motion as streaks.",
        ),
    ] = None,
    plugin: Plugins = None,
    json: Json = False,
) -> None:
    """Show a dataset's card: what it tests, its classes, splits and options."""
    from ..cards import dataset as dataset_card

    load_plugins(plugin)
    card = dataset_card.make_card(name, data_root)
    if json:
        print_json(card)
    else:
        dataset_card.show_card(card, console())
    if output is not None:
        from rich.console import Console

        from ..cards import contact_sheet

        contact_sheet.draw_sheet(name, data_root, output, Console(stderr=True))
        tell(f"contact sheet: {output}")
