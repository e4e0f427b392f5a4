"""The files of a copy as they are finished: moved to their places, and noted in the copy's rows."""

import errno
import shutil
from pathlib import Path, PurePath
from types import TracebackType
from uuid import uuid4

import msgspec

from ..errors import DatasetError, reason_of
from ..files import NotRegularError
from ..names import readable
from ..sources.listing import walk
from ..sources.paths import path_of
from .begin import PARTS
from .encode import Encoded
from .places import Placed
from .stamp import ROWS, MadeFile, read_rows
from .workers import FULL

_CHUNK_BYTES = 2**20
FRAMES = "folders of frames keep their pictures"
"""Said of a video that is one: the lists of official datasets have the number of its pictures."""


class Finished:
    """The files of a copy that are there, to which others are added.

    Attributes:
        rows: What is known of each, by its place.
    """

    def __init__(self, to: Path, work: Path) -> None:
        """Read what is there.

        Args:
            to: The copy's folder.
            work: A folder on the same disk, for files until they are whole.

        Raises:
            DatasetError: It can't be read.
            OSError: It can't be written.
        """
        self._to, self._work = to, work
        self.rows = read_rows(to)
        self._file = (to / ROWS).open("ab")

    def __enter__(self) -> "Finished":
        """Return it; leaving closes the file of the rows."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file of the rows."""
        self._file.close()

    def unfinished(self) -> Path:
        """Return a new path for a file until it is whole."""
        return self._work / uuid4().hex

    def row(self, each: Placed) -> MadeFile | None:
        """Return the row of a video's file, if it is there as it was written, of the same source.

        One that keeps its source's bytes for a fault isn't: another time it may be encoded.
        """
        for place in (each.place, each.as_it_is):
            row = self.rows.get(readable(str(place)))
            if row is None or row.fault:
                continue
            if place.parts[0] == PARTS and row.id != each.video.id:
                continue  # until it is in a tar it is known by its number, which may be another's
            try:
                there, source = size_of(self._to / place), each.video.path
                known = (row.bytes, row.source_bytes, row.source_mtime_ns)
                if known == (there, size_of(source), source.stat().st_mtime_ns):
                    return row
            except OSError:
                continue
        return None

    def take_encoded(self, each: Placed, file: Path, encoded: Encoded) -> MadeFile:
        """Put an encoded file to its place.

        Raises:
            OSError: It can't be moved.
        """
        self._drop(each.as_it_is)
        return self._take(
            each,
            each.place,
            file,
            frames=encoded.frames,
            size=(encoded.width, encoded.height),
            changes=encoded.changes,
        )

    def copy_bytes(self, each: Placed, fault: str = "") -> MadeFile:
        """Put a copy of a video's file to its place, byte by byte.

        Args:
            each: The video.
            fault: Why it isn't encoded, where others are.

        Raises:
            OSError: It can't be read or written.
        """
        source, file = each.video.path, self.unfinished()
        changes: tuple[str, ...] = ()
        if source.is_dir():
            changes = (FRAMES,)
            file.mkdir()
            for picture in _pictures(source):
                _copy_content(picture, file / picture.name)
        else:
            _copy_content(source, file)
        if each.place != each.as_it_is:
            self._drop(each.place)
        return self._take(each, each.as_it_is, file, fault=fault, changes=changes)

    def _take(self, each: Placed, place: PurePath, file: Path, **said: object) -> MadeFile:
        source = each.video.path
        row = MadeFile(
            place=readable(str(place)),
            id=each.video.id,
            source_bytes=size_of(source),
            source_mtime_ns=source.stat().st_mtime_ns,
            bytes=size_of(file),
            **said,  # type: ignore[arg-type]  # fields of it
        )
        target = self._to / place
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_dir():
            shutil.rmtree(target)
        file.replace(target)
        self._note(row)
        return row

    def _note(self, row: MadeFile) -> None:
        self.rows[row.place] = row
        self._file.write(msgspec.json.encode(row) + b"\n")
        self._file.flush()

    def packed(self, member: str, file: Path) -> None:
        """Note that a file is a member of a tar now, and remove it.

        Args:
            member: The member's name: the id of the video in the tars.
            file: The file.

        Raises:
            OSError: It can't be removed.
        """
        before = self.rows.get(readable(str(file.relative_to(self._to))))
        if before is not None:  # its line wasn't cut off by a kill
            self._note(msgspec.structs.replace(before, place=readable(member)))
        file.unlink()

    def _drop(self, place: PurePath) -> None:
        """Remove what an earlier run put to the video's other place."""
        if self.rows.pop(readable(str(place)), None) is not None:
            (self._to / place).unlink(missing_ok=True)


def _pictures(folder: Path) -> list[Path]:
    """Return the files of a folder, which may be in an archive or on a server."""
    return [path_of(each.path) for each in walk(folder, 0) if not each.is_folder]


def _copy_content(source: Path, target: Path) -> None:
    """Copy a file's bytes; it may be a part of another file, which only its path can open."""
    if not source.is_file():
        raise NotRegularError(errno.EINVAL, "it is no file", str(source))
    with source.open("rb") as read, target.open("wb") as written:
        shutil.copyfileobj(read, written, _CHUNK_BYTES)


def size_of(path: Path) -> int:
    """Return the bytes of a file, or of all files in a folder of frames.

    Raises:
        OSError: It is not there.
    """
    if path.is_dir():
        return sum(each.stat().st_size for each in _pictures(path))
    return path.stat().st_size


def unwritable(to: Path, error: OSError) -> DatasetError:
    """Return the error about a copy that can't be written any further."""
    if error.errno in FULL:
        return DatasetError(
            f"{to}: {reason_of(error)}; what is finished is kept: free some space, and run the "
            "same command again, which goes on from here"
        )
    name = error.filename or to
    return DatasetError(
        f"{readable(str(name))}: {reason_of(error)}; mend it, and run the same command again, "
        "which goes on from here"
    )
