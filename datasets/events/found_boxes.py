"""Result files of detection on key frames: AVA's csv, MultiSports's array of boxes."""

from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DatasetError
from .annotated import Notes
from .ava import rows_of
from .found import FoundBoxes
from .spans import number_of


def read_found_csv(file: Path) -> FoundBoxes:
    """Read AVA's rows: `video,second,x1,y1,x2,y2,action,score`.

    A row without a score has 1, as in activitynet/ActivityNet, `get_ava_performance.py`. A box may
    have its right or lower edge before the other: the rule decides what becomes of it.

    Raises:
        DatasetError: The file can't be read, or a line isn't what it should be; the message has it.
    """
    notes = Notes()
    video, frame, label, box, score = [], [], [], [], []
    for row in rows_of(file, exchanged=True):
        if row.box is None or row.label is None:
            raise DatasetError(f"{row.where}: a detection without its box or action; write both")
        if row.last is None:
            notes.add("detections without a score, which is 1 then", row.video)
        if min(row.box) < 0 or max(row.box) > 1:
            notes.add("detected boxes that reach out of the frame, taken as they are", row.video)
        video.append(row.video)
        frame.append(row.frame)
        label.append(row.label - 1)
        box.append(row.box)
        score.append(1.0 if row.last is None else number_of(row.last, "score", row.where))
    return FoundBoxes(
        video=video,
        frame=frame,
        label=np.array(label, np.int64),
        box=np.array(box, np.float64).reshape(-1, 4),
        score=np.array(score, np.float64),
        notes=notes.texts,
    )


def is_found_array(content: object) -> bool:
    """Return whether the content of a pickle is an array of boxes, or could be one."""
    return isinstance(content, np.ndarray) and content.ndim == 2


def found_in_array(file: Path, content: Any) -> FoundBoxes:
    """Return what an array `[N, 8]` says: video, frame, label, score, x1, y1, x2, y2 in pixels.

    The video is its number among those of the test split, from 0 (MCG-NJU/MultiSports,
    `evaluate_multisports.py`, frameAP).

    Raises:
        DatasetError: It has another shape, or a row has a number that isn't finite or no whole one.
    """
    rows = np.asarray(content)
    if rows.ndim != 2 or rows.shape[1] != 8 or rows.dtype.kind not in "iuf":
        raise DatasetError(
            f"{file}: an array of shape {list(rows.shape)}; give [N, 8]: video, frame, label, "
            "score, x1, y1, x2, y2"
        )
    rows = rows.astype(np.float64)
    for number in np.flatnonzero(~np.isfinite(rows).all(axis=1))[:1]:
        raise DatasetError(
            f"{file}: row {number}: {rows[number].tolist()} has a number that is NaN or infinite; "
            "correct what wrote the file"
        )
    whole = rows[:, :3].astype(np.int64)
    for number in np.flatnonzero((rows[:, :3] != whole).any(axis=1) | (whole < 0).any(axis=1))[:1]:
        raise DatasetError(
            f"{file}: row {number}: {rows[number].tolist()} begins with no whole numbers of video, "
            "frame and label"
        )
    for number in np.flatnonzero((rows[:, 6:] < rows[:, 4:6]).any(axis=1))[:1]:
        raise DatasetError(
            f"{file}: row {number}: {rows[number].tolist()} has its right or lower edge before the "
            "other; write x1, y1, x2, y2"
        )
    return FoundBoxes(
        video=[str(each) for each in whole[:, 0]],
        frame=[str(each) for each in whole[:, 1]],
        label=whole[:, 2].copy(),
        box=rows[:, 4:].copy(),
        score=rows[:, 3].copy(),
        by_number=True,
    )
