"""A folder of results as one file, which a colleague opens: records, predictions, a manifest.

The environment of each measurement is in its record. The same results give the same bytes.
"""

import hashlib
import zipfile
from collections.abc import Iterable, Iterator, Set
from pathlib import Path
from typing import NamedTuple

import msgspec

from ...datasets.errors import KinobenchError, program
from ...datasets.files import open_regular
from ...datasets.unfinished import remove_left_files
from ..evaluation.digests import kept_digests
from ..records.files import writing
from ..records.gate_verdicts import FILE as CHECKS
from .archive_names import refuse_place
from .checks import checks_in
from .contents import DERIVED, Stored, by_run, prediction_files, sha256_of, stored_in
from .manifest import FILE, FORMAT, Listed, Manifest, grows, own_version

_NOT_PASSED_ON = ("conditions.json",)
"""It names a folder of this machine, and only a run that goes on here needs it."""
_CHUNK_BYTES = 2**20
_EPOCH = (1980, 1, 1, 0, 0, 0)


class Exported(msgspec.Struct, frozen=True, kw_only=True):
    """What an archive was made of.

    Attributes:
        file: The archive.
        bytes: Its size.
        records, predictions: Number of records, and of folders of predictions.
        checks: Number of verdicts of the speed gate.
        problems: A line for each line of the results that is no record, and for predictions that
            are missing.
    """

    file: str
    bytes: int
    records: int
    predictions: int
    problems: tuple[str, ...]
    checks: int = 0


class _Member(NamedTuple):
    """A file of the archive: bytes, or a file to copy, with its digest."""

    content: bytes | Path
    listed: Listed


def export(results: Path, file: Path, *, with_predictions: bool = True) -> Exported:
    """Write the records of a folder, their predictions and checks of the gate to a zip archive.

    Args:
        results: The folder.
        file: The archive, which is written whole or not at all.
        with_predictions: False leaves out the predictions: then no row has a rank.

    Raises:
        KinobenchError: The folder has no record; predictions are not as they were written; the file
            can't be written.
    """
    stored, problems = stored_in(results)
    if not stored:
        raise KinobenchError(f"{results} has no record that can be read; nothing is exported")
    members = dict(_runs(stored))
    checks, left_out = checks_in(results)
    problems += left_out
    if checks:
        members[CHECKS] = _lines(checks)
    named = dict.fromkeys(each.predictions for each in stored if each.predictions is not None)
    count = 0
    for name in named if with_predictions else ():
        found = dict(_predictions(results, name))
        if not found:
            problems.append(f"{results / name}, predictions of a record, is not there; left out")
        members |= found
        count += bool(found)
    for name in members:
        refuse_place(name)
    manifest = Manifest(
        format=FORMAT,
        kinobench=own_version(),
        records=len(stored),
        predictions=count,
        files={name: member.listed for name, member in sorted(members.items())},
    )
    remove_left_files(file.resolve())
    with writing(file, option="FILE") as unfinished:
        grown = _write(unfinished, manifest, members)
        if grown:
            _write(unfinished, manifest, members, grown)
    return Exported(
        file=str(file),
        bytes=file.stat().st_size,
        records=len(stored),
        predictions=count,
        problems=tuple(problems),
        checks=len(checks),
    )


def _runs(stored: list[Stored]) -> Iterator[tuple[str, _Member]]:
    """Yield the files of the runs: the lines that are records, as they are stored."""
    for run, records in by_run(stored):
        yield f"runs/{run}", _lines([each.line for each in records])


def _lines(lines: Iterable[bytes]) -> _Member:
    content = b"".join(line + b"\n" for line in lines)
    digest = hashlib.sha256(content).hexdigest()
    return _Member(content, Listed(sha256=digest, bytes=len(content)))


def _predictions(results: Path, named: str) -> Iterator[tuple[str, _Member]]:
    """Yield the files of a record's predictions.

    Raises:
        KinobenchError: One is not as its digest says, or can't be read.
    """
    files = prediction_files(results, named)
    kept = kept_digests(results / named) if "digests.json" in files else None
    for name, path in files.items():
        if name in _NOT_PASSED_ON:
            continue
        digest = sha256_of(path)
        is_shard = name.endswith(".parquet") and name != DERIVED
        if kept is not None and is_shard and kept.get(name) != digest:
            raise KinobenchError(
                f"{path} is not as it was written; measure the case again "
                f"(`{program()} results validate {results}` lists all that is damaged), or export "
                "the records alone: --no-predictions"
            )
        place = f"{named}/{name}" if name else named
        yield place, _Member(path, Listed(sha256=digest, bytes=path.stat().st_size))


def _write(
    path: Path, manifest: Manifest, members: dict[str, _Member], plain: Set[str] = frozenset()
) -> set[str]:
    """Write the archive; shards are compressed already, and so are not compressed again.

    Args:
        path: The archive.
        manifest: Its list of files.
        members: Its files by their names.
        plain: Names of lines that are not to be compressed.

    Returns:
        Names of lines that shrank so much that an import would take them for a bomb.
    """
    grown: set[str] = set()
    with zipfile.ZipFile(path, "w") as archive:
        listed = msgspec.json.format(msgspec.json.encode(manifest)) + b"\n"
        archive.writestr(_entry(FILE, zipfile.ZIP_DEFLATED), listed)
        for name, member in sorted(members.items()):
            if isinstance(member.content, bytes):
                compression = zipfile.ZIP_STORED if name in plain else zipfile.ZIP_DEFLATED
                archive.writestr(_entry(name, compression), member.content)
                if grows(archive.getinfo(name)):
                    grown.add(name)
                continue
            entry = _entry(name, zipfile.ZIP_STORED)
            entry.file_size = member.listed.bytes
            digest = hashlib.sha256()
            with open_regular(member.content) as file, archive.open(entry, "w") as to:
                while chunk := file.read(_CHUNK_BYTES):
                    digest.update(chunk)
                    to.write(chunk)
            if digest.hexdigest() != member.listed.sha256:
                raise KinobenchError(f"{member.content} was changed meanwhile; export again")
    return grown


def _entry(name: str, compression: int) -> zipfile.ZipInfo:
    """Return an entry that says nothing of this machine, nor of the time."""
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.compress_type = compression
    entry.create_system = 3  # Unix, so that the mode below counts
    entry.external_attr = 0o100644 << 16
    return entry
