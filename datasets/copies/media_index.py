"""The media of a copy by what their names say, and which of several files is a video's."""

import os
from collections.abc import Callable, Sequence
from typing import NamedTuple

from ..lists.scan import VIDEO_EXTENSIONS
from .described import Described
from .entries import Entries, Media
from .naming import Key
from .parts import Part

LabelOf = Callable[[str], int | None]
"""Gives the label of the class that a folder is named after, or None."""
_ROUNDING_S = 1
"""Crawlers round the times of a list up or down."""
_EXTENSIONS = {extension: place for place, extension in enumerate((*VIDEO_EXTENSIONS, ""))}


class Wanted(NamedTuple):
    """A listed video, as far as its file depends on it.

    Attributes:
        key: What its files are named.
        name: The listed name of its file, without the extension.
        extension: The listed extension; empty: none is listed.
        folder: The listed folder; empty: none is listed.
        label: Its label; None: it has several.
        alone: False if its id has several rows.
    """

    key: Key
    name: str
    extension: str
    folder: str
    label: int | None
    alone: bool


class Chosen(NamedTuple):
    """The file of a video.

    Attributes:
        media: The file.
        others: The other files that could be the video's.
        elsewhere: True if its name says that it was cut out at another time.
    """

    media: Media
    others: list[Media]
    elsewhere: bool


class MediaIndex:
    """The media of a copy, of all its folders, by the ids in their names."""

    def __init__(
        self,
        described: Described,
        entries: Entries,
        part: Part,
        label_of: LabelOf,
        *,
        frames_first: bool,
    ) -> None:
        """Index all media.

        Args:
            described: The dataset.
            entries: What lies under the root.
            part: The split that is read: some folders have files that replace those of others.
            label_of: Gives the label of a folder's name, or None.
            frames_first: True to prefer folders of frames to files.
        """
        self._naming, self._label_of = described.naming, label_of
        self._frames_first = frames_first
        self._described = described
        self._replaces = part.kinds[0] in described.replaced_parts
        self.unnamed: list[Media] = []
        self._files: dict[str, Media | list[Media]] = {}
        for media in entries.media:
            key = self._naming.key(media.stem, media.folder.name)
            if key is None:
                self.unnamed.append(media)
                continue
            before = self._files.get(key.id)
            if before is None:
                self._files[key.id] = media
            elif isinstance(before, list):
                before.append(media)
            else:
                self._files[key.id] = [before, media]

    def places_of(self, ids: Sequence[str]) -> list[int]:
        """Return the places of those of some videos' ids of which there is a file."""
        file_id, files = self._naming.file_id, self._files
        return [place for place, video in enumerate(ids) if file_id(video) in files]

    @property
    def is_empty(self) -> bool:
        """True if no file has a name of the dataset."""
        return not self._files

    def choose(self, wanted: Wanted) -> Chosen | None:
        """Return the file of a listed video; None if there is none.

        These are taken first: files of replacement folders for the split that they are for, and
        others for others; folders of frames if they are asked for, and files if not; then files
        that aren't empty, that were cut out at exactly the listed times, that are in a folder of
        their class, that have the listed name and folder; and then by extension and path.
        """
        files = self._files.get(wanted.key.id)
        if files is None:
            return None
        if not isinstance(files, list):
            return self._single(files, wanted)
        matching, elsewhere = self._matching(files, wanted)
        if not matching:
            return None
        if len(matching) > 1:
            matching.sort(key=lambda media: self._rank(media, wanted))
        return Chosen(matching[0], matching[1:], elsewhere)

    def _single(self, media: Media, wanted: Wanted) -> Chosen | None:
        start_s = wanted.key.start_s
        if start_s is None:
            return Chosen(media, [], False)
        key = self._key(media)
        elsewhere = key.start_s is not None and not _is_same(key, wanted.key)
        if not wanted.alone and (elsewhere or key.start_s is None):
            return None
        return Chosen(media, [], elsewhere)

    def _matching(self, files: list[Media], wanted: Wanted) -> tuple[list[Media], bool]:
        """Return the files that can be a video's, and whether they were cut out elsewhere."""
        if wanted.key.start_s is None:
            return list(files), False
        keys = [self._key(media) for media in files]
        timed = [
            media
            for media, key in zip(files, keys, strict=True)
            if key.start_s is not None and _is_same(key, wanted.key)
        ]
        whole = [media for media, key in zip(files, keys, strict=True) if key.start_s is None]
        if not wanted.alone:
            return timed, False
        if timed or whole:
            return [*timed, *whole], False
        # Other trims of the id only where there is no choice between them.
        return (list(files), True) if len({key[1:] for key in keys}) == 1 else ([], False)

    def _key(self, media: Media) -> Key:
        key = self._naming.key(media.stem, media.folder.name)
        assert key is not None
        return key

    def _rank(self, media: Media, wanted: Wanted) -> tuple[int | bool | str, ...]:
        key = self._key(media)
        label = self._label_of(media.folder.name)
        return (
            bool(media.extension) == self._frames_first,
            self._described.is_replacement(media.folder.parts) is not self._replaces,
            _is_empty(media),
            key[1:] != wanted.key[1:],
            label is not None and label != wanted.label,
            bool(wanted.extension) and media.extension != wanted.extension.lower(),
            media.stem != wanted.name,
            bool(wanted.folder) and media.folder.name != wanted.folder,
            _EXTENSIONS[media.extension],
            media.path,
        )


def _is_same(one: Key, other: Key) -> bool:
    """Report whether two trims are one, as far as whole seconds say it."""
    assert one.start_s is not None and other.start_s is not None
    return abs(one.start_s - other.start_s) <= _ROUNDING_S


def _is_empty(media: Media) -> bool:
    try:
        return bool(media.extension) and os.stat(media.path).st_size == 0  # noqa: PTH116
    except OSError:
        return True
