"""Where the files of a copy are: as in what is copied, with the extension of what they become."""

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePath
from typing import NamedTuple

from ..errors import DatasetError
from ..lists.scan import VIDEO_EXTENSIONS
from ..split import Video
from .encode import SUFFIX

_TAR = ".tar"


class Placed(NamedTuple):
    """A video, and its path in a copy.

    Attributes:
        video: The video.
        place: Its path once it is encoded, relative.
        as_it_is: Its path if it keeps its bytes, relative.
    """

    video: Video
    place: PurePath
    as_it_is: PurePath


def placed(videos: Iterable[Video], roots: Sequence[Path], folder: str = "") -> list[Placed]:
    """Return the places of videos in a copy.

    The folders are those below the data root, so that the reader of the dataset finds them. Where
    two videos of a folder differ in their extension alone, both keep it: `a.avi.mp4`, `a.mov.mp4`.

    Args:
        videos: The videos.
        roots: Folders that they are in; the first one that a path is below counts.
        folder: Put before all places.

    Raises:
        DatasetError: A video is in none of these folders.
    """
    starts = [str(root).rstrip(os.sep) + os.sep for root in roots]
    whole = [str(root.absolute()).rstrip(os.sep) + os.sep for root in roots]
    found = []
    for video in videos:
        inside = PurePath(folder, _inside(video, starts, whole))
        # A folder of a copy is no tar, even if its videos came from one.
        parts = [part.removesuffix(_TAR) or part for part in inside.parts[:-1]]
        found.append(Placed(video, PurePath(), PurePath(*parts, inside.name)))
    stems = Counter(_stem(each.as_it_is) for each in found)
    return [
        each._replace(
            place=_with_suffix(_stem(each.as_it_is))
            if stems[_stem(each.as_it_is)] == 1
            else _with_suffix(each.as_it_is)
        )
        for each in found
    ]


def _inside(video: Video, starts: Sequence[str], whole: Sequence[str]) -> str:
    path = str(video.path)
    for start in starts:
        if path.startswith(start):
            return path[len(start) :]
    absolute = str(video.path.absolute())
    for start in whole:
        if absolute.startswith(start):
            return absolute[len(start) :]
    raise DatasetError(
        f"{path}: it is outside of {starts[0]}, so that a copy has no place for it; give the "
        "folder that all videos are in as --data-root"
    )


def _stem(place: PurePath) -> PurePath:
    """Return a path without a video's extension; a folder of frames has none."""
    return place.with_suffix("") if place.suffix.lower() in VIDEO_EXTENSIONS else place


def _with_suffix(place: PurePath) -> PurePath:
    return place.with_name(place.name + SUFFIX)
