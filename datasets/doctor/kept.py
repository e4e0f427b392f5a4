"""What was found out about files, kept in the user's cache: a second look is quick.

A line belongs to a path, a size and a time of change; whatever has another one is looked at again.
Lines are only added, so a process that is ended loses none but the last.
"""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import IO

import av
import msgspec

from ..cache_root import cache_root
from ..errors import reason_of
from ..files import read_regular, replacing
from ..sources.paths import path_of
from .seen import Seen

_FORM = 1
"""Goes up whenever the meaning of a line changes, or the rules for what is damaged."""
_SPARE = 1000
"""A file is rewritten when it has more than twice the lines that count, and so many besides."""


class Stamp(msgspec.Struct, frozen=True, array_like=True):
    """What a file is known by.

    Attributes:
        path: Its absolute path.
        size: Its bytes.
        changed_ns: Time of its last change; of a folder of pictures the time at which one was
            added, removed or renamed, and not written over.
    """

    path: bytes
    size: int
    changed_ns: int


def stamp_of(path: str, found: os.stat_result) -> Stamp:
    """Return what a file is known by."""
    return Stamp(os.fsencode(path_of(path).absolute()), found.st_size, found.st_mtime_ns)


class _Head(msgspec.Struct, frozen=True, kw_only=True):
    """The first line of a file: by what its lines were found out."""

    form: int
    av: str


_Line = tuple[Stamp, Seen]
_HEAD = _Head(form=_FORM, av=av.__version__)


def kept_file(place: str) -> Path:
    """Return the file for a dataset's files, by a name for the dataset and its folder."""
    return cache_root() / "doctor" / f"{hashlib.sha256(os.fsencode(place)).hexdigest()[:16]}.jsonl"


class Kept:
    """What is known about files of a dataset.

    Attributes:
        trouble: Why it can't be kept; None if it can.
    """

    def __init__(self, file: Path, *, fresh: bool = False) -> None:
        """Read what is known.

        Args:
            file: File of what is known; see `kept_file`.
            fresh: Forget it instead.
        """
        self.trouble: str | None = None
        self._seen: dict[Stamp, Seen] = {}
        self._out: IO[bytes] | None = None
        lines = 0 if fresh else self._read(file)
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            if lines == 0 or lines > 2 * len(self._seen) + _SPARE:
                self._write(file)
            self._out = file.open("ab")
        except OSError as error:
            self.trouble = f"{file}: {reason_of(error)}"

    def __enter__(self) -> "Kept":
        """Return it; leaving closes its file."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close its file."""
        self.close()

    def get(self, stamp: Stamp) -> Seen:
        """Return what is known about a file; nothing, if it changed since."""
        return self._seen.get(stamp, Seen())

    def add(self, found: Iterable[_Line]) -> None:
        """Keep what was found out; a fault of the machine may be gone the next time."""
        written = b""
        for stamp, seen in found:
            if seen.machine is None:
                self._seen[stamp] = self.get(stamp).with_(seen)
                written += msgspec.json.encode((stamp, self._seen[stamp])) + b"\n"
        if self._out is None or not written:
            return
        try:
            self._out.write(written)
            self._out.flush()
        except OSError as error:
            self.trouble, self._out = reason_of(error), None

    def close(self) -> None:
        """Close the file."""
        if self._out is not None:
            self._out.close()

    def _read(self, file: Path) -> int:
        """Read a file; return its number of lines, or 0 if it must be rewritten."""
        try:
            head, *lines = read_regular(file).split(b"\n")
            is_ours = msgspec.json.decode(head, type=_Head) == _HEAD
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            return 0
        if not is_ours or not lines:
            return 0
        is_torn = lines.pop() != b""
        self._take(lines)
        return 0 if is_torn else len(lines)

    def _take(self, lines: list[bytes]) -> None:
        decoder = msgspec.json.Decoder(_Line)
        for line in lines:
            try:
                stamp, seen = decoder.decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError):
                continue  # a disk that was full
            self._seen[stamp] = seen

    def _write(self, file: Path) -> None:
        with replacing(file, durable=False, own=True) as unfinished, unfinished.open("wb") as out:
            out.write(msgspec.json.encode(_HEAD) + b"\n")
            for line in self._seen.items():
                out.write(msgspec.json.encode(line) + b"\n")
