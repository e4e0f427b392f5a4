"""`data`: making, showing and checking datasets."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from ...datasets.errors import KinobenchError
from ..text.ranges import FRAMES, PIXELS, PROCESSES, QUALITY, SEED, VIDEOS
from . import common, complete
from . import data_doctor as data_doctor  # adds its command
from .data_app import data_app
from .frame import EXIT_FAILED, UNLIMITED, command, console, load_plugins, print_json, report
from .options import Group, argument, flag, option


class Listed(Group, panel="What"):
    """The files whose datasets are listed too."""

    plugin: common.Plugins = None


class Form(Group, panel="Results"):
    """The form of the list."""

    json: common.Json = False


class Generated(Group, panel="What"):
    """The dataset, and how it differs from its usual form."""

    name: Annotated[
        str,
        argument(
            "A dataset; without --to, one that can be generated.",
            "NAME",
            complete=complete.datasets,
        ),
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


class Smaller(Group, panel="How"):
    """The copy: where it is, and what its files are like."""

    to: Annotated[
        str | None,
        option("Folder for a copy of the dataset, new or of the same copy.", "DIR", default="none"),
    ] = None
    split: Annotated[
        list[str] | None,
        option(
            "Split to copy; may be repeated.",
            "SPLIT",
            default="the first; of your own videos, all",
        ),
    ] = None
    short_side: Annotated[
        int | None,
        option("The most pixels of the short side, even.", "N", default="256", within=PIXELS),
    ] = None
    gop: Annotated[
        int | None,
        option("The most frames from one key frame to the next.", "N", default="12", within=FRAMES),
    ] = None
    codec: Annotated[
        str | None,
        option(
            "Codec: h264, hevc or mpeg4.",
            "CODEC",
            default="h264, or the first that is there",
            complete=complete.codecs,
        ),
    ] = None
    quality: Annotated[
        int | None,
        option(
            "Quality, less is better: crf of h264 and hevc, quantiser of mpeg4.",
            "N",
            default="20, 22 or 3",
            within=QUALITY,
        ),
    ] = None
    copy: Annotated[bool, flag("Keep the bytes of the files, and encode nothing.", "--copy")] = (
        False
    )
    shards: Annotated[
        str | None,
        option("Write WebDataset tars of about this size, as 1GB.", "SIZE", default="files"),
    ] = None
    processes: Annotated[
        int | None,
        option("Processes that encode.", "N", default="one a processor", within=PROCESSES),
    ] = None
    overwrite: Annotated[
        bool, flag("Remove another copy that is in the folder.", "--overwrite")
    ] = False
    ignore_space: Annotated[
        bool, flag("Begin even if there seems to be too little room.", "--ignore-space")
    ] = False


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


@command("list", to=data_app)
def data_list(what: Listed, form: Form) -> None:
    """List all known datasets: their size and licence, where to get them, how to check them."""
    from ..cards import known_datasets, listing

    load_plugins(what.plugin)
    known = known_datasets.known_datasets()
    if form.json:
        print_json(known)
    else:
        listing.show(known_datasets.on_screen(known), console(UNLIMITED))


@command("make", to=data_app)
def data_make(what: Generated, smaller: Smaller, place: Place, own: common.Own) -> None:
    """Generate a dataset; or, with --to, make a copy of any dataset in smaller files or in tars.

    It prints the folder. What is there already is kept, so an interrupted copy continues.
    """
    load_plugins(what.plugin)
    if smaller.to is None:
        _generate(what, place, smaller, own)
        return
    given = _given(what, ("set_", "seed", "train", "test"))
    if given:
        raise KinobenchError(
            f"{', '.join(given)}: they are for a dataset that is generated; generate it first, "
            "without --to"
        )
    _copy(what.name, place, smaller, own)


def _generate(what: Generated, place: Place, smaller: Smaller, own: common.Own) -> None:
    from ...datasets import catalog
    from ..run.prepare import make_dataset
    from ..text.terminal import PlainConsole

    given = [
        *_given(smaller, tuple(Smaller.__annotations__)),
        *_given(own, tuple(common.Own.__annotations__)),
    ]
    if given:
        raise KinobenchError(
            f"{', '.join(given)}: they are for a copy in smaller files; say where to by --to DIR"
        )
    dataset = catalog.get(what.name)
    if dataset.make is None:
        source = f"get it from {dataset.homepage}: " if dataset.homepage else ""
        raise KinobenchError(
            f"{what.name} can't be generated; {source}{dataset.obtain}; for a copy of it in "
            "smaller files, give --to DIR"
        )
    changes = catalog.Changes(
        settings=tuple(what.set_ or ()), seed=what.seed, train=what.train, test=what.test
    )
    print(make_dataset(dataset, _folder(place), PlainConsole(stderr=True), changes))


def _copy(name: str, place: Place, smaller: Smaller, own: common.Own) -> None:
    from ...datasets.made.form import GOP, SHORT_SIDE, form_of
    from ...datasets.own import expanded
    from ..run.copying import Manner, copy_dataset, size_bytes
    from ..text.terminal import PlainConsole

    of_pictures = _given(smaller, ("short_side", "gop", "codec", "quality"))
    if smaller.copy and of_pictures:
        raise KinobenchError(
            f"--copy: it keeps the bytes, so leave out {', '.join(of_pictures)}, or --copy"
        )
    form = form_of(
        short_side=SHORT_SIDE if smaller.short_side is None else smaller.short_side,
        gop=GOP if smaller.gop is None else smaller.gop,
        codec=smaller.codec,
        quality=smaller.quality,
        keeps_bytes=smaller.copy,
        shard_bytes=None if smaller.shards is None else size_bytes("--shards", smaller.shards),
    )
    assert smaller.to is not None  # it is a copy
    copied = copy_dataset(
        name,
        [each for given in smaller.split or () for each in given.split(",")],
        common.data_roots_from(common.one_root(place.data_root), own),
        expanded(smaller.to),
        form,
        Manner(smaller.processes, smaller.overwrite, smaller.ignore_space),
        PlainConsole(stderr=True),
    )
    for each in copied.lines:
        report(each)
    print(copied.folder)
    if not copied.is_whole:
        raise SystemExit(EXIT_FAILED)


def _given(group: Group, fields: Sequence[str]) -> list[str]:
    """Return the options of a group that are given, as the command line names them."""
    names = [each for each in fields if vars(group)[each] not in (None, False)]
    return [f"--{_OPTION_OF.get(each, each).replace('_', '-')}" for each in names]


_OPTION_OF = {"set_": "set", "lists": "list"}
"""The options that are named otherwise than their fields."""


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
