"""The videos that a layout lists, with their ids and labels, checked against names of folders."""

from array import array
from collections.abc import Callable
from sys import intern
from typing import Any, NamedTuple

from ..errors import DatasetError
from ..findings import Finding, found
from ..lists.scan import VIDEO_EXTENSIONS
from ..plurals import quantity
from .described import Described
from .formats import Format, ListFile, RawRow, Source
from .labels import Labels
from .parts import kind_of_word

_USUAL_EXTENSIONS = {each: each for each in VIDEO_EXTENSIONS if len(each) == 4}
_NO_TIMES = "without times in the list, so that the manifest differs from that of other lists"
_WITHOUT_LIST = "no list of the {} split: which of its videos are missing isn't known"


class Listed(NamedTuple):
    """The rows of a split: columns, because there may be a million.

    Attributes:
        ids: The ids of the videos.
        labels: Their labels; several where the dataset has several.
        places: The number of the file that lists each, and its line.
        folders: The folder that the list says each is in; empty if it says none.
        names: The name of its file in the list, if that isn't the usual one; by the row.
        extensions: The extension in the list; empty if it has none.
        source: What was read.
        findings: What is remarkable about the rows.
        notes: What else was left out.
    """

    ids: list[str]
    labels: list[int | tuple[int, ...]]
    places: "array[int]"
    lines: "array[int]"
    folders: list[str]
    names: dict[int, str]
    extensions: list[str]
    source: Source
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]

    def where(self, row: int) -> str:
        """Return the file and line of a row, for messages."""
        if not self.source.files:
            return self.source.shown
        file, line = self.source.files[self.places[row]].path, self.lines[row]
        return f"{file}:{line}" if line else f"{file}: {self.ids[row]}"

    def forget(self) -> None:
        """Let go of the rows."""
        for column in (self.ids, self.labels, self.places, self.lines, self.folders):
            del column[:]
        del self.extensions[:]
        self.names.clear()


def rows_of(described: Described, form: Format, source: Source) -> Listed:
    """Return the videos that a layout lists of a split.

    Raises:
        DatasetError: A row can't be meant, is there twice, or its label contradicts its folder's
            class; or there is no row of the split.
    """
    reading = _Reading(described, form, source)
    for place, file in enumerate(source.files or (None,)):
        for raw in form.rows(source, file):  # type: ignore[arg-type]  # trees have no file
            reading.take(place, file, raw)
    return reading.listed()


class _Reading:
    def __init__(self, described: Described, form: Format, source: Source) -> None:
        self._described, self._form, self._source = described, form, source
        self._labels = Labels(described, form)
        self._left_out = 0
        self._kinds: dict[str, bool] = {}
        self._absolute: list[str] = []
        self._parents: dict[str, tuple[str, bool]] = {}
        self._where = _Where(source)
        self._rows = rows = Listed([], [], array("I"), array("I"), [], {}, [], source, (), ())
        columns = (rows.ids, rows.labels, rows.places, rows.lines, rows.folders, rows.extensions)
        # Looked up once, not a million times.
        self._adds: list[Callable[[Any], None]] = [column.append for column in columns]
        self._has_paths, self._listed = form.has_paths, described.naming.listed

    def take(self, place: int, file: ListFile | None, raw: RawRow) -> None:
        """Add a row, if it is of the split."""
        if raw.split is not None and not self._is_ours(raw.split):
            self._left_out += 1
            return
        folder, name, extension = "", raw.name, ""
        where = self._where
        where.file, where.line = file, raw.line
        if self._has_paths:
            folder, name, extension = self._parts(raw)
        where.folder = folder
        label = self._labels.of(raw, folder, name, where)
        first = label if isinstance(label, int) else label[0] if label else 0
        times = None if raw.start_s is None else (int(raw.start_s), int(raw.end_s or 0))
        video = self._listed(name, self._labels.classes[first], times)
        if video is None:
            raise DatasetError(f"{where}: {self._described.naming.wrong(name)}")
        if video != name and self._has_paths and video.rpartition("/")[2] != name:
            self._rows.names[len(self._rows.ids)] = name
        add_id, add_label, add_place, add_line, add_folder, add_extension = self._adds
        add_id(video)
        add_label(label)
        add_place(place)
        add_line(raw.line)
        add_folder(folder)
        add_extension(extension)

    def _is_ours(self, split: str) -> bool:
        if split not in self._kinds:
            self._kinds[split] = kind_of_word(split) in self._source.part.kinds
        return self._kinds[split]

    def _parts(self, raw: RawRow) -> tuple[str, str, str]:
        """Return the last folder, the stem and the extension of a listed path."""
        path = raw.name.replace("\\", "/")
        before, _, name = path.rpartition("/")
        known = self._parents.get(before)
        folder, is_absolute = self._parent(raw, path, before) if known is None else known
        if is_absolute:
            self._absolute.append(path)
        common = _USUAL_EXTENSIONS.get(name[-4:])
        if common is not None and len(name) > len(common):
            return folder, name[: -len(common)], common
        dot = name.rfind(".")
        extension = name[dot:].lower() if dot > 0 else ""
        if extension not in VIDEO_EXTENSIONS:
            extension = ""
        stem = name[: -len(extension)] if extension else name
        return folder, stem, intern(name[len(stem) :])

    def _parent(self, raw: RawRow, path: str, before: str) -> tuple[str, bool]:
        """Return the last folder of a listed path, and whether that is absolute.

        It is kept for the other paths of the folder.

        Raises:
            DatasetError: The path leaves the data root.
        """
        is_absolute = _is_absolute(path)
        if ".." in before.split("/") or (is_absolute and self._form.refuse_absolute):
            where = self._source.shown if self._where.file is None else str(self._where)
            raise DatasetError(
                f"{where}: {raw.name!r} leaves the data root; a listed path is relative, "
                "without '..'"
            )
        found = intern(before.rpartition("/")[2]), is_absolute
        if before:  # else the name itself says whether the path is absolute
            self._parents[before] = found
        return found

    def listed(self) -> Listed:
        """Return the rows, in the dataset's order.

        Raises:
            DatasetError: Labels contradict, a video is there twice, or there are no rows.
        """
        part, source = self._source.part, self._source
        if not self._rows.ids:
            if self._left_out:
                raise DatasetError(
                    f"{source.shown}: no row of the {part.asked} split; get the official list. "
                    f"{self._described.layout.obtain}"
                )
            raise DatasetError(
                f"{source.shown}: the list is empty; get the official one. "
                f"{self._described.layout.obtain}"
            )
        findings = self._labels.checked(len(self._rows.ids))
        left = quantity(self._left_out, "row")
        notes: list[str] = []
        if self._left_out:
            notes.append(f"left out: {left} of {source.short}, of other splits")
        if self._form.from_folders:
            notes.append(_WITHOUT_LIST.format(part.asked))
        of = f"of {quantity(len(self._rows.ids), 'listed video')}"
        lacks_times = self._described.naming.lacks_times
        findings += found("other", list(filter(lacks_times, self._rows.ids)), f"{of} {_NO_TIMES}")
        findings += found(
            "other",
            self._absolute,
            f"{of} with an absolute path; their files are found by name under the data root",
        )
        rows = self._rows._replace(findings=findings, notes=tuple(notes))
        if len(set(rows.ids)) < len(rows.ids):
            rows = _without_twice(rows)
        return rows if self._form.ordered else _sorted(rows)


