"""The list of the videos that have to be got again, as those who fetch them take it."""

import csv
import io
import os
from pathlib import Path

from ..findings import Kind
from .complaints import Complaint
from .copy import Copy, Listed
from .faults import TIMES

_LACKING: tuple[Kind, ...] = (
    "missing",
    "dangling",
    "empty",
    "unreadable",
    "short",
    "trimmed elsewhere",
)
KINETICS_HEADER = ("label", "youtube_id", "time_start", "time_end", "split")
"""The columns of the CVDF's lists, which downloaders read."""
_HEADER = ("path", "label", "split")


def list_to_get(copy: Copy, complaints: tuple[Complaint, ...], root: Path | None) -> str:
    """Return the videos that are missing, or whose files are wrong, as csv.

    Args:
        copy: The files.
        complaints: What is wrong with them.
        root: The data root, which paths are given from; None: as they are.

    Returns:
        A header and a row for each video, `label,youtube_id,time_start,time_end,split` where all
        ids have those, or else `path,label,split`; several labels have a `;` between. No text if
        no video lacks anything.
    """
    names = {
        name for each in complaints if each.is_bad and each.kind in _LACKING for name in each.names
    }
    wanted = [listed for listed in copy.each() if listed.video.id in names]
    if not wanted:
        return ""
    is_kinetics = all(TIMES.fullmatch(each.video.id) for each in wanted)
    text = io.StringIO(newline="")
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(KINETICS_HEADER if is_kinetics else _HEADER)
    rows.writerows(_kinetics_row(each) if is_kinetics else _row(each, root) for each in wanted)
    return text.getvalue()


def _label(listed: Listed) -> str:
    return ";".join(listed.split.classes[label] for label in listed.video.labels)


def _kinetics_row(listed: Listed) -> tuple[str, ...]:
    times = TIMES.fullmatch(listed.video.id)
    assert times is not None
    seconds = (str(int(times[number])) for number in (2, 3))
    return (_label(listed), times[1], *seconds, listed.split.name)


def _row(listed: Listed, root: Path | None) -> tuple[str, ...]:
    path = listed.path
    start = "" if root is None else str(root).rstrip(os.sep) + os.sep
    return (path.removeprefix(start), _label(listed), listed.split.name)
