"""A digest of somebody's copy of some videos: copies of one dataset differ, and so do results."""

import hashlib
from collections.abc import Mapping
from typing import NamedTuple


class StoredVideo(NamedTuple):
    """How a video is stored, as its file's header has it.

    Attributes:
        bytes: Size of the file; of a folder of pictures that of all together, or 0 if the first one
            can't be read.
        width, height: Size of the pictures as they are stored, in pixels; 0 if the header can't be
            read.
        codec: FFmpeg's name of the codec, `h264`; empty if the header can't be read.
    """

    bytes: int
    width: int = 0
    height: int = 0
    codec: str = ""

    @property
    def is_known(self) -> bool:
        """Whether the header says how large the pictures are, and of which codec."""
        return self.codec != "" and min(self.width, self.height) > 0


def copy_digest(videos: Mapping[str, StoredVideo | None]) -> str:
    """Return the digest of a copy of some videos: 16 hexadecimal digits.

    It is the same wherever the same files are: their folder, order and times don't matter.

    Args:
        videos: How each video that is listed is stored, by its id; None for one that is missing.

    Returns:
        First digits of the SHA-256 of a line a video, in the order of the ids: its id, and the size
        in bytes, width x height and codec of its file.
    """
    digest = hashlib.sha256()
    for name in sorted(videos):
        stored = videos[name]
        text = "-"
        if stored is not None:
            text = f"{stored.bytes}\t{stored.width}x{stored.height}\t{stored.codec}"
        digest.update(f"{name}\t{text}\n".encode())
    return digest.hexdigest()[:16]
