"""The shards of a split: consecutive videos, whose per-view logits are in one file."""

import hashlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ...datasets.copy_digest import StoredVideo
from ...datasets.split import Split, Video
from ..records.results import Unreadable

VIEWS_IN_A_SHARD = 512
VIDEOS_IN_A_SHARD = 64
"""A shard ends before it exceeds either: a killed run loses less than one shard."""
SHARDS_OF_A_SMALL_SPLIT = 10
"""A small split has at least so many shards, for as many cores or nodes, if each shard still has
`VIDEOS_IN_A_FORWARD`."""
VIDEOS_IN_A_FORWARD = 8
"""The shards of a small split have a multiple of this: by default a forward has so many views."""


class Shard(NamedTuple):
    """Consecutive videos of a split.

    Attributes:
        number: Its index among the split's shards.
        videos: One video at least.
    """

    number: int
    videos: tuple[Video, ...]

    def path(self, folder: Path) -> Path:
        """Return the file of its logits in a folder."""
        return folder / f"shard-{self.number:05d}.parquet"

    @property
    def files_digest(self) -> str:
        """Digest of the sizes of the videos' files and of when they last changed."""
        digest = hashlib.sha256()
        for video in self.videos:
            digest.update(f"{video.id}\t{file_state(video)}\n".encode())
        return digest.hexdigest()[:16]


def file_state(video: Video) -> str:
    """Return the size of a video's file and when it last changed, as text."""
    try:
        found = video.path.stat()
    except (OSError, ValueError):  # the second for a NUL in its name
        return "not there"
    return f"{found.st_size}\t{found.st_mtime_ns}"


class ShardLogits(NamedTuple):
    """The logits of a shard's videos.

    Attributes:
        scored: The videos that could be read.
        logits: `[scored, views, classes]`, float32.
        unreadable: The videos that could not be read.
        batch: Views in the last forward: fewer than at first, if memory ran out.
        remarks: What is unusual about a file, and the video's id; one pair for each remark.
        stored: How each of the shard's videos is stored, in their order; None for one that is
            missing. None as a whole in shards of earlier versions.
    """

    scored: tuple[Video, ...]
    logits: np.ndarray
    unreadable: tuple[Unreadable, ...]
    batch: int
    remarks: tuple[tuple[str, str], ...] = ()
    stored: tuple[StoredVideo | None, ...] | None = None


def videos_in_a_shard(videos: int, views: int) -> int:
    """Return how many videos a shard has, in a split of so many videos of so many views each."""
    share = videos // SHARDS_OF_A_SMALL_SPLIT // VIDEOS_IN_A_FORWARD * VIDEOS_IN_A_FORWARD
    share = max(share, VIDEOS_IN_A_FORWARD)
    return max(1, min(VIDEOS_IN_A_SHARD, VIEWS_IN_A_SHARD // views, share))


def shards_of(split: Split, views: int) -> tuple[Shard, ...]:
    """Cut a split into shards; they depend on its videos and on the views of each alone."""
    length = videos_in_a_shard(len(split.videos), views)
    return tuple(
        Shard(number, split.videos[begin : begin + length])
        for number, begin in enumerate(range(0, len(split.videos), length))
    )
