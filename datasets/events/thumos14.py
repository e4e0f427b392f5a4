"""THUMOS14's folders of annotations: `annotations_test/BaseballPitch_test.txt` and so on.

Each line has a video, a start and an end in seconds. `Ambiguous_test.txt` has the spans in which a
detection counts neither for nor against (THUMOS14's `TH14evalDet`).
"""

from collections.abc import Iterator
from pathlib import Path

from ..errors import DatasetError
from ..truth import Event, EventsOfVideo
from .activitynet import AMBIGUOUS
from .annotated import EventFile, Notes
from .content import text_of
from .spans import number_of

DETECTION_CLASSES = {
    7: "BaseballPitch",
    9: "BasketballDunk",
    12: "Billiards",
    21: "CleanAndJerk",
    22: "CliffDiving",
    23: "CricketBowling",
    24: "CricketShot",
    26: "Diving",
    31: "FrisbeeCatch",
    33: "GolfSwing",
    36: "HammerThrow",
    40: "HighJump",
    45: "JavelinThrow",
    51: "LongJump",
    68: "PoleVault",
    79: "Shotput",
    85: "SoccerPenalty",
    92: "TennisSwing",
    93: "ThrowDiscus",
    97: "VolleyballSpiking",
}
"""The numbers of the 20 classes in result files: those of UCF101 (THUMOS14, detclasslist.txt)."""
_ENDINGS = {"_val": "val", "_test": "test"}
_DEPTH = 4
"""Folders between the one that is given and the lists: the official archives have up to three."""


def is_thumos14(folder: Path) -> bool:
    """Return whether a folder has lists such as `Diving_test.txt` in it, or in folders in it."""
    return folder.is_dir() and next(_lists(folder), None) is not None


def read_thumos14(folder: Path) -> EventFile:
    """Read a folder of annotations; the subsets are `val` and `test`, as far as they are there.

    Raises:
        DatasetError: There are no lists, two for one class, or a line isn't what it should be; the
            message names the file and the line.
    """
    lists: dict[tuple[str, str], Path] = {}
    for name, subset, file in _lists(folder):
        other = lists.setdefault((name, subset), file)
        if other != file:
            raise DatasetError(
                f"{folder}: {other} and {file} are for one class; give the folder of one of them"
            )
    if not lists:
        raise DatasetError(
            f"{folder}: there are no lists such as Diving_test.txt in it; unpack THUMOS14's "
            "annotations, and give the folder"
        )
    classes = sorted({name for name, _ in lists} - {AMBIGUOUS})
    notes = Notes()
    events: dict[str, dict[str, list[Event]]] = {subset: {} for _, subset in lists}
    ignored: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for (name, subset), file in sorted(lists.items()):
        for video, start_s, end_s in _spans(file, notes):
            if name == AMBIGUOUS:
                ignored.setdefault((subset, video), []).append((start_s, end_s))
            else:
                event = Event(classes.index(name), start_s, end_s)
                events[subset].setdefault(video, []).append(event)
    return EventFile(
        classes=tuple(classes),
        rule="thumos14",
        subsets={
            subset: {
                video: EventsOfVideo(
                    events=tuple(found),
                    ignored=tuple(ignored.get((subset, video), ())),
                )
                for video, found in sorted(videos.items())
            }
            for subset, videos in sorted(events.items())
        },
        notes=notes.texts,
    )


def _lists(folder: Path, depth: int = 0) -> Iterator[tuple[str, str, Path]]:
    """Give the class, the subset and the path of each list."""
    for path in sorted(folder.iterdir()):
        if path.is_dir() and depth < _DEPTH:
            yield from _lists(path, depth + 1)
        for ending, subset in _ENDINGS.items():
            if path.suffix == ".txt" and path.stem.endswith(ending) and path.is_file():
                yield path.stem.removesuffix(ending), subset, path


def _spans(file: Path, notes: Notes) -> Iterator[tuple[str, float, float]]:
    seen: set[tuple[str, float, float]] = set()
    for number, line in enumerate(text_of(file).splitlines(), 1):
        if not line.strip():
            continue
        where = f"{file}:{number}"
        parts = line.split()
        if len(parts) != 3:
            raise DatasetError(
                f"{where}: {line.strip()!r} is no video, start and end in seconds; correct it"
            )
        video = parts[0]
        start_s, end_s = (number_of(part, "time", where) for part in parts[1:])
        if end_s < start_s:
            notes.add("annotated segments that end before they begin, and can't be hit", video)
            end_s = start_s
        if (video, start_s, end_s) in seen:
            notes.add("annotations that are there again, and count again", video)
        seen.add((video, start_s, end_s))
        yield video, start_s, end_s
