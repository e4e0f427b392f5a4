"""Kinetics-400 as the CVDF distributes it: a csv for each split, videos named by YouTube id.

Kay et al.: "The Kinetics Human Action Video Dataset", arXiv:1705.06950, 2017. The csv files and the
file names are those of github.com/cvdfoundation/kinetics-dataset.
"""

import csv
import io
import re
from collections.abc import Container, Iterator
from pathlib import Path
from typing import NamedTuple

from ..errors import DatasetError, KinobenchError, UnknownNameError
from ..plurals import quantity
from ..split import Split, Video
from . import layouts
from .class_names import LabelMatcher, class_names
from .scan import VIDEO_EXTENSIONS, FoundVideo, counted, scan_videos
from .text import read_list

SPLITS = ("val", "test", "train")
LIST_FOLDERS = ("annotations", ".")
COLUMNS = ("label", "youtube_id", "time_start", "time_end")

_SPELLINGS = {
    "val": ("val", "validate", "validation"),
    "test": ("test",),
    "train": ("train",),
}
_LIST_NAMES = (
    "{}.csv",
    "kinetics400_{}.csv",
    "kinetics_400_{}.csv",
    "k400_{}.csv",
    "kinetics_{}.csv",
)
_MEDIA_FOLDERS = ("{}", "videos/{}", "videos_{}", "{}_videos", "{}_256", "kinetics400/{}")
# An id is 11 characters, `_` and `-` among them, so the width alone says where the times begin.
_STEM = re.compile(r"(?P<id>[\w-]{11})(?:_(?P<start>\d{6,})_(?P<end>\d{6,}))?", re.ASCII)


def load(root: Path, split: str | None = None) -> Split:
    """Return one split of Kinetics-400, 400 classes in label_map.txt's order.

    A row finds its file by the id, in any folder and container, and by the start, too, if an id has
    several rows or several files. A row without a file stays in the split, with the path that the
    file should have, and a note counts such rows.

    Args:
        root: The folder that holds the csv files and the videos, as `layouts.KINETICS400` draws it.
        split: `val` (the default), `test` or `train`.

    Raises:
        UnknownNameError: There is no such split.
        DatasetError: A folder or list is missing, or a list is not what it should be.
    """
    split = SPLITS[0] if split is None else split
    name = next((name for name, known in _SPELLINGS.items() if split in known), None)
    if name is None:
        raise UnknownNameError("split of kinetics400", split, SPLITS)
    layout = layouts.KINETICS400
    if not root.is_dir():
        raise layout.lacks(f"no folder {str(root)!r}")
    spellings = _SPELLINGS[name]
    lists = [
        root / folder / pattern.format(spelling)
        for folder in LIST_FOLDERS
        for spelling in spellings
        for pattern in _LIST_NAMES
    ]
    listing = next((file for file in lists if file.is_file()), None)
    if listing is None:
        raise layout.lacks(f"no {name}.csv under {str(root)!r}")
    classes = class_names("kinetics400")
    rows = list(_read_rows(listing, LabelMatcher(classes)))
    of_split = [row for row in rows if row.split is None or row.split in spellings]
    if not of_split:
        raise DatasetError(
            f"{listing}: no row of the {name} split; get the official list. {layout.obtain}"
        )
    media, found = _media(root, spellings)
    if not found:
        raise layout.lacks(f"no videos of the {name} split under {str(root)!r}")
    left_out = len(rows) - len(of_split)
    rows_of = quantity(left_out, "row")
    notes = (f"left out: {rows_of} of {listing.name}, of other splits",) if left_out else ()
    return _assemble(name, listing, classes, media, found, of_split, notes)


class _Row(NamedTuple):
    line: int
    label: int
    youtube_id: str
    start_s: int
    end_s: int
    split: str | None

    @property
    def stem(self) -> str:
        return f"{self.youtube_id}_{self.start_s:06d}_{self.end_s:06d}"


def _read_rows(file: Path, match: LabelMatcher) -> Iterator[_Row]:
    labels: dict[str, int] = {}
    stream = io.StringIO(read_list(file), newline="")
    reader = csv.DictReader(stream, skipinitialspace=True, strict=True, restval="")
    try:
        absent = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
        if absent:
            raise DatasetError(
                f"{file}:1: no column {', '.join(absent)}; the first line must be the header "
                f"{','.join(COLUMNS)},split"
            )
        for fields in reader:
            yield _row(file, reader.line_num, fields, match, labels)
    except csv.Error as error:
        raise DatasetError(f"{file}:{reader.reader.line_num}: not a csv line: {error}") from error


