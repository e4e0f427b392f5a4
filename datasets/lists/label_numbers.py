"""What the labels of lists stand for: numbers from 0, or names."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from ..errors import DatasetError, KinobenchError
from ..findings import Finding, found
from ..plurals import quantity
from .class_names import LabelMatcher, fold
from .own_classes import MOST_CLASSES, sorted_classes


class Rows(Protocol):
    """Rows of a list, as far as their labels need them."""

    @property
    def ids(self) -> Sequence[str]:
        """The videos' paths."""

    @property
    def labels(self) -> Sequence[str]:
        """Their labels, as they are written."""

    def where(self, row: int) -> str:
        """Return the file and the line of a row."""


class Labels(NamedTuple):
    """The classes of some lists.

    Attributes:
        classes: Their names, in the order of the labels.
        label_of: The label of each that is written.
        notes: Remarks for the reader of a result.
        findings: What is wrong with the videos; no note repeats it.
    """

    classes: tuple[str, ...]
    label_of: Mapping[str, int]
    notes: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()


def label_classes(lists: Sequence[Rows], written: tuple[Path, tuple[str, ...]] | None) -> Labels:
    """Return what the labels of lists stand for.

    Labels that are all whole numbers are numbers from 0, unless classes.txt has them as names.
    Names are in the order of classes.txt, or else of their code points. Numbers without names get
    those of the videos' folders where each number has a folder of its own.

    Args:
        lists: The rows of each list.
        written: The file of class names and what it says, if there is one.

    Raises:
        DatasetError: A label is unknown, numbers and names are mixed, or numbers contradict the
            names of folders; the message has the line.
    """
    labels = sorted({label for rows in lists for label in rows.labels})
    if not labels:
        raise DatasetError("the lists are empty; write a path and a label in each line")
    numbers = [label for label in labels if _is_number(label)]
    names_too = written is not None and all(label in written[1] for label in numbers)
    if len(numbers) == len(labels) and not names_too:
        return _of_numbers(lists, {label: int(label) for label in labels}, written)
    if written is None:
        if numbers:
            name = next(label for label in labels if label not in numbers)
            raise DatasetError(
                f"{_where(lists, numbers[0])}: label {numbers[0]} is a number, and {name!r} in "
                f"{_where(lists, name)} is a name; write all in one way, or list the names in "
                "classes.txt"
            )
        classes = sorted_classes(labels)
        named = {name: label for label, name in enumerate(classes)}
        return Labels(classes, named, findings=_in_other_folders(lists, named, classes))
    file, classes = written
    match, label_of = LabelMatcher(classes), {}
    for label in labels:
        try:
            label_of[label] = match(label)
        except KinobenchError as error:
            raise DatasetError(
                f"{_where(lists, label)}: label {label!r}, but {file} has no such class: {error}"
            ) from error
    return Labels(classes, label_of, findings=_in_other_folders(lists, label_of, classes))


def _is_number(label: str) -> bool:
    return label.isascii() and label.removeprefix("-").isdecimal()


def _where(lists: Sequence[Rows], label: str) -> str:
    """Return the first line that has a label."""
    rows = next(rows for rows in lists if label in rows.labels)
    return rows.where(rows.labels.index(label))


def _of_numbers(
    lists: Sequence[Rows], label_of: dict[str, int], written: tuple[Path, tuple[str, ...]] | None
) -> Labels:
    known = set(label_of.values())
    most = MOST_CLASSES if written is None else len(written[1])
    outside = next((text for text, label in label_of.items() if not 0 <= label < most), None)
    if outside is not None:
        file = "" if written is None else f"; {written[0]} has {quantity(most, 'name')}"
        from_one = " Do the numbers count from 1?" if 0 not in known else ""
        raise DatasetError(
            f"{_where(lists, outside)}: label {outside} is not in 0..{most - 1}{file}; labels are "
            f"numbers from 0.{from_one}"
        )
    if written is not None:
        _refuse_other_folders(lists, label_of, *written)
        return Labels(written[1], label_of)
    names = _folder_names(lists, label_of)
    classes = tuple(names.get(label, str(label)) for label in range(max(known) + 1))
    absent = len(classes) - len(known)
    note = f"{quantity(absent, 'label number')} below {max(known)} without a video"
    from_one = ", 0 among them: do the numbers count from 1?" if 0 not in known else ""
    return Labels(classes, label_of, (f"{note}{from_one}",) if absent else ())


def _refuse_other_folders(
    lists: Sequence[Rows], label_of: Mapping[str, int], file: Path, classes: Sequence[str]
) -> None:
    """Refuse a number whose video is in the folder of another class."""
    for rows, row, expected in _contradicting(lists, label_of, classes):
        text, folder = rows.labels[row], _folder(rows.ids[row])
        from_one = " Do the numbers count from 1?" * (expected + 1 == label_of[text])
        raise DatasetError(
            f"{rows.where(row)}: label {text} with folder {folder!r}, which is number {expected} "
            f"of {file}; numbers count from 0.{from_one}"
        )


def _in_other_folders(
    lists: Sequence[Rows], label_of: Mapping[str, int], classes: Sequence[str]
) -> tuple[Finding, ...]:
    """Return a finding on videos in the folder of another class than their label names."""
    names = [rows.ids[row] for rows, row, _ in _contradicting(lists, label_of, classes)]
    videos = quantity(sum(len(rows.ids) for rows in lists), "video")
    what = f"of {videos} in the folder of another class; the list is believed"
    return found("contradicting", names, what)


def _contradicting(
    lists: Sequence[Rows], label_of: Mapping[str, int], classes: Sequence[str]
) -> Iterator[tuple[Rows, int, int]]:
    """Give the rows whose folder names another class, and the label of that."""
    match = LabelMatcher(classes)
    of_folder: dict[str, int | None] = {}
    for rows in lists:
        for row, (video, text) in enumerate(zip(rows.ids, rows.labels, strict=True)):
            folder = _folder(video)
            if folder not in of_folder:
                of_folder[folder] = match.find(folder) if fold(folder) else None
            expected = of_folder[folder]
            if expected is not None and expected != label_of[text]:
                yield rows, row, expected


_AGREEING = 0.9
"""The share of videos from which on folders are taken for classes, and the others for mistakes."""


def _folder_names(lists: Sequence[Rows], label_of: Mapping[str, int]) -> dict[int, str]:
    """Return the name of each number's folder, if each has one of its own.

    Raises:
        DatasetError: Nearly all videos of a folder have one number, and one has another.
    """
    counts: Counter[tuple[str, int]] = Counter()
    for rows in lists:
        for video, text in zip(rows.ids, rows.labels, strict=True):
            counts[_folder(video), label_of[text]] += 1
    usual: dict[str, int] = {}
    for (folder, label), _ in counts.most_common():
        usual.setdefault(folder, label)
    names = {label: folder for folder, label in usual.items()}
    if "" in usual or len(names) < len(usual) or len(names) < len(set(label_of.values())):
        return {}
    agreeing = sum(counts[folder, label] for folder, label in usual.items())
    if agreeing == counts.total():
        return names
    if agreeing < _AGREEING * counts.total():
        return {}
    for rows in lists:
        for row, (video, text) in enumerate(zip(rows.ids, rows.labels, strict=True)):
            folder = _folder(video)
            if usual[folder] != label_of[text]:
                raise DatasetError(
                    f"{rows.where(row)}: label {text} with folder {folder!r}, whose other videos "
                    f"have label {usual[folder]}; correct one of them, or list the names in "
                    "classes.txt"
                )
    return names


def _folder(video: str) -> str:
    return video.rpartition("/")[0].rpartition("/")[2]
