"""A dataset's card: what it tests, its classes and splits, and how it was generated."""

import textwrap
from pathlib import Path

import msgspec
from rich.console import Console

from ...datasets import catalog
from ...datasets.errors import UnknownNameError
from ...datasets.lists.class_names import class_names
from ...datasets.names import Task
from ...datasets.sides import sided_classes
from ...datasets.split import Scoring, Split
from ...datasets.truth_facts import TruthFacts, truth_facts
from ...datasets.visible import one_line
from ..text.terminal import line
from ..text.units import scaled
from .generated import GENERATED, Stamp
from .known_datasets import check_command
from .truth_rows import TASK_WORDS, truth_rows

_SCORED_BY: dict[Scoring, str] = {
    "hit-k": "hit@k: any of a video's classes is among the first k",
    "map": "mAP: the mean over the classes of the average precision",
}
"""What a card says of another scoring than top-k."""
_LABEL = 14
"""Width of a label, in columns."""


class Option(msgspec.Struct, frozen=True, kw_only=True):
    """A number that `data make --set` may change, as it takes it."""

    name: str
    value: str
    meaning: str


class DatasetCard(msgspec.Struct, frozen=True, kw_only=True):
    """Facts about a dataset, and about a copy of it.

    Attributes:
        purpose: Ability that it tests, and the best possible score; empty if that is unknown.
        classes: The names, in order; None if only their number is known.
        sided: Classes that left and right distinguish: `fit` doesn't mirror clips of the dataset.
        options: The options of a generated dataset, with the values of the copy.
        folder: The copy's folder; None if none is given, or none exists.
        made: Settings that the copy was generated with.
        notes: Remarks about the copy for the reader of a result.
        licence: As the publishers state it; empty if that isn't known.
        split_videos: Number of videos of each split as published, as far as that is known.
        videos, size_bytes: Number of its videos as published, and what they take; None if that
            isn't known.
        check: The command that checks a copy.
        scoring: How the copy's videos are scored; None if there is no copy.
        task: What a network is to say of its videos.
        rule: Name of the rule by which localization or detection is scored; empty if there is no
            copy.
        truth: What is annotated in the copy's default split; None without a copy, and of
            classification.
    """

    name: str
    title: str
    purpose: str
    num_classes: int | None
    classes: tuple[str, ...] | None
    splits: tuple[str, ...]
    protocol: str
    homepage: str
    obtain: str
    sided: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()
    folder: str | None = None
    made: Stamp | None = None
    notes: tuple[str, ...] = ()
    licence: str = ""
    videos: int | None = None
    size_bytes: int | None = None
    split_videos: dict[str, int] = {}
    check: str = ""
    scoring: Scoring | None = None
    task: Task = "classification"
    rule: str = ""
    truth: TruthFacts | None = None


def make_card(name: str, root: Path | None) -> DatasetCard:
    """Look up a dataset, and the copy in a folder; nothing is generated.

    Args:
        name: The catalog's name.
        root: The folder; None: the default folder of a generated dataset.

    Raises:
        UnknownNameError: No dataset has this name.
        DatasetError: The folder isn't of this dataset.
    """
    dataset = catalog.get(name)
    name = dataset.name
    generated, folder = GENERATED.get(name), root
    made: Stamp | None = None
    if generated is not None:
        at_home = generated.home()
        folder = root if root is not None else at_home if at_home.is_dir() else None
    notes: tuple[str, ...] = ()
    found: Split | None = None
    splits = dataset.splits
    if folder is not None:
        found = catalog.load_split(dataset, folder, next(iter(dataset.splits), None))
        notes = found.notes
        splits = splits or catalog.split_names(dataset, folder)
        if generated is not None:
            made = generated.read_stamp(folder)
    classes = _classes(name) or (None if found is None else found.classes)
    return DatasetCard(
        name=name,
        title=dataset.title,
        purpose=dataset.purpose,
        num_classes=len(found.classes) if found is not None else dataset.num_classes,
        classes=classes,
        sided=sided_classes(classes or ()),
        splits=splits,
        protocol=dataset.default_protocol,
        homepage=dataset.homepage,
        obtain=dataset.obtain,
        options=()
        if generated is None
        else tuple(
            Option(name=option, value=value, meaning=generated.meanings[option])
            for option, value in generated.options_of(made).items()
        ),
        folder=None if folder is None else str(folder),
        made=made,
        notes=notes,
        licence=dataset.licence,
        videos=dataset.videos,
        size_bytes=dataset.size_bytes,
        split_videos=dataset.split_videos,
        check=check_command(dataset),
        scoring=None if found is None else found.scoring,
        task=dataset.task,
        rule="" if found is None or found.truth is None else found.truth.rule,
        truth=None
        if found is None or found.truth is None
        else truth_facts(found.truth, found.classes),
    )


def _classes(name: str) -> tuple[str, ...] | None:
    try:
        return class_names(name)
    except UnknownNameError:
        return None


def show_card(card: DatasetCard, console: Console) -> None:
    """Print a card, folded to the console's width."""
    named = "" if card.classes is None else f": {', '.join(card.classes)}"
    console.print(line(card.title, "bold"), soft_wrap=True)
    for label, text in (
        ("task", TASK_WORDS[card.task]),
        ("what it tests", card.purpose),
        ("classes", f"{card.num_classes or 'those of your videos'}{named}"),
        ("mirroring", _no_mirroring(card)),
        ("splits", ", ".join(card.splits) or "those of your videos"),
        ("scored by", _scored_by(card)),
        ("protocol", card.protocol),
        ("size", _size(card)),
        ("licence", card.licence),
        ("homepage", card.homepage),
        ("how to get it", card.obtain),
        ("check it", card.check),
        ("folder", card.folder),
        *truth_rows(card.truth),
        ("generated as", None if card.made is None else card.made.title),
        *(("note", note) for note in card.notes),
    ):
        if text:
            _print_folded(f"{label:<{_LABEL}}", text, console)
    if card.options:
        console.print()
        _print_folded(f"{'option':<{_LABEL}}", "value, as `data make --set` takes it", console)
        wide = max(len(option.value) for option in card.options)
        for option in card.options:
            label = f"{option.name:<{_LABEL}}{option.value:<{wide}}  "
            _print_folded(label, option.meaning, console)


def _scored_by(card: DatasetCard) -> str:
    """Return how it is scored; empty for top-k, as nearly all are."""
    if card.rule:
        return f"mAP by the rule {card.rule}; as classification, mAP over each video's classes"
    return _SCORED_BY.get(card.scoring or "top-k", "")


def _size(card: DatasetCard) -> str:
    """Return how large the dataset is as published; empty if that isn't known."""
    videos = "" if card.videos is None else f"{card.videos:,} videos"
    if card.split_videos:
        of = ", ".join(f"{name} {count:,}" for name, count in card.split_videos.items())
        videos = f"{videos or 'videos'} ({of})"
    size = "" if card.size_bytes is None else f"{scaled(card.size_bytes, 1e9, 1)} GB"
    return ", ".join(filter(None, (videos, size)))


def _no_mirroring(card: DatasetCard) -> str:
    """Return why clips aren't mirrored; empty if they are."""
    if not card.sided:
        return ""
    return f"never, since left and right distinguish {', '.join(card.sided)}"


def _print_folded(label: str, text: str, console: Console) -> None:
    indent = " " * len(label)
    for part in textwrap.wrap(
        one_line(label + text),
        max(console.width, len(label) + 20),
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
        drop_whitespace=True,
    ):
        console.print(line(part), soft_wrap=True)
