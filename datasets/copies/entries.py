"""Videos, folders of frames and annotation lists under a data root, found in one pass."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from ..errors import DatasetError
from ..sources.links import ASK, enclosing
from ..sources.listing import VIDEO_EXTENSIONS, leaves, listing_errors, walk
from ..sources.paths import is_elsewhere, path_of

LIST_EXTENSIONS = (".csv", ".txt", ".json", ".list")
"""What may be an annotation list by its name."""
LISTS_DEPTH = 2
"""Levels of folders below the root in which lists are looked for."""
_VIDEOS_DEPTH = 3
"""Levels for videos: two of any folders, and one of class folders."""
_PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
_LOOKED_AT = 64
"""Entries of a deepest folder that are looked at; a folder of frames begins with its frames."""
_FLOW_FOLDERS = frozenset({"u", "v", "flow_x", "flow_y", "flow_u", "flow_v", "tvl1_flow"})


class Folder(NamedTuple):
    """A folder under the data root.

    Attributes:
        path: Its path.
        parts: Names of the folders from the root on, its own the last; the root has none.
        outside: True if a link leads out of the data root.
    """

    path: str
    parts: tuple[str, ...]
    outside: bool

    @property
    def name(self) -> str:
        """Its own name; empty for the root."""
        return self.parts[-1] if self.parts else ""


class Media(NamedTuple):
    """A video file, or a folder of frames.

    Attributes:
        folder: The folder that it is in.
        name: Its own name.
        extension: Its extension with the dot, lower case; empty for a folder of frames.
        outside: True if a link leads out of the data root.
    """

    folder: Folder
    name: str
    extension: str
    outside: bool

    @property
    def path(self) -> str:
        """Its path."""
        return os.path.join(self.folder.path, self.name)  # noqa: PTH118 - 300,000 of them

    @property
    def stem(self) -> str:
        """Its name without the extension."""
        return self.name[: len(self.name) - len(self.extension)]

    def refuse_outside(self, listed_at: str) -> None:
        """Raise DatasetError, naming the line that lists it, if a link leads out of the root."""
        if self.outside:
            raise DatasetError(
                f"{listed_at}: {self.path} is reached by a link that leaves the data root; put the "
                f"lists next to the real files and give that folder as the root; or {ASK}"
            )


class Entries(NamedTuple):
    """What lies under a data root.

    Attributes:
        root: The data root.
        media: Videos and folders of frames, in the order of their paths.
        lists: Files that may be annotation lists, in the order of their paths.
        dangling: Paths of links with a video's name that lead nowhere.
        deeper: Paths of folders that lie too deep to be looked into.
    """

    root: Path
    media: list[Media]
    lists: list[Path]
    dangling: list[str]
    deeper: list[str]


def entries_of(
    root: Path, *, follow_links: bool = False, extensions: tuple[str, ...] = LIST_EXTENSIONS
) -> Entries:
    """Return what lies under a data root; names of folders that begin with a dot are left out.

    Only links cost a system call of their own. The root may be an archive or a URL.

    Args:
        root: The data root.
        follow_links: Links may lead out of it.
        extensions: Those of what may be an annotation list.

    Raises:
        DatasetError: A folder can't be listed.
    """
    seen = _Walk(os.sep if follow_links else enclosing(root), is_elsewhere(root), extensions)
    media = list(seen.media_in(Folder(str(root), (), False)))
    media.sort(key=lambda each: (each.folder.path, each.name))
    lists = sorted(seen.lists, key=str)
    return Entries(root, media, lists, sorted(seen.dangling), sorted(seen.deeper))


class _Seen(NamedTuple):
    """What lies in a folder elsewhere, as `os.DirEntry` says it of a local one."""

    path: str
    name: str
    folder: bool
    dangling: bool

    def is_dir(self) -> bool:
        return self.folder

    def is_file(self) -> bool:
        return not self.folder and not self.dangling

    def is_symlink(self) -> bool:
        return self.dangling


@contextmanager
def _in_folder(folder: str, elsewhere: bool) -> Iterator[Iterable["os.DirEntry[str] | _Seen"]]:
    """Give what lies in a folder."""
    if elsewhere:
        found = walk(path_of(folder), 0)
        yield (_Seen(each.path, each.name, each.is_folder, each.dangling) for each in found)
        return
    with listing_errors(folder), os.scandir(folder) as entries:
        yield entries


class _Walk:
    def __init__(self, real_root: str, elsewhere: bool, extensions: tuple[str, ...]) -> None:
        self._real_root, self._elsewhere = real_root, elsewhere
        self._list_extensions = extensions
        self.lists: list[Path] = []
        self.dangling: list[str] = []
        self.deeper: list[str] = []

    def media_in(self, folder: Folder) -> Iterator[Media]:
        """Give the videos and folders of frames in a folder and below it."""
        depth = len(folder.parts)
        below: list[Folder] = []
        with _in_folder(folder.path, self._elsewhere) as entries:
            for entry in entries:
                outside, name = self._leads_out(entry, folder), entry.name
                extension = _extension(name)
                if entry.is_dir():
                    if not name.startswith("."):
                        below.append(Folder(entry.path, (*folder.parts, name), outside))
                elif extension in VIDEO_EXTENSIONS:
                    if entry.is_file():
                        yield Media(folder, name, extension, outside)
                    elif entry.is_symlink():
                        self.dangling.append(entry.path)
                elif (
                    extension in self._list_extensions and depth <= LISTS_DEPTH and entry.is_file()
                ):
                    self.lists.append(path_of(entry.path))
        for inner in below:
            if _is_of_frames(inner, self._elsewhere):
                if not _FLOW_FOLDERS.intersection(folder.parts):
                    yield Media(folder, inner.name, "", inner.outside)
            elif depth < _VIDEOS_DEPTH:
                yield from self.media_in(inner)
            else:
                self.deeper.append(inner.path)

    def _leads_out(self, entry: "os.DirEntry[str] | _Seen", folder: Folder) -> bool:
        if self._elsewhere or not entry.is_symlink():
            return folder.outside
        return leaves(os.path.realpath(entry.path), self._real_root)


def _is_of_frames(folder: Folder, elsewhere: bool) -> bool:
    """Report whether a folder begins with pictures and has no folder or video among the first."""
    if not folder.parts[1:]:  # pictures next to the lists are no video
        return False
    pictures = False
    with _in_folder(folder.path, elsewhere) as entries:
        for entry, _ in zip(entries, range(_LOOKED_AT), strict=False):
            extension = _extension(entry.name)
            if extension in _PICTURES:
                pictures = True
                break
            if extension in VIDEO_EXTENSIONS or not extension:
                return False
    return pictures


def _extension(name: str) -> str:
    dot = name.rfind(".")
    return name[dot:].lower() if dot > 0 else ""
