"""An archive of results is checked as a whole, and only then added to a folder.

Nothing of it is trusted: neither its names nor its sizes nor its records.
"""

import hashlib
import shutil
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

import msgspec

from ...datasets.errors import KinobenchError, reason_of
from ...datasets.files import check_regular
from ...datasets.unfinished import unfinished_folder
from ..records.files import UNDECODABLE
from ..records.gate_verdicts import FILE as CHECKS
from ..records.gate_verdicts import LARGEST
from ..records.record import SCHEMA, from_json
from .archive_names import refuse_place, refuse_twins
from .checks import key_of
from .contents import PLACE
from .manifest import FILE, FORMAT, Listed, Manifest, grows
from .merge import Merged, merge

_MOST_FILES = 1_000_000
_MOST_MANIFEST_BYTES = 2**28
_MOST_RUN_BYTES = 2**30
"""Bytes of all files of runs, which are read into memory: those of 200,000 records."""
_CHUNK_BYTES = 2**20
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 1


def import_archive(
    file: Path, target: Path, on_wait: Callable[[str], None] = lambda text: None
) -> Merged:
    """Add the records and predictions of an archive to a folder, as `merge` adds a folder's.

    Args:
        file: An archive that `export` wrote.
        target: The folder, which is made if need be.
        on_wait: See `merge`.

    Raises:
        KinobenchError: It is no such archive, or damaged, or has what `export` never writes; then
            nothing was written. Or the target can't be written.
    """
    with _opened(file) as archive:
        try:
            manifest = _manifest(archive)
            _check_entries(archive, manifest, file)
            _check_contents(archive, manifest)
        except KinobenchError as error:
            raise KinobenchError(
                f"{file} is refused: {error}; nothing was written: ask for another export"
            ) from error
        try:
            target.mkdir(parents=True, exist_ok=True)
            _refuse_small_disk(target, manifest)
            with unfinished_folder(target / "import") as staged:
                for name, listed in manifest.files.items():
                    _unpack(archive, name, listed, staged)
                return _named_for(file, staged, merge([staged], target, on_wait))
        except OSError as error:
            raise KinobenchError(
                f"--to {target} can't be written: {reason_of(error)}; free some space, or give "
                "another folder"
            ) from error


def _named_for(file: Path, staged: Path, found: Merged) -> Merged:
    """Return what became of records, whose lines name the archive and not where it was unpacked."""
    refused, problems = (
        tuple(line.replace(str(staged), str(file)) for line in lines)
        for lines in (found.refused, found.problems)
    )
    return msgspec.structs.replace(found, refused=refused, problems=problems)


@contextmanager
def _opened(file: Path) -> Iterator[zipfile.ZipFile]:
    try:
        check_regular(file)
        with zipfile.ZipFile(file) as archive:
            yield archive
    except OSError as error:
        raise KinobenchError(f"{file} can't be read: {reason_of(error)}") from error
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, ValueError) as error:
        raise KinobenchError(
            f"{file} is no archive of results: {error}; `results export` writes them"
        ) from error


def _manifest(archive: zipfile.ZipFile) -> Manifest:
    if FILE not in archive.namelist():
        raise KinobenchError(f"it has no {FILE}, so `results export` did not write it")
    entry = archive.getinfo(FILE)
    _check_entry(entry, min(entry.file_size, _MOST_MANIFEST_BYTES))
    content = b"".join(_chunks(archive, FILE, entry.file_size))
    try:
        manifest = msgspec.json.decode(content, type=Manifest)
    except UNDECODABLE as error:
        raise KinobenchError(f"its {FILE} can't be read: {error}") from error
    if manifest.format != FORMAT:
        raise KinobenchError(
            f"its layout is of version {manifest.format} (this is {FORMAT}), by kinobench "
            f"{manifest.kinobench}: update kinobench"
        )
    return manifest


def _check_entries(archive: zipfile.ZipFile, manifest: Manifest, file: Path) -> None:
    """Check names, kinds and sizes, before a byte is unpacked.

    Raises:
        KinobenchError: One is not as `export` writes it.
    """
    entries = archive.infolist()
    if len(entries) > _MOST_FILES:
        raise KinobenchError(f"it has {len(entries):,} files, more than {_MOST_FILES:,}")
    refuse_twins([entry.filename for entry in entries])
    for entry in entries:
        if entry.filename == FILE:
            continue
        refuse_place(entry.filename)
        listed = manifest.files.get(entry.filename)
        if listed is None:
            raise KinobenchError(f"it has a file {entry.filename!r}, which {FILE} does not list")
        _check_entry(entry, listed.bytes)
    absent = sorted(manifest.files.keys() - {entry.filename for entry in entries})
    if absent:
        raise KinobenchError(f"{absent[0]!r}, which {FILE} lists, is not in it")
    lines = sum(each.bytes for name, each in manifest.files.items() if name.startswith("runs/"))
    if not lines:
        raise KinobenchError("it has no record")
    checks = manifest.files.get(CHECKS)
    if checks is not None and checks.bytes > LARGEST:
        raise KinobenchError(f"its checks of the gate have more than {LARGEST:,} bytes")
    if lines > _MOST_RUN_BYTES:
        raise KinobenchError(f"its records have more than {_MOST_RUN_BYTES:,} bytes")
    above = {str(parent) for name in manifest.files for parent in PurePosixPath(name).parents}
    both = sorted(above & manifest.files.keys())
    if both:
        raise KinobenchError(f"{both[0]!r} is a file and a folder in it")
    if sum(entry.compress_size for entry in entries) > file.stat().st_size:
        raise KinobenchError("its files overlap: it is larger than the archive says")


