"""The names that people give to the folders and lists of a training, a validation and a test."""

import re
from collections.abc import Iterable, Sequence

from ..errors import UnknownNameError
from .class_names import fold

MEAN = "mean"
"""What stands for all numbered test splits of a dataset, one after the other."""
PLACEHOLDER = "{split}"
"""The place of such a split's name in the path of weights that were trained for one split each."""
_NUMBERED = re.compile(r"(?:test[ _-]?)?0*([1-9]\d?)")
ALL = "all"
"""The one split of videos that nobody parted."""
_KINDS = {
    "test": ("test", "testing", "tst", "eval", "evaluation"),
    "val": ("val", "valid", "validation", "validate", "dev"),
    "train": ("train", "training", "trn"),
}
"""What the splits are for, and how each is named; one is scored on the first that is there."""


def kind_of(name: str) -> str | None:
    """Return what a split of that name is for: `test`, `val` or `train`; None: it is no split."""
    folded = fold(name)
    return next((kind for kind, names in _KINDS.items() if folded in names), None)


def number_of(name: str | None) -> int | None:
    """Return the number of a numbered test split, `1`, `test1` or `test01`; None of another."""
    found = None if name is None else _NUMBERED.fullmatch(name)
    return None if found is None else int(found[1])


def numbered(names: Iterable[str]) -> tuple[str, ...]:
    """Return the numbered test splits among some names, in the order of their numbers.

    It is empty unless there are two at least, and they are 1, 2 and so on.
    """
    found = {number: name for name in names if (number := number_of(name)) is not None}
    is_whole = len(found) > 1 and sorted(found) == list(range(1, len(found) + 1))
    return tuple(found[number] for number in sorted(found)) if is_whole else ()


def training_of(names: Iterable[str], scored: str | None) -> str | None:
    """Return the split to train on for that which is scored: `train2` for `2`; else the first.

    None: there is none. The partner of another numbered split may have the videos of this one.
    """
    training = [
        name
        for name in names
        if name != scored and (kind_of(name) == "train" or name.startswith("train"))
    ]
    if scored is None:
        return next(iter(training), None)
    partners = (f"train{scored}", scored.replace("test", "train", 1))
    for name in training:
        if name in partners:
            return name
    if number_of(scored) is not None:
        training = [name for name in training if not name.removeprefix("train").isdecimal()]
    return next(iter(training), None)


def no_training_split(
    precision: str, dataset: str, splits: Sequence[str], scored: str | None
) -> str:
    """Return why a dataset can't quantise a network, and the cure."""
    if any(training_of((name,), None) for name in splits):
        return (
            f"--precision {precision} takes training clips, but split {scored!r} of {dataset}, on "
            "which accuracy is measured, is its training split; give another --split"
        )
    return (
        f"--precision {precision} takes training clips, but {dataset} has no training split "
        f"({', '.join(splits)}); name one of your videos' folders or lists train, hold out a part "
        "with --holdout 20%, or give another --dataset"
    )


def in_order(names: Iterable[str]) -> tuple[str, ...]:
    """Return the names of splits, that to score on first, and that to train on last."""
    kinds = list(_KINDS)

    def place(name: str) -> tuple[int, str]:
        kind = kind_of(name)
        return (len(kinds) - 2 if kind is None else kinds.index(kind) * 2, name)

    return tuple(sorted(names, key=place))


def chosen(dataset: str, names: Iterable[str], asked: str | None) -> str:
    """Return the split that is asked for, by its own name or by another for the same kind.

    Args:
        dataset: The dataset's name.
        names: The names of its splits.
        asked: What is asked for; None is the first of them, `in_order`.

    Raises:
        UnknownNameError: There is none of that name, or more than one of that kind.
    """
    known = in_order(names)
    if asked is None:
        return known[0]
    if asked in known:
        return asked
    alike = [
        name for name in known if kind_of(name) is not None and kind_of(name) == kind_of(asked)
    ]
    if len(alike) == 1:
        return alike[0]
    hint = "--holdout 20% makes train and test of it" if known == (ALL,) else ""
    raise UnknownNameError(f"split of {dataset}", asked, known, hint)
