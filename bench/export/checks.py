"""Checks of the speed gate are added to another folder of results, each once."""

from contextlib import suppress
from pathlib import Path

import msgspec

from ...datasets.errors import KinobenchError
from ..records.appending import append_lines
from ..records.files import UNDECODABLE
from ..records.gate_verdicts import FILE, files_in, from_json, is_verdict, lines_of
from ..records.inside import inside
from .copying import unwritable


def add_checks(source: Path, target: Path) -> tuple[int, list[str]]:
    """Add the checks of a folder that another one doesn't have, in one write.

    Lines that `check` did not store are added as they are.

    Returns:
        The number of lines that were added, and a text for each one that is left out.

    Raises:
        KinobenchError: The file of a folder can't be read, or the target can't be written.
    """
    there: set[object] = set()
    for path in files_in([target]):
        for line in lines_of(path):
            with suppress(*UNDECODABLE, KinobenchError):  # half a line is no check
                there.add(key_of(line.content))
    added, problems = _checks(source, there)
    if added:
        path = inside(target, FILE)
        try:
            append_lines(path, b"".join(line + b"\n" for line in added))
        except OSError as error:
            raise unwritable(path, error) from error
    return len(added), problems


def checks_in(source: Path) -> tuple[list[bytes], list[str]]:
    """Return the checks of a folder as they are stored, and a text for each that is left out.

    Raises:
        KinobenchError: A file can't be read.
    """
    return _checks(source, set())


def _checks(source: Path, there: set[object]) -> tuple[list[bytes], list[str]]:
    """Return the lines of a folder whose keys are not there yet, and add their keys."""
    found, problems = [], []
    for path in files_in([source]):
        for line in lines_of(path):
            try:
                key = key_of(line.content)
            except (*UNDECODABLE, KinobenchError) as error:
                where = f"{path}, line {line.number}"
                problems.append(f"{where}: left out, no check of the gate: {error}")
                continue
            if key not in there:
                there.add(key)
                found.append(line.content)
    return found, problems


def key_of(line: bytes) -> object:
    """Return what only the copies of a line share.

    Raises:
        KinobenchError: It is of another schema.
        msgspec.DecodeError: It is no JSON, or half a verdict.
    """
    if not is_verdict(line):
        msgspec.json.decode(line)
        return line
    found = from_json(line)
    return found.check, found.case.digest
