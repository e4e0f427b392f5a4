"""A dataset that says when or where, as its copies are read."""

import re
from collections.abc import Callable

import msgspec

from ..copies.entries import Entries, Media
from ..copies.formats import ListFile
from ..copies.parts import Part
from ..errors import DatasetError, UnknownNameError
from ..lists.layouts import Layout
from ..names import Task
from ..plurals import some
from .annotation import Annotation
from .naming import Ids

ANNOTATIONS = (".csv", ".txt", ".json", ".pkl", ".pickle", ".pbtxt")
"""What may be a file of annotations by its name."""


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """How a copy may have the videos.

    Attributes:
        name: The layout's name.
        frames: True for folders of pictures, False for files.
        folder: Pattern in the name of a folder that they lie in; None: any that no other form has.
        begins_s: Second of the published video at which each begins.
        fps: Pictures a second, of folders of pictures; None: the annotation says it, or nobody.
    """

    name: str
    frames: bool
    folder: str | None = None
    begins_s: float = 0.0
    fps: float | None = None

    def has(self, media: Media) -> bool:
        """Report whether a file, or a folder of pictures, is one of this form."""
        if (not media.extension) is not self.frames:
            return False
        return self.folder is None or any(
            re.search(self.folder, part, re.IGNORECASE) for part in media.folder.parts
        )


VIDEOS = Form(name="videos", frames=False)


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What lies under a data root, and the split that is asked for.

    Attributes:
        entries: What lies there; its lists are all files that may be annotations.
        part: The split.
        lacks: Makes the error that says what is missing.
    """

    entries: Entries
    part: Part
    lacks: Callable[[str], DatasetError]

    @property
    def files(self) -> list[ListFile]:
        """The files that may be annotations, those that lie higher first."""
        files = [ListFile(path, self.entries.root) for path in self.entries.lists]
        return sorted(files, key=lambda file: (len(file.folders), file.shown))

    def named(self, pattern: str) -> list[ListFile]:
        """Return the files whose names have a pattern, whatever their case."""
        name = re.compile(pattern, re.IGNORECASE)
        return [file for file in self.files if name.fullmatch(file.path.name)]

    def there(self) -> str:
        """Return what lies there, for messages."""
        return some([file.shown for file in self.files]) or "no annotations"


class Located(msgspec.Struct, frozen=True, kw_only=True):
    """A dataset of localization or detection.

    Attributes:
        name: Its name in the catalog.
        aliases: Other names that people give it.
        task: Localization or detection.
        layout: Its title, its expected tree, and where people get it.
        purpose: Ability that it tests, in a few words, for the list of datasets.
        num_classes: How many classes it has.
        parts: Its splits, the default first.
        naming: How the names of files say which video each is.
        forms: How a copy may have the videos; of several, that in which most are found is taken.
        left_out: Pattern in the name of a folder whose files are no videos, such as optical flow.
        read: Reads the annotation of a split. Raises DatasetError if it isn't there or is wrong.
        names: Pattern of the names of its annotations' files, whatever their case.
        published: How many videos each split has as it is published, by the split's name; a
            deviation is noted.
        protocol: Name of the protocol that it is measured under by default.
    """

    name: str
    task: Task
    layout: Layout
    purpose: str
    num_classes: int | None
    parts: tuple[Part, ...]
    naming: Ids
    forms: tuple[Form, ...]
    read: Callable[[Found], Annotation]
    names: str
    protocol: str
    published: dict[str, int] = {}
    left_out: str | None = None
    aliases: tuple[str, ...] = ()

    def part(self, asked: str | None) -> Part:
        """Return the split that is asked for; None is the first.

        Raises:
            UnknownNameError: There is no such split.
        """
        if asked is None:
            return self.parts[0]
        for part in self.parts:
            if asked in part.spellings:
                return part
        raise UnknownNameError(f"split of {self.name}", asked, [p.asked for p in self.parts])

    def asked_forms(self, layout: str) -> tuple[Form, ...]:
        """Return the forms that a layout's name stands for; empty: all.

        Raises:
            UnknownNameError: The dataset has no such layout.
        """
        if not layout:
            return self.forms
        forms = tuple(form for form in self.forms if form.name == layout.casefold())
        if not forms:
            names = [form.name for form in self.forms]
            raise UnknownNameError(f"layout of {self.name}", layout, names)
        return forms
