"""EPIC-KITCHENS-100's csv of annotations, of which verbs, nouns or actions (pairs) are the labels.

The columns are those of epic-kitchens/epic-kitchens-100-annotations, `EPIC_100_validation.csv`; how
they are scored, of epic-kitchens/C2-Action-Detection, `evaluate_detection_json_ek100.py`.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from ..errors import DatasetError
from ..truth import Event, EventsOfVideo
from .annotated import EventFile, Notes, Part
from .content import csv_rows
from .spans import seconds_of

COUNTS = {"verb": 97, "noun": 300}
"""Classes of EPIC-KITCHENS-100 (Damen et al., IJCV 2022); an action is a verb and a noun."""
_COLUMNS = ("video_id", "start_timestamp", "stop_timestamp", "verb_class", "noun_class")


def is_epic_kitchens(text: str) -> bool:
    """Return whether a text begins with the columns of these annotations."""
    first = text.partition("\n")[0]
    return all(name in first.split(",") or name in first.strip().split(",") for name in _COLUMNS)


def read_epic_kitchens(file: Path, part: Part = "action") -> EventFile:
    """Read annotations as EPIC-KITCHENS-100's; there is one subset, without a name.

    A verb's or a noun's class is named by its number, `3`; an action's by both, `3,12`. All verbs
    and nouns of the dataset are classes; of actions those that the file has.

    Args:
        file: The csv.
        part: Which label is meant.

    Raises:
        DatasetError: The file can't be read, a column is missing, or a row isn't what it should be;
            the message has its line.
    """
    notes = Notes()
    rows = [(video, label, span) for video, label, span in _rows(file, part, notes)]
    if part == "action":
        pairs = {label for _, label, _ in rows}
        classes = sorted(pairs, key=lambda pair: tuple(map(int, pair.split(","))))
    else:
        classes = [str(number) for number in range(COUNTS[part])]
    labels = {name: number for number, name in enumerate(classes)}
    events: dict[str, list[Event]] = {}
    for video, label, (start_s, end_s) in rows:
        if label not in labels:
            raise DatasetError(
                f"{file}: video {video!r}: {part} {label} isn't one of 0 to {COUNTS[part] - 1}; "
                "correct it"
            )
        events.setdefault(video, []).append(Event(labels[label], start_s, end_s))
    videos = {video: EventsOfVideo(events=tuple(found)) for video, found in events.items()}
    return EventFile(
        classes=tuple(classes), subsets={"": videos}, rule="epic-kitchens", notes=notes.texts
    )


def _rows(file: Path, part: Part, notes: Notes) -> Iterator[tuple[str, str, tuple[float, float]]]:
    rows = csv_rows(file)
    _, names = next(rows)
    missing = [name for name in _COLUMNS if name not in names]
    if missing:
        raise DatasetError(
            f"{file}: the first line names no column {missing[0]!r}; give EPIC-KITCHENS-100's "
            "annotations, such as EPIC_100_validation.csv"
        )
    for number, parts in rows:
        where = f"{file}:{number}"
        if len(parts) != len(names):
            raise DatasetError(f"{where}: there are other columns than in the first line")
        row = dict(zip(names, parts, strict=True))
        video = row["video_id"]
        start_s = seconds_of(row["start_timestamp"], where)
        end_s = seconds_of(row["stop_timestamp"], where)
        if end_s < start_s:
            notes.add("annotated segments that end before they begin, and can't be hit", video)
            end_s = start_s
        yield video, _label(row, part, where), (start_s, end_s)


def _label(row: Mapping[str, str], part: Part, where: str) -> str:
    verb, noun = (_class(row[name], name, where) for name in ("verb_class", "noun_class"))
    return {"verb": str(verb), "noun": str(noun), "action": f"{verb},{noun}"}[part]


def _class(written: str, name: str, where: str) -> int:
    try:
        return int(written)
    except ValueError:
        raise DatasetError(f"{where}: {name} {written!r} is no number; correct it") from None
