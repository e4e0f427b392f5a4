"""People's own videos in tar shards: a video and its label next to each other, by one key.

The names are those of WebDataset (webdataset/webdataset, webdataset/tariterators.py,
base_plus_ext): what stands before the first dot of a file's name, with its folders, is the key.
"""

import re
from array import array
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePath
from typing import NamedTuple

from ..errors import DatasetError
from ..own import SHARDS, OwnVideos
from ..sources.links import ASK
from ..sources.listing import Entry, is_video_name, walk
from ..sources.paths import SourcePath, archive_path, opened_archive, path_of
from ..sources.tar_index import COMPRESSED, Member, TarIndex, index_of, refuse_compressed
from ..split import Scoring, Split, Video
from . import layouts
from .folder import parted
from .holdout import with_groups
from .label_numbers import label_classes
from .own_classes import alike, written_classes
from .scan import counted
from .shard_labels import LABELS, SCORINGS, Several, label_in
from .split_names import ALL, kind_of

_DEPTH = 2
"""Levels of folders below the data root that shards are looked for in."""
_KEY = re.compile(r"((?:.*/)?[^./][^./]*)\.([^/]*)", re.DOTALL)
_NUMBERED = re.compile(r"(([A-Za-z]+)\d{1,2})-\d{6}")
"""The name of a tar of one of several partings, `test01-000000`, as copies of datasets have it."""


class _Shard(NamedTuple):
    """A shard.

    Attributes:
        path: Its path.
        name: Its path in the data root.
        split: Name of its split.
    """

    path: Path
    name: str
    split: str


class _Rows(NamedTuple):
    """The videos of a split, in columns; see `label_numbers.Rows`.

    Attributes:
        ids: Each one's name in its shard.
        labels: Each one's label, as it is written.
        shards: Number of each one's shard.
        names: The shards' names, by these numbers.
        paths: The shards' paths, by these numbers.
        several: The labels of each one that has any number of them, by its row; the one in
            `labels` doesn't count.
        scorings: What is said on how these are scored.
    """

    ids: list[str]
    labels: list[str]
    shards: "array[int]"
    names: list[str]
    paths: list[str]
    several: dict[int, tuple[str, ...]]
    scorings: set[str]

    def where(self, row: int) -> str:
        """Return the shard and the name of a video."""
        return f"{self.names[self.shards[row]]}: {self.ids[row]}"

    def labels_at(self, row: int) -> tuple[str, ...]:
        """Return the labels of a video, as they are written."""
        return self.several.get(row, (self.labels[row],))

    @property
    def scoring(self) -> Scoring:
        """How the split is scored, as its videos say, or else as their numbers of labels need.

        Raises:
            DatasetError: They contradict each other.
        """
        if not self.several:
            return "top-k"
        usual: Scoring = "hit-k" if all(self.several.values()) else "map"
        said = next((each for each in SCORINGS if each in self.scorings), usual)
        without = next((row for row, labels in self.several.items() if not labels), None)
        if self.scorings - {said}:
            raise DatasetError(
                f"{self.where(0)}: some videos of its split say that they are scored by "
                f"{said}, and others by {', '.join(sorted(self.scorings - {said}))}; the scoring "
                f"of a split with several labels is one of {' and '.join(SCORINGS)}: correct them"
            )
        if said == "hit-k" and without is not None:
            raise DatasetError(
                f"{self.where(without)}: it has no label, and is scored by hit-k; give it one, or "
                'write "scoring": "map" into each .json'
            )
        return said


class _OneByOne(NamedTuple):
    """The labels of a split's videos, each in a row of its own; see `label_numbers.Rows`.

    Attributes:
        ids: The name of each label's video.
        labels: The labels.
        of: The rows of these videos.
        rows: The split.
    """

    ids: list[str]
    labels: list[str]
    of: "array[int]"
    rows: _Rows

    def where(self, row: int) -> str:
        """Return the shard and the name of a video."""
        return self.rows.where(self.of[row])


def _one_by_one(rows: _Rows) -> _Rows | _OneByOne:
    if not rows.several:
        return rows
    found = _OneByOne([], [], array("I"), rows)
    for row, video in enumerate(rows.ids):
        for label in rows.labels_at(row):
            found.ids.append(video)
            found.labels.append(label)
            found.of.append(row)
    return found


