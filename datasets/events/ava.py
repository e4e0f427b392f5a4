"""AVA's csv of labelled boxes, its list of actions and its list of excluded key frames.

The fields are those of activitynet/ActivityNet, `Evaluation/get_ava_performance.py`. AVA-Kinetics
and what mmaction2 makes of MultiSports have the same form.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ..errors import DatasetError
from ..truth import Box, KeyFrame
from .annotated import BoxFile, Notes
from .content import csv_rows, text_of
from .spans import number_of

CLASSES = 80
SCORED = frozenset(
    number - 1
    for number in (
        *(1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 17, 20, 22, 24, 26, 27),
        *(28, 29, 30, 34, 36, 37, 38, 41, 43, 45, 46, 47, 48, 49, 51, 52, 54, 56, 57, 58),
        *(59, 60, 61, 62, 63, 64, 65, 66, 67, 68, 69, 70, 72, 73, 74, 76, 77, 78, 79, 80),
    )
)
"""The labels, from 0, of the 60 classes that AVA scores (`ava_action_list_v2.1_for_activitynet_
2018.pbtxt`; those of v2.2 are the same)."""
_ENTRY = re.compile(r"(?:item|label)\s*\{([^{}]*)\}")
_NAME = re.compile(r"\bname:\s*(\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')")
_ID = re.compile(r"\b(?:label_)?id:\s*(\d+)")
NEAR = 2.0
"""A coordinate as a share is at most a little above 1; one above this is in pixels."""


class Row(NamedTuple):
    """A line of a csv of boxes.

    Attributes:
        where: The file and the line, for messages.
        video: Its id.
        frame: Name of the key frame, as `frame_name` writes it.
        time_s: Seconds.
        box: x1, y1, x2, y2; None of a key frame in which nothing is annotated.
        label: Number of the action, from 1; None of a person who does nothing.
        last: The eighth column: the person, or the score; None if there is none.
    """

    where: str
    video: str
    frame: str
    time_s: float
    box: tuple[float, float, float, float] | None
    label: int | None
    last: str | None


def frame_name(written: str, where: str) -> tuple[str, float]:
    """Return the name of a key frame and its time: `0902` for 902, 902.0 and 0902.

    Raises:
        DatasetError: It is no number.
    """
    time_s = number_of(written, "second", where)
    return (f"{int(time_s):04d}" if time_s.is_integer() else f"{time_s:g}"), time_s


def is_ava(text: str) -> bool:
    """Return whether a text has a row of labelled boxes among its first lines."""
    return any(_is_row(line) for line in text[:_HEAD].splitlines())


_HEAD = 4096
"""Characters of a file that are looked at; AVA-Kinetics has rows without boxes."""


def _is_row(line: str) -> bool:
    parts = line.strip().split(",")
    if len(parts) not in (7, 8) or not parts[0] or not parts[6]:
        return False
    try:
        [float(part) for part in parts[1:7]]
    except ValueError:
        return False
    return True


def rows_of(file: Path, *, exchanged: bool = False) -> Iterator[Row]:
    """Give the rows of a csv of labelled boxes, of annotations or results.

    Args:
        file: The csv.
        exchanged: Whether a box may have its right or lower edge before the other: AVA's evaluator
            leaves such detections out.

    Raises:
        DatasetError: The file can't be read, or a line isn't what it should be; the message has it.
    """
    for number, parts in csv_rows(file):
        where = f"{file}:{number}"
        if len(parts) not in (2, 7, 8) or not parts[0].strip():
            raise DatasetError(
                f"{where}: {','.join(parts)!r} has {len(parts)} columns; write "
                "video,second,x1,y1,x2,y2,action and a person or a score"
            )
        frame, time_s = frame_name(parts[1], where)
        given = [part.strip() for part in parts[2:]] + [""] * 6
        box = _box(given[:4], where, exchanged) if any(given[:4]) else None
        label = _action(given[4], where) if given[4] else None
        if box is None and label is not None:
            raise DatasetError(f"{where}: there is an action and no box; write both")
        yield Row(where, parts[0].strip(), frame, time_s, box, label, given[5] or None)


def _box(written: Sequence[str], where: str, exchanged: bool) -> tuple[float, float, float, float]:
    x1, y1, x2, y2 = (number_of(each, "coordinate", where) for each in written)
    if not exchanged and (x2 < x1 or y2 < y1):
        raise DatasetError(
            f"{where}: the box {', '.join(written)} has its right or lower edge before the other; "
            "write x1, y1, x2, y2"
        )
    if max(x1, y1, x2, y2) > NEAR:
        raise DatasetError(
            f"{where}: the box {', '.join(written)} is in pixels; divide it by the width and the "
            "height: coordinates are shares of the frame, from 0 to 1"
        )
    return x1, y1, x2, y2


def _action(written: str, where: str) -> int:
    number = number_of(written, "action", where)
    if not number.is_integer() or number < 1:
        raise DatasetError(f"{where}: action {written!r} is no whole number of 1 or more")
    return int(number)


def read_ava(file: Path, actions: Mapping[int, str] | None = None) -> BoxFile:
    """Read labelled boxes as AVA's.

    Args:
        file: The csv.
        actions: Number from 1 -> name, as of `read_action_list`; None: each is named by its number,
            and if there are no more than AVA's 80, so many are classes.

    Raises:
        DatasetError: The file can't be read, or a line isn't what it should be; the message has it.
    """
    notes = Notes()
    frames: dict[tuple[str, str], float] = {}
    boxes: dict[tuple[str, str], dict[tuple[object, ...], list[int]]] = {}
    highest = 0
    for row in rows_of(file):
        key = (row.video, row.frame)
        frames[key] = row.time_s
        highest = max(highest, row.label or 0)
        if row.box is None:
            continue
        if min(row.box) < 0 or max(row.box) > 1:
            notes.add("annotated boxes that reach out of the frame", row.video)
        person = _person(row)
        of_frame = boxes.setdefault(key, {})
        labels = of_frame.setdefault((*row.box, person), [])
        if row.label is None:
            continue
        if actions is not None and row.label not in actions:
            notes.add("annotated boxes of actions that the list of actions hasn't", row.video)
        if row.label - 1 in labels:
            notes.add("annotations that are there again, and count again", row.video)
            copy = sum(1 for each in of_frame if each[:5] == (*row.box, person))
            of_frame[(*row.box, person, copy)] = [row.label - 1]
        else:
            labels.append(row.label - 1)
    count = max(highest, max(actions, default=0)) if actions else max(highest, _count(highest))
    return BoxFile(
        classes=tuple((actions or {}).get(each, f"action {each}") for each in range(1, count + 1)),
        videos=_key_frames(frames, boxes),
        scored=None if actions is None else frozenset(each - 1 for each in actions),
        notes=notes.texts,
    )


def _count(highest: int) -> int:
    return CLASSES if highest <= CLASSES else highest


def _person(row: Row) -> int | None:
    if row.last is None:
        return None
    number = number_of(row.last, "person", row.where)
    if not number.is_integer():
        raise DatasetError(
            f"{row.where}: person {row.last!r} is no whole number; is this a file of results? "
            "Give the annotations"
        )
    return int(number)


def _key_frames(
    frames: Mapping[tuple[str, str], float],
    boxes: Mapping[tuple[str, str], Mapping[tuple[object, ...], list[int]]],
) -> dict[str, tuple[KeyFrame, ...]]:
    videos: dict[str, list[KeyFrame]] = {}
    for key, time_s in sorted(frames.items(), key=lambda each: (each[0][0], each[1])):
        video, name = key
        made = tuple(
            Box(x1, y1, x2, y2, labels=tuple(sorted(labels)), person=person)  # type: ignore[arg-type]
            for (x1, y1, x2, y2, person, *_), labels in boxes.get(key, {}).items()
        )
        videos.setdefault(video, []).append(KeyFrame(name=name, time_s=time_s, boxes=made))
    return {video: tuple(found) for video, found in videos.items()}


def read_action_list(file: Path) -> dict[int, str]:
    """Read a list of actions in protobuf's text form: `item { name: "dance" id: 4 }`.

    AVA's full list says `label { name: ... label_id: ... }`.

    Returns:
        Number from 1 -> name.

    Raises:
        DatasetError: The file can't be read, has no entry, or an entry lacks its name or number.
    """
    text = text_of(file)
    found: dict[int, str] = {}
    for entry in _ENTRY.findall(text):
        name, number = _NAME.search(entry), _ID.search(entry)
        if name is None or number is None:
            raise DatasetError(f"{file}: {' '.join(entry.split())!r} lacks its name or its id")
        if found.setdefault(int(number[1]), name[1][1:-1]) != name[1][1:-1]:
            raise DatasetError(f"{file}: two actions have the id {number[1]}; correct one")
    if not found:
        raise DatasetError(f'{file}: no list of actions: it has no item {{ name: "..." id: 1 }}')
    if min(found) < 1:
        raise DatasetError(f"{file}: an action has the id 0; ids begin at 1")
    return dict(sorted(found.items()))


def read_exclusions(file: Path) -> frozenset[tuple[str, str]]:
    """Read key frames that are left out: a video and a second in each line.

    Returns:
        `(video id, name of the key frame)` of each.

    Raises:
        DatasetError: The file can't be read, or a line isn't what it should be; the message has it.
    """
    found = set()
    for number, parts in csv_rows(file):
        where = f"{file}:{number}"
        if len(parts) != 2:
            raise DatasetError(f"{where}: {','.join(parts)!r} is no video,second; correct it")
        found.add((parts[0].strip(), frame_name(parts[1], where)[0]))
    return frozenset(found)
