"""Files of times that a check is made against: kinobench's records, or pytest-benchmark's JSON."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from ...datasets.errors import KinobenchError, program
from ..records.files import write_text
from ..records.record import Record, from_json
from . import benchmark_json
from .stored import Stored, of_record


def is_stored(against: str | None) -> bool:
    """Tell whether `--against` names a file of times, by how its name ends."""
    return against is not None and against.endswith((".json", ".jsonl"))


def read_stored(path: Path) -> list[Stored]:
    """Read records (.jsonl), or JSON of pytest-benchmark (.json) that tells of networks.

    Of several times of a case the last counts.

    Raises:
        KinobenchError: It can't be read, or has no time of a network.
    """
    content = _content(path)
    try:
        if path.suffix == ".jsonl":
            lines = [from_json(line) for line in content.splitlines() if line.strip()]
            found = [stored for record in lines if (stored := of_record(record)) is not None]
        else:
            found = benchmark_json.read(content)
    except msgspec.DecodeError as error:
        raise _neither(path, error) from error
    if not found:
        raise KinobenchError(
            f"--against {path}: no time of a network in it; `{program()} run` writes records, "
            "and `pytest --benchmark-json` what tests with the fixture `model_benchmark` timed; "
            "`check --against FILE.json --update` adds some"
        )
    return list({stored.case.digest: stored for stored in found}.values())


def read_to_update(path: Path) -> list[Stored]:
    """Read what a file has that is to be updated; nothing where there is none yet.

    Raises:
        KinobenchError: It is no file that can be updated.
    """
    if path.suffix != ".json":
        raise KinobenchError(
            f"--update: {path} has records, which `{program()} run` adds to; name a .json file"
        )
    if not path.exists():
        return []
    try:
        found = benchmark_json.read(_content(path))
    except msgspec.DecodeError as error:
        raise _neither(path, error) from error
    return list({stored.case.digest: stored for stored in found}.values())


def write_times(path: Path, records: Sequence[Record]) -> None:
    """Write the times of records into a file of pytest-benchmark's form: wholly or not at all.

    Those of the same cases are replaced, and all else in the file stays.

    Raises:
        KinobenchError: The file can't be written, or is of another form.
    """
    before = _content(path) if path.exists() else None
    try:
        after = benchmark_json.updated(before, records)
    except msgspec.DecodeError as error:
        raise _neither(path, error) from error
    write_text(path, after.decode())


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        cure = "; --update makes it" if path.suffix == ".json" else ""
        raise KinobenchError(f"--against {path}: {error.strerror}{cure}") from error
    except OSError as error:
        raise KinobenchError(f"--against {path}: {error.strerror or error}") from error


def _neither(path: Path, error: Exception) -> KinobenchError:
    return KinobenchError(
        f"--against {path}: neither records of kinobench nor JSON of pytest-benchmark: {error}"
    )
