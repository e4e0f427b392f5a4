"""The forms of annotation lists: how each is recognised by its first lines, and read."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from ..files import open_regular
from ..lists.text import decoded_head
from .entries import Entries
from .parts import Named, Part, named_as, split_number

HEAD_BYTES = 1 << 16
"""What is read of a file to recognise its form."""


class RawRow(NamedTuple):
    """A video as a list names it.

    Attributes:
        line: Its line, from 1; 0 where the form has no lines.
        name: Its path, or its id.
        label: The label as it is written, a number or a name; empty: the folder says it.
        start_s, end_s: Where it is cut out of a longer one, in seconds; None: it has no times.
        split: The split that the row says it is of; None: it says none.
        labels: All labels as they are written, for datasets of several labels; else None.
    """

    line: int
    name: str
    label: str
    start_s: float | None = None
    end_s: float | None = None
    split: str | None = None
    labels: tuple[str, ...] | None = None


class ListFile:
    """A file that may be an annotation list."""

    def __init__(self, path: Path, root: Path) -> None:
        """Keep the file's path, and its folders below the data root."""
        self.path = path
        self.shown = str(path.relative_to(root))
        self.folders = path.relative_to(root).parts[:-1]

    def __repr__(self) -> str:
        return f"ListFile({self.shown!r})"

    @cached_property
    def head(self) -> str:
        """The text of its first lines; empty if it can't be read."""
        try:
            with open_regular(self.path) as file:
                content = file.read(HEAD_BYTES)
        except OSError:
            return ""
        return decoded_head(content)

    @cached_property
    def first_lines(self) -> list[str]:
        """Its first lines that aren't blank; the last of them may lack its end."""
        lines = [line.strip("\r") for line in self.head.split("\n" if "\n" in self.head else "\r")]
        whole = lines[:-1] if len(self.head) >= HEAD_BYTES // 4 and len(lines) > 1 else lines
        return [line for line in whole if line and not line.isspace()]

    @cached_property
    def named(self) -> Named:
        """What its name says of splits, or else the nearest folder's that says something."""
        names = (self.path.stem, *reversed(self.folders))
        said = next((named for name in names if (named := named_as(name)).kind is not None), None)
        if said is None or said.number is not None:
            return said or Named(None, None)
        return Named(said.kind, next(filter(None, map(split_number, names)), None))


class Source(NamedTuple):
    """What a split's rows are read from in one layout.

    Attributes:
        files: The lists; none where folders say it all.
        beside: All lists of the copy, for a list of classes that the form needs.
        entries: What lies under the root.
        part: The split.
    """

    files: tuple[ListFile, ...]
    beside: Sequence[ListFile]
    entries: Entries
    part: Part

    @property
    def shown(self) -> str:
        """The lists' names for messages."""
        if not self.files:
            return str(self.entries.root)
        more = f" and {len(self.files) - 1} more" if len(self.files) > 1 else ""
        return f"{self.files[0].path}{more}"

    @property
    def short(self) -> str:
        """The lists' file names, for notes."""
        return ", ".join(file.path.name for file in self.files[:2]) or "the folders"


class Format:
    """A form of lists. A layout of a dataset is named after its form.

    Extend it for a new form: `finds` recognises a file by its first lines, `rows` reads it. A form
    of several files, or of none, has its own `sources`.
    """

    name: str
    """The layout's name, on the command line."""
    aliases: tuple[str, ...] = ()
    """Other names of the layout."""
    example: str
    """A line of it, for messages."""
    ordered = False
    """True for the official list, whose order the split keeps; others are put in order by class
    and id, so that all layouts agree."""
    has_paths = True
    """True if rows have the paths of files, which may be in folders of classes."""
    first_number = 0
    """The number of the first class, where labels are numbers."""
    by_folder = False
    """True if the folder says the class, and a number only has to agree."""
    refuse_absolute = False
    """True if listed paths are relative; others are written on somebody's machine, and their files
    are found by name under the data root."""
    from_folders = False
    """True if it has no lists."""
    frames = False
    """True if it lists folders of frames."""
    says_split = False
    """True if each row, or the file, says which split it is of, so that its name needn't."""

    def finds(self, file: ListFile) -> bool:
        """Report whether a file has this form, by its first lines."""
        raise NotImplementedError

    def rows(self, source: Source, file: ListFile) -> Iterator[RawRow]:
        """Give the rows of a file.

        Raises:
            DatasetError: A line isn't of the form; the message has its file and number.
        """
        raise NotImplementedError

    def sources(self, lists: Sequence[ListFile], entries: Entries, part: Part) -> list[Source]:
        """Return what a split can be read from in this form: here each list by itself.

        Args:
            lists: All files that may be lists.
            entries: What lies under the root.
            part: The split.
        """
        return [
            Source((file,), lists, entries, part)
            for file in lists
            if self.is_for(file, part) and self.finds(file)
        ]

    def is_for(self, file: ListFile, part: Part) -> bool:
        """Report whether a file can be a split's, by its name and its folders."""
        fits = part.fits(file.named)
        return self.says_split if fits is None else fits
