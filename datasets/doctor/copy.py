"""The files of some splits: which are there, and what was seen of them."""

import os
import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from stat import S_ISREG
from typing import NamedTuple

import msgspec

from ..sources.paths import is_elsewhere, path_of
from ..split import Split, Video
from .seen import Seen

NOT_REMOVED = "which no command takes out of an archive, or off a server"
"""Said of files that `removable` leaves out."""


class Listed(NamedTuple):
    """A video of a split, with its file.

    Attributes:
        split: The split.
        video: The video.
        path: Its path, as a text.
    """

    split: Split
    video: Video
    path: str


class Copy(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """The files that splits of one dataset list.

    Attributes:
        splits: The splits.
        files: The status of each file that is there, by its path.
        dangling: Paths of links that lead to nothing.
        seen: What was seen of each, as far as that goes.
    """

    splits: tuple[Split, ...]
    files: dict[str, os.stat_result]
    dangling: frozenset[str]
    seen: dict[str, Seen]

    @cached_property
    def ids(self) -> dict[str, str]:
        """Path -> id of a video, each file once."""
        found: dict[str, str] = {}
        for listed in self.each():
            found.setdefault(listed.path, listed.video.id)
        return found

    @property
    def sizes(self) -> dict[str, int]:
        """Path -> bytes of each regular file."""
        return {
            path: status.st_size for path, status in self.files.items() if S_ISREG(status.st_mode)
        }

    def each(self) -> Iterator[Listed]:
        """Yield every video of every split."""
        for split in self.splits:
            for video in split.videos:
                yield Listed(split, video, text_of(video))

    def found(self, split: Split) -> list[Video]:
        """Return the videos of a split that are there."""
        known = self._found.get(id(split))
        if known is None:
            known = [video for video in split.videos if text_of(video) in self.files]
            self._found[id(split)] = known
        return known

    @cached_property
    def _found(self) -> dict[int, list[Video]]:
        """The videos of each split that are there: many findings go over them."""
        return {}

    def of(self, path: str) -> Seen:
        """Return what was seen of a file."""
        return self.seen.get(path, Seen())


_AS_PATHS_WRITE_IT = re.compile(r"(?:/?[^/.][^/]*)(?:/[^/.][^/]*)*")


def text_of(video: Video) -> str:
    """Return the text of a video's path; making a path of nearly all of a million would be slow."""
    text = video.path_text
    if os.sep == "/" and not _may_be_elsewhere(text) and _AS_PATHS_WRITE_IT.fullmatch(text):
        return text
    return str(video.path)


def _may_be_elsewhere(text: str) -> bool:
    return "://" in text or ".tar" in text.lower()


def removable(paths: Iterable[str]) -> tuple[str, ...]:
    """Return the paths, each once, of what a command can remove: not from archives and servers."""
    return tuple(path for path in dict.fromkeys(paths) if not is_elsewhere(path_of(path)))


def look_for(splits: tuple[Split, ...]) -> Copy:
    """Look for the files of splits, without opening any."""
    files: dict[str, os.stat_result] = {}
    dangling: set[str] = set()
    for split in splits:
        for video in split.videos:
            path = text_of(video)
            if path in files or path in dangling:
                continue  # what is missing is asked for again: a million texts are not kept for it
            try:
                files[path] = path_of(path).stat() if _may_be_elsewhere(path) else os.stat(path)  # noqa: PTH116
            except (OSError, ValueError):
                if os.path.islink(path):  # noqa: PTH114
                    dangling.add(path)
    return Copy(splits=splits, files=files, dangling=frozenset(dangling), seen={})
