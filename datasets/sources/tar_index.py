"""The members of a tar archive and where their bytes are; an archive is never unpacked.

Formats: POSIX.1-2017, pax, "ustar Interchange Format"; GNU's long names; as Python's `tarfile`
reads them. The index of an archive is kept on disk, by the archive's path, size and time of change.
"""

import hashlib
import io
import os
import tarfile
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import msgspec

from ..cache_root import cache_root
from ..errors import DatasetError, reason_of
from ..files import open_regular, replacing

BLOCK = tarfile.BLOCKSIZE
FORMAT = 1
COMPRESSED = (".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.zst", ".tar.lz4")
"""Endings of archives whose members can't be read by their position."""


class Member(NamedTuple):
    """A file in an archive.

    Attributes:
        name: Its path in the archive, with `/`.
        begin: Position of its first byte.
        size: Its bytes.
    """

    name: str
    begin: int
    size: int


class TarIndex:
    """The files in an archive, by their names.

    Attributes:
        repeated: Names that are there more than once: the last one counts, as for `tar`.
        links: Names of links that lead to no earlier file of the archive.
    """

    def __init__(self, kept: "_Kept") -> None:
        """Take what is kept on disk."""
        self._names = _names(kept.names)
        self._begins, self._sizes = array("Q", kept.begins), array("Q", kept.sizes)
        self.repeated, self.links = _names(kept.repeated), _names(kept.links)

    def __len__(self) -> int:
        """Return the number of files."""
        return len(self._names)

    def __iter__(self) -> Iterator[Member]:
        """Give the files by the code points of their names."""
        return map(Member, self._names, self._begins, self._sizes)

    def get(self, name: str) -> Member | None:
        """Return the file of a name; None if there is none."""
        at = bisect_left(self._names, name)
        if at < len(self._names) and self._names[at] == name:
            return Member(name, self._begins[at], self._sizes[at])
        return None

    def below(self, folder: str) -> Iterator[Member]:
        """Give the files in a folder and its folders; the empty name is the whole archive."""
        start = f"{folder}/" if folder else ""
        for at in range(bisect_left(self._names, start), len(self._names)):
            name = self._names[at]
            if not name.startswith(start):
                return
            yield Member(name, self._begins[at], self._sizes[at])

    def has_folder(self, name: str) -> bool:
        """Report whether there are files in a folder of that name; the empty one is the archive."""
        start = f"{name}/" if name else ""
        at = bisect_left(self._names, start)
        return at < len(self._names) and self._names[at].startswith(start)


class _Kept(msgspec.Struct, frozen=True):
    """An index as it is on disk: names are joined by NULs, which no name has."""

    archive: bytes
    size: int
    mtime_ns: int
    names: bytes
    begins: bytes
    sizes: bytes
    repeated: bytes
    links: bytes
    format: int = FORMAT


_indexes: dict[str, tuple[tuple[int, int], TarIndex]] = {}
"""The indexes that this process has read, each with the size and time of its archive."""


def index_of(archive: Path) -> TarIndex:
    """Return the index of an archive: from memory, from disk, or read from the archive.

    Raises:
        DatasetError: It is no tar archive, or a damaged one, or compressed, or has a member that
            can't be read by its position.
        OSError: It can't be looked at.
    """
    status = archive.stat()
    now = (status.st_size, status.st_mtime_ns)
    text = str(archive.absolute())
    before = _indexes.get(text)
    if before is not None and before[0] == now:
        return before[1]
    kept = _from_disk(text, now)
    if kept is None:
        kept = _read(archive, text, now)
        _to_disk(text, kept)
    index = TarIndex(kept)
    _indexes[text] = (now, index)
    return index


def refuse_compressed(path: str) -> None:
    """Raise DatasetError if a name is that of a compressed archive."""
    if path.lower().endswith(COMPRESSED):
        raise DatasetError(
            f"{path}: a compressed archive can't be read by position; unpack the compression "
            "alone (`gzip -d FILE`, `xz -d FILE`, `zstd -d FILE`), which leaves a .tar"
        )


