"""The canonical class lists, and finding a label in one, however it is written."""

import unicodedata
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from ..errors import DatasetError, UnknownNameError, nearest_name

CLASS_LISTS = Path(__file__).with_name("classes")
SAME_CLASSES = {
    "pointlight-3": "pointlight",
    "pointlight-noise": "pointlight",
    "ava-2.1": "ava",
    "ava-kinetics": "ava",
}
"""Datasets that have the classes of another one."""


@cache
def class_names(dataset: str) -> tuple[str, ...]:
    """Return the class names of a dataset in the order of the published checkpoints' outputs.

    `ucf101` is in classInd.txt's order, `kinetics400` in label_map.txt's, `pointlight` and its
    levels in their own.

    Raises:
        UnknownNameError: No class list has that name.
    """
    shipped = class_lists()
    name = SAME_CLASSES.get(dataset, dataset)
    if name not in shipped:
        raise UnknownNameError("class list", dataset, [*shipped, *SAME_CLASSES])
    return tuple((CLASS_LISTS / f"{name}.txt").read_text(encoding="utf-8").splitlines())


def class_lists() -> list[str]:
    """Return the datasets that have a class list of their own, in alphabetical order."""
    return sorted(file.stem for file in CLASS_LISTS.glob("*.txt"))


def fold(label: str) -> str:
    """Return the letters and digits of a label, without case, which its spellings share."""
    compatible = unicodedata.normalize("NFKC", label).casefold()
    return "".join(character for character in compatible if character.isalnum())


class LabelMatcher:
    """Finds written labels in a class list, whatever their case, spaces and punctuation.

    A label written exactly like a class is that class; any other is compared by its letters and
    digits alone.
    """

    def __init__(self, classes: Sequence[str]) -> None:
        """Index `classes`, the canonical names in order."""
        self.classes = tuple(classes)
        self._exact = {name: index for index, name in enumerate(self.classes)}
        self._folded: dict[str, list[int]] = {}
        for index, name in enumerate(self.classes):
            if folded := fold(name):  # without letters and digits, a name is only itself
                self._folded.setdefault(folded, []).append(index)

    def __call__(self, written: str) -> int:
        """Return the index of the class that `written` spells.

        Raises:
            DatasetError: Two classes are spelled like this; the message names both.
            UnknownNameError: No class is; the message has the nearest name.
        """
        if written in self._exact:
            return self._exact[written]
        indices = self._folded.get(fold(written), [])
        if len(indices) > 1:
            both = " and ".join(repr(self.classes[index]) for index in indices)
            raise DatasetError(
                f"label {written!r} can be {both}; write it exactly like one of them"
            )
        if not indices:
            nearest = nearest_name(fold(written), self._folded)
            known = [self.classes[i] for i in self._folded[nearest]] if nearest else self.classes
            raise UnknownNameError("class", written, known)
        return indices[0]

    def find(self, written: str) -> int | None:
        """Return the index of the one class that `written` spells, or None."""
        if written in self._exact:
            return self._exact[written]
        indices = self._folded.get(fold(written), [])
        return indices[0] if len(indices) == 1 else None
