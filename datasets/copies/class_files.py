"""A copy's own list of classes, compared with the one whose numbers the published networks have."""

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from ..errors import DatasetError
from ..lists.class_names import fold
from ..lists.text import lines_of, read_list
from .formats import ListFile, Source


class ClassRow(NamedTuple):
    """A class as a file lists it: its line from 1, its number from 0, and its name."""

    line: int
    number: int
    name: str


def refuse_other_classes(
    name: str,
    read: Callable[[Path], Iterator[ClassRow]],
    classes: Sequence[str],
    lists: Sequence[ListFile],
    source: Source,
) -> None:
    """Compare a copy's list of classes with the canonical one, if it has such a list.

    Of several, that next to the list that is read counts, or else the first.

    Args:
        name: Pattern of the file's name.
        read: Gives what it lists.
        classes: The canonical names, in the order of the labels.
        lists: All lists of the copy.
        source: What is read.

    Raises:
        DatasetError: A class is another one, or absent; the message has the first.
    """
    files = [file for file in lists if re.fullmatch(name, file.path.name, re.IGNORECASE)]
    beside = {file.path.parent for file in source.files}
    files.sort(key=lambda file: file.path.parent not in beside)
    for file in files[:1]:
        _compare(file.path, list(read(file.path)), classes)


def _compare(file: Path, rows: list[ClassRow], classes: Sequence[str]) -> None:
    cure = "not this dataset's list of classes; get the publishers' file"
    for row in rows:
        right = classes[row.number] if 0 <= row.number < len(classes) else None
        if right is None or fold(row.name) != fold(right):
            expected = "no such class" if right is None else repr(right)
            raise DatasetError(
                f"{file}:{row.line}: class {row.number} is {row.name!r}, and {expected} is "
                f"expected: {cure}"
            )
    numbers = {row.number for row in rows}
    absent = [number for number in range(len(classes)) if number not in numbers]
    if absent:
        raise DatasetError(f"{file}: no class {absent[0]}, {classes[absent[0]]!r}: {cure}")


def names_alone(file: Path) -> Iterator[ClassRow]:
    """Give the classes of a file with a name in each line."""
    for number, (line, text) in enumerate(lines_of(file)):
        yield ClassRow(line, number, text.strip().strip('"'))


def names_and_numbers(file: Path) -> Iterator[ClassRow]:
    """Give the classes of a file of lines `clapping,0`.

    Raises:
        DatasetError: A line has no number.
    """
    for line, text in lines_of(file):
        name, _, number = text.strip().rpartition(",")
        if not number.strip().isdecimal():
            raise DatasetError(
                f"{file}:{line}: {text.strip()!r} is no class and number, as in 'clapping,0'; get "
                "the publishers' file"
            )
        yield ClassRow(line, int(number), name)


_CODED = re.compile(r"c(?P<number>\d{3})\s+(?P<name>\S.*)")


def codes_and_names(file: Path) -> Iterator[ClassRow]:
    """Give the classes of a file of lines `c000 Holding some clothes`.

    Raises:
        DatasetError: A line has no such code.
    """
    for line, text in lines_of(file):
        found = _CODED.fullmatch(text.strip())
        if found is None:
            raise DatasetError(
                f"{file}:{line}: {text.strip()!r} is no code and class, as in 'c000 Holding some "
                "clothes'; get the publishers' file"
            )
        yield ClassRow(line, int(found["number"]), found["name"])


def json_numbers(file: Path) -> Iterator[ClassRow]:
    """Give the classes of a JSON object of numbers by names: `{"Closing something": "5", ...}`."""
    text = read_list(file)
    for name, number in _decoded(file, text, dict[str, int]).items():
        yield ClassRow(_line_of(text, msgspec.json.encode(name).decode()), number, name)


def json_parts(file: Path) -> Iterator[ClassRow]:
    """Give the classes of a JSON array of their parts: `[["Back", "15som", "05Twis", "FREE"]]`."""
    text = read_list(file)
    at = 0
    for number, parts in enumerate(_decoded(file, text, list[list[str]])):
        at = max(text.find("[", at + 1), 0)
        yield ClassRow(text.count("\n", 0, at) + 1, number, "+".join(parts))


def _decoded(file: Path, text: str, kind: type) -> Any:
    try:
        return msgspec.json.decode(text, type=kind, strict=False)
    except msgspec.DecodeError as error:
        raise DatasetError(
            f"{file}: no list of classes in JSON: {error}; get the publishers' file"
        ) from error


def _line_of(text: str, name: str) -> int:
    return text.count("\n", 0, max(text.find(name), 0)) + 1
