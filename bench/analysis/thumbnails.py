"""Thumbnails of videos, made in processes of their own: a file that kills one costs itself alone.

A page of errors and a report show them. They are JPEGs of at most a few kilobytes; see
`datasets/video/thumbnail.py`.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

from ...datasets.doctor.workers import Workers
from ...datasets.sources.paths import path_of
from ...datasets.video.moment import Moment
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


class At(NamedTuple):
    """A moment of a video, whose frame is to be a picture."""

    path: Path
    moment: Moment


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
    return _made(videos, None, processes, progress, timeout_s)


def pictures_at(
    places: Mapping[str, At],
    processes: int = 1,
    progress: Callable[[int, int], None] | None = None,
    timeout_s: float = TIMEOUT_S,
) -> dict[str, Thumbnail]:
    """Make a picture of one frame of each of some videos; see `thumbnails`.

    Args:
        places: The path and the moment of each picture, by its id.
        processes: Number of processes that read them.
        progress: Called with how many of how many are done.
        timeout_s: Time that one file may take.

    Raises:
        KinobenchError: No process can be started.
    """
    moments = {key: each.moment for key, each in places.items()}
    paths = {key: each.path for key, each in places.items()}
    return _made(paths, moments, processes, progress, timeout_s)


def _made(
    videos: Mapping[str, Path],
    moments: Mapping[str, Moment] | None,
    processes: int,
    progress: Callable[[int, int], None] | None,
    timeout_s: float,
) -> dict[str, Thumbnail]:
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
        paths = [str(videos[video]) for video in left]
        if moments is None:
            seen = workers.each_seen(paths, "picture")
        else:
            seen = workers.each_seen(paths, "moment", [moments[video] for video in left])
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
