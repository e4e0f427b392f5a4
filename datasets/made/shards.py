"""Tars of videos as WebDataset reads them: for each video `KEY.mp4`, `KEY.cls` and `KEY.json`.

Members of one key stand next to each other, and a key ends at the first point of a member's last
part (github.com/webdataset/webdataset, webdataset/tariterators.py, `base_plus_ext`). `KEY.cls` is
the label as a number, which `.decode()` gives as an integer; `KEY.json` has the id, the label or
labels with their names, and the group. Where videos have any number of labels there is no
`KEY.cls`, and `KEY.json` says how they are scored. `classes.txt` next to the tars has the names of
all classes.
"""

import io
import json
import re
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from ..files import replacing
from ..lists.scan import VIDEO_EXTENSIONS
from ..split import Split, Video
from .stamp import Shard

_BLOCK = tarfile.BLOCKSIZE
_NO_KEY = re.compile(r"[^\w\-+=@,()' /]", re.ASCII)
"""What a key has none of: points end it, and other programs may not take the rest."""


class Member(NamedTuple):
    """A video that is to be put into a tar.

    Attributes:
        video: The video.
        file: Its file.
        bytes: The file's size.
    """

    video: Video
    file: Path
    bytes: int


class Keys:
    """Gives each video of a split a key of its own: its id, as far as a key can have it."""

    def __init__(self) -> None:
        """Begin a split."""
        self._taken: set[str] = set()

    def of(self, video: Video) -> str:
        """Return the key of the next video."""
        stem = video.id
        for extension in VIDEO_EXTENSIONS:
            if stem.lower().endswith(extension) and len(stem) > len(extension):
                stem = stem[: -len(extension)]
                break
        key = _NO_KEY.sub("_", stem).strip("/") or "_"
        chosen, number = key, 2
        while chosen in self._taken:
            chosen, number = f"{key}-{number}", number + 1
        self._taken.add(chosen)
        return chosen


def shard_name(split: str, number: int) -> str:
    """Return the name of a split's tar: `train-000000.tar` or `test01-000000.tar`, from 0."""
    return f"{_NO_KEY.sub('_', split).replace('/', '_')}-{number:06d}.tar"


def room_in_tar(size_bytes: int) -> int:
    """Return about how many bytes a video takes in a tar, with its label and the headers."""
    return size_bytes + 8 * _BLOCK


def write_shard(
    target: Path, split: Split, members: Iterable[tuple[str, Member]], first: str
) -> Shard:
    """Write a tar as a whole; the same members give the same bytes.

    Args:
        target: The tar.
        split: The split of its videos.
        members: Its videos with their keys.
        first: The id of the first of them.

    Returns:
        What is written of it in the copy's stamp.

    Raises:
        OSError: It can't be written, or a file can't be read.
    """
    last, count = first, 0
    with (
        replacing(target, own=True) as unfinished,
        tarfile.open(unfinished, "w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for key, member in members:
            with member.file.open("rb") as content:
                _add(tar, f"{key}{member.file.suffix}", content, member.bytes)
            for name, text in _texts(key, split, member.video):
                _add(tar, name, io.BytesIO(text), len(text))
            last, count = member.video.id, count + 1
    return Shard(name=target.name, first=first, last=last, videos=count)


def _texts(key: str, split: Split, video: Video) -> Iterator[tuple[str, bytes]]:
    names = [split.classes[label] for label in video.labels]
    said: dict[str, object] = {"id": video.id, "labels": video.labels, "classes": names}
    if split.scoring == "top-k":
        yield f"{key}.cls", str(video.label).encode()
        said |= {"label": video.label, "class": names[0]}
    else:  # any number of labels, so none of them is the label
        said["scoring"] = split.scoring
    if video.group is not None:
        said["group"] = video.group
    yield f"{key}.json", json.dumps(said, ensure_ascii=False, sort_keys=True).encode()


def _add(tar: tarfile.TarFile, name: str, content: io.BufferedIOBase, size: int) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o644
    tar.addfile(member, content)
