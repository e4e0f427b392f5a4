"""Diving48, in its two versions.

Li, Li, Vasconcelos: "RESOUND: Towards Action Recognition without Representation Bias", ECCV 2018.
Version 2 (October 2020) has other labels and fewer videos; the files of both are on
svcl.ucsd.edu/projects/resound/dataset.html. Results on one are not results on the other.
"""

import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from ..findings import Finding, found
from ..lists import further_layouts
from ..lists.class_names import class_names
from ..lists.text import lines_of, read_list
from .class_files import json_parts, refuse_other_classes
from .described import Described
from .entries import Entries
from .formats import Format, ListFile, Source
from .json_lists import DivingJson
from .naming import Key, Naming, without_extensions
from .parts import Part
from .path_lists import FrameFolders, PathLabels

_COUNTS = {15027: 2, 1970: 2, 16067: 1, 2337: 1, 15943: 1, 2096: 1}
"""Videos of each complete list, training and test, and the version that has so many.

Those of version 2 are 16,997 together. Those that are published with the paper, 16,067 and 2,337,
are all 18,404 videos. The files of version 1 that are given out, `Diving48_train.json` and
`Diving48_test.json`, have fewer: 15,943 and 2,096, as a script counts that fetches them.
"""
_USUAL = 2
"""The version of lists that don't say theirs: the one that is published since 2020."""


class _Version(NamedTuple):
    number: int
    said_by_name: int | None
    said_by_count: int | None


def _version(file: Path) -> _Version:
    """Return the version that a list is of; the number of its videos counts more than its name."""
    said = re.search(r"(?:^|[^a-z])v(?:ersion)?_?([12])(?![0-9])", file.stem, re.IGNORECASE)
    by_name = int(said[1]) if said else None
    if by_name is None and re.fullmatch(r"Diving48_(train|test)", file.stem, re.IGNORECASE):
        by_name = 1
    by_count = _COUNTS.get(_count(file))
    return _Version(by_count or by_name or _USUAL, by_name, by_count)


def _count(file: Path) -> int:
    if file.suffix.lower() == ".json":
        return len(re.findall(r'"vid_name"\s*:', read_list(file)))
    return sum(1 for _ in lines_of(file))


class _Versioned(Format):
    """Lists of a version are for the splits of that version alone."""

    def sources(self, lists: Sequence[ListFile], entries: Entries, part: Part) -> list[Source]:
        """Return the lists of a split that are of its version."""
        return [
            source
            for source in super().sources(lists, entries, part)
            if _version(source.files[0].path).number == _version_of(part)
        ]


class _Json(_Versioned, DivingJson):
    pass


class _Paths(_Versioned, PathLabels):
    pass


class _Frames(_Versioned, FrameFolders):
    pass


def _version_of(part: Part) -> int:
    return 1 if part.asked.endswith("-v1") else 2


def remarks(source: Source, ids: Sequence[str]) -> tuple[Finding, ...]:
    """Return a finding on a list that doesn't say its version, or says another than it has."""
    findings: tuple[Finding, ...] = ()
    for file in source.files:
        version = _version(file.path)
        names = (file.path.name,)
        if version.said_by_name is None and version.said_by_count is None:
            findings += found("other", names, f"list says no version, taken for {_USUAL}")
        elif version.said_by_name not in (None, version.number):
            what = (
                f"list named as version {version.said_by_name} has the {len(ids)} videos of "
                f"version {version.number}, and is taken for that"
            )
            findings += found("contradicting", names, what)
    return findings


class DiveNames(Naming):
    """`ID_00000`: the id of the video of a competition, and the number of the dive in it."""

    def key(self, stem: str, folder: str) -> Key | None:
        """Return the stem: ids of YouTube distinguish capital letters."""
        return Key(without_extensions(stem))

    def group(self, video_id: str) -> str | None:
        """Return the id of the competition."""
        competition, _, dive = video_id.rpartition("_")
        return competition if competition and dive.isdecimal() else None


DIVING48 = Described(
    name="diving48",
    aliases=("diving-48", "diving_48"),
    layout=further_layouts.DIVING48,
    purpose="48 kinds of competitive dives, which differ in time and not in the scene",
    classes="diving48",
    parts=(
        Part(asked="test", name="test", kinds=("test", "val"), others=("val", "test-v2")),
        Part(asked="train", name="train", kinds=("train",), others=("train-v2",)),
        Part(asked="test-v1", name="test-v1", kinds=("test", "val"), others=("val-v1",)),
        Part(asked="train-v1", name="train-v1", kinds=("train",)),
    ),
    naming=DiveNames(),
    formats=(
        _Json(),
        _Paths("mmaction2", (".txt", ".list"), ("pytorchvideo",)),
        _Frames(),
        _Paths("pyslowfast", (".csv",), ("pytorchvideo",)),
    ),
    several_splits=True,
    wanted_list="Diving48_V2_{kind}.json",
    wanted_media="no videos",
    check=partial(
        refuse_other_classes, r"Diving48_vocab\.json", json_parts, class_names("diving48")
    ),
    remarks=remarks,
)
