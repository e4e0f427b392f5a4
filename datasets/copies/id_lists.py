"""Lists of `id;label`, as the publisher of Something-Something and Jester writes them.

`jester-v1-validation.csv` and `jester-v1-train.csv` of 20BN, and `test-answers.csv`, which
the later release of both datasets has.
"""

import re
from collections.abc import Iterator

from ..errors import DatasetError
from ..lists.text import lines_of
from .formats import Format, ListFile, RawRow, Source

_SNIFFED = 20
"""Lines that decide what a file is."""
_ROW = re.compile(r'\s*"?(?P<id>\d+)"?\s*;\s*"?(?P<label>[^;"]*[^;"\s])"?\s*')


class IdLabels(Format):
    """The number of a video, a semicolon, and the name of its class."""

    ordered = False
    has_paths = False

    def __init__(self, name: str, example: str, template: bool = False) -> None:
        """Name the layout.

        Args:
            name: Its name.
            example: A line of it.
            template: True if labels may be templates with brackets.
        """
        self.name, self.example, self._template = name, example, template

    def finds(self, file: ListFile) -> bool:
        """Report whether each of the first lines is a number and a label."""
        lines = file.first_lines[:_SNIFFED]
        return bool(lines) and all(_ROW.fullmatch(line) for line in lines)

    def rows(self, source: Source, file: ListFile) -> Iterator[RawRow]:
        """Give the rows of a list."""
        for number, line in lines_of(file.path):
            found = _ROW.fullmatch(line)
            if found is None:
                raise DatasetError(
                    f"{file.path}:{number}: {line.strip()!r} is no number and label with a "
                    f"semicolon between, as in {self.example!r}; correct the line"
                )
            label = found["label"]
            if self._template:
                label = label.replace("[", "").replace("]", "")
            yield RawRow(number, found["id"], label)
