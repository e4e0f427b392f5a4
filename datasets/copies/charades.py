"""Charades: its csv files, and the lists of frames that PySlowFast reads.

Sigurdsson et al.: "Hollywood in Homes: Crowdsourcing Data Collection for Activity Understanding",
ECCV 2016; `Charades_v1_train.csv` and `Charades_v1_test.csv` of Charades.zip, of
prior.allenai.org/projects/charades. The lists of frames are those of facebookresearch/SlowFast
(slowfast/datasets/utils.py, load_image_lists), which mmaction2 and pytorchvideo read, too.
"""

import csv
import io
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from ..errors import DatasetError, reason_of
from ..files import open_regular
from ..lists import further_layouts
from ..lists.class_names import class_names
from ..lists.text import read_list
from .class_files import codes_and_names, refuse_other_classes
from .described import Described
from .formats import Format, ListFile, RawRow, Source
from .naming import Naming
from .parts import Part

CLASSES = 157
_ACTION = re.compile(r"c(?P<number>\d{3})(?:\s+-?\d+(?:\.\d+)?){2}")
_FRAME_IDS = ("original_vido_id", "original_video_id")
"""The name of a column: as the files have it, and without their slip."""


class CharadesCsv(Format):
    """A header with `id` and `actions`, among others, and a row for each video."""

    name = "official"
    example = "46GP8,HR43,Kitchen,6,7,Yes,...,c092 11.90 21.20;c147 0.00 12.60,24.83"
    ordered = False
    has_paths = False

    def finds(self, file: ListFile) -> bool:
        """Report whether the first line names the columns `id`, `subject` and `actions`."""
        names = _header(file)
        return {"id", "subject", "actions"} <= set(names)

    def rows(self, source: Source, file: ListFile) -> Iterator[RawRow]:
        """Give the rows of a list, each with all its labels, or with none.

        Raises:
            DatasetError: A line isn't of the form, or an action is unknown.
        """
        stream = io.StringIO(read_list(file.path), newline="")
        reader = csv.reader(stream, strict=True)
        try:
            header = [name.strip().lower() for name in next(reader, [])]
            name, actions = header.index("id"), header.index("actions")
            for fields in reader:
                if not fields:
                    continue
                if len(fields) != len(header):
                    raise DatasetError(
                        f"{file.path}:{reader.line_num}: {len(fields)} columns, and the first "
                        f"line names {len(header)}; get the publishers' file again"
                    )
                labels = _classes_of(file.path, reader.line_num, fields[actions])
                yield RawRow(reader.line_num, fields[name].strip(), "", labels=labels)
        except csv.Error as error:
            raise DatasetError(
                f"{file.path}:{reader.line_num}: not a csv line: {error}; get the publishers' "
                "file again"
            ) from error


def _classes_of(file: Path, line: int, actions: str) -> tuple[str, ...]:
    """Return the numbers of the classes of `c092 11.90 21.20;c147 0.00 12.60`, each once."""
    numbers = set()
    for action in filter(None, map(str.strip, actions.split(";"))):
        found = _ACTION.fullmatch(action)
        if found is None or int(found["number"]) >= CLASSES:
            raise DatasetError(
                f"{file}:{line}: action {action!r} is not c000 to c{CLASSES - 1} with two times "
                "in seconds; get the publishers' file again"
            )
        numbers.add(int(found["number"]))
    return tuple(map(str, sorted(numbers)))


class CharadesFrames(Format):
    """`original_vido_id video_id frame_id path labels`, and a line for each frame of each video.

    A video has the labels of all its frames, as PySlowFast tests it
    (slowfast/datasets/utils.py, convert_to_video_level_labels).
    """

    name = "pyslowfast"
    example = '001YG 0 0 001YG/001YG-000001.jpg "59,127"'
    ordered = False
    has_paths = False
    frames = True

    def finds(self, file: ListFile) -> bool:
        """Report whether the first line names these columns."""
        return bool(file.first_lines) and file.first_lines[0].startswith(_FRAME_IDS)

    def rows(self, source: Source, file: ListFile) -> Iterator[RawRow]:
        """Give a row for each video, at the line of its first frame."""
        lines = _streamed(file.path)
        _, header = next(lines)
        names = header.split()
        name, labels, width = 0, names.index("labels"), len(names)
        first_line: dict[str, int] = {}
        seen: dict[str, set[str]] = {}
        for number, line in lines:
            fields = line.split()
            if len(fields) != width:
                raise DatasetError(
                    f"{file.path}:{number}: {line.strip()!r} has {len(fields)} columns, and the "
                    f"first line names {width}; correct the line"
                )
            first_line.setdefault(fields[name], number)
            seen.setdefault(fields[name], set()).add(fields[labels])
        for video, number in first_line.items():
            yield RawRow(number, video, "", labels=_numbers(file.path, number, seen[video]))


def _streamed(file: Path) -> Iterator[tuple[int, str]]:
    """Give the number, from 1, and the text of every line that isn't blank.

    The training has a line for each of 5.6 million frames, so it isn't read as a whole.

    Raises:
        DatasetError: The file can't be read, or isn't text; the message has the line.
    """
    try:
        with open_regular(file) as content:
            for number, line in enumerate(content, 1):
                text = line.decode("utf-8-sig" if number == 1 else "utf-8").strip()
                if text:
                    yield number, text
    except OSError as error:
        raise DatasetError(f"{file}: can't be read ({reason_of(error)}); mend it") from error
    except UnicodeDecodeError as error:
        raise DatasetError(
            f"{file}:{number}: not a text file in UTF-8 ({error.reason}); save it in UTF-8"
        ) from error


def _numbers(file: Path, line: int, written: set[str]) -> tuple[str, ...]:
    """Return the numbers of the classes that are written at the frames of a video: `"59,127"`."""
    parts = [part for text in written for part in text.replace('"', "").split(",") if part]
    wrong = next((part for part in parts if not part.isdecimal() or int(part) >= CLASSES), None)
    if wrong is not None:
        raise DatasetError(
            f"{file}:{line}: label {wrong!r} of this video's frames is not in 0..{CLASSES - 1}; "
            "correct the list"
        )
    return tuple(map(str, sorted(set(map(int, parts)))))


def _header(file: ListFile) -> list[str]:
    if not file.first_lines:
        return []
    return [name.strip().strip('"').lower() for name in file.first_lines[0].split(",")]


CHARADES = Described(
    name="charades",
    aliases=("charades_v1", "charades-v1"),
    layout=further_layouts.CHARADES,
    purpose="157 actions at home, several in a video of half a minute",
    classes="charades",
    parts=(
        Part(asked="test", name="test", kinds=("test", "val"), others=("val", "validation")),
        Part(asked="train", name="train", kinds=("train",)),
    ),
    naming=Naming(),
    formats=(CharadesCsv(), CharadesFrames()),
    several_splits=True,
    wanted_list="Charades_v1_{asked}.csv",
    wanted_media="no videos",
    scoring="map",
    check=partial(
        refuse_other_classes,
        r"Charades_v1_classes\.txt",
        codes_and_names,
        class_names("charades"),
    ),
)
