"""The video files under a folder, found in one pass over its directories."""

import os
from collections.abc import Iterable, Iterator, Sequence
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
_NAMES_SHOWN = 3


class FoundVideo(NamedTuple):
    """A file with a video's extension.

    Attributes:
        path: The file's path.
        folder: Name of its folder.
        stem: Its name without the extension.
        extension: Its extension with the dot, lower case.
        outside: True if a link leads out of the data root.
    """

    path: str
    folder: str
    stem: str
    extension: str
    outside: bool

    def refuse_outside(self, listed_at: str) -> None:
        """Raise DatasetError, naming the line that lists it, if a link leads out of the root."""
        if self.outside:
            raise DatasetError(
                f"{listed_at}: {self.path} is reached by a link that leaves the data root; put the "
                "lists next to the real files and give that folder as the root"
            )


def scan_videos(
    media: Path, root: Path, *, depth: int, skip: Iterable[str] = ()
) -> list[FoundVideo]:
    """Return the videos in `media` and in its folders down to `depth`, in the order of their paths.

    Only links cost a system call of their own. A broken link is not a video.

    Args:
        media: The folder to look in.
        root: The data root; a file that a link leads to out of it is marked `outside`.
        depth: Number of levels of folders below `media` that are searched.
        skip: Names of folders of `media` itself that are left out.

    Raises:
        DatasetError: A folder can't be listed.
    """
    real_root = os.path.realpath(root)
    outside = leaves(os.path.realpath(media), real_root)
    found = list(_walk(str(media), media.name, outside, real_root, depth, frozenset(skip)))
    found.sort()
    return found


def counted(names: Sequence[str], what: str) -> tuple[str, ...]:
    """Return the note `<count> <what>: <the first few names>`, or no note if there are no names."""
    if not names:
        return ()
    more = ", ..." if len(names) > _NAMES_SHOWN else ""
    return (f"{len(names)} {what}: {', '.join(names[:_NAMES_SHOWN])}{more}",)


def _walk(
    folder: str, name: str, outside: bool, real_root: str, depth: int, skip: frozenset[str]
) -> Iterator[FoundVideo]:
    below: list[tuple[str, str, bool]] = []
    with listing(folder), os.scandir(folder) as entries:
        for entry in entries:
            leads_out = outside
            if entry.is_symlink():
                leads_out = leaves(os.path.realpath(entry.path), real_root)
            if entry.is_dir():
                if depth > 0 and entry.name not in skip:
                    below.append((entry.path, entry.name, leads_out))
                continue
            stem, dot, extension = entry.name.rpartition(".")
            extension = f"{dot}{extension}".lower()
            if stem and extension in VIDEO_EXTENSIONS and entry.is_file():
                yield FoundVideo(entry.path, name, stem, extension, leads_out)
    for path, inner, leads_out in below:
        yield from _walk(path, inner, leads_out, real_root, depth - 1, frozenset())


@contextmanager
def listing(folder: str) -> Iterator[None]:
    """Name the folder in an error of the file system, which may go away meanwhile."""
    try:
        yield
    except OSError as error:
        raise DatasetError(
            f"{folder}: can't be listed ({reason_of(error)}); make the folder readable, or mend "
            "its disk or mount"
        ) from error


def leaves(real: str, real_root: str) -> bool:
    """Report whether a real path lies outside of a real folder."""
    return real != real_root and not real.startswith(real_root.rstrip(os.sep) + os.sep)