class _Where:
    """The row that is read, for messages; only its text is kept."""

    __slots__ = ("_source", "file", "folder", "line")

    def __init__(self, source: Source) -> None:
        self._source = source
        self.file: ListFile | None = None
        self.line = 0
        self.folder = ""

    def __str__(self) -> str:
        if self.file is None:
            return f"{self._source.shown}, folder {self.folder!r}"
        return f"{self.file.path}:{self.line}" if self.line else str(self.file.path)


def _is_absolute(path: str) -> bool:
    return path[:1] in "/~" or path[1:2] == ":"


def _without_twice(rows: Listed) -> Listed:
    """Return the rows of folders with each video once.

    Raises:
        DatasetError: A list has a video twice, or two folders of classes have it.
    """
    first: dict[str, int] = {}
    for row, video in enumerate(rows.ids):
        before = first.setdefault(video, row)
        if before == row:
            continue
        if rows.source.files:
            in_line = f"in line {rows.lines[before]}" if rows.lines[before] else "there"
            raise DatasetError(
                f"{rows.where(row)}: {video} is {in_line} already; remove one of the two"
            )
        if rows.labels[before] != rows.labels[row]:
            raise DatasetError(
                f"{rows.where(row)}: {video} is in the folders of two classes, "
                f"{rows.folders[before]!r} and {rows.folders[row]!r}; remove one of the two files"
            )
    return _picked(rows, list(first.values()))


def _sorted(rows: Listed) -> Listed:
    """Return the rows in the order of their classes, and in each by id, without case.

    That is the order of UCF101's official lists and of the CVDF's lists of Kinetics-400.
    """
    of_label: dict[int | tuple[int, ...], list[int]] = {}
    for row, label in enumerate(rows.labels):
        of_label.setdefault(label, []).append(row)
    order: list[int] = []
    for label in sorted(of_label, key=_label_place):  # one key for all rows would need much memory
        of_class = of_label[label]
        upper = {row: rows.ids[row].upper() for row in of_class}
        if len(set(upper.values())) < len(upper):
            of_class.sort(key=rows.ids.__getitem__)
        of_class.sort(key=upper.__getitem__)
        order += of_class
    return _picked(rows, order)


def _label_place(label: int | tuple[int, ...]) -> tuple[int, ...]:
    return (label,) if isinstance(label, int) else label


def _picked(rows: Listed, order: list[int]) -> Listed:
    names = {}
    if rows.names:
        names = {new: rows.names[old] for new, old in enumerate(order) if old in rows.names}
    return rows._replace(
        ids=[rows.ids[row] for row in order],
        labels=[rows.labels[row] for row in order],
        places=array("I", (rows.places[row] for row in order)),
        lines=array("I", (rows.lines[row] for row in order)),
        folders=[rows.folders[row] for row in order],
        extensions=[rows.extensions[row] for row in order],
        names=names,
    )
