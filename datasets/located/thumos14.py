"""THUMOS14: lists of each class in folders, or a json in ActivityNet's form.

The videos of a split are those that the official lists name. 213 are in the test, of which
OpenTAD leaves out 270, whose times are wrong, and 1292, in which nothing but Ambiguous is
annotated (sming256/OpenTAD, tools/prepare_data/thumos/README.md), and SSN one more.
"""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from ..copies.formats import ListFile
from ..events.activitynet import AMBIGUOUS
from ..events.thumos14 import read_thumos14
from ..findings import found as finding_of
from ..lists.class_names import class_names, fold
from ..truth import EventsOfVideo
from .activitynet import event_annotation, read_json
from .annotation import Annotation
from .described import Found
from .forms import THUMOS14_JSON
from .naming import Ids
from .published import WRONG_AS_PUBLISHED

_ENDINGS = {"test": "_test", "val": "_val"}
NOTES = (
    "CliffDiving is a kind of Diving: each of its events is annotated as both",
    "times are seconds, and videos have several rates: not all have 30 frames a second",
)


def read_thumos14_split(found: Found, naming: Ids) -> Annotation:
    """Read a split, from the official lists if they are there.

    Raises:
        DatasetError: There is no annotation, or it isn't what it should be.
    """
    ending = _ENDINGS["test" if "test" in found.part.kinds else "val"]
    folder = _folder(found, ending)
    classes = class_names("thumos14")
    if folder is None:
        annotation = read_json(found, THUMOS14_JSON, classes, naming, "thumos14")
        return _noted(annotation)
    content = read_thumos14(folder)
    lists = content.subsets.get(ending[1:], {})
    file = ListFile(folder, found.entries.root)
    annotation = event_annotation(
        content, _with_ambiguous(folder, ending, lists), file, classes, naming, "thumos14"
    )
    return _noted(annotation, _missing_lists(folder, ending, classes))


def _folder(found: Found, ending: str) -> Path | None:
    """Return the folder of the lists of a split."""
    wanted = {f"{fold(name)}{ending}" for name in (*class_names("thumos14"), AMBIGUOUS)}
    for file in found.files:
        stem = file.path.stem
        name = f"{fold(stem.removesuffix(ending))}{ending}"
        if file.path.suffix == ".txt" and stem.endswith(ending) and name in wanted:
            return file.path.parent
    return None


def _with_ambiguous(
    folder: Path, ending: str, videos: Mapping[str, EventsOfVideo]
) -> dict[str, EventsOfVideo]:
    """Return the videos with those in which nothing but `Ambiguous` is annotated."""
    found = dict(videos)
    path = folder / f"{AMBIGUOUS}{ending}.txt"
    if path.is_file():
        alone: dict[str, list[tuple[float, float]]] = {}
        for line in path.read_text().splitlines():
            parts = line.split()
            if len(parts) == 3 and parts[0] not in found:
                alone.setdefault(parts[0], []).append((float(parts[1]), float(parts[2])))
        for video, spans in alone.items():
            found[video] = EventsOfVideo(events=(), ignored=tuple(spans))
    return dict(sorted(found.items()))


def _missing_lists(folder: Path, ending: str, classes: tuple[str, ...]) -> list[str]:
    there = {fold(path.stem.removesuffix(ending)) for path in folder.glob(f"*{ending}.txt")}
    return [name for name in classes if fold(name) not in there]


def _noted(annotation: Annotation, missing: list[str] | None = None) -> Annotation:
    notes = (*annotation.notes, *NOTES)
    findings = annotation.findings
    findings += finding_of("classes", missing or [], "of the classes without a list")
    notes += tuple(
        f"the official lists name {video}, whose times lie behind its end; OpenTAD leaves it out"
        for video in sorted(WRONG_AS_PUBLISHED["thumos14"])
        if video in annotation.truth.videos
    )
    return msgspec.structs.replace(annotation, notes=notes, findings=findings)
