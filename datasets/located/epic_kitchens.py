"""EPIC-KITCHENS-100: verbs, nouns, or actions, which are pairs of the two.

They are three datasets in the catalog, not three layouts of one: their classes, their truths and
their printed numbers differ, and a layout is how a copy has the same thing.
"""

import csv
import io
from collections.abc import Mapping

from ..copies.formats import ListFile
from ..errors import DatasetError
from ..events.annotated import EventFile
from ..events.annotated import Part as Label
from ..events.epic_kitchens import read_epic_kitchens
from ..findings import found as finding_of
from ..lists.class_names import class_names
from ..lists.text import read_list
from ..truth import Event, EventsOfVideo, EventTruth
from .annotation import Annotation
from .described import Found
from .forms import EPIC_NAMES
from .naming import Ids

_VIDEO_INFO = r"EPIC_100_video_info\.csv"


def read_epic_split(found: Found, naming: Ids, label: Label) -> Annotation:
    """Read a split, with the lengths and rates of its videos if their list is there.

    Raises:
        DatasetError: There is no annotation, or it isn't what it should be.
    """
    kinds = {"val": r"EPIC_100_validation\.csv", "train": r"EPIC_100_train\.csv"}
    files = found.named(kinds[found.part.kinds[0]])
    if not files:
        raise found.lacks(
            f"no annotation of the {found.part.asked} split under {str(found.entries.root)!r}; "
            f"there: {found.there()}"
        )
    content = read_epic_kitchens(files[0].path, label)
    classes, notes = _classes(found, label)
    about = _videos(found)
    label_of = {name: number for number, name in enumerate(classes)}
    written = [label_of[_spelled(name, label)] for name in content.classes]
    (videos,) = content.subsets.values()
    truth = EventTruth(
        rule="epic-kitchens",
        videos={
            naming.id_of(video): EventsOfVideo(
                events=tuple(
                    Event(written[each.label], each.start_s, each.end_s) for each in of.events
                ),
                duration_s=about[video][0] if video in about else None,
            )
            for video, of in videos.items()
        },
    )
    without = [video for video in videos if about and video not in about]
    return Annotation(
        classes=classes,
        truth=truth,
        notes=(*content.notes, *notes),
        findings=finding_of("other", without, "of the annotated videos not in the list of videos"),
        rates={naming.id_of(video): fps for video, (_, fps) in about.items()},
    )


def _classes(found: Found, label: Label) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the classes, and notes on them.

    Of actions they are the pairs of all annotations that are there, so that each split has them.
    """
    if label != "action":
        return class_names(f"epic-kitchens-100-{label}"), ()
    files: list[ListFile] = found.named(EPIC_NAMES)
    contents: list[EventFile] = [read_epic_kitchens(file.path, "action") for file in files]
    pairs = {pair for content in contents for pair in content.classes}
    ordered = sorted(pairs, key=lambda pair: tuple(map(int, pair.split(","))))
    names = sorted({file.path.name for file in files})
    note = f"the actions are the {len(ordered)} pairs of a verb and a noun in {', '.join(names)}"
    return tuple(_spelled(pair, label) for pair in ordered), (note,)


def _spelled(name: str, label: Label) -> str:
    """Return the name of a class, which the reader names by its numbers: `3`, or `3,12`."""
    verbs, nouns = (class_names(f"epic-kitchens-100-{kind}") for kind in ("verb", "noun"))
    if label == "action":
        verb, noun = map(int, name.split(","))
        if not (verb < len(verbs) and noun < len(nouns)):
            raise DatasetError(
                f"verb {verb} and noun {noun}: EPIC-KITCHENS-100 has {len(verbs)} verbs and "
                f"{len(nouns)} nouns; get its annotations again"
            )
        return f"{verbs[verb]} {nouns[noun]}"
    return (verbs if label == "verb" else nouns)[int(name)]


def _videos(found: Found) -> Mapping[str, tuple[float, float]]:
    """Return the length in seconds and the frames a second of each video in the list of videos."""
    files = found.named(_VIDEO_INFO)
    if not files:
        return {}
    file = files[0].path
    rows = csv.DictReader(io.StringIO(read_list(file)))
    try:
        return {
            row["video_id"]: (float(row["duration"]), float(row["fps"]))
            for row in rows
            if row["video_id"]
        }
    except (KeyError, TypeError, ValueError) as error:
        raise DatasetError(
            f"{file}:{rows.line_num}: no row of video_id,duration,fps,resolution ({error}); get it "
            "again, or remove it"
        ) from error
