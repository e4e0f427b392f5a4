"""Datasets by name. The code that reads one is imported when it is loaded."""

from collections.abc import Callable
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

import msgspec

from . import opposites
from .copies.described import Described
from .copies.known import DESCRIBED
from .errors import DatasetError, KinobenchError, UnknownNameError, check_name, program
from .lists import layouts
from .lists.class_names import class_names
from .lists.layouts import Layout
from .offered import check_request, checked_fields, checked_split
from .opposites import Opposites
from .own import LIST, OF_OTHERS, OWN, OwnVideos
from .plurals import quantity
from .pointlight.levels import LEVELS, Level
from .sources.unreachable import refusing_unreachable
from .split import Split
from .surroundings import kept
from .their_errors import error_text
from .visible import one_line

ENTRY_POINT_GROUP = "kinobench.datasets"

NOTHING_SAID = OwnVideos()
_OURS_ALONE = ("aliases", "layouts", "load_as", "other_splits", "read")
"""Fields that no plug-in has."""

Progress = Callable[[int, int], None]
"""Called with the number of videos made so far, and the number of all."""


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """Differences from the named dataset in one that is generated on request.

    Attributes:
        settings: `FIELD=VALUE` for the dataset's own options.
        seed: Seed of everything that is drawn.
        train, test: Videos of each class in the split.
    """

    settings: tuple[str, ...] = ()
    seed: int | None = None
    train: int | None = None
    test: int | None = None


class Dataset(msgspec.Struct, frozen=True, kw_only=True):
    """A dataset as the catalog knows it.

    Another distribution offers one, or any object with these attributes, by an entry point of the
    group `kinobench.datasets` with the same name. Attributes that have a default may be absent.

    Attributes:
        name: Lower case letters, digits, and `_`, `-`, `.` and `+`, as on the command line.
        title: The name as people write it.
        load: `load(root, split)` gives the split of that name in the folder `root`; a split of None
            is the first of `splits`. Raises DatasetError if something is missing or wrong. Call it
            by `load_split`, which checks what it gives.
        default_protocol: Name of the protocol that it is measured under by default.
        num_classes: Number of classes; None: a split that is loaded says how many it has.
        splits: Names of the splits, the default first; empty: those that are there, see
            `split_names`.
        homepage: The page of its publishers; empty if it has none.
        obtain: Text that says how people get it.
        tree: The expected folders and files, one a line.
        needs_root: False if `load(None, split)` finds or makes the videos itself.
        opposites: Pairs of classes that look like each other run backwards; a class that looks the
            same backwards is a pair with itself. `motion` counts answers by them.
        make: `make(root, progress)` generates the dataset in `root`, or, if that is None, where
            `load(None, ...)` looks, and returns the folder; at once if it is there already. None
            for a dataset that can't be generated.
        make_changed: `make_changed(root, changes, progress)` generates it with changes; None if
            it can be generated in one way only.
        purpose: Ability that it tests, in a sentence, with the best possible score if that is
            known.
        licence: The licence of its videos and lists, as its publishers state it; empty if they
            state none.
        videos: Number of its videos as published, in all splits; None if that isn't known.
        size_bytes: What they take as published, unpacked; None if that isn't known.
        aliases: Other names that people give it; kinobench's own datasets have some.
        layouts: Names of the layouts that copies of it are read in; empty: there is one.
        other_splits: The split that each further name of one stands for: `val` for `validation`.
        load_as: `load_as(root, split, own)` gives a split as `load` does, from the layout that
            `own` names, or, if it names none, from the one that fits best; with `layouts` alone.
        read: `read(root, own)` gives all splits by their names; kinobench's own readers of
            people's videos have it, and no plug-in.
    """

    name: str
    title: str
    load: Callable[[Path | None, str | None], Split]
    default_protocol: str
    num_classes: int | None
    splits: tuple[str, ...]
    homepage: str
    obtain: str = ""
    tree: str = ""
    opposites: Opposites = ()
    needs_root: bool = True
    make: Callable[[Path | None, Progress | None], Path] | None = None
    make_changed: Callable[[Path | None, Changes, Progress | None], Path] | None = None
    purpose: str = ""
    licence: str = ""
    videos: int | None = None
    size_bytes: int | None = None
    aliases: tuple[str, ...] = ()
    layouts: tuple[str, ...] = ()
    other_splits: dict[str, str] = {}
    load_as: Callable[[Path | None, str | None, OwnVideos], Split] | None = None
    read: Callable[[Path | None, OwnVideos], dict[str, Split]] | None = None

    def __repr__(self) -> str:
        known = self.num_classes is not None
        classes = quantity(self.num_classes or 0, "class", "classes") if known else "your classes"
        return one_line(f"<Dataset {self.name}: {self.title}, {classes}>")