def _check_entry(entry: zipfile.ZipInfo, size: int) -> None:
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG) or entry.is_dir():
        raise KinobenchError(f"{entry.filename!r} is a link, a folder or a device, and no file")
    if entry.flag_bits & _ENCRYPTED or entry.compress_type not in _METHODS:
        raise KinobenchError(f"{entry.filename!r} is encrypted, or compressed in another way")
    if entry.file_size != size:
        raise KinobenchError(
            f"{entry.filename!r} has {entry.file_size:,} bytes, and should have {size:,}"
        )
    if grows(entry):
        raise KinobenchError(
            f"{entry.filename!r} grows from {entry.compress_size:,} to {size:,} bytes, as nothing "
            "does that `results export` writes"
        )


def _check_contents(archive: zipfile.ZipFile, manifest: Manifest) -> None:
    """Check the digest of every file, that lines are records, and that predictions are theirs.

    Raises:
        KinobenchError: One is not as it was written.
    """
    named: set[str] = set()
    for name, listed in manifest.files.items():
        digest = hashlib.sha256()
        lines = _lines_of(name)
        for chunk in _chunks(archive, name, listed.bytes):
            digest.update(chunk)
            if lines is not None:
                named |= lines.named_in(chunk)
        if digest.hexdigest() != listed.sha256:
            raise KinobenchError(f"{name!r} is not as it was written: its SHA-256 is another")
        if lines is not None:
            named |= lines.named_in(b"\n" if lines.rest else b"")
    for name in manifest.files:
        owners = {name, *map(str, PurePosixPath(name).parents)}
        if _lines_of(name) is None and not owners & named:
            raise KinobenchError(f"{name!r} belongs to no record in it")
    for name in named:
        if named & set(map(str, PurePosixPath(name).parents)):
            raise KinobenchError(f"the predictions {name!r} are inside of others")


class _Lines:
    """The lines of a run's file, which are checked as they are unpacked.

    Attributes:
        rest: What is unpacked of a line so far.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.rest = bytearray()
        self._number = 0

    def named_in(self, chunk: bytes) -> set[str]:
        """Return the predictions that the records in the next bytes of the file name.

        Raises:
            KinobenchError: A line is no record, or names predictions elsewhere.
        """
        self.rest += chunk
        if b"\n" not in chunk:
            return set()
        *lines, self.rest = self.rest.split(b"\n")
        return {named for line in lines if (named := self._named_by(bytes(line))) is not None}

    def _named_by(self, line: bytes) -> str | None:
        self._number += 1
        where = f"{self.name!r}, line {self._number}"
        try:
            record = from_json(line)
        except (*UNDECODABLE, KinobenchError) as error:
            raise KinobenchError(f"{where} is no record: {error}") from error
        if record.schema != SCHEMA:
            raise KinobenchError(f"{where} is of schema {record.schema} (this is {SCHEMA})")
        named = record.predictions
        if named is not None:
            refuse_place(named)
            if not named.startswith(PLACE):
                raise KinobenchError(f"{where} names predictions that are in no {PLACE}")
        return named


class _Checks(_Lines):
    """The lines of the file of checks, which name no predictions."""

    def _named_by(self, line: bytes) -> None:
        self._number += 1
        if not line.strip():
            return
        try:
            key_of(line)
        except (*UNDECODABLE, KinobenchError) as error:
            where = f"{self.name!r}, line {self._number}"
            raise KinobenchError(f"{where} is no check of the gate: {error}") from error


def _lines_of(name: str) -> _Lines | None:
    """Return what checks the lines of a file; None for one of predictions."""
    if name == CHECKS:
        return _Checks(name)
    return _Lines(name) if name.startswith("runs/") else None


def _chunks(archive: zipfile.ZipFile, name: str, size: int) -> Iterator[bytes]:
    """Yield the bytes of a file, of which there are just so many.

    Raises:
        KinobenchError: There are more or fewer, or they are damaged.
    """
    left = size
    try:
        with archive.open(name) as file:
            while chunk := file.read(min(_CHUNK_BYTES, left + 1)):
                left -= len(chunk)
                if left < 0:
                    break
                yield chunk
    except (zipfile.BadZipFile, EOFError, OSError, ValueError, zlib.error) as error:
        raise KinobenchError(f"{name!r} is damaged: {error}") from error
    if left:
        raise KinobenchError(f"{name!r} has not the {size:,} bytes that it should have")


def _refuse_small_disk(target: Path, manifest: Manifest) -> None:
    needed = sum(listed.bytes for listed in manifest.files.values())
    free = shutil.disk_usage(target).free
    if needed > free:
        raise KinobenchError(
            f"--to {target}: {needed:,} bytes are needed, and {free:,} are free; free some space, "
            "or give another folder"
        )


def _unpack(archive: zipfile.ZipFile, name: str, listed: Listed, folder: Path) -> None:
    """Write a file whose place and content were checked; it is checked once more on the way."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with path.open("xb") as file:
        for chunk in _chunks(archive, name, listed.bytes):
            digest.update(chunk)
            file.write(chunk)
    if digest.hexdigest() != listed.sha256:
        raise KinobenchError(f"{name!r} was changed meanwhile; import it again")
