"""Result files of detection in tubes: MultiSports's pickle, or the same in JSON."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DatasetError
from .act_tubes import frames_and_boxes
from .found import Floats, FoundTubes
from .spans import number_of


def is_found_tubes(content: object) -> bool:
    """Return whether the content of a pickle or a json has the form of such results."""
    lists = _lists(content)
    first = next((each for _, listed in lists for each in listed[:1]), None)
    return bool(lists) and (first is None or (isinstance(first, list | tuple) and len(first) == 3))


def _lists(content: object) -> list[tuple[object, list[Any] | tuple[Any, ...]]]:
    """Return the predictions of each label; nothing if they have another form."""
    pairs = content.items() if isinstance(content, Mapping) else enumerate(_listed(content))
    found = list(pairs)
    return found if all(isinstance(each, list | tuple) for _, each in found) else []


def _listed(content: object) -> list[Any] | tuple[Any, ...]:
    return content if isinstance(content, list | tuple) else ()


def found_in_tubes(file: Path, content: Any) -> FoundTubes:
    """Return what label -> list of `(video, score, tube)` says.

    A tube is `[frames, 5]`: frame (from 1), x1, y1, x2, y2 in pixels; a sixth column is the score
    of each box (MCG-NJU/MultiSports, `evaluate_multisports.py`, videoAP).

    Raises:
        DatasetError: An entry isn't what it should be; the message names the label and the entry.
    """
    video: list[str] = []
    label: list[int] = []
    first: list[int] = []
    boxes: list[Floats] = []
    box_score: list[Floats | None] = []
    score: list[float] = []
    for number, entry, where in _entries(file, content):
        numbers, corners = frames_and_boxes(entry[2], where)
        video.append(str(entry[0]))
        label.append(number)
        first.append(int(numbers[0]) - 1)
        boxes.append(corners.copy())
        rows = np.asarray(entry[2], np.float64)
        box_score.append(rows[:, 5].copy() if rows.shape[1] == 6 else None)
        score.append(number_of(entry[1], "score", where))
    own = [each for each in box_score if each is not None]
    return FoundTubes(
        video=video,
        label=np.array(label, np.int64),
        first=np.array(first, np.int64),
        boxes=boxes,
        box_score=own if own and len(own) == len(boxes) else None,
        score=np.array(score, np.float64),
    )


def _entries(file: Path, content: Any) -> Iterator[tuple[int, Any, str]]:
    for written, entries in _lists(content):
        try:
            label = int(written)  # type: ignore[call-overload]
        except (TypeError, ValueError):
            raise DatasetError(f"{file}: label {written!r} is no number of a class") from None
        for number, entry in enumerate(entries):
            where = f"{file}: label {label}, entry {number}"
            if not isinstance(entry, list | tuple) or len(entry) != 3:
                raise DatasetError(f"{where}: no (video, score, tube); correct what wrote the file")
            yield label, entry, where
