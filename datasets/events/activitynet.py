"""ActivityNet's json of annotations, which FineAction, HACS and OpenTAD write, too.

The fields are those of activitynet/ActivityNet, `Evaluation/eval_detection.py`, and of
open-mmlab/mmaction2, `tests/data/eval_localization`, which has the videos without `database`.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import DatasetError
from ..truth import Event, EventsOfVideo
from .annotated import EventFile, Notes
from .content import json_of
from .spans import span_of

AMBIGUOUS = "Ambiguous"
"""THUMOS14's class of spans in which nobody can say what happens."""


class _Written(NamedTuple):
    video: str
    subset: str
    label: str
    start_s: float
    end_s: float


def is_activitynet(content: object) -> bool:
    """Return whether a json's content has the form of these annotations."""
    if not isinstance(content, dict):
        return False
    videos = content.get("database", content)
    first = next(iter(videos.values()), None) if isinstance(videos, dict) else None
    return isinstance(first, dict) and ("annotations" in first or "subset" in first)


def read_activitynet(file: Path) -> EventFile:
    """Read annotations as ActivityNet's; the classes are those of all subsets, by name.

    Raises:
        DatasetError: The file can't be read, isn't JSON, or an entry isn't what it should be; the
            message names the video and the entry.
    """
    return activitynet_events(file, json_of(file))


def activitynet_events(file: Path, content: Any) -> EventFile:
    """Return what the content of a json says; `file` is its name in messages.

    Raises:
        DatasetError: An entry isn't what it should be; the message names the video and the entry.
    """
    if not is_activitynet(content):
        raise DatasetError(
            f"{file}: no annotations as ActivityNet's: give a json with "
            '{"database": {ID: {"subset": ..., "annotations": [{"label": ..., "segment": ...}]}}}'
        )
    videos = content.get("database", content)
    notes = Notes()
    listed: list[_Written] = []
    for video, about in videos.items():
        if not isinstance(about, dict):
            raise DatasetError(f"{file}: video {video!r}: {about!r} is no object; correct it")
        listed += _annotations(file, video, about, notes)
    classes = sorted({each.label for each in listed} - {AMBIGUOUS})
    return EventFile(
        classes=tuple(classes),
        subsets=_by_subset(file, videos, listed, {name: at for at, name in enumerate(classes)}),
        notes=notes.texts,
    )


def _annotations(
    file: Path, video: str, about: Mapping[str, Any], notes: Notes
) -> Iterator[_Written]:
    subset = str(about.get("subset", ""))
    annotations = about.get("annotations") or ()
    if not isinstance(annotations, list | tuple):
        raise DatasetError(f"{file}: video {video!r}: 'annotations' is no list; correct it")
    seen: set[tuple[str, float, float]] = set()
    for number, each in enumerate(annotations):
        where = f"{file}: video {video!r}, annotation {number}"
        if not isinstance(each, dict) or not {"label", "segment"} <= set(each):
            raise DatasetError(f"{where}: {each!r} has no label and segment; write both")
        start_s, end_s = span_of(each["segment"], where)
        if end_s < start_s:
            notes.add("annotated segments that end before they begin, and can't be hit", video)
            end_s = start_s
        label = each["label"]
        if not isinstance(label, str):
            raise DatasetError(f"{where}: label {label!r} is no name of a class; correct it")
        if (label, start_s, end_s) in seen:
            notes.add("annotations that are there again, and count again", video)
        seen.add((label, start_s, end_s))
        yield _Written(video, subset, label, start_s, end_s)


def _by_subset(
    file: Path, videos: Mapping[str, Any], listed: list[_Written], labels: Mapping[str, int]
) -> dict[str, dict[str, EventsOfVideo]]:
    events: dict[str, list[Event]] = {video: [] for video in videos}
    ignored: dict[str, list[tuple[float, float]]] = {video: [] for video in videos}
    for each in listed:
        if each.label == AMBIGUOUS:
            ignored[each.video].append((each.start_s, each.end_s))
        else:
            events[each.video].append(Event(labels[each.label], each.start_s, each.end_s))
    found: dict[str, dict[str, EventsOfVideo]] = {}
    for video, about in videos.items():
        found.setdefault(str(about.get("subset", "")), {})[video] = EventsOfVideo(
            events=tuple(events[video]),
            duration_s=_duration(file, video, about),
            ignored=tuple(ignored[video]),
        )
    return found


def _duration(file: Path, video: str, about: Mapping[str, Any]) -> float | None:
    # mmaction2's copy of the annotations calls it `duration_second`.
    duration = about.get("duration", about.get("duration_second"))
    if duration is None:
        return None
    if isinstance(duration, bool) or not isinstance(duration, int | float) or not duration > 0:
        raise DatasetError(
            f"{file}: video {video!r}: duration {duration!r} is no number of seconds; correct it"
        )
    return float(duration)
