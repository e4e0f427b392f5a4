"""A dataset as the catalog knows it, kinobench's own or somebody else's."""

from collections.abc import Callable
from pathlib import Path

import msgspec

from .names import Task
from .opposites import Opposites
from .own import OwnVideos
from .plurals import quantity
from .split import Split
from .visible import one_line

Progress = Callable[[int, int], None]
"""Called with the number of videos made so far, and the number of all."""


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """Differences from the named dataset in one that is generated on request.

    Attributes:
        settings: `FIELD=VALUE` for the dataset's own options.
        seed: Seed of everything that is drawn.
        train, test: Videos of each class in the split, or of the split where a video shows several
            classes.
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
        make_split: `make_split(split, progress)` generates, where `load(None, split)` looks, what
            one split needs, if that is less than `make` generates; kinobench's own datasets alone.
        purpose: Ability that it tests, in a sentence, with the best possible score if that is
            known.
        licence: The licence of its videos and lists, as its publishers state it; empty if that
            isn't known.
        videos: Number of its videos as published, in all splits; None if that isn't known.
        size_bytes: What they take as published, packed or not; None if that isn't known.
        aliases: Other names that people give it; kinobench's own datasets have some.
        layouts: Names of the layouts that copies of it are read in; empty: there is one.
        other_splits: The split that each further name of one stands for: `val` for `validation`.
        load_as: `load_as(root, split, own)` gives a split as `load` does, from the layout that
            `own` names, or, if it names none, from the one that fits best; with `layouts` alone.
        task: What a network is to say of its videos; its splits have a `truth` for all but
            `classification`.
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
    make_split: Callable[[str, Progress | None], Path] | None = None
    purpose: str = ""
    licence: str = ""
    videos: int | None = None
    size_bytes: int | None = None
    aliases: tuple[str, ...] = ()
    layouts: tuple[str, ...] = ()
    other_splits: dict[str, str] = {}
    load_as: Callable[[Path | None, str | None, OwnVideos], Split] | None = None
    task: Task = "classification"
    read: Callable[[Path | None, OwnVideos], dict[str, Split]] | None = None

    def __repr__(self) -> str:
        known = self.num_classes is not None
        classes = quantity(self.num_classes or 0, "class", "classes") if known else "your classes"
        return one_line(f"<Dataset {self.name}: {self.title}, {classes}>")
