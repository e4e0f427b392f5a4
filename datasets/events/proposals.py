"""Boxes of people from a file, in the form of AVA's detected persons.

A line is `video,second,x1,y1,x2,y2,,score` (facebookresearch/SlowFast, datasets/ava_helper.py);
an action is passed over, and a line without a score has 1.
"""

import hashlib
from pathlib import Path
from typing import NamedTuple

from ..errors import DatasetError, reason_of
from .ava import rows_of
from .spans import number_of

Corners = tuple[float, float, float, float]


class Proposals(NamedTuple):
    """The boxes of a file.

    Attributes:
        boxes: `(video, key frame)` -> x1, y1, x2, y2 of each box, as shares of the frame, and its
            score; each box once, in the order of the file.
        digest: 16 hexadecimal digits of the file's content.
    """

    boxes: dict[tuple[str, str], dict[Corners, float]]
    digest: str


def proposals_digest(file: Path) -> str:
    """Return 16 hexadecimal digits of a file's content.

    Raises:
        DatasetError: It can't be read.
    """
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()[:16]
    except OSError as error:
        raise DatasetError(f"{file} can't be read: {reason_of(error)}") from error


def read_proposals(file: Path) -> Proposals:
    """Read a file of boxes.

    Raises:
        DatasetError: The file can't be read, or a line isn't what it should be; the message has it.
    """
    boxes: dict[tuple[str, str], dict[Corners, float]] = {}
    for row in rows_of(file):
        if row.box is None:
            raise DatasetError(f"{row.where}: a line without a box; write x1, y1, x2, y2")
        x1, y1, x2, y2 = row.box
        if min(row.box) < 0 or max(row.box) > 1 or x2 <= x1 or y2 <= y1:
            raise DatasetError(
                f"{row.where}: the box {x1:g}, {y1:g}, {x2:g}, {y2:g} must lie in the frame, from "
                "0 to 1, and have an area"
            )
        score = 1.0 if row.last is None else number_of(row.last, "score", row.where)
        boxes.setdefault((row.video, row.frame), {}).setdefault(row.box, score)
    if not boxes:
        raise DatasetError(f"{file} has no boxes")
    return Proposals(boxes, proposals_digest(file))