def register(dataset: Dataset) -> None:
    """Add a dataset, as a file given by `--plugin` does; another distribution uses an entry point.

    Raises:
        KinobenchError: Another dataset has the name already, or it has other characters than
            letters, digits, and `_`, `-`, `.` and `+`; or another attribute is not what `Dataset`
            says.
    """
    if not isinstance(dataset, Dataset):
        raise KinobenchError(
            f"register was given {dataset!r}; give a Dataset, of kinobench.datasets.catalog"
        )
    checked = checked_fields(msgspec.structs.asdict(dataset))
    if dataset.name in names():
        raise KinobenchError(f"dataset {dataset.name!r} is taken; choose another name")
    changed = {name: now for name, now in checked.items() if now != getattr(dataset, name)}
    _registered[dataset.name] = msgspec.structs.replace(dataset, **changed) if changed else dataset


def names() -> list[str]:
    """Return the name of every dataset, in alphabetical order, without importing a plugin."""
    return sorted({*_BUILT_IN, *_registered, *_plugins()})


def get(name: str) -> Dataset:
    """Return the dataset of that name, which may be one of its other names.

    Raises:
        UnknownNameError: No dataset has that name; the message has the nearest one.
        KinobenchError: An installed plugin of that name is not a dataset, or takes a name twice.
    """
    name = canonical(name)
    if name in _BUILT_IN or name in _registered:
        return _BUILT_IN.get(name) or _registered[name]
    plugins = _plugins()
    if name not in plugins:
        hint = (
            f"`{program()} list datasets` shows all; if it is your own, name its file with "
            "--plugin FILE"
        )
        raise UnknownNameError("dataset", name, names(), hint)
    return _from_plugin(plugins[name])


@refusing_unreachable()
def fits(dataset: Dataset, root: Path) -> bool:
    """Report whether a folder has a list of a dataset that is read in several layouts.

    Raises:
        DatasetError: The folder can't be listed.
    """
    described = DESCRIBED.get(dataset.name)
    if described is None:
        return False
    from .copies.read import has_lists

    return has_lists(described, root)


def canonical(name: str) -> str:
    """Return the name of the dataset that has another name, such as `k400`; others as they are."""
    meant = _ALIASES.get(name.casefold(), name)
    return name if meant == name or name in _registered or name in _plugins() else meant


@refusing_unreachable()
def split_names(
    dataset: Dataset, root: Path | None, own: OwnVideos = NOTHING_SAID
) -> tuple[str, ...]:
    """Return the names of a dataset's splits, the default first; own videos are looked at.

    Args:
        dataset: The dataset.
        root: Its folder.
        own: What is said about own videos.

    Raises:
        DatasetError: Own videos are not there, or not what they should be.
    """
    if dataset.read is None:
        return dataset.splits
    from .lists.split_names import in_order

    return in_order(_own_splits(dataset.read, root, own))


@refusing_unreachable()
def load_split(
    dataset: Dataset, root: Path | None, split: str | None, own: OwnVideos = NOTHING_SAID
) -> Split:
    """Return a split of a dataset; what is wrong with one of somebody else's is found here.

    The surroundings are kept meanwhile; see `surroundings`. A note of the split says what changed.

    Args:
        dataset: The dataset.
        root: Its folder; None: the dataset finds or makes its videos itself.
        split: The split's name; None is the first.
        own: What is said about own videos.

    Raises:
        UnknownNameError: The dataset has no such split.
        DatasetError: It is not there; or its `load` fails, or returns something else than a split
            of it; or something is said about own videos, and it is another dataset.
    """
    if dataset.read is not None:
        from .lists.split_names import chosen

        _refuse_layout(dataset, own)
        splits = _own_splits(dataset.read, root, own)
        return _with_made_note(splits[chosen(dataset.name, splits, split)], own.base(root))
    if dataset.load_as is not None and set(own.given) <= set(OF_OTHERS):
        return _with_made_note(dataset.load_as(root, split, own), root)
    _refuse_layout(dataset, own)
    if own.given:
        raise DatasetError(
            f"{', '.join(own.given)}: {dataset.name} is no dataset of your own videos; leave it "
            f"out, or give --dataset {' or '.join(OWN)}"
        )
    if dataset.name in _BUILT_IN:
        return _with_made_note(dataset.load(root, split), root)
    check_request(dataset.name, dataset.splits, root, split, needs_root=dataset.needs_root)
    try:
        with kept() as remarks:
            given = dataset.load(root, split)
    except KinobenchError:
        raise
    except (Exception, SystemExit) as error:  # whatever somebody else's code raises
        folder = "None" if root is None else repr(str(root))
        raise DatasetError(
            f"{dataset.name}: its load({folder}, {split!r}) fails: {error_text(error)}"
        ) from error
    checked = checked_split(dataset.name, dataset.num_classes, given)
    checked = _with_made_note(checked, root)
    if not remarks:
        return checked
    notes = (*checked.notes, *(f"{dataset.name}: load: {remark}" for remark in remarks))
    return msgspec.structs.replace(checked, notes=notes)


