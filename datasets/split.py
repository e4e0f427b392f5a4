"""A labelled set of videos, as an evaluation uses it."""

import hashlib
import operator
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from sys import intern
from typing import Any, Literal, get_args

import msgspec
from msgspec.structs import force_setattr

from .clock import WHOLE, Clock
from .findings import Finding
from .names import Task, readable
from .sources.paths import path_of
from .truth import EventTruth, Truth, truth_digest

Scoring = Literal["top-k", "hit-k", "map"]
"""How a split's predictions are scored.

`top-k`: each video has one label, and counts if that is among the first k. `hit-k`: a video has one
label or several, and counts if any of them is among the first k (Karpathy et al., CVPR 2014).
`map`: a video has any number of labels, also none; the mean over the classes of the average
precision of their rankings (Sigurdsson et al., ECCV 2016).
"""


class Video:
    """A file with its label, or its labels.

    A split may have a million, so a path keeps only what its id doesn't say already.

    Attributes:
        id: Unique in its split, the same on every machine (no part of the data root), and
            `readable`.
        path: The path of the file, even if it is missing: then it keeps its place in the split.
        label: Index into the split's class names; the first of `labels`, or -1 if it has none.
        labels: Its labels, ascending: one, but in a split that is scored by `hit-k` or `map`.
        group: The source of its footage, which other videos may share (UCF101's g01..g25); None if
            it is unknown.
    """

    __slots__ = ("_after", "_all", "_before", "group", "id", "label")

    id: str
    label: int
    group: str | None
    _all: tuple[int, ...] | None
    _before: str
    _after: str | None

    def __init__(
        self,
        *,
        id: str,
        path: Path | str,
        label: int | None = None,
        labels: Iterable[int] | None = None,
        group: str | None = None,
    ) -> None:
        """Make the id one that can be stored, and a text a path; refuse other kinds of values.

        Give `label`, or `labels`.
        """
        if not isinstance(id, str):
            raise TypeError(f"video id {id!r} is no text; give one, such as the file's name")
        if not isinstance(path, (str, Path)):
            raise TypeError(f"path {path!r} of {id!r} is no path; give a pathlib.Path")
        if labels is not None and label is not None:
            raise TypeError(f"label {label!r} and labels {labels!r} of {id!r}; give one of the two")
        several = None
        if labels is not None:
            several = _label_set(id, labels)
            number = several[0] if several else -1
            several = None if len(several) == 1 else several
        else:
            number = label if type(label) is int else _label(id, label)
        if group is not None and not isinstance(group, str):
            raise TypeError(f"group {group!r} of {id!r} is no text; give one, or None")
        name = readable(id)
        before, found, after = str(path).rpartition(name or "\0")
        if found:
            self._keep(name, intern(before), intern(after), number, several, group)
        else:
            self._keep(name, str(path), None, number, several, group)

    @classmethod
    def named_by_id(
        cls, before: str, after: str, *, id: str, label: int, group: str | None
    ) -> "Video":
        """Return a video whose path is its id between two texts that many videos share.

        Nothing is checked, for a reader of a million rows: the id has to be `readable`.
        """
        video = object.__new__(cls)
        video._keep(id, before, after, label, None, group)
        return video

    def _keep(
        self,
        id: str,
        before: str,
        after: str | None,
        label: int,
        several: tuple[int, ...] | None,
        group: str | None,
    ) -> None:
        _put_id(self, id)
        _put_before(self, before)
        _put_after(self, after)
        _put_label(self, label)
        _put_all(self, several)
        _put_group(self, group)

    @property
    def labels(self) -> tuple[int, ...]:
        """Its labels, ascending."""
        return (self.label,) if self._all is None else self._all

    @property
    def path(self) -> Path:
        """The path of the file, or of a folder of frames; see `path_of`."""
        return path_of(self.path_text)

    @property
    def path_text(self) -> str:
        """The path as a text: making a million paths takes seconds."""
        return self._before if self._after is None else self._before + self.id + self._after

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{name} of {self.id!r} can't be changed; make another Video")

    def __reduce__(self) -> tuple[Any, ...]:
        return _kept_video, (
            self.id,
            self._before,
            self._after,
            self.label,
            self._all,
            self.group,
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Video) and self._told() == other._told()

    def __hash__(self) -> int:
        return hash(self._told())

    def __repr__(self) -> str:
        said = f"label={self.label}" if self._all is None else f"labels={self._all}"
        return f"Video(id={self.id!r}, path={self.path!r}, {said}, group={self.group!r})"

    def _told(self) -> tuple[object, ...]:
        return self.id, self.path, self.labels, self.group


# As `object.__setattr__`, without looking up the names: there may be a million videos.
_put_id, _put_label, _put_group = (vars(Video)[name].__set__ for name in ("id", "label", "group"))
_put_before, _put_after, _put_all = (
    vars(Video)[name].__set__ for name in ("_before", "_after", "_all")
)


