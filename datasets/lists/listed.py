"""People's own videos in a list: a path and a label in each line."""

import os
import posixpath
import stat
from array import array
from collections.abc import Iterator
from pathlib import Path
from sys import intern
from typing import NamedTuple

from ..errors import DatasetError
from ..findings import Finding, found
from ..own import LIST, OwnVideos
from ..plurals import quantity
from ..sources.links import ASK, enclosing
from ..sources.listing import walk
from ..sources.paths import SourcePath, is_elsewhere, is_url, path_of
from ..split import Split, Video
from . import layouts
from .folder import parted
from .holdout import with_groups
from .label_numbers import Labels, label_classes
from .list_rows import rows_of
from .own_classes import alike, written_classes
from .split_names import ALL, kind_of


class Listed(NamedTuple):
    """The rows of a list: columns, because there may be a million.

    Attributes:
        file: The list.
        ids: Each video's path from the folder that all begin at, with `/`.
        labels: Each one's label, as it is written.
        lines: The line of each.
    """

    file: Path
    ids: list[str]
    labels: list[str]
    lines: "array[int]"

    def where(self, row: int) -> str:
        """Return the file and the line of a row."""
        return f"{self.file}:{self.lines[row]}"


def read_lists(root: Path | None, own: OwnVideos) -> dict[str, Split]:
    """Return the splits of lists: one for each list, or the parts of the only one.

    Args:
        root: The folder that listed paths begin at; None is that of the first list. A path prefix
            is added to it, or takes its place if it is absolute.
        own: The lists, and whether and how their videos are parted.

    Returns:
        The splits by their names; each has all classes. A video's id is its path in that folder. A
        listed file that is missing stays in its split, and a note counts such files.

    Raises:
        DatasetError: A list or the folder is missing, a line is wrong, a path leaves the folder, or
            numbers contradict the names of folders or of classes.txt.
    """
    if not own.lists:
        raise layouts.LIST.lacks("no list is given; say where it is by --list FILE")
    base = own.base(root)
    assert base is not None
    if not base.is_dir():
        option = "--data-root" if own.path_prefix is None else "--path-prefix"
        raise DatasetError(f"{option}: {base}: there is no such folder; give another")
    listed = {}
    for name, path in own.lists:
        called = name or _split_name(path_of(path))
        if called in listed:
            raise DatasetError(
                f"--list {path}: split {called!r} has a list already; name each, as test=FILE"
            )
        listed[called] = _read(path_of(path), base, root)
    folders = (path_of(own.lists[0][1]).parent, base)
    labels = label_classes(list(listed.values()), written_classes(*folders))
    splits = {}
    for name in list(listed):
        # The rows of a list, of which there may be a million, go before its split is made.
        videos, findings = _videos(listed.pop(name), base, labels, own)
        split = Split(
            dataset=LIST,
            name=name,
            classes=labels.classes,
            videos=videos,
            notes=(*(each.text for each in findings), *labels.notes, *alike(labels.classes)),
            findings=findings,
        )
        splits[name] = with_groups(split, own)
    return parted(splits, own)


def _split_name(file: Path) -> str:
    return file.stem if kind_of(file.stem) else ALL


def _read(file: Path, base: Path, root: Path | None) -> Listed:
    ids: list[str] = []
    labels: list[str] = []
    lines = array("I")
    inside = _Inside(base, root)
    for row in rows_of(file):
        ids.append(inside.id_of(row.path, file, row.line))
        labels.append(intern(row.label))
        lines.append(row.line)
    listed = Listed(file, ids, labels, lines)
    if len(set(ids)) < len(ids):
        _refuse_twice(listed)
    return listed


def _refuse_twice(listed: Listed) -> None:
    first: dict[str, int] = {}
    for row, video in enumerate(listed.ids):
        before = first.setdefault(video, row)
        if before != row:
            one, other = listed.labels[before], listed.labels[row]
            as_well = "" if one == other else f" with label {one!r}, and here with {other!r}"
            raise DatasetError(
                f"{listed.where(row)}: {video!r} is in line {listed.lines[before]} already"
                f"{as_well}; remove one of the two"
            )


class _Inside:
    """Gives listed paths as they are in the folder that all begin at, and refuses others."""

    def __init__(self, base: Path, root: Path | None) -> None:
        self._base = _whole(base)
        self._root = self._base if root is None else _whole(root)

    def id_of(self, path: str, file: Path, line: int) -> str:
        """Return a path from the folder on, or from `/` on where it is in the data root only.

        Raises:
            DatasetError: The path leaves the folder.
        """
        if _is_plain(path):
            return path
        if is_url(path) and not is_url(self._base):
            raise DatasetError(
                f"{file}:{line}: {path!r} is not in {self._base}; give the URL that all videos "
                "begin with as --path-prefix"
            )
        if is_url(self._base):
            whole = _joined(self._base, path)
        else:
            whole = os.path.normpath(Path(self._base, Path(path).expanduser()))
        if whole.startswith(self._base):
            return whole[len(self._base) :]
        if whole.startswith(self._root):
            return whole
        raise DatasetError(
            f"{file}:{line}: {path!r} leaves {self._base}; give the folder that all videos are in "
            "as --path-prefix, or write paths that begin there"
        )


