"""`data`: making, showing and checking datasets."""

from pathlib import Path
from typing import Annotated

from ..text.ranges import SEED, VIDEOS
from . import common, complete
from . import data_doctor as data_doctor  # adds its command
from .data_app import data_app
from .frame import command, console, load_plugins, print_json, report
from .options import Group, argument, option


class Generated(Group, panel="What"):
    """The dataset, and how it differs from its usual form."""

    name: Annotated[
        str, argument("A dataset that can be generated.", "NAME", complete=complete.datasets)
    ]
    set_: Annotated[
        list[str] | None,
        option(
            "Another value of an option, as dots=3..24; `data show` lists them. May be repeated.",
            "OPTION=VALUE",
            "--set",
            default="the dataset's",
        ),
    ] = None
    seed: Annotated[
        int | None,
        option("Seed of all random numbers.", "N", default="the dataset's", within=SEED),
    ] = None
    train: Annotated[
        int | None,
        option("Training videos of each class.", "N", default="the dataset's", within=VIDEOS),
    ] = None
    test: Annotated[
        int | None,
        option("Test videos of each class.", "N", default="the dataset's", within=VIDEOS),
    ] = None
    plugin: common.Plugins = None


class Shown(Group, panel="What"):
    """The dataset."""

    name: Annotated[str, argument("A dataset.", "NAME", complete=complete.datasets)]
    plugin: common.Plugins = None


class Place(Group, panel="Data"):
    """Options for the folder of the dataset."""

    data_root: common.DataRoot = None


class Output(Group, panel="Results"):
    """Options for the page about the dataset: its file and its form."""

    output: Annotated[
        Path | None,
        option(
            "Draw a contact sheet of its classes: frames, and the motion as streaks.",
            "FILE.png",
            default="none",
        ),
    ] = None
    json: common.Json = False


@command("make", to=data_app)
def data_make(what: Generated, place: Place) -> None:
    """Generate a dataset and print its folder; one that is there already is kept."""
    from ...datasets import catalog
    from ...datasets.errors import KinobenchError
    from ..run.prepare import make_dataset
    from ..text.terminal import PlainConsole

    load_plugins(what.plugin)
    dataset = catalog.get(what.name)
    if dataset.make is None:
        source = f"get it from {dataset.homepage}: " if dataset.homepage else ""
        raise KinobenchError(f"{what.name} can't be generated; {source}{dataset.obtain}")
    changes = catalog.Changes(
        settings=tuple(what.set_ or ()), seed=what.seed, train=what.train, test=what.test
    )
    print(make_dataset(dataset, _folder(place), PlainConsole(stderr=True), changes))


def _folder(place: Place) -> Path | None:
    from ...datasets.own import expanded

    return None if place.data_root is None else expanded(place.data_root)


@command("show", to=data_app)
def data_show(what: Shown, place: Place, output: Output) -> None:
    """Show a dataset's card: what it tests, its classes, splits and options."""
    from ..cards import dataset as dataset_card

    load_plugins(what.plugin)
    card = dataset_card.make_card(what.name, _folder(place))
    if output.json:
        print_json(card)
    else:
        dataset_card.show_card(card, console())
    if output.output is not None:
        from ..cards import contact_sheet
        from ..text.terminal import PlainConsole

        contact_sheet.draw_sheet(
            what.name, _folder(place), output.output, PlainConsole(stderr=True)
        )
        report(f"contact sheet: {output.output}")
