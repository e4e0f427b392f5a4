"""Labels of lists, which are names or numbers, checked against the folders of the videos."""

import re
from collections import Counter
from typing import NamedTuple

from ..errors import DatasetError, KinobenchError
from ..findings import Finding, found
from ..lists.class_names import LabelMatcher, class_names
from ..plurals import quantity
from .described import Described
from .formats import Format, RawRow


class _Contradiction(NamedTuple):
    where: str
    number: int
    folder: str
    expected: int


class Labels:
    """Finds the label of each row of a list."""

    def __init__(self, described: Described, form: Format) -> None:
        """Take the classes of a dataset, and the form of its list."""
        self.classes = class_names(described.classes)
        self._match = LabelMatcher(self.classes)
        self._described, self._form = described, form
        self._folders: dict[str, int | None] = {}
        self._spelled: dict[str, int] = {}
        self._names: dict[str, int] = {}
        self._sets: dict[tuple[str, ...], tuple[int, ...]] = {}
        self._contradicting: list[_Contradiction] = []
        self._agreeing = 0
        self._agreed: dict[tuple[str, str], int] = {}
        self._unchecked = 0
        self._other_folder: list[str] = []

    def of(self, raw: RawRow, folder: str, stem: str, where: object) -> int | tuple[int, ...]:
        """Return the label of a row, or its labels.

        Args:
            raw: The row.
            folder: The folder that the list says the video is in; empty: it says none.
            stem: The name of its file.
            where: The file and line, for messages.

        Raises:
            DatasetError: No class is named like this, or the number is none of a class.
        """
        if raw.labels is not None:
            known = self._sets.get(raw.labels)
            if known is None:
                numbers = {self._written(label, where) for label in raw.labels}
                known = self._sets[raw.labels] = tuple(sorted(numbers))
            return known
        agreed = self._agreed.get((folder, raw.label))
        if agreed is not None:
            self._agreeing += 1
            return agreed
        expected = self._of_folder(folder) if folder else None
        if expected is None and (inside := self._described.naming.class_of(stem)) is not None:
            expected = self._of_folder(inside)
        if self._form.by_folder or not raw.label:
            label = self._named(folder, where) if folder or expected is None else expected
            if raw.label and int(raw.label) - self._form.first_number != label:
                raise DatasetError(
                    f"{where}: number {raw.label} with folder {folder!r}, which is number "
                    f"{label + self._form.first_number}; numbers are those of classInd.txt, "
                    f"from {self._form.first_number}"
                )
            return label
        label = self._written(raw.label, where)
        if expected is None:
            self._unchecked += 1
        elif expected == label:
            self._agreeing += 1
            if folder and self._of_folder(folder) == label:
                self._agreed[folder, raw.label] = label
        elif _is_number(raw.label):
            self._contradicting.append(_Contradiction(str(where), label, folder, expected))
        else:
            self._other_folder.append(raw.name)
        return label

    def checked(self, rows: int) -> tuple[Finding, ...]:
        """Return what is remarkable about the labels of all rows.

        Raises:
            DatasetError: Numbers contradict the folders of the videos.
        """
        if self._contradicting:
            raise DatasetError(self._cure())
        of = f"of {quantity(rows, 'listed video')}"
        return found(
            "contradicting",
            self._other_folder,
            f"{of} listed in the folder of another class; the list is believed",
        )

    def _cure(self) -> str:
        first, count = self._contradicting[0], len(self._contradicting)
        of = quantity(self._agreeing + count, "row")
        text = (
            f"{first.where}: label {first.number} with folder {first.folder!r}, which is number "
            f"{first.expected} of {self._described.layout.title}, 0-based; so in {count} of {of}"
        )
        shifts = Counter(each.number - each.expected for each in self._contradicting)
        if not self._agreeing and set(shifts) == {1}:
            return f"{text}: these numbers count from 1; subtract 1 from each, or write names"
        if any(self._all_in_order(names) for names in _sorted_as_folders(self.classes)):
            return (
                f"{text}: these are the numbers of sorted folder names, as torchvision and "
                "pytorchvideo count, and not those of the published networks; write the names of "
                "classes instead of numbers"
            )
        return f"{text}: is it the list of another dataset? Correct it, or write names of classes"

    def _all_in_order(self, names: list[str]) -> bool:
        """Report whether the contradicting numbers are those of the names in this order."""
        return all(
            each.number < len(names) and names[each.number] == self.classes[each.expected]
            for each in self._contradicting
        )

    def _written(self, written: str, where: object) -> int:
        known = self._names.get(written)
        if known is None:
            known = self._names[written] = self._read(written, where)
        return known

    def _read(self, written: str, where: object) -> int:
        if not _is_number(written) or written in self.classes:
            return self._named(written, where)
        label = int(written) - self._form.first_number
        if not 0 <= label < len(self.classes):
            last = len(self.classes) - 1
            from_one = " Do the numbers count from 1?" if label == last + 1 else ""
            raise DatasetError(
                f"{where}: label {written} is not in 0..{last}, the numbers of the "
                f"{len(self.classes)} classes of {self._described.layout.title}.{from_one}"
            )
        return label

    def _named(self, written: str, where: object) -> int:
        known = self._spelled.get(written)
        if known is None:
            try:
                known = self._spelled[written] = self._match(written)
            except KinobenchError as error:
                raise DatasetError(f"{where}: {error}") from error
        return known

    def _of_folder(self, folder: str) -> int | None:
        if folder not in self._folders:
            self._folders[folder] = self._match.find(folder)
        return self._folders[folder]


def _is_number(label: str) -> bool:
    return label.isascii() and label.removeprefix("-").isdecimal()


def _sorted_as_folders(classes: tuple[str, ...]) -> list[list[str]]:
    """Return the classes in the orders of their folders' names, as people write these."""
    return [
        sorted(classes),
        sorted(classes, key=str.casefold),
        sorted(classes, key=lambda name: re.sub(r"[^\w ]", "", name).replace(" ", "_")),
        sorted(classes, key=lambda name: name.replace(" ", "_")),
    ]
