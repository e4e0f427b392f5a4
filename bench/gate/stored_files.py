"""Files of stored times: kinobench's records, or pytest-benchmark's JSON."""

from collections.abc import Sequence
from pathlib import Path

from ...datasets.errors import KinobenchError, program, reason_of
from ...datasets.files import read_regular
from ..records.files import UNDECODABLE, write_text
from ..records.record import Record, from_json
from . import benchmark_json
from .stored import Stored, of_record


def is_stored(against: str | None) -> bool:
    """Return whether `--against` names a file of times, by the ending of its name."""
    return against is not None and against.endswith((".json", ".jsonl"))


def read_stored(path: Path) -> list[Stored]:
    """Read the times of records (.jsonl), or of networks in pytest-benchmark's JSON (.json).

    If a case has several times, the last one counts.

    Raises:
        KinobenchError: The file can't be read, or has no time of a network.
    """
    content = _content(path)
    try:
        if path.suffix == ".jsonl":
            lines = [from_json(line) for line in content.splitlines() if line.strip()]
            found = [stored for record in lines if (stored := of_record(record)) is not None]
        else:
            found = benchmark_json.read(content)
    except UNDECODABLE as error:
        raise _neither(path, error) from error
    if not found:
        raise KinobenchError(
            f"--against {path}: it has no time of a network; `{program()} run` writes records, "
            "`pytest --benchmark-json` writes the times of tests with the fixture "
            "`model_benchmark`, and `check --against FILE.json --update` adds times"
        )
    return list({stored.case.digest: stored for stored in found}.values())


def read_to_update(path: Path) -> list[Stored]:
    """Read the times of a file that will be updated; none if it doesn't exist yet.

    Raises:
        KinobenchError: The file can't be updated.
    """
    if path.suffix != ".json":
        raise KinobenchError(
            f"--update: {path} has records, which only `{program()} run` writes; name a .json file"
        )
    if not path.exists():
        return []
    try:
        found = benchmark_json.read(_content(path))
    except UNDECODABLE as error:
        raise _neither(path, error) from error
    return list({stored.case.digest: stored for stored in found}.values())


def write_times(path: Path, records: Sequence[Record]) -> None:
    """Write the times of records into a file in pytest-benchmark's format: all of them or none.

    They replace the times of the same cases. Everything else in the file stays.

    Raises:
        KinobenchError: The file can't be written, or has another format.
    """
    before = _content(path) if path.exists() else None
    try:
        after = benchmark_json.updated(before, records)
    except UNDECODABLE as error:
        raise _neither(path, error) from error
    write_text(path, after.decode())


def _content(path: Path) -> bytes:
    try:
        return read_regular(path)
    except FileNotFoundError as error:
        cure = "; --update creates it" if path.suffix == ".json" else ""
        raise KinobenchError(f"--against {path}: {reason_of(error)}{cure}") from error
    except OSError as error:
        raise KinobenchError(f"--against {path}: {reason_of(error)}") from error


def _neither(path: Path, error: Exception) -> KinobenchError:
    return KinobenchError(
        f"--against {path}: neither kinobench's records nor pytest-benchmark's JSON: {error}"
    )
