"""Sports-1M: lists of `URL label,label`.

Karpathy et al.: "Large-scale Video Classification with Convolutional Neural Networks", CVPR 2014;
`original/{train,test}_partition.txt` of github.com/gtoderici/sports-1m-dataset.
"""

import re
from collections.abc import Iterator, Sequence
from functools import partial

from ..errors import DatasetError
from ..findings import Finding
from ..findings import found as found_of
from ..lists import further_layouts
from ..lists.class_names import class_names
from ..lists.scan import VIDEO_EXTENSIONS
from ..lists.text import each_line, lines_of, read_list
from ..plurals import quantity
from .class_files import names_alone, refuse_other_classes
from .described import Described
from .formats import Format, ListFile, RawRow, Source
from .json_lists import SportsJson
from .parts import Part
from .youtube_names import YouTubeNames, is_youtube_id

_SNIFFED = 20
"""Lines that decide what a file is."""
_LABELS = r"\s+(?P<labels>\d+(?:(?:\s*,\s*|\s+)\d+)*)\s*"
_ADDRESS = re.compile(
    r"\s*(?:\S*(?:[?&]v=|youtu\.be/|/embed/|/v/))?(?P<id>[\w-]{11})(?:[&?#]\S*)?" + _LABELS,
    re.ASCII,
)
_EXTENSION = "|".join(extension[1:] for extension in VIDEO_EXTENSIONS)
_PATH = re.compile(
    rf"\s*(?:\S[^\t]*/)?(?P<id>[\w-]{{11}})\.(?:{_EXTENSION}){_LABELS}", re.ASCII | re.IGNORECASE
)
_JSON_IDS = re.compile(r'"id"\s*:\s*"([\w-]{11})"', re.ASCII)
_FOLD = re.compile(r"sports\d+_", re.IGNORECASE)
"""The folds of the publishers' cross-validation are `sports0_test.txt` and so on."""


class SportsUrls(Format):
    """An address of YouTube, or an id, and the numbers of the classes, from 0."""

    name = "official"
    example = "https://www.youtube.com/watch?v=UDqivjS-lpI 168,169"
    row = _ADDRESS
    ordered = False
    has_paths = False

    def finds(self, file: ListFile) -> bool:
        """Report whether each of the first lines is an address and numbers."""
        lines = file.first_lines[:_SNIFFED]
        return bool(lines) and all(self.row.fullmatch(line) for line in lines)

    def is_for(self, file: ListFile, part: Part) -> bool:
        """Report whether a file can be a split's; folds of a cross-validation are none."""
        return _FOLD.match(file.path.name) is None and file.named.kind in part.kinds

    def rows(self, source: Source, file: ListFile) -> Iterator[RawRow]:
        """Give the rows of a list."""
        several: dict[str, tuple[str, ...]] = {}
        for number, line in lines_of(file.path):
            usual = _usual(line)
            known = None if usual is None else several.get(usual[1])
            if usual is not None and known is not None:
                yield RawRow(number, usual[0], "", None, None, None, known)
                continue
            found = self.row.fullmatch(line)
            if found is None:
                raise DatasetError(
                    f"{file.path}:{number}: {line.strip()!r} is no video of YouTube with the "
                    f"numbers of its classes, as in {self.example!r}; correct the line"
                )
            labels = tuple(dict.fromkeys(found["labels"].replace(",", " ").split()))
            several[found["labels"]] = labels
            yield RawRow(number, found["id"], "", labels=labels)


def _usual(line: str) -> tuple[str, str] | None:
    """Return the id and the labels of a line as nearly all are: the pattern takes much longer."""
    address, _, labels = line.partition(" ")
    _, watch, video = address.partition("youtube.com/watch?v=")
    return (video, labels) if watch and is_youtube_id(video) else None


class SportsPaths(SportsUrls):
    """The path of a video, named by its id, and the numbers of its classes."""

    name = "mmaction2"
    aliases = ("pyslowfast", "pytorchvideo")
    example = "videos/UDqivjS-lpI.mp4 168 169"
    row = _PATH


def in_both(source: Source, ids: Sequence[str]) -> tuple[Finding, ...]:
    """Return a finding on the videos that the list of the other part has, too.

    A video with several labels may be in both: for training with one, for test with another.

    Args:
        source: What is read.
        ids: The ids of its videos.
    """
    other = next(part for part in SPORTS1M.parts if part.asked != source.part.asked)
    for form in SPORTS1M.formats:
        for file in source.beside:
            if form.is_for(file, other) and form.finds(file):
                listed = set(_ids_of(form, file))
                both = [video for video in ids if video in listed]
                what = f"of {quantity(len(ids), 'listed video')} in {file.path.name} too"
                return found_of("leak", both, what)
    return ()


def _ids_of(form: Format, file: ListFile) -> Iterator[str]:
    """Give the ids of a list: most addresses end with theirs."""
    text = read_list(file.path)
    if not isinstance(form, SportsUrls):
        yield from (found[1] for found in _JSON_IDS.finditer(text))
        return
    for line in each_line(text):
        usual = _usual(line)
        if usual is not None:
            yield usual[0]
        elif (found := form.row.fullmatch(line.rstrip("\r\n"))) is not None:
            yield found["id"]


SPORTS1M = Described(
    name="sports1m",
    aliases=("sports-1m", "sports_1m"),
    layout=further_layouts.SPORTS1M,
    purpose="487 sports in whole videos of the web, one or several in each",
    classes="sports1m",
    parts=(
        Part(asked="test", name="test", kinds=("test",)),
        Part(asked="train", name="train", kinds=("train",)),
    ),
    naming=YouTubeNames(),
    formats=(SportsUrls(), SportsJson(), SportsPaths()),
    several_splits=True,
    wanted_list="{kind}_partition.txt",
    wanted_media="no videos",
    scoring="hit-k",
    check=partial(refuse_other_classes, r"labels\.txt", names_alone, class_names("sports1m")),
    remarks=in_both,
)
