"""Pictures of the key frames of a page, where the videos are at hand."""

import base64
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from ...datasets.clock import WHOLE
from ...datasets.plurals import quantity, some
from ...datasets.video.moment import Moment
from ...datasets.visible import one_line
from ..analysis.located import locate
from ..analysis.source import Source
from ..analysis.thumbnails import At, pictures_at
from ..leaderboard.leaderboard import Board
from ..records.record import Record
from ..tasks.key_frames import ShownFrame
from .content import Table
from .pictures import Videos

KEY_FRAMES_BYTES = 1_000_000
"""Largest size of all pictures of key frames in a page, as they are embedded."""


def pictures_of_key_frames(
    boards: Sequence[Board],
    tables: Sequence[Table],
    videos: Videos,
    left_out: Callable[[str], None],
) -> dict[str, str]:
    """Return pictures of the key frames that a page shows, as `data:` addresses.

    Networks of one split share them. A key frame without one has its boxes on an empty frame.

    Args:
        boards: The boards.
        tables: Their tables, with the key frames.
        videos: Where the videos are.
        left_out: Called with a line on the key frames that have no picture, and why.

    Returns:
        The pictures, by `frame_key`; together they take at most `KEY_FRAMES_BYTES`.

    Raises:
        KinobenchError: No process can be started that reads videos.
    """
    places: dict[str, At] = {}
    reasons: Counter[str] = Counter()
    for ground, (record, frames) in _shown(boards, tables).items():
        found = locate(Source(path=Path(ground), record=record), videos.split_of)
        for key, frame in frames.items():
            if frame.video in found.paths:
                clock = found.clocks.get(frame.video, WHOLE)
                moment = Moment(time_s=frame.time_s, clock=clock)
                places[frame_key(ground, *key)] = At(found.paths[frame.video], moment)
            else:
                reasons[found.why or "the dataset here has no video of this id"] += 1
    pictures, size = {}, 0
    for name, made in pictures_at(places, videos.processes, videos.progress).items():
        if made.jpeg is None:
            reasons[made.why or "no picture was made"] += 1
            continue
        address = f"data:image/jpeg;base64,{base64.b64encode(made.jpeg).decode()}"
        if size + len(address) > KEY_FRAMES_BYTES:
            reasons[f"so that all take less than {KEY_FRAMES_BYTES / 1e6:g} MB"] += 1
            continue
        size += len(address)
        pictures[name] = address
    if reasons:
        why = some([f"{reason} ({count})" for reason, count in reasons.most_common()])
        left_out(
            f"no picture of {quantity(reasons.total(), 'key frame')}, whose boxes are on an empty "
            f"frame: {why}"
        )
    return pictures


def frame_key(ground: str, video: str, name: str) -> str:
    """Return what the picture of a key frame is found by."""
    return one_line(f"{ground}: {video}: {name}")


_Frames = dict[tuple[str, str], ShownFrame]


def _shown(boards: Sequence[Board], tables: Sequence[Table]) -> dict[str, tuple[Record, _Frames]]:
    """Return the shown key frames of each split, each once, with one of their records."""
    found: dict[str, tuple[Record, _Frames]] = {}
    for board, table in zip(boards, tables, strict=True):
        for row, line in zip(board.rows, table.lines, strict=True):
            if line.task is not None and line.task.key_frames is not None:
                _, frames = found.setdefault(line.task.ground, (row.record, {}))
                frames.update(
                    {(each.video, each.name): each for each in line.task.key_frames.frames}
                )
    return found
