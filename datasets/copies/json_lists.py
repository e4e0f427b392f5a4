"""Lists that are JSON arrays: of Something-Something v2, Diving48, and Sports-1M.

The keys are those of the publishers' own files: `something-something-v2-train.json`,
`Diving48_V2_train.json`, and `sports1m_train.json` of
cs.stanford.edu/people/karpathy/deepvideo/sports1m_json.zip.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from ..errors import DatasetError
from ..lists.text import read_list
from .formats import Format, ListFile, RawRow, Source

_PLACE = re.compile(r" - at `\$\[(\d+)\]")
"""Where msgspec says that a wrong value is: the number of the array's element, from 0."""


class JsonArray(Format):
    """An array of objects, one for each video."""

    name = "official"
    ordered = False
    has_paths = False
    id_key: ClassVar[str]
    """The key whose value names the video; each object has it once."""
    label_key: ClassVar[str]
    """Another key that each object has."""
    entry: ClassVar[type[msgspec.Struct]]
    """What is read of an object."""

    def finds(self, file: ListFile) -> bool:
        """Report whether a file begins as an array of objects with both keys."""
        head = file.head.lstrip()
        return head.startswith("[") and all(
            f'"{key}"' in head for key in (self.id_key, self.label_key)
        )

    def rows(self, source: Source, file: ListFile) -> Iterator[RawRow]:
        """Give the rows of a file, each with the line of its id.

        Raises:
            DatasetError: It isn't JSON, or an object lacks something; the message has the line.
        """
        text = read_list(file.path)
        lines = entry_lines(text, self.id_key)
        for number, entry in enumerate(_decoded(file.path, text, self.entry, lines)):
            yield self.row(entry, lines[number] if number < len(lines) else 0)

    def row(self, entry: Any, line: int) -> RawRow:
        """Return the row of an object."""
        raise NotImplementedError


def entry_lines(text: str, key: str) -> list[int]:
    """Return the line, from 1, at which each object of an array has its key.

    A file may have all objects in one line, or each in several.
    """
    ends = [found.start() for found in re.finditer("\n", text)]
    pattern = rf'(?<!\\)"{re.escape(key)}"\s*:'
    return [bisect_left(ends, found.start()) + 1 for found in re.finditer(pattern, text)]


def _decoded(
    file: Path, text: str, entry: type[msgspec.Struct], lines: list[int]
) -> list[msgspec.Struct]:
    try:
        return msgspec.json.decode(text, type=list[entry])  # type: ignore[valid-type]
    except msgspec.ValidationError as error:
        place = _PLACE.search(str(error))
        number = None if place is None else int(place[1])
        line = f":{lines[number]}" if number is not None and number < len(lines) else ""
        raise DatasetError(
            f"{file}{line}: entry {number} of the array: {_PLACE.split(str(error))[0]}; get the "
            "publishers' file again"
        ) from error
    except msgspec.DecodeError as error:
        raise DatasetError(f"{file}: not JSON: {error}; get the publishers' file again") from error


class _Something(msgspec.Struct):
    id: str | int
    template: str


class SomethingJson(JsonArray):
    """`{"id": "78687", "template": "Holding [something] next to [something]", ...}`."""

    example = '{"id": "78687", "template": "Holding [something] next to [something]"}'
    id_key, label_key, entry = "id", "template", _Something

    def row(self, entry: _Something, line: int) -> RawRow:
        """Return a row whose label is the template without its brackets."""
        template = entry.template.replace("[", "").replace("]", "")
        return RawRow(line, str(entry.id), template)


class _Dive(msgspec.Struct):
    vid_name: str
    label: int


class DivingJson(JsonArray):
    """`{"vid_name": "_8Vy3dlHg2w_00000", "label": 12, "start_frame": 0, "end_frame": 104}`."""

    example = '{"vid_name": "_8Vy3dlHg2w_00000", "label": 12, "start_frame": 0, "end_frame": 104}'
    id_key, label_key, entry = "vid_name", "label", _Dive

    def row(self, entry: _Dive, line: int) -> RawRow:
        """Return a row whose label is the number of a line of Diving48_vocab.json, from 0."""
        return RawRow(line, entry.vid_name, str(entry.label))


class _Sport(msgspec.Struct):
    id: str
    label487: list[int]


class SportsJson(JsonArray):
    """`{"id": "Z8G3bY9bEqw", "label487": [213], "duration": 64, ...}`."""

    name = "json"
    example = '{"id": "Z8G3bY9bEqw", "label487": [213], ...}'
    id_key, label_key, entry = "id", "label487", _Sport

    def row(self, entry: _Sport, line: int) -> RawRow:
        """Return a row with the labels of the 487 classes; there are coarser ones, too."""
        labels = tuple(map(str, dict.fromkeys(entry.label487)))
        return RawRow(line, entry.id, "", labels=labels)