def _joined(base: str, path: str) -> str:
    """Return the URL of a listed path, which may be a URL or begin at a URL; `..` is resolved."""
    scheme, _, rest = (path if is_url(path) else f"{base}/{path}").partition("://")
    return f"{scheme}://{posixpath.normpath(rest)}" if not path.startswith("/") else path


def _whole(folder: Path) -> str:
    """Return the absolute path of a folder, with one `/` at its end."""
    if is_url(folder):
        return str(folder).rstrip("/") + "/"
    return os.path.normpath(folder.absolute()).rstrip("/") + "/"


def _is_plain(path: str) -> bool:
    """Report whether a path leads below a folder as it stands; if in doubt, say no."""
    return not (
        path[0] in "/~"
        or "./" in path
        or "//" in path
        or path.endswith(("/", "/.", "/.."))
        or path in (".", "..")
    )


def _videos(
    listed: Listed, base: Path, labels: Labels, own: OwnVideos
) -> tuple[tuple[Video, ...], tuple[Finding, ...]]:
    """Return the videos of a list, and what is wrong with them."""
    folder = str(base)
    missing: list[str] = []
    videos: list[Video] = []
    if is_elsewhere(path_of(base)):
        places = _elsewhere(listed, folder, missing)
    else:
        places = _looked_up(listed, folder, missing, own.follow_links)
    for (video_id, path), written in zip(places, listed.labels, strict=True):
        videos.append(Video(id=video_id, path=path, label=labels.label_of[written]))
    lost = found("missing", missing, f"of {quantity(len(videos), 'listed video')} not on disk")
    return tuple(videos), (*lost, *labels.findings)


def _elsewhere(listed: Listed, folder: str, missing: list[str]) -> Iterator[tuple[str, str]]:
    """Give each video's id and path in an archive or by a URL, as `_looked_up` does.

    What is there is listed, folder by folder: asking for each would take a request a video.
    """
    there: dict[str, set[str]] = {}
    for video_id in listed.ids:
        is_whole = video_id.startswith("/") or is_url(video_id)
        path = video_id if is_whole else f"{folder}/{video_id}"
        parent, _, name = path.rpartition("/")
        if parent not in there:
            place = path_of(parent)
            there[parent] = {each.name for each in walk(place, 0)} if place.is_dir() else set()
        if name not in there[parent]:
            missing.append(video_id)
        yield video_id, path


def _looked_up(
    listed: Listed, folder: str, missing: list[str], follow_links: bool
) -> Iterator[tuple[str, str]]:
    """Give each video's id and path; those without a file are added to `missing`.

    Raises:
        DatasetError: A link leads out of the folder.
    """
    real = os.sep if follow_links else enclosing(Path(folder))
    inside: dict[str, bool] = {}
    for row, video_id in enumerate(listed.ids):
        path = f"{folder}/{video_id}" if not video_id.startswith("/") else video_id
        parent = path[: path.rindex("/")]
        if parent not in inside:
            inside[parent] = video_id.startswith("/") or _is_in(parent, real)
        try:
            is_link = stat.S_ISLNK(os.lstat(path).st_mode)
        except OSError:
            if not _is_member(path):
                missing.append(video_id)
            elif not inside[parent]:
                raise _leads_out(listed.where(row), path, folder) from None
        except ValueError as error:  # a character that no path has
            raise DatasetError(f"{listed.where(row)}: {video_id!r}: {error}") from error
        else:
            if is_link and not Path(path).exists():
                missing.append(video_id)
            elif not inside[parent] or (is_link and not _is_in(path, real)):
                raise _leads_out(listed.where(row), path, folder)
        yield video_id, path


def _is_member(path: str) -> bool:
    """Report whether a path is that of a member of an archive."""
    if ".tar" not in path.lower():
        return False  # nearly all: making a million paths takes seconds
    place = path_of(path)
    return isinstance(place, SourcePath) and place.exists()


def _leads_out(where: str, path: str, folder: str) -> DatasetError:
    return DatasetError(
        f"{where}: {path} is reached by a link that leaves {folder}; give the folder of the real "
        f"files as --path-prefix; or {ASK}"
    )


def _is_in(path: str, real_folder: str) -> bool:
    real = os.path.realpath(path)
    return real == real_folder or real.startswith(real_folder.rstrip("/") + "/")
