"""A dataset as its copies are read: its classes, splits, names of files, and forms of lists."""

from collections.abc import Callable, Sequence

import msgspec

from ..errors import UnknownNameError
from ..findings import Finding
from ..lists.layouts import Layout
from ..split import Scoring
from .formats import Format, ListFile, Source
from .naming import Naming
from .parts import Part


class Described(msgspec.Struct, frozen=True, kw_only=True):
    """A dataset whose copies differ from one person to the next.

    Attributes:
        name: Its name in the catalog.
        aliases: Other names that people give it: `k400`.
        layout: Its title, its expected tree, and where people get it.
        purpose: Ability that it tests, in a few words, for the list of datasets.
        classes: Name of its class list in lists/classes.
        parts: Its splits, the default first.
        naming: How the names of files say which video each is.
        formats: The forms of lists that a copy may have. Of several that find as many videos, the
            first one is taken.
        replacements: Names of folders whose files take the place of others.
        replaced_parts: Kinds of splits that these folders are for.
        several_splits: True if files of all splits lie in the same folders, so that a file that no
            row names isn't worth a note.
        wanted_list: Name of the official list of a split, for messages, with `{asked}`, `{name}`,
            `{kind}` and `{number}` of the split.
        wanted_media: What a copy without videos lacks, for messages.
        scoring: How its predictions are scored.
        protocol: Name of the protocol that it is measured under by default.
        check: `check(lists, source)` looks at the copy's own lists of classes; raises DatasetError
            at one that contradicts.
        remarks: `remarks(source, ids)` gives findings on the list that is read, and its videos.
    """

    name: str
    layout: Layout
    purpose: str
    classes: str
    parts: tuple[Part, ...]
    naming: Naming
    formats: tuple[Format, ...]
    aliases: tuple[str, ...] = ()
    replacements: tuple[str, ...] = ()
    replaced_parts: tuple[str, ...] = ("train",)
    several_splits: bool = False
    wanted_list: str = "list"
    wanted_media: str = "no videos of the {asked} split"
    scoring: Scoring = "top-k"
    protocol: str = "common-112"
    check: Callable[[Sequence[ListFile], Source], None] = lambda lists, source: None
    remarks: Callable[[Source, Sequence[str]], tuple[Finding, ...]] | None = None

    def is_replacement(self, folders: tuple[str, ...]) -> bool:
        """Report whether one of some folders has files that take the place of others."""
        return not set(self.replacements).isdisjoint(folders)

    def wanted(self, part: Part) -> str:
        """Return the name of the official list of a split."""
        return self.wanted_list.format(
            asked=part.asked, name=part.name, kind=part.kinds[0], number=part.number
        )

    def no_media(self, part: Part) -> str:
        """Return what a copy without videos lacks."""
        return self.wanted_media.format(asked=part.asked)

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