def _own_splits(
    read: Callable[[Path | None, OwnVideos], dict[str, Split]], root: Path | None, own: OwnVideos
) -> dict[str, Split]:
    """Return the splits of own videos; those of a copy that kinobench made have their first ids.

    The ids decide which videos are held out, so these are parted afterwards.
    """
    folder = own.base(root)
    if not _is_made(folder):
        return read(root, own)
    from .lists.folder import parted
    from .made.stamp import with_first_ids

    assert folder is not None  # a copy is in it
    whole = read(root, msgspec.structs.replace(own, holdout=None))
    return parted(with_first_ids(whole, folder), own)


def _with_made_note(split: Split, folder: Path | None) -> Split:
    """Return a split with a note on its copy, if kinobench made the copy that it is read from."""
    if not _is_made(folder):
        return split
    from .made.stamp import noted

    return noted(split, folder)


def _is_made(folder: Path | None) -> bool:
    return folder is not None and (folder / "kinobench-made.json").is_file()


def _refuse_layout(dataset: Dataset, own: OwnVideos) -> None:
    if own.layout and not dataset.layouts:
        raise DatasetError(
            f"--layout {own.layout}: {dataset.name} has one layout alone; leave it out"
        )


def _plugins() -> dict[str, EntryPoint]:
    points: dict[str, EntryPoint] = {}
    for point in entry_points(group=ENTRY_POINT_GROUP):
        if point.name in _BUILT_IN or points.get(point.name, point).value != point.value:
            raise KinobenchError(
                f"entry point {point.name!r} = {point.value!r} of {ENTRY_POINT_GROUP}: a dataset "
                "is named so already; uninstall one of the two"
            )
        points[point.name] = point
    return points


def _from_plugin(point: EntryPoint) -> Dataset:
    check_name("dataset", point.name)
    where = f"entry point {point.name!r} = {point.value!r} of {ENTRY_POINT_GROUP}"
    try:
        with kept():
            offered = point.load()
    except (Exception, SystemExit) as error:
        raise KinobenchError(
            f"{where} fails: {error_text(error)}; repair or uninstall it"
        ) from error
    values = {
        field: getattr(offered, field)
        for field in Dataset.__struct_fields__
        if field not in _OURS_ALONE and hasattr(offered, field)
    }
    absent = [
        field.name
        for field in msgspec.structs.fields(Dataset)
        if field.required and field.name not in values
    ]
    if absent:
        raise KinobenchError(f"{where} gives an object without {', '.join(absent)}; see `Dataset`")
    if values["name"] != point.name:
        raise KinobenchError(f"{where} gives a dataset named {values['name']!r}; name both alike")
    return Dataset(**checked_fields(values))


def _given(root: Path | None, layout: Layout) -> Path:
    if root is None:
        raise layout.lacks("no data root is given; say where it is by --data-root")
    return root


def _read_folder(root: Path | None, own: OwnVideos) -> dict[str, Split]:
    from .lists.folder import read_folder

    folder = _given(root, layouts.FOLDER)
    _refuse_others(own, "--list", "--path-prefix", dataset=LIST)
    return read_folder(folder, own)


def _read_list(root: Path | None, own: OwnVideos) -> dict[str, Split]:
    from .lists.listed import read_lists

    return read_lists(root, own)


def _read_shards(root: Path | None, own: OwnVideos) -> dict[str, Split]:
    from .lists.tar_shards import read_shards

    folder = _given(root, layouts.SHARDS)
    _refuse_others(own, "--list", "--path-prefix", dataset=LIST)
    return read_shards(folder, own)


def _refuse_others(own: OwnVideos, *options: str, dataset: str) -> None:
    for option in own.given:
        if option in options:
            raise DatasetError(
                f"{option}: it is for --dataset {dataset}; give that, or leave it out"
            )


def _own(
    layout: Layout, read: Callable[[Path | None, OwnVideos], dict[str, Split]], purpose: str
) -> Dataset:
    """Return a dataset of people's own videos."""

    def load(root: Path | None, split: str | None) -> Split:
        from .lists.split_names import chosen

        splits = read(root, NOTHING_SAID)
        return splits[chosen(layout.title, splits, split)]

    return Dataset(
        name=layout.title,
        title=purpose,
        load=load,
        read=read,
        default_protocol="common-112",
        num_classes=None,
        splits=(),
        homepage=layout.homepage,
        obtain=layout.obtain,
        tree=layout.tree,
        purpose=purpose,
    )


