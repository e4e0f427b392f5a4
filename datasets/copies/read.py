"""A split of a dataset, from whichever layout somebody's copy has."""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

from ..errors import DatasetError, UnknownNameError, nearest_name
from ..lists.class_names import fold
from ..plurals import quantity
from ..split import Split
from .assemble import assembled, label_of_folders
from .described import Described
from .entries import Entries, entries_of
from .formats import Format, ListFile, Source
from .listed import Listed, rows_of
from .media_index import MediaIndex
from .parts import Part
from .what_is_there import what_lies_there


class _Candidate(NamedTuple):
    form: Format
    rows: Listed
    found: int

    @property
    def text(self) -> str:
        shown = ", ".join(file.shown for file in self.rows.source.files[:2]) or "folders"
        count = f"{self.found} of {quantity(len(self.rows.ids), 'video')} found"
        return f"{self.form.name} ({shown}: {count})"


def read_copy(
    described: Described,
    root: Path,
    split: str | None = None,
    layout: str = "",
    *,
    follow_links: bool = False,
) -> Split:
    """Return one split of a copy of a dataset.

    Lists are looked for down to two levels of folders, whatever their names, and recognised by
    their first lines; videos in all folders, one level deeper. If several lists fit, the one of
    which most videos are found is taken, of equal ones the first of `described.formats`, then the
    one that lies higher, then by name; a note says so.

    Args:
        described: The dataset.
        root: The folder of the copy.
        split: The split; None is the first.
        layout: Name of the layout to read it as; empty: the one that fits best.
        follow_links: Links may lead out of the root.

    Raises:
        UnknownNameError: There is no such split, or no such layout of the dataset.
        DatasetError: The folder is missing, or nothing in it fits; the message says what lies
            there. Or a list is not what it should be.
    """
    part = described.part(split)
    forms = forms_of(described, layout)
    if not root.is_dir():
        raise described.layout.lacks(f"no folder {str(root)!r}")
    entries = entries_of(root, follow_links=follow_links)
    lists = [ListFile(path, root) for path in entries.lists]
    every = _sources(described.formats, lists, entries, part)
    sources = [(form, source) for form, source in every if form in forms]

    def lacks(what: str) -> DatasetError:
        there = what_lies_there(described, entries, lists)
        return described.layout.lacks(f"{what}; there: {there}")

    if not sources:
        asked = f" in the layout {layout}" if layout else ""
        raise lacks(
            f"no {described.wanted(part)} under {str(root)!r}, nor another list of the split{asked}"
        )
    frames_first = bool(layout) and all(form.frames for form in forms)
    index = MediaIndex(
        described, entries, part, label_of_folders(described), frames_first=frames_first
    )
    try:
        best, notes = _best(described, sources, index, lists)
    except DatasetError as error:
        if all(form.from_folders for form, _ in sources):
            raise lacks(str(error)) from error
        raise
    if index.is_empty:
        raise lacks(f"{described.no_media(part)} under {str(root)!r}")
    return assembled(described, best.form, part, best.rows, index, entries, notes)


def has_lists(described: Described, root: Path, others: Collection[str]) -> bool:
    """Report whether a folder has a list of a split of a dataset.

    Args:
        described: The dataset.
        root: The folder.
        others: Names of folders in it, by `fold`, that are other datasets'.

    Raises:
        DatasetError: The folder can't be listed.
    """
    entries = entries_of(root)
    every = [ListFile(path, root) for path in entries.lists]
    lists = [each for each in every if not each.folders or fold(each.folders[0]) not in others]
    forms = [form for form in described.formats if not form.from_folders]
    return any(
        source.files
        for part in described.parts
        for form in forms
        for source in form.sources(lists, entries, part)
    )


def forms_of(described: Described, layout: str) -> tuple[Format, ...]:
    """Return the forms of lists that a layout's name stands for; empty: all of the dataset.

    Raises:
        UnknownNameError: The dataset has no such layout; the message has those that it has.
    """
    if not layout:
        return described.formats
    asked = layout.casefold()
    forms = tuple(form for form in described.formats if asked in (form.name, *form.aliases))
    if not forms:
        names = [form.name for form in described.formats]
        hint = f"it has {', '.join(names)}" if nearest_name(layout, names) else ""
        raise UnknownNameError(f"layout of {described.name}", layout, names, hint)
    return forms


def _sources(
    forms: tuple[Format, ...], lists: list[ListFile], entries: Entries, part: Part
) -> Iterator[tuple[Format, Source]]:
    """Give what a split can be read from, each list in the first form that it has."""
    taken: set[ListFile] = set()
    for form in forms:
        left = [file for file in lists if file not in taken]
        for source in form.sources(left, entries, part):
            taken.update(source.files)
            yield form, source._replace(beside=lists)


def _best(
    described: Described,
    sources: list[tuple[Format, Source]],
    index: MediaIndex,
    lists: list[ListFile],
) -> tuple[_Candidate, tuple[str, ...]]:
    """Return the layout of which most videos are found, and notes on the others.

    Raises:
        DatasetError: None can be read; the message is of the first. Or the copy's list of classes
            is of other classes.
    """
    candidates: list[_Candidate] = []
    errors: list[DatasetError] = []
    for form, source in sources:
        if form.from_folders and (candidates or errors):
            continue  # folders are the last resort: a list says which videos there should be
        try:
            rows = rows_of(described, form, source)
        except DatasetError as error:
            errors.append(error)
            continue
        candidates.append(_Candidate(form, rows, len(index.places_of(rows.ids))))
    if not candidates:
        described.check(lists, sources[0][1])  # a list of other classes says why no label is known
        raise errors[0]
    order = {id(each): place for place, each in enumerate(candidates)}

    def rank(each: _Candidate) -> tuple[int, int, int, int]:
        depth = min((len(file.folders) for file in each.rows.source.files), default=0)
        return (-each.found, described.formats.index(each.form), depth, order[id(each)])

    candidates.sort(key=rank)
    best, *others = candidates
    described.check(lists, best.rows.source)
    differing = [each for each in others if not _is_same(each.rows, best.rows)]
    notes = [f"a list can't be read, another one is taken: {error}" for error in errors]
    if differing:
        notes.append(
            f"{quantity(1 + len(differing), 'layout')} fit, the one with most videos found is "
            f"taken: {'; '.join(each.text for each in (best, *differing))}; --layout NAME takes "
            "another"
        )
    return best, tuple(notes)


def _is_same(one: Listed, other: Listed) -> bool:
    return one.ids == other.ids and one.labels == other.labels
