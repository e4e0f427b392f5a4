"""Pictures of the misclassified videos of a page, within the room that it has for them."""

import base64
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from ...datasets.errors import KinobenchError
from ...datasets.plurals import quantity, some
from ...datasets.visible import one_line
from ..analysis.located import SplitOf, locate
from ..analysis.source import Source
from ..analysis.thumbnails import thumbnails
from ..leaderboard.leaderboard import Board
from ..records.record import Record
from .content import Table

PICTURES_BYTES = 2_000_000
"""Largest size of all pictures of videos in a page, as they are embedded."""
AT_ONCE = 32
"""Pictures that are made before it is asked whether there is room for more."""


class Videos(msgspec.Struct, frozen=True, kw_only=True):
    """Where the videos of a report are, and how they are read.

    Attributes:
        split_of: Loads the split of a dataset, to find the files.
        is_asked: Somebody says where they are: to find none of them is an error.
        processes: Number of processes that read them.
        progress: Called with how many of how many pictures are made.
    """

    split_of: SplitOf
    is_asked: bool = False
    processes: int = 1
    progress: Callable[[int, int], None] | None = None


class _Missed(msgspec.Struct):
    """The misclassified videos of one split: how many rows miss each, and one of their records."""

    record: Record
    counts: Counter[str]


def pictures_of(
    boards: Sequence[Board],
    tables: Sequence[Table],
    videos: Videos,
    left_out: Callable[[str], None],
) -> dict[str, str]:
    """Return pictures of the missed videos as `data:` addresses, those that most rows miss first.

    Args:
        boards: The boards.
        tables: Their tables, with the missed videos.
        videos: Where the videos are.
        left_out: Called with a line on the videos that have no picture, and why.

    Returns:
        The pictures, by `picture_key`; together they take at most `PICTURES_BYTES`.

    Raises:
        KinobenchError: No split is found, and somebody says where they are; no process can be
            started that reads videos.
    """
    counts: Counter[str] = Counter()
    paths: dict[str, Path] = {}
    reasons: Counter[str] = Counter()
    absent: list[str] = []
    missed = _missed(boards, tables)
    for ground, of in missed.items():
        found = locate(Source(path=Path(ground), record=of.record), videos.split_of)
        if found.why is not None:
            absent.append(found.why)
        for video, count in of.counts.items():
            if video in found.paths:
                counts[picture_key(ground, video)] = count
                paths[picture_key(ground, video)] = found.paths[video]
            else:
                reasons[found.why or "the dataset here has no video of this id"] += 1
    if videos.is_asked and missed and len(absent) == len(missed):
        raise KinobenchError(absent[0])
    ordered = {key: paths[key] for key, _ in counts.most_common()}
    pictures, beyond = _made(ordered, videos, reasons)
    if reasons:
        why = some([f"{reason} ({count})" for reason, count in reasons.most_common()])
        left_out(f"no picture of {quantity(reasons.total(), 'misclassified video')}: {why}")
    if beyond:
        left_out(
            f"left out: pictures of {quantity(beyond, 'video')}, so that all take less than "
            f"{PICTURES_BYTES / 1e6:g} MB"
        )
    return pictures


def picture_key(ground: str, video: str) -> str:
    """Return what a picture is found by: two datasets may have videos of one id."""
    return one_line(f"{ground}: {video}")


def _missed(boards: Sequence[Board], tables: Sequence[Table]) -> dict[str, _Missed]:
    found: dict[str, _Missed] = {}
    for board, table in zip(boards, tables, strict=True):
        for row, line in zip(board.rows, table.lines, strict=True):
            if line.answers is not None and line.answers.missed:
                of = found.setdefault(line.answers.ground, _Missed(row.record, Counter()))
                of.counts.update(each.video for each in line.answers.missed)
    return found


def _made(
    paths: dict[str, Path], videos: Videos, reasons: Counter[str]
) -> tuple[dict[str, str], int]:
    """Return the pictures that there is room for, and the number of videos beyond it."""
    found: dict[str, str] = {}
    size = 0
    keys = list(paths)
    for begin in range(0, len(keys), AT_ONCE):
        some_keys = keys[begin : begin + AT_ONCE]
        made = thumbnails(
            {key: paths[key] for key in some_keys},
            videos.processes,
            _after(videos.progress, begin, len(keys)),
        )
        for number, (key, each) in enumerate(made.items(), begin):
            if each.jpeg is None:
                reasons[each.why or "no picture was made"] += 1
                continue
            address = f"data:image/jpeg;base64,{base64.b64encode(each.jpeg).decode()}"
            size += len(address)
            if size > PICTURES_BYTES:
                return found, len(keys) - number
            found[key] = address
    return found, 0


def _after(
    progress: Callable[[int, int], None] | None, before: int, total: int
) -> Callable[[int, int], None] | None:
    return None if progress is None else lambda done, _: progress(before + done, total)
