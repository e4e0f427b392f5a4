"""The video files under a folder, found in one pass over its directories."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from ..errors import DatasetError
from ..sources.listing import VIDEO_EXTENSIONS, Entry, walk

__all__ = ["VIDEO_EXTENSIONS", "FoundVideo", "counted", "scan_videos"]

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
    found = [
        _found(entry)
        for entry in walk(media, depth, root=root, skip=frozenset(skip))
        if entry.is_video and not entry.dangling
    ]
    found.sort()
    return found


def _found(entry: Entry) -> FoundVideo:
    stem, dot, extension = entry.name.rpartition(".")
    return FoundVideo(entry.path, entry.folder, stem, f"{dot}{extension}".lower(), entry.leads_out)


def counted(names: Sequence[str], what: str) -> tuple[str, ...]:
    """Return the note `<count> <what>: <the first few names>`, or no note if there are no names."""
    if not names:
        return ()
    more = ", ..." if len(names) > _NAMES_SHOWN else ""
    return (f"{len(names)} {what}: {', '.join(names[:_NAMES_SHOWN])}{more}",)
