"""The rows of a list of videos: a path and a label each, however people write them."""

import csv
import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from ..errors import DatasetError
from ..sources.listing import is_video_name
from .scan import VIDEO_EXTENSIONS
from .text import lines_of

PATH_COLUMNS = (
    *("file_name", "path", "video_path", "clip_path", "file_path", "filepath"),
    *("filename", "file", "video", "video_name"),
)
LABEL_COLUMNS = (
    *("label", "class", "class_name", "label_name", "category", "label_id", "target", "tag"),
)
"""The names of columns that are looked for in a header, the first ones first."""

_EXTENSION = "|".join(extension[1:] for extension in VIDEO_EXTENSIONS)
_VIDEO_NAME = re.compile(rf".*\.(?:{_EXTENSION})\"?", re.IGNORECASE)
_WITH_EXTENSION = re.compile(
    rf"(?P<path>.*\.(?:{_EXTENSION}))(?:\s*[,\t]\s*|\s+)(?P<label>\S.*)", re.IGNORECASE
)
"""A path ends at the last extension of a video: both parts may have spaces and commas."""
_SEVERAL = re.compile(r"-?\d+(\s+-?\d+)+")
_SEPARATORS = ("\t", ",", " ")


class Row(NamedTuple):
    """A line of a list, as it is written.

    Attributes:
        line: Its number, from 1.
        path: The path, without spaces around it.
        label: A number or a name.
    """

    line: int
    path: str
    label: str


def rows_of(file: Path) -> Iterator[Row]:
    """Give the rows of a list.

    A line is a path and a label with a tab, a comma or a space between; a header may be before
    them. Hugging Face's `metadata.csv` and `metadata.jsonl` name their columns: `file_name` and
    `label`.

    Raises:
        DatasetError: The file can't be read, or a line has no path and no label; the message has
            the line.
    """
    if file.suffix.lower() in (".jsonl", ".ndjson"):
        return _of_json(file)
    head = [text.strip() for _, text in itertools.islice(lines_of(file), 2)]
    if not head:
        raise DatasetError(f"{file}: the list is empty; write a path and a label in each line")
    if file.suffix.lower() == ".json":
        raise DatasetError(
            f"{file}: a list in JSON has an object in each line; write it so, and name it .jsonl"
        )
    columns = _header(head[0])
    if columns is None:
        _refuse_unknown_columns(file, head)
    return _of_lines(file) if columns is None else _of_columns(file, columns)


def _refuse_unknown_columns(file: Path, head: Sequence[str]) -> None:
    """Refuse a list whose first line names no video where the second does."""
    if len(head) < 2 or "/" in head[0] or _names_video(head[0]) or not _names_video(head[1]):
        return
    raise DatasetError(
        f"{file}: the first line, {head[0]!r}, names no video; remove it, or name the columns "
        f"{PATH_COLUMNS[0]} and {LABEL_COLUMNS[0]}"
    )


def _names_video(text: str) -> bool:
    return any(_VIDEO_NAME.fullmatch(part) for part in re.split(r"[\s,]+", text))


def _of_lines(file: Path) -> Iterator[Row]:
    for number, text in lines_of(file):
        path, label = _parts(file, number, text.strip())
        yield Row(number, path, label)


def _parts(file: Path, number: int, text: str) -> tuple[str, str]:
    if text.startswith('"') or text.endswith('"'):
        return _quoted(file, number, text)
    found = _WITH_EXTENSION.fullmatch(text)
    if found is not None:
        label = found["label"]
        if "," in label or "\t" in label or _SEVERAL.fullmatch(label):
            raise DatasetError(
                f"{file}:{number}: {text!r} has more than a path and a label; name the columns in "
                "the first line, as in path,frames,label, or put quotes around a label with commas"
            )
        return found["path"], label
    for separator in () if is_video_name(text) else _SEPARATORS:  # a path alone may have spaces
        path, there, label = text.rpartition(separator)
        if there and path.strip() and label.strip():
            return path.strip(), label.strip()
    raise DatasetError(
        f"{file}:{number}: {text!r} is no path and label; write both, the path first, with a "
        "space, a tab or a comma between"
    )


def _quoted(file: Path, number: int, text: str) -> tuple[str, str]:
    """Return the parts of a line with quotes, in which a quote is doubled, as in a csv file."""
    for separator in _SEPARATORS:
        fields = _fields(file, number, text, separator)
        if len(fields) == 2 and all(fields):
            return fields[0], fields[1]
    raise DatasetError(
        f"{file}:{number}: {text!r} is no path and label with quotes around one of them; double a "
        "quote that is part of a name, and write both parts"
    )


def _fields(file: Path, number: int, text: str, separator: str) -> list[str]:
    try:
        (fields,) = csv.reader(
            [text], delimiter=separator, skipinitialspace=separator != "\t", strict=True
        )
    except (csv.Error, ValueError) as error:
        if separator != _SEPARATORS[-1]:
            return []
        raise DatasetError(
            f"{file}:{number}: {text!r}: {error}; close each quote in its line"
        ) from error
    return [field.strip() for field in fields]


class _Columns(NamedTuple):
    separator: str
    path: int
    label: int
    width: int


def _header(text: str) -> _Columns | None:
    """Return where the columns are if a list's first line names them; None if it is a row."""
    for separator in _SEPARATORS:
        names = [name.strip().strip('"').casefold() for name in text.split(separator)]
        paths = [name for name in PATH_COLUMNS if name in names]
        labels = [name for name in LABEL_COLUMNS if name in names]
        if paths and labels:
            path, label = names.index(paths[0]), names.index(labels[0])
            return _Columns(separator, path, label, len(names))
    return None


def _of_columns(file: Path, columns: _Columns) -> Iterator[Row]:
    lines = lines_of(file)
    next(lines)
    for number, text in lines:
        fields = _fields(file, number, text.strip(), columns.separator)
        if len(fields) != columns.width and columns.width == 2:
            path, label = _parts(file, number, text.strip())  # a space or a comma in a name
            if columns.path == 0:
                yield Row(number, path, label)
                continue
        if len(fields) != columns.width:
            raise DatasetError(
                f"{file}:{number}: {text.strip()!r} has {len(fields)} columns, and the first line "
                f"names {columns.width}; put quotes around a name with a "
                f"{_named(columns.separator)} in it"
            )
        path, label = fields[columns.path], fields[columns.label]
        if not path or not label:
            raise DatasetError(
                f"{file}:{number}: {text.strip()!r} lacks the "
                f"{'label' if path else 'path'}; write it, or remove the line"
            )
        yield Row(number, path, label)


def _named(separator: str) -> str:
    return {"\t": "tab", ",": "comma", " ": "space"}[separator]


def _of_json(file: Path) -> Iterator[Row]:
    decode: Callable[[str], object] = msgspec.json.Decoder().decode
    for number, text in lines_of(file):
        try:
            fields = decode(text)
        except (msgspec.DecodeError, UnicodeError) as error:
            raise DatasetError(f"{file}:{number}: not JSON: {error}; correct the line") from error
        if not isinstance(fields, dict):
            raise DatasetError(
                f"{file}:{number}: {text!r}: write an object in each line, with file_name and label"
            )
        path = next((fields[name] for name in PATH_COLUMNS if name in fields), None)
        label = next((fields[name] for name in LABEL_COLUMNS if name in fields), None)
        plain = isinstance(label, int | str) and not isinstance(label, bool)
        if not isinstance(path, str) or not path or not plain or label == "":
            raise DatasetError(
                f"{file}:{number}: {text!r}: file_name must be a text, and label a number or a "
                "name; write both"
            )
        yield Row(number, path, str(label))
