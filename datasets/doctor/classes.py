"""The classes of a copy: how many videos each has, and folders that contradict labels."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from statistics import median

import msgspec

from ..lists.class_names import LabelMatcher
from ..lists.split_names import kind_of
from ..plurals import quantity
from ..split import Split
from .complaints import LISTS_THEM, Complaint, complaint, names_of_splits
from .copy import Copy


class ClassCounts(msgspec.Struct, frozen=True, kw_only=True):
    """How many videos of a split are there of each class.

    Attributes:
        least, middle, most: The minimum, the median and the maximum over the classes.
        lost: Classes that are listed, none of whose videos is there.
        unlisted: Classes that have no video in the list.
    """

    least: int
    middle: float
    most: int
    lost: tuple[str, ...]
    unlisted: tuple[str, ...]

    @property
    def text(self) -> str:
        """The counts: `9 to 50 a class, median 48`."""
        if self.least == self.most:
            return f"{self.least} a class"
        return f"{self.least} to {self.most} a class, median {self.middle:g}"


def class_counts(copy: Copy, split: Split) -> ClassCounts:
    """Count the videos of each class that are there."""
    listed = Counter(label for video in split.videos for label in video.labels)
    there = Counter(label for video in copy.found(split) for label in video.labels)
    counts = [there[label] for label in range(len(split.classes))] or [0]
    lost, unlisted = [], []
    for label, name in enumerate(split.classes):
        if not listed[label]:
            unlisted.append(name)
        elif not there[label]:
            lost.append(name)
    return ClassCounts(
        least=min(counts),
        middle=median(counts),
        most=max(counts),
        lost=tuple(lost),
        unlisted=tuple(unlisted),
    )


def class_faults(splits: Sequence[Split], counts: Sequence[ClassCounts]) -> Iterator[Complaint]:
    """Yield the classes without videos, once for all splits that lack the same ones."""
    for is_bad in (True, False):
        lacking: defaultdict[tuple[str, ...], list[Split]] = defaultdict(list)
        for split, own in zip(splits, counts, strict=True):
            lacking[own.lost if is_bad else own.unlisted].append(split)
        for names, own_splits in lacking.items():
            of = quantity(len(own_splits[0].classes), "class", "classes")
            where = names_of_splits([split.name for split in own_splits])
            what = "on disk" if is_bad else "listed"
            cure = f"no command gets their videos ({LISTS_THEM})" if is_bad else ""
            yield from complaint(
                "classes", names, f"of {of} of {where} without a video {what}", cure, is_bad=is_bad
            )


def contrary_folders(copy: Copy) -> Iterator[Complaint]:
    """Yield the files whose folder is named like another class than their label's.

    A folder that is named like a split, `test`, says nothing.
    """
    contrary: dict[str, str] = {}
    for split in copy.splits:
        match = LabelMatcher(split.classes)
        labels: dict[str, int | None] = {}
        for video in copy.found(split):
            folder = video.path.parent.name
            if folder not in labels:
                labels[folder] = None if kind_of(folder) else match.find(folder)
            label = labels[folder]
            if label is not None and label not in video.labels:
                named = ", ".join(split.classes[each] for each in video.labels)
                contrary[video.id] = f"in folder {folder}, listed as {named}"
    yield from complaint(
        "contradicting",
        contrary,
        f"of {quantity(len(copy.files), 'file')} in the folder of another class",
        "no command knows which is right: look at each, and move it to its class's folder, or "
        "correct the list",
    )