def _load_described(
    described: Described, root: Path | None, split: str | None, own: OwnVideos = NOTHING_SAID
) -> Split:
    from .copies.read import read_copy

    folder = _given(root, described.layout)
    return read_copy(described, folder, split, own.layout, follow_links=own.follow_links)


def _described(described: Described) -> Dataset:
    """Return a dataset that is read in whichever layout people have."""
    return Dataset(
        name=described.name,
        aliases=described.aliases,
        title=described.layout.title,
        load=partial(_load_described, described),
        load_as=partial(_load_described, described),
        layouts=tuple(form.name for form in described.formats),
        default_protocol=described.protocol,
        num_classes=len(class_names(described.classes)),
        splits=tuple(part.asked for part in described.parts),
        other_splits={
            other: part.asked for part in described.parts for other in part.spellings[1:]
        },
        homepage=described.layout.homepage,
        obtain=described.layout.obtain,
        tree=described.layout.tree,
        purpose=described.purpose,
        licence=_LICENCES.get(described.name, ""),
        videos=_VIDEOS.get(described.name),
        size_bytes=_SIZES_BYTES.get(described.name),
    )


_OF_KINETICS = "lists CC BY 4.0; the videos are YouTube's users'"
_LICENCES = {
    "ucf101": "none stated; the videos are from YouTube",
    # As deepmind.com/open-source/kinetics states it of the lists.
    "kinetics400": _OF_KINETICS,
    "kinetics600": _OF_KINETICS,
    "kinetics700": _OF_KINETICS,
}
_VIDEOS = {
    "ucf101": 13_320,  # its lists: 9,537 and 3,783 in split 1
    "kinetics400": 306_245,  # arXiv:1705.06950, table 2; fewer are left
    "kinetics600": 495_547,  # arXiv:1808.01340, table 1
    "kinetics700": 650_317,  # arXiv:1907.06987, table 1
    "hmdb51": 6_766,  # Kuehne et al., ICCV 2011
    "ssv2": 220_847,  # its page: 168,913, 24,777 and 27,157
    "jester": 148_092,  # its page: 118,562, 14,787 and 14,743
    "diving48": 18_404,  # Li et al., ECCV 2018
    "charades": 9_848,  # Sigurdsson et al., ECCV 2016
    "sports1m": 1_133_158,  # Karpathy et al., CVPR 2014
}
_SIZES_BYTES = {"ucf101": 6_970_000_000}  # huggingface.co/datasets/taohu/ucf101, UCF-101.zip
"""Facts about datasets as they were published."""


def _load_level(level: Level, root: Path | None, split: str | None) -> Split:
    from .pointlight import load

    return load(root, split, level)


def _make_level(level: Level, root: Path | None, progress: Progress | None) -> Path:
    return _make_changed_level(level, root, Changes(), progress)


def _make_changed_level(
    level: Level, root: Path | None, changes: Changes, progress: Progress | None
) -> Path:
    from .pointlight import make_changed

    return make_changed(
        root, level, changes.settings, changes.seed, changes.train, changes.test, progress
    )


def _level(level: Level) -> Dataset:
    """Return a level of pointlight as a dataset."""
    layout = layouts.pointlight(level.name)
    return Dataset(
        name=level.name,
        title=layout.title,
        load=partial(_load_level, level),
        default_protocol="pointlight-long" if level.rest else "pointlight",
        num_classes=4 if level.rest else 8,
        splits=("test", "train", "quick"),
        homepage=layout.homepage,
        obtain=layout.obtain,
        tree=layout.tree,
        opposites=opposites.POINTLIGHT_LONG if level.rest else opposites.POINTLIGHT,
        needs_root=False,
        make=partial(_make_level, level),
        make_changed=partial(_make_changed_level, level),
        purpose=level.purpose,
        licence="Apache-2.0, as kinobench, which draws them",
        videos=1120,  # 800 for training and 320 for the test
    )


_BUILT_IN = {
    dataset.name: dataset
    for dataset in (
        *map(_described, DESCRIBED.values()),
        _own(layouts.FOLDER, _read_folder, "your own videos, in a folder for each class"),
        _own(layouts.LIST, _read_list, "your own videos, in a list of paths and labels"),
        _own(layouts.SHARDS, _read_shards, "your own videos, in tar shards with their labels"),
        *map(_level, LEVELS.values()),
    )
}

_ALIASES = {alias: dataset.name for dataset in _BUILT_IN.values() for alias in dataset.aliases}

_registered: dict[str, Dataset] = {}