def _read(archive: Path, text: str, now: tuple[int, int]) -> _Kept:
    found: dict[str, tuple[int, int]] = {}
    repeated: list[str] = []
    links: list[str] = []
    try:
        with _opened(archive) as file:
            _refuse_magic(text, file)
            for member in _members(text, file):
                _take(text, member, found, repeated, links)
    except tarfile.TarError as error:
        raise _damaged(text, str(error)) from error
    except OSError as error:
        raise DatasetError(f"{text}: can't be read ({reason_of(error)}); mend the file") from error
    for name, (begin, size) in found.items():
        if begin + size > now[0]:
            raise _damaged(text, f"its member {name!r} ends after the archive")
    names = sorted(found)
    return _Kept(
        os.fsencode(text),
        *now,
        _joined(names),
        array("Q", (found[name][0] for name in names)).tobytes(),
        array("Q", (found[name][1] for name in names)).tobytes(),
        _joined(repeated),
        _joined(links),
    )


def _opened(archive: Path) -> io.BufferedReader:
    if type(archive) is type(Path()):
        return open_regular(archive)
    return archive.open("rb")  # it is elsewhere


def _refuse_magic(text: str, file: io.BufferedReader) -> None:
    head = file.read(6)
    file.seek(0)
    magic = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")
    if head.startswith(magic):
        refuse_compressed(f"{text.removesuffix('.tar')}.tar.gz")


def _members(text: str, file: io.BufferedReader) -> Iterator[tarfile.TarInfo]:
    """Give the members up to the archive's end, which must be marked.

    `tarfile` takes a damaged header, and the end of the file, for the end of the archive.
    """
    with tarfile.open(fileobj=file, mode="r:", errors="surrogateescape") as archive:
        while (member := archive.next()) is not None:
            archive.members = []  # type: ignore[attr-defined]  # else it keeps all of them
            yield member
        end = archive.offset
    file.seek(end)
    mark = file.read(BLOCK)
    if len(mark) < BLOCK:
        raise _damaged(text, f"it has no end mark after {end:,} bytes: it is cut short")
    if mark.strip(b"\0"):
        raise _damaged(text, f"there is no member's header at byte {end:,}")


def _take(
    text: str,
    member: tarfile.TarInfo,
    found: dict[str, tuple[int, int]],
    repeated: list[str],
    links: list[str],
) -> None:
    name = os.path.normpath(member.name)
    if member.issparse():
        raise DatasetError(
            f"{text}: member {name!r} is sparse, and can't be read by position; make the archive "
            "again without `--sparse`"
        )
    if member.isdir() or not (member.isreg() or member.islnk() or member.issym()):
        return
    if name.startswith(("/", "../")) or name == "..":
        raise DatasetError(
            f"{text}: member {member.name!r} leaves the archive; make it again by relative names"
        )
    if member.isreg():
        place = (member.offset_data, member.size)
    else:
        to = member.linkname
        if member.issym():
            to = os.path.join(os.path.dirname(name), to)  # noqa: PTH118, PTH120  # no file's path
        target = found.get(os.path.normpath(to))
        if target is None:
            links.append(name)
            return
        place = target
    if name in found:
        repeated.append(name)
    found[name] = place


def _damaged(text: str, why: str) -> DatasetError:
    return DatasetError(f"{text}: a damaged tar archive: {why}; get it again")


def _joined(names: list[str]) -> bytes:
    return b"\0".join(map(os.fsencode, names))


def _names(joined: bytes) -> list[str]:
    return [os.fsdecode(name) for name in joined.split(b"\0")] if joined else []


def _file_of(text: str) -> Path:
    digest = hashlib.sha256(os.fsencode(text)).hexdigest()[:32]
    return cache_root() / "tar" / f"{digest}.index"


def _from_disk(text: str, now: tuple[int, int]) -> _Kept | None:
    try:
        with open_regular(_file_of(text)) as file:
            kept = msgspec.msgpack.decode(file.read(), type=_Kept)
    except (OSError, msgspec.MsgspecError):
        return None
    is_same = kept.archive == os.fsencode(text) and (kept.size, kept.mtime_ns) == now
    return kept if is_same and kept.format == FORMAT else None


def _to_disk(text: str, kept: _Kept) -> None:
    file = _file_of(text)
    with suppress(OSError):  # it is made again each time
        file.parent.mkdir(parents=True, exist_ok=True)
        with replacing(file, durable=False, own=True) as unfinished:
            unfinished.write_bytes(msgspec.msgpack.encode(kept))
