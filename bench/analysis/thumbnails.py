"""Thumbnails of videos, made in processes of their own: a file that kills one costs itself alone.

A page of errors and a report show them. They are JPEGs of at most a few kilobytes; see
`datasets/video/thumbnail.py`.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from ...datasets.doctor.workers import Workers
from ...datasets.sources.paths import path_of
from ..records.job import worker_command

TIMEOUT_S = 60.0
"""Time that one file may take."""


class Thumbnail(msgspec.Struct, frozen=True, kw_only=True):
    """A picture of a video, or the reason why there is none.

    Attributes:
        jpeg: A strip of a few frames; None if there is none.
        why: Reason why there is none.
    """

    jpeg: bytes | None = None
    why: str | None = None


def thumbnails(
    videos: Mapping[str, Path],
    processes: int = 1,
    progress: Callable[[int, int], None] | None = None,
    timeout_s: float = TIMEOUT_S,
) -> dict[str, Thumbnail]:
    """Make thumbnails of videos.

    Args:
        videos: The path of each, by its id.
        processes: Number of processes that read them.
        progress: Called with how many of how many are done.
        timeout_s: Time that one file may take.

    Returns:
        A thumbnail or a reason, by id, in the order of `videos`.

    Raises:
        KinobenchError: No process can be started.
    """
    made = {
        video: Thumbnail(why="no such file")
        for video, path in videos.items()
        if not _is_there(path)
    }
    left = [video for video in videos if video not in made]
    if left:
        workers = Workers(
            command=(*worker_command(), "--look-at"), count=max(1, processes), timeout_s=timeout_s
        )
        seen = workers.each_seen([str(videos[video]) for video in left], "picture")
        for number, (place, found) in enumerate(seen, 1):
            why = found.machine or found.reason
            made[left[place]] = Thumbnail(
                jpeg=found.picture, why=None if found.picture else why or "no picture was made"
            )
            if progress is not None:
                progress(number, len(left))
    return {video: made[video] for video in videos}


def _is_there(path: Path) -> bool:
    try:
        return path_of(path).exists()
    except (OSError, ValueError):  # the worker says what is wrong with it
        return True
