"""A labelled set of videos, as an evaluation uses it."""

import hashlib
from collections import Counter
from pathlib import Path

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
        """Make the id one that can be stored."""
        force_setattr(self, "id", readable(self.id))


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


def first_of_each_class(split: Split, count: int) -> Split:
    """Return the first `count` videos of each class, or all, in the split's order."""
    seen: Counter[int] = Counter()
    videos = []
    for video in split.videos:
        if seen[video.label] < count:
            videos.append(video)
        seen[video.label] += 1
    return msgspec.structs.replace(split, videos=tuple(videos), part_of=split.name)
