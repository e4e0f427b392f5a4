"""People's own videos in folders of classes: `[split/]class/video`."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePath
from typing import NamedTuple

from ..errors import DatasetError, KinobenchError
from ..findings import Finding
from ..findings import found as findings_on
from ..own import FOLDER, OwnVideos
from ..plurals import quantity
from ..sources.links import newest_snapshot
from ..sources.listing import walk
from ..split import Split, Video
from . import layouts
from .class_names import LabelMatcher
from .holdout import parts_of, with_groups
from .own_classes import CLASSES_FILE, alike, sorted_classes, written_classes
from .scan import FoundVideo, counted, scan_videos
from .split_names import ALL, kind_of

_DEEPEST = 3
"""Levels of folders that are looked at: one more than there should be, for messages."""


class _Found(NamedTuple):
    """A video, and the names of the folders that it is in, from the data root on.

    An archive counts as a folder, and its name as one without `.tar`: so the names are those of the
    unpacked videos.
    """

    file: FoundVideo
    folders: tuple[str, ...]
    archive: str | None

    @property
    def name(self) -> str:
        return "/".join((*self.folders, PurePath(self.file.path).name))


def read_folder(root: Path, own: OwnVideos) -> dict[str, Split]:
    """Return the splits of a folder of classes.

    Folders named `train`, `val`, `test` or alike are splits if their own folders have the videos;
    without such there is one split, `all`, or the parts of it that are asked for. A class is a
    folder; their order is that of a classes.txt in the data root, or else by code point, over all
    splits. Names that begin with a dot are left out.

    Args:
        root: The data root.
        own: Whether and how the videos are parted.

    Returns:
        The splits by their names; each has all classes. A video's id is its path in the root.

    Raises:
        DatasetError: There are no videos in folders of classes, a folder is no class of
            classes.txt, or a link leads out of the root.
    """
    if not root.is_dir():
        raise layouts.FOLDER.lacks(f"no folder {str(root)!r}")
    dangling: list[str] = []
    found, unpacked = _without_unpacked(
        [each for each in _videos(root, own, dangling) if not _is_hidden(each)]
    )
    depth = 2 if _has_splits(found) else 1
    right = [each for each in found if len(each.folders) == depth and _is_split(each, depth)]
    if not right:
        raise layouts.FOLDER.lacks(_nothing_in(root, found))
    for each in right:
        each.file.refuse_outside(str(root))
    classes, label_of = _classes(root, [each.folders[-1] for each in right])
    findings = (*findings_on("dangling", _inside(root, dangling), "links to nothing"), *unpacked)
    notes = (
        *_left_out(root, found, right, depth),
        *(each.text for each in findings),
        *alike(classes),
    )
    splits: dict[str, list[Video]] = {}
    for each in right:
        split = each.folders[0] if depth == 2 else ALL
        label = label_of[each.folders[-1]]
        video = Video(id=each.name, path=each.file.path, label=label)
        splits.setdefault(split, []).append(video)
    whole = {
        name: with_groups(
            Split(
                dataset=FOLDER,
                name=name,
                classes=classes,
                videos=tuple(videos),
                notes=notes,
                findings=findings,
            ),
            own,
        )
        for name, videos in splits.items()
    }
    return parted(whole, own)


def parted(splits: dict[str, Split], own: OwnVideos) -> dict[str, Split]:
    """Return splits, or the two parts of the only one if some of it is to be held out.

    Raises:
        DatasetError: There are several splits, or no part can be held out.
    """
    if own.holdout is None:
        return splits
    if len(splits) > 1:
        raise DatasetError(
            f"{own.holdout.text}: these videos are parted already, in {', '.join(sorted(splits))}; "
            "leave it out"
        )
    (whole,) = splits.values()
    return parts_of(whole, own.holdout, by_group=own.group is not None)


def _videos(root: Path, own: OwnVideos, dangling: list[str]) -> list[_Found]:
    found = scan_videos(
        root,
        root,
        depth=_DEEPEST,
        follow_links=own.follow_links,
        archives=True,
        on_dangling=dangling.append,
        pictures=True,
    )
    start = len(str(root).rstrip(os.sep)) + 1
    return [_placed(each, start) for each in found]


def _placed(file: FoundVideo, start: int) -> _Found:
    """Return a video with the names of its folders, which begin at a place in its path's text."""
    folders = PurePath(file.path[start:]).parts[:-1]
    if file.archive is None or len(file.archive) < start:
        return _Found(file, folders, None)
    inner = PurePath(file.archive[start:]).parts
    unpacked = inner[-1].rpartition(".")[0]
    return _Found(file, (*inner[:-1], unpacked, *folders[len(inner) :]), file.archive[start:])


