"""The names that people give to the folders and lists of a training, a validation and a test."""

from collections.abc import Iterable

from ..errors import UnknownNameError
from .class_names import fold

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
    raise UnknownNameError(f"split of {dataset}", asked, known)
