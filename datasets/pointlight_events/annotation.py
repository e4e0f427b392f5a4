"""What happens in the videos of pointlight-events, as a file of ActivityNet's form.

Next to the events of a video it has its spans: also when its dots rest and when they flicker.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from ..errors import DatasetError
from ..files import read_regular
from ..lists.class_names import class_names
from ..truth import Event, EventsOfVideo
from .settings import FPS, NAME
from .spans import FLICKER, STILL, Span

ANNOTATION = "annotations.json"
SUBSETS = {"test": "testing", "train": "training"}
"""The splits, as ActivityNet names its subsets."""


class _Annotation(msgspec.Struct, frozen=True):
    label: str
    segment: tuple[float, float]


class Entry(msgspec.Struct, frozen=True):
    """A video in the file.

    Attributes:
        subset: `testing` or `training`.
        duration: Length in seconds.
        annotations: The events: their class, first and last second.
        spans: `(state, first, stop)`, in frames, from the first to the last.
    """

    subset: str
    duration: float
    annotations: tuple[_Annotation, ...]
    spans: tuple[tuple[str, int, int], ...]


class _File(msgspec.Struct, frozen=True):
    fps: int
    database: dict[str, Entry]


def spans_written(split: str, spans: Sequence[Span]) -> dict[str, Any]:
    """Return a video's entry, to be written as JSON."""
    return {
        "subset": SUBSETS[split],
        "duration": spans[-1].stop / FPS,
        "annotations": [
            {"label": span.state, "segment": [span.first / FPS, span.stop / FPS]}
            for span in spans
            if span.is_event
        ],
        "spans": [list(span) for span in spans],
    }


def read_annotation(root: Path) -> dict[str, Entry]:
    """Return the videos of a generated dataset, in order.

    Raises:
        DatasetError: The file is missing, or isn't what the generator wrote.
    """
    file = root / ANNOTATION
    try:
        return msgspec.json.decode(read_regular(file), type=_File).database
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DatasetError(
            f"{file}: not what the generator wrote ({error}); remove {str(root)!r} and generate it "
            "again"
        ) from error


def events_of(file: Path, name: str, entry: Entry) -> EventsOfVideo:
    """Return the events of a video.

    Raises:
        DatasetError: The entry isn't what the generator wrote.
    """
    classes = class_names(NAME)
    events = []
    for each in entry.annotations:
        start_s, end_s = each.segment
        if each.label not in classes or not 0 <= start_s < end_s <= entry.duration:
            raise DatasetError(
                f"{file}: {name}: {each.label!r} from {start_s:g} to {end_s:g} s: not what the "
                f"generator wrote; generate {NAME} again"
            )
        events.append(Event(classes.index(each.label), start_s, end_s))
    return EventsOfVideo(events=tuple(events), duration_s=entry.duration)


def spans_of(entry: Entry) -> tuple[Span, ...]:
    """Return the spans of a video, in order.

    Raises:
        DatasetError: They don't follow each other, or have a state that there isn't.
    """
    spans = tuple(Span(*each) for each in entry.spans)
    known = {STILL, FLICKER, *class_names(NAME)}
    at = 0
    for span in spans:
        if span.first != at or span.stop <= span.first or span.state not in known:
            raise DatasetError(
                f"{ANNOTATION}: {span.state} from frame {span.first} to {span.stop}: not what the "
                f"generator wrote; generate {NAME} again"
            )
        at = span.stop
    return spans
