"""Files of a split that go into tars as soon as one is full, in the split's order."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from ..errors import DatasetError
from ..split import Split, Video
from .places import Placed
from .shards import Keys, Member, room_in_tar, shard_name, write_shard
from .stamp import MadeFile, MadeSplit, Shard


class Packer:
    """Puts the files of a split into tars, and removes the files."""

    def __init__(
        self,
        to: Path,
        split: Split,
        files: Sequence[Placed],
        rows: Mapping[str, MadeFile],
        done: Callable[[str, Shard], object],
        packed_file: Callable[[str, Path], object],
        *,
        size: int,
        packed: int,
        shards: int,
    ) -> None:
        """Begin after the tars that are there.

        Args:
            to: The folder of the copy.
            split: The split.
            files: Its videos that have files, in its order.
            rows: The files that are finished, by `as_it_is`; others are added meanwhile.
            done: Called with the split's name and a tar that is finished.
            packed_file: Called with the name of a member and its file, which it removes.
            size: The most bytes of a tar, unless a single video is larger.
            packed: Number of videos that are in tars already.
            shards: Number of these tars.
        """
        self._done, self._packed = done, packed_file
        self._to, self._split, self._rows = to, split, rows
        self._size, self._shards = size, shards
        keys = Keys()
        named = [(keys.of(each.video), each) for each in files]
        self._before, self._left = named[:packed], named[packed:]
        self._next = 0
        self._waiting: list[tuple[str, Member]] = []
        self._bytes = 0

    def tidy(self) -> None:
        """Remove the files that are in tars, which a kill after a tar was written may leave.

        Raises:
            OSError: One can't be removed.
        """
        for key, each in self._before:
            for place in (each.place, each.as_it_is):
                if (self._to / place).is_file():
                    self._packed(f"{key}{place.suffix}", self._to / place)
        if self._before:
            self._remove_empty(self._to / self._before[0][1].place.parent)

    def go_on(self) -> None:
        """Write the tars that the finished files fill.

        Raises:
            OSError: One can't be written.
        """
        while self._next < len(self._left):
            key, each = self._left[self._next]
            row = self._rows.get(str(each.as_it_is))
            if row is None:
                return
            file = self._to / (each.place if row.frames is not None else each.as_it_is)
            needed = room_in_tar(row.bytes)
            if self._waiting and self._bytes + needed > self._size:
                self._write()
            self._waiting.append((key, Member(each.video, file, row.bytes)))
            self._bytes += needed
            self._next += 1

    def end(self) -> None:
        """Write the last tar.

        Raises:
            OSError: It can't be written.
        """
        self.go_on()
        if self._waiting:
            self._write()

    def _write(self) -> None:
        members, self._waiting, self._bytes = self._waiting, [], 0
        first = members[0][1].video.id
        target = self._to / shard_name(self._split.name, self._shards)
        self._done(self._split.name, write_shard(target, self._split, members, first))
        self._shards += 1
        for key, member in members:
            self._packed(f"{key}{member.file.suffix}", member.file)
        self._remove_empty(members[0][1].file.parent)

    def _remove_empty(self, folder: Path) -> None:
        for each in (folder, folder.parent):
            if each.is_dir() and not any(each.iterdir()):
                each.rmdir()


def packed_before(before: MadeSplit | None, to: Path, found: Sequence[Placed]) -> int:
    """Return how many videos of a split are in tars that are finished.

    Args:
        before: What is written of the split; None: nothing.
        to: The folder of the copy.
        found: Its videos that have files, in its order.

    Raises:
        DatasetError: They are not its first ones any more.
    """
    count = 0
    for shard in () if before is None else before.shards:
        ids = [each.video.id for each in found[count : count + shard.videos]]
        is_same = len(ids) == shard.videos and (ids[0], ids[-1]) == (shard.first, shard.last)
        if not is_same or not (to / shard.name).is_file():
            raise DatasetError(
                f"{to / shard.name}: it is gone, or the videos before it are others now; make the "
                "copy in a new folder"
            )
        count += shard.videos
    return count


def refuse_folders(videos: Iterable[Video]) -> None:
    """Raise DatasetError if a video is a folder of frames."""
    folder = next((each.path for each in videos if each.path.is_dir()), None)
    if folder is not None:
        raise DatasetError(
            f"{folder}: it is a folder of frames, and a video is one file in a tar; leave out "
            "--shards, which then keeps such folders"
        )
