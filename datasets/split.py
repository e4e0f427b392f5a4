"""A labelled set of videos, as an evaluation uses it."""

import hashlib
import operator
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import force_setattr

from .names import readable


class Video(msgspec.Struct, frozen=True, kw_only=True):
    """A file with one label.

    Attributes:
        id: Unique in its split, the same on every machine (no part of the data root), and
            `readable`.
        path: The path of the file, even if it is missing: then it keeps its place in the split.
        label: Index into the split's class names.
        group: The source of its footage, which other videos may share (UCF101's g01..g25); None if
            it is unknown.
    """

    id: str
    path: Path
    label: int
    group: str | None = None

    def __post_init__(self) -> None:
        """Make the id one that can be stored, and a text a path; refuse other kinds of values."""
        if not isinstance(self.id, str):
            raise TypeError(f"video id {self.id!r} is no text; give one, such as the file's name")
        force_setattr(self, "id", readable(self.id))
        if isinstance(self.path, str):
            force_setattr(self, "path", Path(self.path))
        elif not isinstance(self.path, Path):
            raise TypeError(f"path {self.path!r} of {self.id!r} is no path; give a pathlib.Path")
        try:
            force_setattr(self, "label", operator.index(self.label))
        except TypeError as error:
            raise TypeError(
                f"label {self.label!r} of {self.id!r} is no whole number; a label is an index into "
                "the split's classes"
            ) from error
        if not isinstance(self.group, str | None):
            raise TypeError(f"group {self.group!r} of {self.id!r} is no text; give one, or None")


class Split(msgspec.Struct, frozen=True, kw_only=True):
    """The videos of one split of a dataset, with its classes in the canonical order.

    Attributes:
        dataset: The catalog's name of the dataset.
        name: The split's own name: `test01`, `validation`.
        classes: Class names, `readable`; a label is an index into them.
        videos: Every video that the annotation lists, in its order, present on disk or not.
        part_of: Name of the split that these videos are a part of; None if there is none.
        notes: Remarks about this copy for the reader of a result (missing files, ...).
        content: Digest of what the videos show, if that differs from what the dataset's name
            stands for; it is part of the manifest.
    """

    dataset: str
    name: str
    classes: tuple[str, ...]
    videos: tuple[Video, ...]
    notes: tuple[str, ...] = ()
    content: str = ""
    part_of: str | None = None

    def __post_init__(self) -> None:
        """Make names and notes storable; refuse an id twice, or a label outside the classes."""
        for field, kind in (("classes", str), ("notes", str), ("videos", Video)):
            force_setattr(self, field, _tuple_of(kind, field, getattr(self, field)))
        force_setattr(self, "classes", tuple(map(readable, self.classes)))
        force_setattr(self, "notes", tuple(map(readable, self.notes)))
        seen: set[str] = set()
        for video in self.videos:
            if video.id in seen:
                raise ValueError(f"{self.dataset} {self.name}: video {video.id!r} is listed twice")
            seen.add(video.id)
            if not 0 <= video.label < len(self.classes):
                raise ValueError(
                    f"{self.dataset} {self.name}: label {video.label} of {video.id!r} is not in "
                    f"0..{len(self.classes) - 1}"
                )

    @property
    def manifest(self) -> str:
        """Digest of the task: the ids and labels, in order, the classes, and `content`."""
        digest = hashlib.sha256()
        for name in self.classes:
            digest.update(f"{name}\n".encode())
        for video in self.videos:
            digest.update(f"{video.id}\t{video.label}\n".encode())
        digest.update(self.content.encode())
        return digest.hexdigest()[:16]


def _tuple_of(kind: type, field: str, given: Any) -> tuple[Any, ...]:
    """Return a field of a split as a tuple, whatever sequence it was given as.

    Raises:
        TypeError: It is no sequence, or has something of another kind.
    """
    named = "texts" if kind is str else "videos, each a Video"
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise TypeError(f"{field} is {given!r}; give a tuple of {named}")
    values = tuple(given)
    for each in values:
        if not isinstance(each, kind):
            raise TypeError(f"{field} has {each!r}; give a tuple of {named}")
    return values


def first_of_each_class(split: Split, count: int) -> Split:
    """Return the first `count` videos of each class, or all, in the split's order."""
    seen: Counter[int] = Counter()
    videos = []
    for video in split.videos:
        if seen[video.label] < count:
            videos.append(video)
        seen[video.label] += 1
    return msgspec.structs.replace(split, videos=tuple(videos), part_of=split.name)
