"""Moments in Time: lists of `class/file.mp4,class,agree,disagree`, without a header.

Monfort et al.: "Moments in Time Dataset: One Million Videos for Event Understanding", TPAMI 2019;
`trainingSet.csv` and `validationSet.csv` of moments.csail.mit.edu; the numbers are those of the
people who agreed and disagreed with the label.
"""

import csv
from collections.abc import Iterator
from functools import partial

from ..errors import DatasetError
from ..lists import further_layouts
from ..lists.class_names import class_names
from ..lists.scan import VIDEO_EXTENSIONS
from ..lists.text import lines_of
from .class_files import names_and_numbers, refuse_other_classes
from .described import Described
from .formats import Format, ListFile, RawRow, Source
from .naming import Naming
from .parts import Part
from .path_lists import FRAMES, MMACTION2, PYSLOWFAST
from .trees import ClassFolders

_SNIFFED = 20
"""Lines that decide what a file is."""


class MomentsCsv(Format):
    """A file in a folder of its class, the class, and how many agreed and disagreed."""

    name = "official"
    example = "blocking/getty-karate-video-id635808620_4.mp4,blocking,3,0"
    ordered = False

    def finds(self, file: ListFile) -> bool:
        """Report whether each of the first lines is a path, a class and two numbers."""
        lines = file.first_lines[:_SNIFFED]
        return bool(lines) and all(_fields(line) is not None for line in lines)

    def rows(self, source: Source, file: ListFile) -> Iterator[RawRow]:
        """Give the rows of a list."""
        for number, line in lines_of(file.path):
            fields = _fields(line)
            if fields is None:
                raise DatasetError(
                    f"{file.path}:{number}: {line.strip()!r} is not a path, a class and two "
                    f"numbers, as in {self.example!r}; correct the line"
                )
            yield RawRow(number, fields[0], fields[1])


def _fields(line: str) -> list[str] | None:
    """Return the fields of a line; None if it isn't of this form."""
    try:
        (fields,) = csv.reader([line.strip()], skipinitialspace=True, strict=True)
    except (csv.Error, ValueError):
        return None
    fields = [field.strip() for field in fields]
    if len(fields) != 4 or not all(fields) or "/" not in fields[0]:
        return None
    numbers = all(field.isdecimal() for field in fields[2:])
    return fields if numbers and fields[0].lower().endswith(VIDEO_EXTENSIONS) else None


class MomentNames(Naming):
    """`SOURCE_SECOND`, in a folder of the class: `clapping/yt-zxQfALnTdfc_56`."""

    in_classes = True

    def group(self, video_id: str) -> str | None:
        """Return the video that a clip is cut from."""
        source, _, second = video_id.rpartition("/")[2].rpartition("_")
        return source if source and second.isdecimal() else None


MIT = Described(
    name="mit",
    aliases=("moments-in-time", "moments_in_time", "moments"),
    layout=further_layouts.MIT,
    purpose="339 actions and events of people, animals and things, three seconds of each",
    classes="mit",
    parts=(
        Part(asked="val", name="validation", kinds=("val",), others=("validate",)),
        Part(asked="train", name="train", kinds=("train",), others=("training",)),
    ),
    naming=MomentNames(),
    formats=(MomentsCsv(), MMACTION2, PYSLOWFAST, FRAMES, ClassFolders()),
    wanted_list="validationSet.csv or trainingSet.csv",
    check=partial(
        refuse_other_classes, r"moments_categories\.txt", names_and_numbers, class_names("mit")
    ),
)
