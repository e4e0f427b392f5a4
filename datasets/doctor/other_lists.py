"""The YouTube ids of another release of Kinetics, from its lists alone.

Kinetics-400, 600 and 700 share videos, and some that one release tests on are trained on in
another (Carreira et al., "A Short Note on the Kinetics-700 Human Action Dataset", arXiv:1907.06987,
section 2). Lists are csv files with a column `youtube_id` (CVDF), json files of an id and its facts
(the publishers'), or lines that begin with a path (mmaction2, PySlowFast).
"""

import csv
import io
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import msgspec

from ..errors import DatasetError, KinobenchError
from ..findings import Kind
from ..lists.split_names import kind_of
from ..lists.text import read_list
from ..plurals import quantity
from ..split import Split
from .complaints import Complaint, complaint

KINETICS = re.compile(r"kinetics[-_]?(400|600|700(_2020)?)|k(400|600|700)", re.IGNORECASE)
_ID = re.compile(r"([\w-]{11})(?:_\d+_\d+)?", re.ASCII)
_PATH = re.compile(r"(?:.*/)?([\w-]{11})(?:_\d+_\d+)?(?:\.\w+)*[\s,;]+\S+.*", re.ASCII)
_SUFFIXES = {".csv", ".json", ".txt"}
_DEPTH = 2
Ids = dict[str, frozenset[str]]
"""What a split is for, `test`, `val` or `train` -> the YouTube ids of its videos."""


def ids_below(place: Path) -> Ids:
    """Return the ids that lists name, by the splits of their names, or of their column `split`.

    Args:
        place: A list, or a folder of lists, which may be two levels below it.

    Raises:
        DatasetError: There is no list with YouTube ids, or one can't be read.
    """
    found: defaultdict[str, set[str]] = defaultdict(set)
    for file in _lists(place):
        for kind, name in _rows(file):
            found[kind].add(name)
    if not found:
        raise DatasetError(
            f"{place}: there is no list with YouTube ids, such as train.csv; give its folder "
            "or the file"
        )
    return {kind: frozenset(ids) for kind, ids in found.items()}


def youtube_id(name: str) -> str | None:
    """Return the YouTube id that a video's id begins with; None if it has none."""
    found = _ID.fullmatch(name)
    return None if found is None else found[1]


def shared_with(splits: tuple[Split, ...], other: str, ids: Ids) -> Iterator[Complaint]:
    """Yield the videos that one release trains on and the other tests on, and those both train on.

    Args:
        splits: The splits of the one.
        other: Name of the other.
        ids: Its ids.
    """
    for split in splits:
        mine = kind_of(split.name)
        own = {video.id: youtube_id(video.id) for video in split.videos}
        for theirs in sorted(ids):
            shared = [name for name, youtube in own.items() if youtube in ids[theirs]]
            is_bad = (mine == "train") != (theirs == "train")
            what = (
                f"of {quantity(len(own), 'video')} of {split.name} also in {other} {theirs}, by "
                "their YouTube ids"
            )
            cure = f"weights that were trained on {other} have seen them"
            if theirs != "train":
                cure = f"what is trained on these has seen a part of {other} {theirs}"
            cure = f"no command mends it: {cure}; take them off the list, or say so"
            kind: Kind = "leak" if is_bad else "other"
            yield from complaint(kind, shared, what, cure if is_bad else "", is_bad=is_bad)


def _lists(place: Path) -> Iterator[Path]:
    if place.is_file():
        yield place
        return
    if not place.is_dir():
        raise DatasetError(f"{place}: there is no such file or folder; correct --against")
    for depth in range(_DEPTH + 1):
        for file in sorted(place.glob("*/" * depth + "*")):
            if file.suffix.lower() in _SUFFIXES and file.is_file() and _kind(file.stem):
                yield file


def _kind(stem: str) -> str | None:
    """Return the split that a list's name has a word for: `kinetics_600_val`."""
    kinds = [kind for word in re.split(r"[^a-zA-Z]+", stem) if (kind := kind_of(word))]
    return kinds[0] if kinds else None


def _rows(file: Path) -> Iterator[tuple[str, str]]:
    """Yield what the split is for, and the id, of each row of a list."""
    text = read_list(file)
    usual = _kind(file.stem)
    if file.suffix.lower() == ".json":
        yield from _json_rows(file, text, usual)
        return
    reader = csv.DictReader(io.StringIO(text, newline=""), skipinitialspace=True)
    if "youtube_id" in (reader.fieldnames or ()):
        for row in reader:
            kind = kind_of((row.get("split") or "").strip()) or usual
            if kind and (name := youtube_id((row["youtube_id"] or "").strip())):
                yield kind, name
        return
    for line in text.splitlines():
        found = _PATH.fullmatch(line.strip())
        if found and usual:
            yield usual, found[1]


def _json_rows(file: Path, text: str, usual: str | None) -> Iterator[tuple[str, str]]:
    try:
        rows = msgspec.json.decode(text, type=dict[str, dict[str, object]])
    except (msgspec.DecodeError, RecursionError):
        return  # of something else
    for written, facts in rows.items():
        kind = kind_of(str(facts.get("subset", ""))) or usual
        if kind and (name := youtube_id(written)):
            yield kind, name


def check_names(other: str, dataset: str) -> None:
    """Refuse to compare a dataset with one whose videos aren't of YouTube, or with itself.

    Args:
        other: The name that is given for the other.
        dataset: The name of the dataset that is examined.

    Raises:
        KinobenchError: One of them is none of Kinetics, or both are the same release.
    """
    for name in (other, dataset):
        if KINETICS.fullmatch(name) is None:
            raise KinobenchError(
                f"--against {other}: {name} has no YouTube ids to compare by; only kinetics400, "
                "kinetics600 and kinetics700 are compared with each other"
            )
    if _release(other) == _release(dataset):
        raise KinobenchError(
            f"--against {other}: that is the dataset itself, whose splits are compared anyway; "
            "name another release"
        )


def _release(name: str) -> str:
    return re.sub(r"\D", "", name)
