"""A labelled set of videos, as an evaluation uses it."""

import hashlib
import operator
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from sys import intern
from typing import Any

import msgspec
from msgspec.structs import force_setattr

from .names import readable


class Video:
    """A file with one label.

    A split may have a million, so a path keeps only what its id doesn't say already.

    Attributes:
        id: Unique in its split, the same on every machine (no part of the data root), and
            `readable`.
        path: The path of the file, even if it is missing: then it keeps its place in the split.
        label: Index into the split's class names.
        group: The source of its footage, which other videos may share (UCF101's g01..g25); None if
            it is unknown.
    """

    __slots__ = ("_after", "_before", "group", "id", "label")

    id: str
    label: int
    group: str | None
    _before: str
    _after: str | None

    def __init__(self, *, id: str, path: Path | str, label: int, group: str | None = None) -> None:
        """Make the id one that can be stored, and a text a path; refuse other kinds of values."""
        if not isinstance(id, str):
            raise TypeError(f"video id {id!r} is no text; give one, such as the file's name")
        if not isinstance(path, (str, Path)):
            raise TypeError(f"path {path!r} of {id!r} is no path; give a pathlib.Path")
        try:
            number = operator.index(label)
        except TypeError as error:
            raise TypeError(
                f"label {label!r} of {id!r} is no whole number; a label is an index into "
                "the split's classes"
            ) from error
        if not isinstance(group, str | None):
            raise TypeError(f"group {group!r} of {id!r} is no text; give one, or None")
        name = readable(id)
        before, found, after = str(path).rpartition(name or "\0")
        if found:
            self._keep(name, intern(before), intern(after), number, group)
        else:
            self._keep(name, str(path), None, number, group)

    def _keep(self, id: str, before: str, after: str | None, label: int, group: str | None) -> None:
        put = object.__setattr__
        put(self, "id", id)
        put(self, "_before", before)
        put(self, "_after", after)
        put(self, "label", label)
        put(self, "group", group)

    @property
    def path(self) -> Path:
        """The path of the file."""
        return Path(self._before if self._after is None else self._before + self.id + self._after)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{name} of {self.id!r} can't be changed; make another Video")

    def __reduce__(self) -> tuple[Any, ...]:
        return _kept_video, (self.id, self._before, self._after, self.label, self.group)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Video) and self._told() == other._told()

    def __hash__(self) -> int:
        return hash(self._told())

    def __repr__(self) -> str:
        return (
            f"Video(id={self.id!r}, path={self.path!r}, label={self.label}, group={self.group!r})"
        )

    def _told(self) -> tuple[object, ...]:
        return self.id, self.path, self.label, self.group


def _kept_video(id: str, before: str, after: str | None, label: int, group: str | None) -> Video:
    """Return a video that another process has sent."""
    video = object.__new__(Video)
    video._keep(id, before, after, label, group)
    return video


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
