"""People's own videos in tar shards: a video and its label next to each other, by one key.

The names are those of WebDataset (webdataset/webdataset, webdataset/tariterators.py,
base_plus_ext): what stands before the first dot of a file's name, with its folders, is the key.
"""

import io
import re
from array import array
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import Any, NamedTuple

import msgspec

from ..errors import DatasetError
from ..own import SHARDS, OwnVideos
from ..sources.links import ASK
from ..sources.listing import Entry, is_video_name, walk
from ..sources.paths import SourcePath, archive_path, opened_archive, path_of
from ..sources.tar_index import COMPRESSED, Member, TarIndex, index_of, refuse_compressed
from ..split import Split, Video
from . import layouts
from .folder import parted
from .holdout import with_groups
from .label_numbers import label_classes
from .own_classes import alike, written_classes
from .scan import counted
from .split_names import ALL, kind_of

_DEPTH = 2
"""Levels of folders below the data root that shards are looked for in."""
_KEY = re.compile(r"((?:.*/)?[^./][^./]*)\.([^/]*)", re.DOTALL)
_LABELS = ("cls", "json", "txt")
"""Endings of the files with labels; the first that is there counts."""
_FIELDS = ("label", "class", "cls")
"""What the label is called in a .json file; the first that is there counts."""
_MOST_LABEL_BYTES = 2**20


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
    """

    ids: list[str]
    labels: list[str]
    shards: "array[int]"
    names: list[str]
    paths: list[str]

    def where(self, row: int) -> str:
        """Return the shard and the name of a video."""
        return f"{self.names[self.shards[row]]}: {self.ids[row]}"


def read_shards(root: Path, own: OwnVideos) -> dict[str, Split]:
    """Return the splits of a folder of tar shards.

    A shard is of the split that its name begins with or contains, as `train-000.tar`, or that its
    folder is named like; or else of `all`. A video's label is in the file of its key that ends in
    `.cls`, `.json` (its `label`, `class` or `cls`) or `.txt`: a number from 0, or a name.

    Args:
        root: The data root: a folder, here or elsewhere.
        own: Whether and how the videos are parted.

    Returns:
        The splits by their names; each has all classes. A video's id is its name in its shard;
        where several shards have one name, the shard's name stands before it.

    Raises:
        DatasetError: There are no shards, or one is damaged or compressed; a video has no label.
    """
    if not root.is_dir():
        raise layouts.SHARDS.lacks(f"no folder {str(root)!r}")
    shards = _shards(root, own)
    if not shards:
        raise layouts.SHARDS.lacks(f"no .tar file in {str(root)!r}")
    rows: dict[str, _Rows] = {}
    repeated: list[str] = []
    for shard in shards:
        of_split = rows.setdefault(shard.split, _Rows([], [], array("I"), [], []))
        index = index_of(shard.path)
        repeated += [f"{shard.name}: {name}" for name in index.repeated]
        _add(of_split, shard, index)
    if not any(each.ids for each in rows.values()):
        raise layouts.SHARDS.lacks(f"no videos in the {len(shards)} .tar files of {str(root)!r}")
    labels = label_classes(list(rows.values()), written_classes(root))
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
    said = [*re.split(r"[-_. ]", path.stem), *reversed(path.parts[:-1])]
    return next((each for each in said if kind_of(each) is not None), ALL)


def _add(rows: _Rows, shard: _Shard, index: TarIndex) -> None:
    """Add the videos of a shard.

    Raises:
        DatasetError: One has no label.
    """
    labels: dict[str, dict[str, Member]] = {}
    videos: list[tuple[str, str]] = []
    for member in index:
        parts = _KEY.fullmatch(member.name)
        if parts is None:
            continue
        if parts[2].lower() in _LABELS:
            labels.setdefault(parts[1], {})[parts[2].lower()] = member
        elif is_video_name(member.name):
            videos.append((parts[1], member.name))
    number = len(rows.names)
    rows.names.append(shard.name)
    rows.paths.append(str(shard.path))
    with opened_archive(shard.path) as file:
        for key, video in videos:
            kinds = labels.get(key, {})
            kind = next((kind for kind in _LABELS if kind in kinds), None)
            if kind is None:
                raise DatasetError(
                    f"{shard.path}: {video} has no label: there is no {key}.cls, .json or .txt; "
                    "add one, or give --dataset folder or list for videos without such files"
                )
            rows.ids.append(video)
            rows.labels.append(_label(shard, kinds[kind], kind, file))
            rows.shards.append(number)


def _label(shard: _Shard, member: Member, kind: str, file: io.RawIOBase) -> str:
    """Return the label that a small member says."""
    where = f"{shard.path}: {member.name}"
    if member.size > _MOST_LABEL_BYTES:
        raise DatasetError(f"{where}: {member.size:,} bytes are no label; write the label alone")
    file.seek(member.begin)
    try:
        text = _bytes(file, member.size).decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise DatasetError(f"{where}: not a text in UTF-8; save it in UTF-8") from error
    if kind == "json":
        text = _of_json(where, text)
    if not text or "\n" in text:
        raise DatasetError(f"{where}: {text[:40]!r} is no label; write a number or a name in it")
    return text


def _bytes(file: io.RawIOBase, count: int) -> bytes:
    """Return so many bytes of a file, or those up to its end."""
    content = b""
    while len(content) < count:
        more = file.read(count - len(content))
        if not more:
            break
        content += more
    return content


def _of_json(where: str, text: str) -> str:
    try:
        said: Any = msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise DatasetError(f"{where}: not JSON ({error}); correct it") from error
    fields = said if isinstance(said, dict) else {"label": said}
    label = next((fields[each] for each in _FIELDS if each in fields), None)
    if isinstance(label, bool) or not isinstance(label, int | str):
        raise DatasetError(
            f"{where}: there is no number or name called {', '.join(_FIELDS)} in it; add one"
        )
    return str(label)


def _videos(rows: _Rows, label_of: Any, is_unique: bool) -> Iterator[Video]:
    for video, label, shard in zip(rows.ids, rows.labels, rows.shards, strict=True):
        named = video if is_unique else f"{rows.names[shard]}/{video}"
        yield Video(id=named, path=f"{rows.paths[shard]}/{video}", label=label_of[label])