def _row(
    file: Path, line: int, fields: dict[str, str], match: LabelMatcher, labels: dict[str, int]
) -> _Row:
    where = f"{file}:{line}"
    written = fields["label"].strip()
    if written not in labels:
        try:
            labels[written] = match(written)
        except KinobenchError as error:
            raise DatasetError(f"{where}: {error}") from error
    youtube_id = fields["youtube_id"].strip()
    if re.fullmatch(r"[\w-]{11}", youtube_id, re.ASCII) is None:
        raise DatasetError(
            f"{where}: youtube_id {youtube_id!r} is not 11 letters, digits, '-' or '_'"
        )
    seconds = []
    for column in ("time_start", "time_end"):
        try:
            seconds.append(round(float(fields[column])))
        except (ValueError, OverflowError) as error:
            raise DatasetError(
                f"{where}: {column} {fields[column]!r} is not a number of seconds"
            ) from error
    split = (fields.get("split") or "").strip().lower() or None
    return _Row(line, labels[written], youtube_id, seconds[0], seconds[1], split)


class _File(NamedTuple):
    start_s: int | None
    found: FoundVideo


def _media(root: Path, spellings: tuple[str, ...]) -> tuple[Path, list[FoundVideo]]:
    """Return the folder of the split's videos, and what is in it; the root itself comes last."""
    own = [pattern.format(spelling) for pattern in _MEDIA_FOLDERS for spelling in spellings]
    of_others = [
        pattern.format(spelling).partition("/")[0]
        for pattern in _MEDIA_FOLDERS
        for known in _SPELLINGS.values()
        for spelling in known
    ]
    for folder in (*own, "videos", "."):
        media = root / folder
        if not media.is_dir():
            continue
        # Another split's folder is not a class folder.
        skip = (*of_others, *LIST_FOLDERS) if folder == "." else of_others
        found = scan_videos(media, root, depth=2, skip=skip)
        if found:
            return media, found
    return root, []


def _assemble(
    name: str,
    listing: Path,
    classes: tuple[str, ...],
    media: Path,
    found: list[FoundVideo],
    rows: list[_Row],
    notes: tuple[str, ...],
) -> Split:
    rows_of: dict[str, list[_Row]] = {}
    for row in rows:
        rows_of.setdefault(row.youtube_id, []).append(row)
    files = _files_of(found, rows_of)
    first_line: dict[str, int] = {}
    chosen: list[FoundVideo | None] = []
    several: list[str] = []
    named: set[str] = set()
    folder_of: dict[int, Path] = {}
    for row in rows:
        if row.stem in first_line:
            raise DatasetError(
                f"{listing}:{row.line}: {row.stem} is in line {first_line[row.stem]} already; "
                "remove one of the two"
            )
        first_line[row.stem] = row.line
        matching = _matching(row, rows_of[row.youtube_id], files.get(row.youtube_id, []))
        named.update(video.path for video in matching)
        taken = min(matching, key=_rank) if matching else None
        if taken is not None:
            taken.refuse_outside(f"{listing}:{row.line}")
            folder_of.setdefault(row.label, Path(taken.path).parent)
        if len(matching) > 1:
            several.append(row.stem)
        chosen.append(taken)

    videos: list[Video] = []
    missing: list[str] = []
    for row, file in zip(rows, chosen, strict=True):
        if file is None:
            path = folder_of.get(row.label, media) / f"{row.stem}.mp4"
            missing.append(row.stem)
        else:
            path = Path(file.path)
        videos.append(Video(id=row.stem, path=path, label=row.label))
    unnamed = [Path(video.path).name for video in found if video.path not in named]
    listed = f"of {quantity(len(rows), 'listed video')}"
    there = f"of {quantity(len(found), 'video')} on disk"
    notes = (
        *notes,
        *counted(missing, f"{listed} not on disk"),
        *counted(several, f"{listed} on disk more than once, the first by extension is taken"),
        *counted(unnamed, f"{there} named by no row of {listing.name}"),
    )
    return Split(
        dataset="kinetics400",
        name="validation" if name == "val" else name,
        classes=classes,
        videos=tuple(videos),
        notes=notes,
    )


def _files_of(found: list[FoundVideo], ids: Container[str]) -> dict[str, list[_File]]:
    """Return the files of each listed id."""
    files: dict[str, list[_File]] = {}
    for video in found:
        parsed = _STEM.fullmatch(video.stem)
        if parsed is not None and parsed["id"] in ids:
            start_s = None if parsed["start"] is None else int(parsed["start"])
            files.setdefault(parsed["id"], []).append(_File(start_s, video))
    return files


def _matching(row: _Row, rows: list[_Row], files: list[_File]) -> list[FoundVideo]:
    """Return the files of a row's id that can be the row's: one video, perhaps several times."""
    same_start = [file.found for file in files if file.start_s == row.start_s]
    if same_start or len(rows) > 1:
        return same_start
    whole = [file.found for file in files if file.start_s is None]
    # Other trims of the id only where there is no choice between them.
    return whole or ([files[0].found] if len(files) == 1 else [])


def _rank(file: FoundVideo) -> tuple[int, str]:
    return VIDEO_EXTENSIONS.index(file.extension), file.path
