"""UCF101: the official lists and a folder for each class. Pointlight is read the same way.

Soomro, Zamir, Shah: "UCF101: A Dataset of 101 Human Action Classes From Videos in The Wild",
CRCV-TR-12-01, 2012.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ..errors import DatasetError, KinobenchError, UnknownNameError
from ..plurals import quantity
from ..split import Split, Video
from . import layouts
from .class_names import LabelMatcher, class_names, fold
from .layouts import Layout
from .scan import VIDEO_EXTENSIONS, FoundVideo, counted, scan_videos
from .text import read_list

SPLITS = ("1", "2", "3", "train1", "train2", "train3")
LIST_FOLDERS = ("ucfTrainTestlist", "annotations", "splits", ".")
MEDIA_FOLDERS = ("UCF-101", "videos", ".")

_SPLIT = re.compile(r"(?:(test|train)(?:list)?)?0?([123])")
_LINE = re.compile(r"(?P<path>.+?)(?:\s+(?P<number>\d+))?")
_STEM = re.compile(r"v_(?P<name>.+)_(?P<group>g\d+)_(?P<part>c\d+)", re.IGNORECASE)


def load(root: Path, split: str | None = None) -> Split:
    """Return one official split of UCF101, 101 classes in classInd.txt's order.

    Args:
        root: The folder that holds the lists and the videos, as `layouts.UCF101` draws it.
        split: `1` (the default), `2`, `3`: a test list; `train1` and so on: a training list.

    Raises:
        UnknownNameError: There is no such split.
        DatasetError: A folder or list is missing, or a list is not what it should be.
    """
    split = SPLITS[0] if split is None else split
    asked = _SPLIT.fullmatch(split)
    if asked is None:
        raise UnknownNameError("split of ucf101", split, SPLITS)
    name = f"{asked[1] or 'test'}0{asked[2]}"
    return read_split(
        root,
        dataset="ucf101",
        split=name,
        list_name=f"{name[:-2]}list{name[-2:]}.txt",
        layout=layouts.UCF101,
    )


def read_split(root: Path, *, dataset: str, split: str, list_name: str, layout: Layout) -> Split:
    """Read one list of a dataset that is laid out as UCF101 is.

    The class is the folder's: a test list carries no number, and a training list's number must
    agree. Names are compared without case and the media's extension is free, since the lists say
    `v_HandstandPushups_g01_c01.avi` and the archive has `v_HandStandPushups_g01_c01.avi`. A listed
    file that is missing stays in the split, with the path that it should have, and a note counts
    such files.

    Args:
        root: The data root.
        dataset: The name in the catalog, which is also the class list's.
        split: The name that the split gets.
        list_name: The list's file name.
        layout: The expected folders, for errors.

    Raises:
        DatasetError: A folder or list is missing, or a list is not what it should be.
    """
    if not root.is_dir():
        raise layout.lacks(f"no folder {str(root)!r}")
    places = [root / folder for folder in LIST_FOLDERS]
    listing = next((place / list_name for place in places if (place / list_name).is_file()), None)
    if listing is None:
        raise layout.lacks(f"no {list_name} under {str(root)!r}")
    match = LabelMatcher(class_names(dataset))
    for place in (listing.parent, *places):
        if (place / "classInd.txt").is_file():
            check_class_index(place / "classInd.txt", match.classes)
            break
    media, found = _media(root, match, layout)
    lines = list(_read_list(listing, match))
    if not lines:
        raise DatasetError(f"{listing}: the list is empty; get the official one. {layout.obtain}")
    return _assemble(dataset, split, listing, match.classes, media, found, lines)


def check_class_index(file: Path, classes: tuple[str, ...]) -> None:
    """Compare a classInd.txt (lines `1 ApplyEyeMakeup`, from 1) with the canonical class list.

    Raises:
        DatasetError: A name or its number differs; the message has the first difference.
    """
    expected = [f"{number} {name}" for number, name in enumerate(classes, 1)]
    written = [(number, line.split()) for number, line in _lines(file)]
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


class _Line(NamedTuple):
    number: int
    label: int
    folder: str
    stem: str
    extension: str


def _lines(file: Path) -> Iterator[tuple[int, str]]:
    """Give the number, from 1, and the text of every line that isn't blank."""
    for number, line in enumerate(read_list(file).splitlines(), 1):
        if line.strip():
            yield number, line.strip()


