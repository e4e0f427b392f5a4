"""UCF101: the official lists and a folder for each class. Pointlight is read the same way.

Soomro, Zamir, Shah: "UCF101: A Dataset of 101 Human Action Classes From Videos in The Wild",
CRCV-TR-12-01, 2012.
"""

import re
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from ..errors import DatasetError
from ..lists import layouts
from ..lists.class_names import class_names, fold
from ..lists.layouts import Layout
from ..lists.text import lines_of
from ..split import Split
from .described import Described
from .formats import Format, ListFile, RawRow, Source
from .parts import Part, numbered_parts
from .path_lists import FRAMES, MMACTION2, PYSLOWFAST
from .read import read_copy
from .ucf101_folders import UcfFolders
from .ucf_names import UcfNames

LIST_FOLDER = "ucfTrainTestlist"
"""The folder of the official lists, as their archive has it."""
_OFFICIAL = re.compile(r"(test|train)list\d+", re.IGNORECASE)
_LINE = re.compile(r"(?P<path>.+?)(?:\s+(?P<number>\d+))?")


class UcfLists(Format):
    """`testlist01.txt`, of lines `Class/video.avi`, and `trainlist01.txt` with numbers from 1."""

    name = "official"
    aliases: tuple[str, ...] = ("torchvision",)
    example = "ApplyEyeMakeup/v_ApplyEyeMakeup_g08_c01.avi 1"
    ordered = True
    by_folder = True
    refuse_absolute = True
    first_number = 1

    def finds(self, file: ListFile) -> bool:
        """Report whether it has the name of an official list."""
        return file.path.suffix == ".txt" and bool(_OFFICIAL.fullmatch(file.path.stem))

    def rows(self, source: Source, file: ListFile) -> Iterator[RawRow]:
        """Give the rows of a list."""
        for number, text in lines_of(file.path):
            fields = _LINE.fullmatch(text.strip())
            assert fields is not None
            path = fields["path"].replace("\\", "/").removeprefix("./")
            if len(path.split("/")) < 2 or not all(path.lstrip("/").split("/")):
                raise DatasetError(
                    f"{file.path}:{number}: {fields['path']!r} is not of the form Class/video.avi"
                )
            yield RawRow(number, fields["path"], fields["number"] or "")


def check_class_index(classes: tuple[str, ...], lists: Sequence[ListFile], source: Source) -> None:
    """Compare a classInd.txt (lines `1 ApplyEyeMakeup`, from 1) with the canonical class list.

    Of several, that next to the list that is read counts, or else the first.

    Raises:
        DatasetError: A name or its number differs; the message has the first difference.
    """
    files = [file for file in lists if file.path.name == "classInd.txt"]
    beside = {file.path.parent for file in source.files}
    files.sort(key=lambda file: file.path.parent not in beside)
    for file in files[:1]:
        _check_lines(file.path, classes)


def _check_lines(file: Path, classes: tuple[str, ...]) -> None:
    expected = [f"{number} {name}" for number, name in enumerate(classes, 1)]
    written = [(number, line.split()) for number, line in lines_of(file)]
    for position in range(max(len(expected), len(written))):
        right = expected[position] if position < len(expected) else "no more lines"
        number, fields = written[position] if position < len(written) else (None, ["nothing"])
        wanted, _, name = right.partition(" ")
        if number is None or fields[0] != wanted or fold("".join(fields[1:])) != fold(name):
            where = f"{file}:{number}" if number is not None else f"{file}, after its last line"
            raise DatasetError(
                f"{where}: {' '.join(fields)!r} where {right!r} is expected: not this dataset's "
                "class list; get the official one"
            )


UCF101 = Described(
    name="ucf101",
    aliases=("ucf-101", "ucf_101", "ucf"),
    layout=layouts.UCF101,
    purpose="101 human actions in short videos of the web",
    classes="ucf101",
    parts=numbered_parts("{kind}list0{number}", "{kind}list{number}"),
    naming=UcfNames(),
    formats=(UcfLists(), MMACTION2, FRAMES, PYSLOWFAST, UcfFolders()),
    several_splits=True,
    wanted_list="{kind}list{number:02d}.txt",
    wanted_media="no class folder with videos",
    check=partial(check_class_index, class_names("ucf101")),
)


def read_split(root: Path, *, dataset: str, kind: str, layout: Layout) -> Split:
    """Read one list of a dataset that is laid out as UCF101 is: `KINDlist01.txt`.

    Args:
        root: The data root.
        dataset: The name in the catalog, which is also the class list's.
        kind: `test` or `train`, which is also the split's name.
        layout: The expected folders, for errors.

    Raises:
        DatasetError: A folder or list is missing, or a list is not what it should be.
    """
    described = Described(
        name=dataset,
        layout=layout,
        purpose="",
        classes=dataset,
        parts=(Part(asked=kind, name=kind, kinds=(kind,), number=1),),
        naming=UcfNames(),
        formats=(UcfLists(),),
        several_splits=True,
        wanted_list=UCF101.wanted_list,
        wanted_media=UCF101.wanted_media,
        check=partial(check_class_index, class_names(dataset)),
    )
    return read_copy(described, root, kind)