def read_shards(root: Path, own: OwnVideos) -> dict[str, Split]:
    """Return the splits of a folder of tar shards.

    A shard is of the split that its name begins with or contains, as `train-000.tar`, or that its
    folder is named like; or else of `all`. `test01-000000.tar` is of `test01`, one of several
    partings. A video's label is in the file of its key that ends in
    `.cls`, `.json` (its `label`, `class` or `cls`) or `.txt`: a number from 0, or a name. Any
    number of labels is in the `labels` of a `.json`, whose `scoring` is `hit-k` or `map`.

    Args:
        root: The data root: a folder, here or elsewhere.
        own: Whether and how the videos are parted.

    Returns:
        The splits by their names; each has all classes. Videos are in the order of the shards'
        names, and in that of each shard. A video's id is its name in its shard; where several
        shards have one name, the shard's name stands before it.

    Raises:
        DatasetError: There are no shards, or one is damaged or compressed; a video has no label;
            or videos of one split are scored in different ways.
    """
    if not root.is_dir():
        raise layouts.SHARDS.lacks(f"no folder {str(root)!r}")
    shards = _shards(root, own)
    if not shards:
        raise layouts.SHARDS.lacks(f"no .tar file in {str(root)!r}")
    rows: dict[str, _Rows] = {}
    repeated: list[str] = []
    for shard in shards:
        of_split = rows.setdefault(shard.split, _Rows([], [], array("I"), [], [], {}, set()))
        index = index_of(shard.path)
        repeated += [f"{shard.name}: {name}" for name in index.repeated]
        _add(of_split, shard, index)
    if not any(each.ids for each in rows.values()):
        raise layouts.SHARDS.lacks(f"no videos in the {len(shards)} .tar files of {str(root)!r}")
    labels = label_classes(list(map(_one_by_one, rows.values())), written_classes(root))
    notes = (
        *counted(repeated, "members more than once in a shard, the last is taken"),
        *(each.text for each in labels.findings),
        *labels.notes,
        *alike(labels.classes),
    )
    splits = {}
    for name, of_split in rows.items():
        is_unique = len(set(of_split.ids)) == len(of_split.ids)
        videos = tuple(_videos(of_split, labels.label_of, is_unique))
        split = Split(
            dataset=SHARDS,
            name=name,
            classes=labels.classes,
            videos=videos,
            notes=notes,
            findings=labels.findings,
            scoring=of_split.scoring,
        )
        splits[name] = with_groups(split, own)
    return parted(splits, own)


def _shards(root: Path, own: OwnVideos) -> list[_Shard]:
    """Return the shards by the code points of their names."""
    found: list[_Shard] = []
    start = len(str(root).rstrip("/")) + 1
    itself = root.archive() if isinstance(root, SourcePath) else None
    if itself is not None:
        return [_Shard(itself[0], root.name, _split_of(root.name))]
    for entry in _entries(root, own):
        if entry.is_archive:
            name = entry.path[start:]
            found.append(_Shard(archive_path(entry.path), name, _split_of(name)))
        elif entry.name.lower().endswith(COMPRESSED):
            refuse_compressed(entry.path)
    return sorted(found, key=lambda shard: shard.name)


def _entries(root: Path, own: OwnVideos) -> Iterator[Entry]:
    """Give what is in the data root, but not what is in its archives."""
    waiting = [(root, _DEPTH)]
    while waiting:
        folder, depth = waiting.pop()
        for entry in walk(folder, 0, root=root, archives=True, follow_links=own.follow_links):
            if entry.leads_out and (entry.is_archive or entry.is_folder):
                raise DatasetError(
                    f"{entry.path}: it is reached by a link that leaves the data root; {ASK}"
                )
            yield entry
            if entry.is_folder and not entry.is_archive and depth > 0:
                waiting.append((path_of(entry.path), depth - 1))


def _split_of(name: str) -> str:
    """Return the split that a shard's name, or that of its folder, says."""
    path = PurePath(name)
    numbered = _NUMBERED.fullmatch(path.stem)
    if numbered is not None and kind_of(numbered[2]) is not None:
        return numbered[1]
    said = [*re.split(r"[-_. ]", path.stem), *reversed(path.parts[:-1])]
    return next((each for each in said if kind_of(each) is not None), ALL)


def _add(rows: _Rows, shard: _Shard, index: TarIndex) -> None:
    """Add the videos of a shard.

    Raises:
        DatasetError: One has no label.
    """
    labels: dict[str, dict[str, Member]] = {}
    videos: list[tuple[str, str]] = []
    # The index is by names; the order of the videos is that in which they were written.
    for member in sorted(index, key=lambda each: each.begin):
        parts = _KEY.fullmatch(member.name)
        if parts is None:
            continue
        if parts[2].lower() in LABELS:
            labels.setdefault(parts[1], {})[parts[2].lower()] = member
        elif is_video_name(member.name):
            videos.append((parts[1], member.name))
    number = len(rows.names)
    rows.names.append(shard.name)
    rows.paths.append(str(shard.path))
    with opened_archive(shard.path) as file:
        for key, video in videos:
            kinds = labels.get(key, {})
            kind = next((kind for kind in LABELS if kind in kinds), None)
            if kind is None:
                raise DatasetError(
                    f"{shard.path}: {video} has no label: there is no {key}.cls, .json or .txt; "
                    "add one, or give --dataset folder or list for videos without such files"
                )
            said = label_in(shard.path, kinds[kind], kind, file)
            if isinstance(said, Several):
                rows.several[len(rows.ids)] = said.labels
                rows.scorings.update(() if said.scoring is None else (said.scoring,))
            rows.ids.append(video)
            rows.labels.append(said if isinstance(said, str) else "")
            rows.shards.append(number)


def _videos(rows: _Rows, label_of: Mapping[str, int], is_unique: bool) -> Iterator[Video]:
    is_one = not rows.several
    for row, (video, label, shard) in enumerate(
        zip(rows.ids, rows.labels, rows.shards, strict=True)
    ):
        named = video if is_unique else f"{rows.names[shard]}/{video}"
        path = f"{rows.paths[shard]}/{video}"
        if is_one:
            yield Video(id=named, path=path, label=label_of[label])
        else:
            labels = {label_of[each] for each in rows.labels_at(row)}
            yield Video(id=named, path=path, labels=sorted(labels))