def _without_unpacked(found: list[_Found]) -> tuple[list[_Found], tuple[Finding, ...]]:
    """Leave out archives whose videos are there unpacked, too, and return a finding on them."""
    unpacked = {each.name for each in found if each.archive is None}
    twice = sorted({each.archive for each in found if each.archive and each.name in unpacked})
    return (
        [each for each in found if each.archive is None or each.archive not in twice],
        findings_on("duplicate", twice, "archives left out, whose videos are there unpacked"),
    )


def _inside(root: Path, paths: Iterable[str]) -> list[str]:
    start = len(str(root).rstrip(os.sep)) + 1
    return sorted(path[start:] for path in paths)


def _is_hidden(each: _Found) -> bool:
    return each.name.startswith(".") or "/." in each.name


def _has_splits(found: Iterable[_Found]) -> bool:
    """Report whether folders named like splits have folders of videos, and no videos themselves."""
    named = [each for each in found if each.folders and kind_of(each.folders[0])]
    direct = {each.folders[0] for each in named if len(each.folders) == 1}
    return any(len(each.folders) == 2 and each.folders[0] not in direct for each in named)


def _is_split(each: _Found, depth: int) -> bool:
    return depth == 1 or kind_of(each.folders[0]) is not None


def _classes(root: Path, folders: Iterable[str]) -> tuple[tuple[str, ...], dict[str, int]]:
    """Return the class names, and the label of each class's folder."""
    names = sorted_classes(folders)
    written = written_classes(root)
    if written is None:
        return names, {name: label for label, name in enumerate(names)}
    file, classes = written
    match = LabelMatcher(classes)
    label_of: dict[str, int] = {}
    for name in names:
        try:
            label_of[name] = match(name)
        except KinobenchError as error:
            raise DatasetError(
                f"{root}: folder {name!r} is none of the classes of {file}: {error}; add it to "
                f"{CLASSES_FILE}, or remove that file"
            ) from error
    return classes, label_of


def _left_out(
    root: Path, found: Sequence[_Found], right: Iterable[_Found], depth: int
) -> tuple[str, ...]:
    """Return notes on the videos and folders that are in no place for them."""
    kept = {each.file.path for each in right}
    elsewhere = [each.name for each in found if each.file.path not in kept]
    used = {each.folders[0] for each in found if each.folders}
    empty = sorted(
        each.name
        for each in walk(root, 0)
        if each.is_folder and each.name not in used and not each.name.startswith(".")
    )
    place = "SPLIT/CLASS/VIDEO" if depth == 2 else "CLASS/VIDEO"
    return (
        *counted(elsewhere, f"of {quantity(len(found), 'video')} left out, not at {place}"),
        *counted(empty, f"of {quantity(len(used) + len(empty), 'folder')} without videos"),
    )


def _nothing_in(root: Path, found: list[_Found]) -> str:
    """Return what is there instead of folders of classes."""
    flat = [each.name for each in found if not each.folders]
    if flat:
        return (
            f"{quantity(len(flat), 'video')} in {str(root)!r} itself, such as {flat[0]}, and none "
            "in folders of classes; sort them into folders, or give --dataset list with a list"
        )
    deeper = sorted({each.folders[0] for each in found if len(each.folders) > 1})
    if deeper:
        inner = str(root / deeper[0])
        return f"no videos in folders of {str(root)!r}; is it --data-root {inner!r}?"
    snapshot = newest_snapshot(root)
    if snapshot is not None:
        return f"no videos in folders of {str(root)!r}; is it --data-root {str(snapshot)!r}?"
    return f"no videos in folders of {str(root)!r}"
