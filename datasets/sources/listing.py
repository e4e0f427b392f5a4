"""What lies under a folder, in one pass: the videos, folders and archives in it."""

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from ..errors import DatasetError, reason_of
from .links import enclosing
from .paths import SourcePath, archive_path, is_url
from .tar_index import TarIndex, index_of

VIDEO_EXTENSIONS = (
    ".avi",
    ".mp4",
    ".mkv",
    ".webm",
    ".mov",
    ".m4v",
    ".mpg",
    ".mpeg",
    ".flv",
    ".ts",
    ".3gp",
)
"""What is a video by its name. The first ones are taken first where a video is there twice."""


class Entry(NamedTuple):
    """A file or a folder.

    Attributes:
        path: Its path as a text; below a tar archive, as if that were a folder.
        folder: Name of the folder that it is in.
        name: Its own name.
        is_folder: True for a folder, or for a tar archive whose members follow.
        is_archive: True for a tar archive whose members follow.
        is_video: True for a file with a video's extension.
        size: Its bytes; None where the listing doesn't say.
        leads_out: True if a link leads out of the data root.
        dangling: True for a link to nothing.
    """

    path: str
    folder: str
    name: str
    is_folder: bool
    is_video: bool
    size: int | None
    leads_out: bool
    dangling: bool
    is_archive: bool = False


def is_video_name(name: str) -> bool:
    """Report whether a file's name has a video's extension."""
    stem, dot, extension = name.rpartition(".")
    return bool(stem) and f"{dot}{extension}".lower() in VIDEO_EXTENSIONS


def is_archive_name(name: str) -> bool:
    """Report whether a file's name is that of a tar archive."""
    return name.lower().endswith(".tar") and len(name) > len(".tar")


def walk(
    folder: Path,
    depth: int,
    *,
    root: Path | None = None,
    skip: Collection[str] = (),
    archives: bool = False,
    follow_links: bool = False,
) -> Iterator[Entry]:
    """Give what is in a folder and in its folders down to a depth, each folder before its contents.

    The order is that of the file system. Only links cost a system call of their own. Links to
    folders are followed; the depth ends circles.

    Args:
        folder: The folder to look in.
        depth: Number of levels of folders below it that are looked into.
        root: The data root: what a link leads to out of it is marked; None is `folder` itself.
        skip: Names of folders of `folder` itself that are left out.
        archives: Take tar archives for folders, in which their members are. `folder` may be one,
            or in one, without it.
        follow_links: Links may lead anywhere: none is marked.

    Raises:
        DatasetError: A folder can't be listed, or an archive is damaged.
    """
    if isinstance(folder, SourcePath):
        found = folder.archive()
        if found is not None:
            yield from _in_archive(str(folder), index_of(found[0]), found[1], depth, skip)
            return
        if is_url(folder):
            yield from _elsewhere(str(folder), folder.name, depth, skip, archives)
            return
    real_root = os.sep if follow_links else enclosing(folder if root is None else root)
    outside = leaves(os.path.realpath(folder), real_root)
    yield from _local(str(folder), folder.name, outside, real_root, depth, skip, archives)


def _in_archive(
    top: str, index: TarIndex, inside: str, depth: int, skip: Collection[str]
) -> Iterator[Entry]:
    """Give what is in an archive, or in a folder of it, by the code points of the names.

    Args:
        top: The text of the archive's or the folder's path.
        index: The archive's index.
        inside: The folder's path in the archive; empty for the archive itself.
        depth: As for `walk`.
        skip: As for `walk`.
    """
    start = f"{inside}/" if inside else ""
    seen: set[str] = set()
    for member in index.below(inside):
        *folders, name = member.name[len(start) :].split("/")
        if folders and folders[0] in skip:
            continue
        path, above = top, top.rpartition("/")[2]
        for level, each in enumerate(folders[: depth + 1]):
            inner = f"{path}/{each}"
            if inner not in seen:
                seen.add(inner)
                yield Entry(inner, above, each, True, False, None, False, False)
            path, above = inner, each
            if level == depth:
                break
        else:
            yield Entry(
                f"{path}/{name}",
                above,
                name,
                False,
                is_video_name(name),
                member.size,
                False,
                False,
            )
    for name in index.links:
        if name.startswith(start) and name[len(start) :].count("/") <= depth:
            folder, _, own = f"{top}/{name[len(start) :]}".rpartition("/")
            above = folder.rpartition("/")[2]
            yield Entry(f"{folder}/{own}", above, own, False, is_video_name(own), None, False, True)


def _elsewhere(
    url: str, name: str, depth: int, skip: Collection[str], archives: bool
) -> Iterator[Entry]:
    """Give what is in a folder elsewhere."""
    from .remote import listed

    below: list[Entry] = []
    for own, is_folder, size in listed(url):
        path = f"{url.rstrip('/')}/{own}"
        is_archive = archives and not is_folder and is_archive_name(own)
        if (is_folder or is_archive) and own in skip:
            continue
        one = Entry(
            path,
            name,
            own,
            is_folder or is_archive,
            not is_folder and is_video_name(own),
            size,
            False,
            False,
            is_archive,
        )
        if one.is_folder:
            below.append(one)
        else:
            yield one
    for one in below:
        yield one
        if depth > 0 and one.is_archive:
            yield from _in_archive(one.path, index_of(archive_path(one.path)), "", depth - 1, ())
        elif depth > 0:
            yield from _elsewhere(one.path, one.name, depth - 1, (), archives)


def _local(
    folder: str,
    name: str,
    outside: bool,
    real_root: str,
    depth: int,
    skip: Collection[str],
    archives: bool,
) -> Iterator[Entry]:
    below: list[Entry] = []
    with listing_errors(folder), os.scandir(folder) as entries:
        for entry in entries:
            leads_out, dangling = outside, False
            if entry.is_symlink():
                real = os.path.realpath(entry.path)
                leads_out = leaves(real, real_root)
                dangling = not os.path.exists(real)  # noqa: PTH110  # a million Paths take a second
            is_folder = entry.is_dir()
            is_archive = archives and not is_folder and is_archive_name(entry.name)
            is_archive = is_archive and entry.is_file()
            is_folder |= is_archive
            if is_folder and entry.name in skip:
                continue
            is_video = not is_folder and is_video_name(entry.name)
            if is_video and not dangling:
                is_video = entry.is_file()  # no pipe, no device
            one = Entry(
                entry.path,
                name,
                entry.name,
                is_folder,
                is_video,
                None,
                leads_out,
                dangling,
                is_archive,
            )
            if is_folder:
                below.append(one)
            else:
                yield one
    for one in below:
        yield one
        if depth > 0 and one.is_archive:
            index = index_of(archive_path(one.path))
            for inner in _in_archive(one.path, index, "", depth - 1, ()):
                yield inner._replace(leads_out=one.leads_out)
        elif depth > 0:
            yield from _local(one.path, one.name, one.leads_out, real_root, depth - 1, (), archives)


@contextmanager
def listing_errors(folder: str) -> Iterator[None]:
    """Name the folder in an error of the file system, which may go away meanwhile.

    Raises:
        DatasetError: The folder can't be listed.
    """
    try:
        yield
    except OSError as error:
        raise DatasetError(
            f"{folder}: can't be listed ({reason_of(error)}); make the folder readable, or mend "
            "its disk or mount"
        ) from error


def leaves(real: str, real_root: str) -> bool:
    """Report whether a real path is neither a folder nor in it."""
    return real != real_root and not real.startswith(real_root.rstrip(os.sep) + os.sep)