def _kept_video(
    id: str,
    before: str,
    after: str | None,
    label: int,
    several: tuple[int, ...] | None,
    group: str | None,
) -> Video:
    """Return a video that another process has sent."""
    video = object.__new__(Video)
    video._keep(id, before, after, label, several, group)
    return video


def _label_set(video: str, labels: Iterable[int]) -> tuple[int, ...]:
    given = [_label(video, label) for label in labels]
    if len(set(given)) < len(given):
        raise ValueError(f"labels {given!r} of {video!r}: one is there twice; give each once")
    return tuple(sorted(given))


def _label(video: str, label: int | None) -> int:
    try:
        return operator.index(label)  # type: ignore[arg-type]  # refused here
    except TypeError as error:
        raise TypeError(
            f"label {label!r} of {video!r} is no whole number; a label is an index into "
            "the split's classes"
        ) from error


class Split(msgspec.Struct, frozen=True, kw_only=True):
    """The videos of one split of a dataset, with its classes in the canonical order.

    Attributes:
        dataset: The catalog's name of the dataset.
        name: The split's own name: `test01`, `validation`.
        classes: Class names, `readable`; a label is an index into them.
        videos: Every video that the annotation lists, in its order, present on disk or not.
        part_of: Name of the split that these videos are a part of; None if there is none.
        notes: Remarks about this copy for the reader of a result (missing files, ...).
        findings: What is wrong with this copy of the videos, or worth a look; each is a note too.
        layout: Name of the layout that its lists and folders were read as; empty if there is one
            layout alone.
        scoring: How its predictions are scored.
        truth: Times or boxes of what happens in the videos, for localization and detection; its
            digest is part of the manifest. A video's labels are then those of all its events.
        clocks: Video id -> how its file counts time, of those that don't begin with the published
            video, or have no times of their own. It is the copy's, so no part of the manifest.
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
    findings: tuple[Finding, ...] = ()
    layout: str = ""
    scoring: Scoring = "top-k"
    truth: Truth | None = None
    clocks: Mapping[str, Clock] = {}

    def __post_init__(self) -> None:
        """Make names and notes storable; refuse an id twice, or a label outside the classes."""
        if self.scoring not in get_args(Scoring):
            raise ValueError(f"scoring is {self.scoring!r}; give one of {get_args(Scoring)}")
        for field, kind in _KINDS.items():
            force_setattr(self, field, _tuple_of(kind, field, getattr(self, field)))
        force_setattr(self, "classes", tuple(map(readable, self.classes)))
        force_setattr(self, "notes", tuple(map(readable, self.notes)))
        seen: set[str] = set()
        classes = len(self.classes)
        for video in self.videos:
            if video.id in seen:
                raise ValueError(f"{self.dataset} {self.name}: video {video.id!r} is listed twice")
            seen.add(video.id)
            if video._all is not None or not 0 <= video.label < classes:
                self._check_labels(video)

    def _check_labels(self, video: Video) -> None:
        labels = video.labels
        for label in labels:
            if not 0 <= label < len(self.classes):
                raise ValueError(
                    f"{self.dataset} {self.name}: label {label} of {video.id!r} is not in "
                    f"0..{len(self.classes) - 1}"
                )
        count = len(labels)
        if (count != 1 and self.scoring == "top-k") or (count == 0 and self.scoring == "hit-k"):
            raise ValueError(
                f"{self.dataset} {self.name}: {video.id!r} has {count} labels, and its split is "
                f"scored by {self.scoring}; give it {'one' if self.scoring == 'top-k' else 'some'}"
            )

    @property
    def manifest(self) -> str:
        """Digest of ids and labels, in order, classes, `content`, other scorings, the truth."""
        digest = hashlib.sha256()
        for name in self.classes:
            digest.update(f"{name}\n".encode())
        for video in self.videos:
            labels = ",".join(map(str, video.labels))
            digest.update(f"{video.id}\t{labels}\n".encode())
        digest.update(self.content.encode())
        if self.scoring != "top-k":
            digest.update(f"\n{self.scoring}".encode())
        if self.truth is not None:
            digest.update(truth_digest(self.truth))
        return digest.hexdigest()[:16]

    def clock_of(self, video: str) -> Clock:
        """Return how the file of a video counts time, by the video's id."""
        return self.clocks.get(video, WHOLE)

    @property
    def task(self) -> Task:
        """What a network is to say of its videos."""
        if self.truth is None:
            return "classification"
        return "localization" if isinstance(self.truth, EventTruth) else "detection"


_KINDS: dict[str, type] = {"classes": str, "notes": str, "videos": Video, "findings": Finding}


def _tuple_of(kind: type, field: str, given: Any) -> tuple[Any, ...]:
    """Return a field of a split as a tuple, whatever sequence it was given as.

    Raises:
        TypeError: It is no sequence, or has something of another kind.
    """
    named = "texts" if kind is str else f"{field}, each a {kind.__name__}"
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
