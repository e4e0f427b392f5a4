"""HMDB51: a list for each class and split, whose rows are `video.avi 1`.

Kuehne et al.: "HMDB: A Large Video Database for Human Motion Recognition", ICCV 2011; the 153 files
`CLASS_test_split{1,2,3}.txt` of test_train_splits.rar. 1 is training, 2 is test, and 0 is neither.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import partial

from ..errors import DatasetError
from ..lists import further_layouts
from ..lists.class_names import class_names, fold
from ..lists.text import lines_of
from ..plurals import some
from .described import Described
from .entries import Entries
from .formats import Format, ListFile, RawRow, Source
from .naming import Key, Naming, without_extensions
from .parts import Part, numbered_parts
from .path_lists import FRAMES, MMACTION2, PYSLOWFAST
from .trees import ClassFolders
from .ucf101 import UcfLists, check_class_index

_NAME = re.compile(r"(?P<class>.+)_test_split_?(?P<number>[123])", re.IGNORECASE)
_ROW = re.compile(r"\s*(?P<video>\S.*?)\s+(?P<use>[012])\s*")
_USES = {"train": "1", "test": "2"}


class HmdbLists(Format):
    """The files of one split, each with the videos of one class."""

    name = "official"
    aliases = ("torchvision", "pytorchvideo")
    example = "April_09_brush_hair_u_nm_np1_ba_goo_0.avi 1"
    ordered = False

    def finds(self, file: ListFile) -> bool:
        """Report whether a file is named after a class, and its first lines are such rows."""
        lines = file.first_lines
        return _NAME.fullmatch(file.path.stem) is not None and all(map(_ROW.fullmatch, lines))

    def sources(self, lists: Sequence[ListFile], entries: Entries, part: Part) -> list[Source]:
        """Return the files of a split in each folder that has some."""
        folders: dict[tuple[str, ...], list[ListFile]] = defaultdict(list)
        for file in lists:
            named = _NAME.fullmatch(file.path.stem)
            if named is not None and int(named["number"]) == part.number and self.finds(file):
                folders[file.folders].append(file)
        return [Source(tuple(files), lists, entries, part) for files in folders.values()]

    def rows(self, source: Source, file: ListFile) -> Iterator[RawRow]:
        """Give the rows of a file that are of the split.

        Raises:
            DatasetError: The files of some classes aren't there, or a line isn't of the form.
        """
        if file is source.files[0]:
            _refuse_absent(source)
        named = _NAME.fullmatch(file.path.stem)
        assert named is not None
        use = _USES[source.part.kinds[0]]
        for number, line in lines_of(file.path):
            found = _ROW.fullmatch(line)
            if found is None:
                raise DatasetError(
                    f"{file.path}:{number}: {line.strip()!r} is no video with 0, 1 or 2, as in "
                    f"{self.example!r}; correct the line"
                )
            if found["use"] == use:
                yield RawRow(number, f"{named['class']}/{found['video']}", named["class"])


def _refuse_absent(source: Source) -> None:
    stems = [_NAME.fullmatch(file.path.stem) for file in source.files]
    there = {fold(named["class"]) for named in stems if named is not None}
    absent = [name for name in class_names("hmdb51") if fold(name) not in there]
    if absent:
        folder = source.files[0].path.parent
        files = [f"{name}_test_split{source.part.number}.txt" for name in absent]
        raise DatasetError(
            f"{folder}: lists of {len(absent)} of 51 classes aren't there: {some(files)}; unpack "
            "all of test_train_splits.rar"
        )


_TAGS = r"[fhlu]_(?:cm|nm)_np\d+_(?:ba|fr|le|ri)_(?:bad|goo|med)_\d+"
"""The body's visible part, the camera's motion, the people, the side, the quality, the number."""


class HmdbNames(Naming):
    """`SOURCE_CLASS_u_nm_np1_ba_goo_0`; a video's id is its class and this name."""

    in_classes = True

    def key(self, stem: str, folder: str) -> Key | None:
        """Return the class and the name; the name says the class where the folder doesn't."""
        own = without_extensions(stem)
        if fold(folder) not in _FOLDED:
            folder = self.class_of(own) or folder
        return super().key(stem, folder)

    def group(self, video_id: str) -> str | None:
        """Return the film or the video that a clip is cut from."""
        folder, _, stem = video_id.rpartition("/")
        found = re.fullmatch(rf"(.+?)_{re.escape(folder)}_{_TAGS}", stem, re.IGNORECASE)
        return None if found is None else found[1]

    def class_of(self, stem: str) -> str | None:
        """Return the class in a name: the longest of those that stand before the tags."""
        found = re.fullmatch(rf"(.+)_{_TAGS}", stem, re.IGNORECASE)
        if found is None:
            return None
        before = found[1].casefold()
        ends = [name for name in _CLASSES if before.endswith(f"_{name}")]
        return max(ends, key=len, default=None)


_CLASSES = class_names("hmdb51")
_FOLDED = frozenset(map(fold, _CLASSES))


class _UcfStyle(UcfLists):
    """`testlist01.txt` and `classInd.txt`, which mmaction2 makes of the 153 files."""

    name = "ucf101"
    aliases = ()
    ordered = False
    example = "brush_hair/April_09_brush_hair_u_nm_np1_ba_goo_0.avi 1"


HMDB51 = Described(
    name="hmdb51",
    aliases=("hmdb", "hmdb-51", "hmdb_51"),
    layout=further_layouts.HMDB51,
    purpose="51 human actions in films and videos of the web",
    classes="hmdb51",
    parts=numbered_parts(),
    naming=HmdbNames(),
    formats=(HmdbLists(), _UcfStyle(), MMACTION2, FRAMES, PYSLOWFAST, ClassFolders()),
    several_splits=True,
    wanted_list="CLASS_test_split{number}.txt",
    wanted_media="no class folder with videos",
    check=partial(check_class_index, class_names("hmdb51")),
)
