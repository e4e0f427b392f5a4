"""Paths of videos that are no files of their own: members of archives, and URLs.

Such a path is a `pathlib.Path`, so that what asks a path for its size, or opens it, works with all.
`universal_pathlib` has no such paths: its are no `Path`.
"""

import io
import os
import re
import stat
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlsplit
from urllib.request import url2pathname

from .byte_files import ByteFile, PartOfFile, Status
from .tar_index import TarIndex, index_of

if TYPE_CHECKING:
    _Local = Path
else:
    _Local = type(Path())

_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]+://")
_ARCHIVE = re.compile(r"\.tar(?=/|$)", re.IGNORECASE)


class SourcePath(_Local):
    """A path with a URL or an archive in it; see `path_of`.

    What is no member of an archive, nor a URL, is a file as any other.
    """

    def __str__(self) -> str:
        """Return the text; a URL with its two slashes, of which paths keep one."""
        text = super().__str__()
        scheme, colon, rest = text.partition(":/")
        is_url = bool(colon) and _SCHEME.fullmatch(f"{scheme}://") is not None
        return f"{scheme}://{rest.lstrip('/')}" if is_url else text

    def __fspath__(self) -> str:
        """Return the text."""
        return str(self)

    @property
    def is_remote(self) -> bool:
        """True for a URL, and for a member of an archive with one."""
        return is_url(str(self))

    @property
    def is_elsewhere(self) -> bool:
        """True unless it is a file as any other, in a folder that is named like an archive."""
        return self.is_remote or self.archive() is not None

    def archive(self) -> tuple[Path, str] | None:
        """Return the archive that it is in, or is, and its path in there; None: it is in none."""
        text = str(self)
        for found in _ARCHIVE.finditer(text):
            archive = archive_path(text[: found.end()])
            if archive.is_file():
                return archive, text[found.end() + 1 :]
        return None

    def _index(self) -> tuple[Path, TarIndex, str] | None:
        found = self.archive()
        return None if found is None else (found[0], index_of(found[0]), found[1])

    def _status(self) -> Status | None:
        """Return what is known of it; None for a file as any other."""
        found = self._index()
        if found is None:
            return _remote_status(str(self)) if self.is_remote else None
        archive, index, name = found
        if not name or index.has_folder(name):
            return Status(0, archive.stat().st_mtime_ns, True)
        member = index.get(name)
        if member is None:
            self._absent()
        return Status(member.size, archive.stat().st_mtime_ns)

    def _absent(self) -> NoReturn:
        raise FileNotFoundError(2, os.strerror(2), str(self))

    def bytes_file(self) -> io.RawIOBase:
        """Open it to read its bytes by position, without a buffer; the caller closes it.

        Raises:
            OSError: There is no such file, or it can't be read.
        """
        found = self._index()
        if found is None:
            return _remote_file(str(self)) if self.is_remote else io.FileIO(str(self))
        archive, index, name = found
        member = index.get(name)
        if member is None:
            self._absent()
        return PartOfFile(str(self), opened_archive(archive), member.begin, member.size)

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        """Return its size and time of change, as of a file that can only be read."""
        status = self._status()
        if status is None:
            return super().stat(follow_symlinks=follow_symlinks)
        mode = (stat.S_IFDIR if status.is_folder else stat.S_IFREG) | 0o444
        time_s = status.mtime_ns // 10**9
        numbers = (mode, 0, 0, 1, 0, 0, status.size, time_s, time_s, time_s)
        times = {f"st_{each}time_ns": status.mtime_ns for each in "amc"}
        return os.stat_result((*numbers, *(time_s,) * 3), times)

    def lstat(self) -> os.stat_result:
        """Return what `stat` does."""
        return self.stat(follow_symlinks=False)

    def exists(self, *, follow_symlinks: bool = True) -> bool:
        """Report whether it is there; raises OSError if that can't be found out."""
        try:
            self.stat(follow_symlinks=follow_symlinks)
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

    def is_file(self, *, follow_symlinks: bool = True) -> bool:
        """Report whether it is a file."""
        return self.exists() and stat.S_ISREG(self.stat().st_mode)

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        """Report whether it is a folder, or an archive."""
        return self.exists() and stat.S_ISDIR(self.stat().st_mode)

    def open(  # type: ignore[override]  # it is only read
        self,
        mode: str = "r",
        buffering: int = -1,
        encoding: str | None = None,
        errors: str | None = None,
        newline: str | None = None,
    ) -> IO[Any]:
        """Open it for reading."""
        if self._status() is None:
            return super().open(mode, buffering, encoding, errors, newline)
        if set(mode) - set("rbt"):
            raise io.UnsupportedOperation(f"{self}: it can only be read")
        binary = io.BufferedReader(self.bytes_file())
        return binary if "b" in mode else io.TextIOWrapper(binary, encoding, errors, newline)

    def absolute(self) -> "SourcePath":
        """Return the path from the root on; a URL is one."""
        return self if self.is_remote else SourcePath(os.path.abspath(str(self)))  # noqa: PTH100

    def resolve(self, strict: bool = False) -> "SourcePath":
        """Return the path without links; a URL has none."""
        return self if self.is_remote else SourcePath(os.path.realpath(str(self)))

    def is_absolute(self) -> bool:
        """Report whether it begins at a root; a URL does."""
        return self.is_remote or super().is_absolute()


class _UnpackedPath(SourcePath):
    """A URL whose archive, if it names one, is a file: what holds the members."""

    def archive(self) -> None:
        return None


def archive_path(text: str) -> Path:
    """Return the path of an archive as the file that it is, not as the folder of its members."""
    return _UnpackedPath(text) if is_url(text) else Path(text)


def opened_archive(archive: Path) -> io.RawIOBase:
    """Open an archive's own bytes, given by its `archive_path`; the caller closes it."""
    return archive.bytes_file() if isinstance(archive, SourcePath) else io.FileIO(archive)


def path_of(path: str | Path) -> Path:
    """Return a path of any kind of file from its text.

    A text with a scheme (`s3://bucket/a.mp4`) is a URL, `file://` excepted. `a/b.tar/c.mp4` is the
    member `c.mp4` of the archive `a/b.tar`, if that is a file.
    """
    if isinstance(path, SourcePath):
        return path
    text = path if isinstance(path, str) else str(path)
    if "://" in text and _SCHEME.match(text):
        scheme, _, rest = text.partition("://")
        if scheme.lower() in ("file", "local"):
            return path_of(url2pathname(urlsplit(f"file://{rest}").path))
        return SourcePath(f"{scheme.lower()}://{rest}")
    if ".tar" in text.lower() and _ARCHIVE.search(text):
        return SourcePath(text)
    return path if isinstance(path, Path) else Path(path)


def is_url(path: str | Path) -> bool:
    """Report whether a path is a URL."""
    return _SCHEME.match(str(path)) is not None


def is_elsewhere(path: Path) -> bool:
    """Report whether a path is a URL, an archive or in one; a folder `x.tar` is a folder."""
    return isinstance(path, SourcePath) and path.is_elsewhere


def reopened(path: Path) -> ByteFile | io.RawIOBase | None:
    """Open a path that isn't the file's own, to read its bytes; None for a file as any other."""
    if not isinstance(path, SourcePath) or not path.is_elsewhere:
        return None
    return path.bytes_file()


def _remote_status(url: str) -> Status:
    from .remote import status

    return status(url)


def _remote_file(url: str) -> ByteFile:
    from .remote import bytes_file

    return bytes_file(url)