def _read_list(file: Path, match: LabelMatcher) -> Iterator[_Line]:
    labels: dict[str, int] = {}
    for number, text in _lines(file):
        fields = _LINE.fullmatch(text)
        assert fields is not None
        parts = [part for part in re.split(r"[/\\]", fields["path"]) if part != "."]
        if not parts[0] or parts[0].endswith(":") or ".." in parts:
            raise DatasetError(
                f"{file}:{number}: {fields['path']!r} leaves the data root; a listed path is "
                "relative, without '..'"
            )
        if len(parts) < 2 or not all(parts):
            raise DatasetError(
                f"{file}:{number}: {fields['path']!r} is not of the form Class/video.avi"
            )
        folder, name = parts[-2:]
        if folder not in labels:
            try:
                labels[folder] = match(folder)
            except KinobenchError as error:
                raise DatasetError(f"{file}:{number}: {error}") from error
        label = labels[folder]
        if fields["number"] is not None and int(fields["number"]) != label + 1:
            raise DatasetError(
                f"{file}:{number}: number {fields['number']} with folder {folder!r}, which is "
                f"number {label + 1}; numbers are those of classInd.txt, from 1"
            )
        stem, dot, extension = name.rpartition(".")
        if f"{dot}{extension}".lower() not in VIDEO_EXTENSIONS:
            stem, extension = name, ""
        yield _Line(number, label, folder, stem, f"{dot}{extension}" if extension else "")


def _media(
    root: Path, match: LabelMatcher, layout: Layout
) -> tuple[Path, dict[tuple[int, str], list[FoundVideo]]]:
    """Return the folder of the class folders, and its videos by label and folded stem."""
    for folder in MEDIA_FOLDERS:
        media = root / folder
        if not media.is_dir():
            continue
        others = [name for name in (*LIST_FOLDERS, *MEDIA_FOLDERS) if name != "."]
        found: dict[tuple[int, str], list[FoundVideo]] = {}
        labels: dict[str, int | None] = {}
        for video in scan_videos(media, root, depth=1, skip=others):
            if video.folder not in labels:
                labels[video.folder] = match.find(video.folder)
            label = labels[video.folder]
            if label is not None:
                found.setdefault((label, video.stem.casefold()), []).append(video)
        if found:
            return media, found
    raise layout.lacks(f"no class folder with videos under {str(root)!r}")


def _assemble(
    dataset: str,
    split: str,
    listing: Path,
    classes: tuple[str, ...],
    media: Path,
    found: dict[tuple[int, str], list[FoundVideo]],
    lines: list[_Line],
) -> Split:
    videos: list[Video] = []
    first_line: dict[str, int] = {}
    missing: list[str] = []
    several: list[str] = []
    for line in lines:
        spelled = _STEM.fullmatch(line.stem)
        # One spelling on every machine, whichever variant of the list is there.
        stem, group = line.stem, None
        if spelled is not None:
            group = spelled["group"].lower()
            if fold(spelled["name"]) == fold(classes[line.label]):
                stem = f"v_{classes[line.label]}_{group}_{spelled['part'].lower()}"
        video_id = f"{classes[line.label]}/{stem}"
        if video_id in first_line:
            raise DatasetError(
                f"{listing}:{line.number}: {video_id} is in line {first_line[video_id]} already; "
                "remove one of the two"
            )
        first_line[video_id] = line.number
        files = found.get((line.label, line.stem.casefold()), [])
        if files:
            chosen = min(files, key=lambda file: _rank(file, line))
            chosen.refuse_outside(f"{listing}:{line.number}")
            path = Path(chosen.path)
            if len(files) > 1:
                several.append(video_id)
        else:
            path = media / line.folder / f"{line.stem}{line.extension}"
            missing.append(video_id)
        videos.append(Video(id=video_id, path=path, label=line.label, group=group))
    listed = f"of {quantity(len(videos), 'listed video')}"
    notes = (
        *counted(missing, f"{listed} not on disk"),
        *counted(several, f"{listed} on disk more than once, the file named most like it is taken"),
    )
    return Split(dataset=dataset, name=split, classes=classes, videos=tuple(videos), notes=notes)


def _rank(file: FoundVideo, line: _Line) -> tuple[bool, bool, bool, int, str]:
    """Return a sort key that puts the file named most like the listed path first."""
    return (
        file.extension != line.extension.lower(),
        file.stem != line.stem,
        file.folder != line.folder,
        VIDEO_EXTENSIONS.index(file.extension),
        file.path,
    )
