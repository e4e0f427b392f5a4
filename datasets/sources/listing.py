"""What lies under a folder, in one pass: the videos, folders and archives in it."""

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from ..errors import DatasetError, reason_of

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


def is_video_name(name: str) -> bool:
    """Report whether a file's name has a video's extension."""
    stem, dot, extension = name.rpartition(".")
    return bool(stem) and f"{dot}{extension}".lower() in VIDEO_EXTENSIONS


def walk(
    folder: Path, depth: int, *, root: Path | None = None, skip: Collection[str] = ()
) -> Iterator[Entry]:
    """Give what is in a folder and in its folders down to a depth, each folder before its contents.

    The order is that of the file system. Only links cost a system call of their own. Links to
    folders are followed; the depth ends circles.

    Args:
        folder: The folder to look in.
        depth: Number of levels of folders below it that are looked into.
        root: The data root: what a link leads to out of it is marked; None is `folder` itself.
        skip: Names of folders of `folder` itself that are left out.

    Raises:
        DatasetError: A folder can't be listed.
    """
    real_root = os.path.realpath(folder if root is None else root)
    outside = leaves(os.path.realpath(folder), real_root)
    yield from _local(str(folder), folder.name, outside, real_root, depth, skip)


def _local(
    folder: str, name: str, outside: bool, real_root: str, depth: int, skip: Collection[str]
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
            if is_folder and entry.name in skip:
                continue
            is_video = not is_folder and is_video_name(entry.name)
            if is_video and not dangling:
                is_video = entry.is_file()  # no pipe, no device
            one = Entry(
                entry.path, name, entry.name, is_folder, is_video, None, leads_out, dangling
            )
            if is_folder:
                below.append(one)
            else:
                yield one
    for one in below:
        yield one
        if depth > 0:
            yield from _local(one.path, one.name, one.leads_out, real_root, depth - 1, ())


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
