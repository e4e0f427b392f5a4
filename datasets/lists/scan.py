"""The video files under a folder, found in one pass over its directories."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

from ..errors import DatasetError
from ..sources.links import ASK
from ..sources.listing import VIDEO_EXTENSIONS, Entry, walk
from ..sources.pictures import PICTURE, start_of

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
        archive: Path of the tar archive that it is in; None if it is in none.
    """

    path: str
    folder: str
    stem: str
    extension: str
    outside: bool
    archive: str | None = None

    def refuse_outside(self, listed_at: str) -> None:
        """Raise DatasetError, naming the line that lists it, if a link leads out of the root."""
        if self.outside:
            raise DatasetError(
                f"{listed_at}: {self.path} is reached by a link that leaves the data root; give a "
                f"data root with the real files in it; or {ASK}"
            )


def scan_videos(
    media: Path,
    root: Path,
    *,
    depth: int,
    skip: Iterable[str] = (),
    follow_links: bool = False,
    archives: bool = False,
    on_dangling: Callable[[str], object] = lambda path: None,
    pictures: bool = False,
) -> list[FoundVideo]:
    """Return the videos in `media` and in its folders down to `depth`, in the order of their paths.

    Only links cost a system call of their own. A broken link is not a video.

    Args:
        media: The folder to look in.
        root: The data root; a file that a link leads to out of it is marked `outside`.
        depth: Number of levels of folders below `media` that are searched.
        skip: Names of folders of `media` itself that are left out.
        follow_links: Links may lead anywhere: no file is marked.
        archives: Look into tar archives, too.
        pictures: Take a folder of numbered pictures, without videos, for a video.
        on_dangling: Called with the path of each link to nothing that is named like a video.

    Raises:
        DatasetError: A folder can't be listed.
    """
    found: list[FoundVideo] = []
    frames = _FrameFolders()
    archive: str | None = None
    for entry in walk(
        media,
        depth,
        root=root,
        skip=frozenset(skip),
        archives=archives,
        follow_links=follow_links,
    ):
        if entry.is_archive:
            archive = entry.path
        if entry.is_video and entry.dangling:
            on_dangling(entry.path)
            continue
        inside = archive is not None and entry.path.startswith(f"{archive}/")
        if entry.is_video:
            found.append(_found(entry, archive if inside else None))
        if pictures:
            frames.take(entry, archive if inside else None)
    found += frames.found()
    # By the path alone: an archive may be absent.
    found.sort(key=attrgetter("path"))
    return found


class _FrameFolders:
    """Finds the folders whose pictures are the frames of a video."""

    def __init__(self) -> None:
        self._names: dict[str, list[str]] = {}
        self._last: dict[str, tuple[Entry, str | None]] = {}
        self._with_videos: set[str] = set()

    def take(self, entry: Entry, archive: str | None) -> None:
        """Take an entry of the listing."""
        folder = entry.path[: -len(entry.name) - 1]
        if entry.is_video:
            self._with_videos.add(folder)
        elif not entry.is_folder and PICTURE.fullmatch(entry.name):
            if start_of(self._names.get(folder, ())) is None:  # else it is found already
                self._names.setdefault(folder, []).append(entry.name)
            self._last[folder] = entry, archive

    def found(self) -> Iterator[FoundVideo]:
        """Give the folders."""
        for folder, names in self._names.items():
            if folder not in self._with_videos and start_of(names) is not None:
                entry, archive = self._last[folder]
                above, _, name = folder.rpartition("/")
                yield FoundVideo(
                    folder, above.rpartition("/")[2], name, "", entry.leads_out, archive
                )


def _found(entry: Entry, archive: str | None) -> FoundVideo:
    stem, dot, extension = entry.name.rpartition(".")
    kind = f"{dot}{extension}".lower()
    return FoundVideo(entry.path, entry.folder, stem, kind, entry.leads_out, archive)


def counted(names: Sequence[str], what: str) -> tuple[str, ...]:
    """Return the note `<count> <what>: <the first few names>`, or no note if there are no names."""
    if not names:
        return ()
    more = ", ..." if len(names) > _NAMES_SHOWN else ""
    return (f"{len(names)} {what}: {', '.join(names[:_NAMES_SHOWN])}{more}",)
