"""Checks of the speed gate: those that `check` stored, and reports of `check --json`."""

import gzip
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from ...datasets.errors import KinobenchError, program, reason_of
from ...datasets.visible import one_line
from ..gate.batch import clocks_of, servers_of
from ..gate.looks import Estimate, estimate
from ..gate.page import Report
from ..gate.stored import StoredCheck
from ..gate.turns import Pair
from ..gate.verdict import Checked
from ..records.case import Case
from ..records.case_names import names_of
from ..records.files import UNDECODABLE
from ..records.gate_verdicts import GateVerdict, files_in, from_json, lines_of

MISSING = (
    f"`{program()} check` stores its verdicts in --results; or name reports of checks: {program()} "
    "check --json >> checks.json keeps each, and --checks checks.json draws them"
)


class Check(NamedTuple):
    """A check of one network.

    Attributes:
        name: The network.
        when: Time at which the check began, in seconds since 1970; None if it is unknown.
        verdict: `pass`, `fail` or `inconclusive`.
        slowdown, low, high: The slowdown and its interval, in percent.
        budget: The slowdown that is allowed, in percent.
    """

    name: str
    when: float | None
    verdict: str
    slowdown: float
    low: float | None
    high: float | None
    budget: float


class _Row(msgspec.Struct, frozen=True, kw_only=True):
    """A check with its pairs of processes, as tests/benchmarks/gate_experiment.py keeps them."""

    kind: str
    model: str
    budget: float
    began: float
    verdict: str
    first: tuple[Pair, ...]
    second: tuple[Pair, ...]


def read_checks(paths: Sequence[Path]) -> list[Check]:
    """Read checks, the oldest first: verdicts that `check` stored, or reports of `check --json`.

    They come one after the other in a file, which may be compressed (.gz). Checks without a
    slowdown, such as those of a new network, are left out.

    Raises:
        KinobenchError: A file can't be read, has something else, or there is no check.
    """
    return _sorted(_named(each for path in paths for each in _in_file(path)))


def stored_checks(folders: Sequence[Path], on_problem: Callable[[str], None]) -> list[Check]:
    """Read the checks that folders of results have, the oldest first.

    Args:
        folders: The folders. A check that is in two of them counts once.
        on_problem: Called with a text for each line that is left out.

    Raises:
        KinobenchError: A file can't be read, or there is no check with a slowdown.
    """
    found: list[_Found] = []
    for path in files_in(folders):
        for line in lines_of(path):
            try:
                found += _of_plain(json.loads(line.content), line.content)
            except (*UNDECODABLE, ValueError, KinobenchError) as error:
                on_problem(
                    f"{path}, line {line.number}: left out, no check of the speed gate: {error}"
                )
    return _sorted(_named({_key(each): each for each in found}.values()))


_Found = Check | GateVerdict


def _key(found: _Found) -> object:
    """Return what is the same for the copies of a check in two folders."""
    return found if isinstance(found, Check) else (found.check, found.case.digest)


def _sorted(found: list[Check]) -> list[Check]:
    if not found:
        raise KinobenchError(f"nothing to plot: {MISSING}")
    return sorted(found, key=lambda check: check.when or 0.0)


def _named(found: Iterable[_Found]) -> list[Check]:
    """Name the verdicts so that no two cases have one name; those without a slowdown are left out.

    In a report they are named already.
    """
    every = list(found)
    cases: dict[str, Case] = {
        each.case.digest: each.case for each in every if isinstance(each, GateVerdict)
    }
    names = dict(zip(cases, names_of(list(cases.values())), strict=True))
    checks = []
    for each in every:
        if isinstance(each, Check):
            checks.append(each)
        elif each.wall is not None:
            checks.append(_of_verdict(each, names[each.case.digest]))
    return checks


def _of_verdict(found: GateVerdict, name: str) -> Check:
    wall = found.wall
    assert wall is not None
    low, high = (None if end is None else 100 * end for end in (wall.low, wall.high))
    named = one_line(f"{name}, {found.kind}" if found.kind else name)
    return Check(
        named, found.began, found.verdict, 100 * wall.estimate, low, high, 100 * found.budget
    )


def _in_file(path: Path) -> Iterator[_Found]:
    try:
        content = path.read_bytes()
        text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
    except (OSError, EOFError, UnicodeDecodeError) as error:
        reason = reason_of(error) if isinstance(error, OSError) else "it is no text"
        raise KinobenchError(f"--checks {path}: {reason}") from error
    decoder = json.JSONDecoder()
    place = 0
    while place < len(text):
        if text[place].isspace():
            place += 1
            continue
        begin = place
        try:
            plain, place = decoder.raw_decode(text, place)
        except (ValueError, RecursionError) as error:
            line = text.count("\n", 0, place) + 1
            raise KinobenchError(
                f"--checks {path}: no JSON from line {line} on: {error}; {MISSING}"
            ) from error
        try:
            yield from _of_plain(plain, text[begin:place].encode())
        except (*UNDECODABLE, KinobenchError) as error:
            raise KinobenchError(
                f"--checks {path}: no report of a check: {error}; {MISSING}"
            ) from error


def _of_plain(plain: Any, written: bytes) -> Iterator[_Found]:
    """Yield the checks of a JSON object, which is also given as it is written.

    Raises:
        KinobenchError: It is of another schema.
        msgspec.DecodeError: It is no check, and no report of one.
    """
    if isinstance(plain, dict) and "check" in plain:
        yield from_json(written)
    elif isinstance(plain, dict) and "kind" in plain:
        yield from _of_row(msgspec.convert(plain, _Row))
    else:
        yield from _of_report(msgspec.convert(plain, Report))


def _of_row(row: _Row) -> Iterator[Check]:
    pairs = [*row.first, *row.second]
    if len(pairs) < 2:
        return
    wall, _ = clocks_of(pairs)
    seen = estimate(wall, 0.025, 0.025, servers_of(pairs))
    name = one_line(f"{row.model}, {row.kind}")
    numbers = (100 * seen.slowdown, 100 * seen.low, 100 * seen.high, 100 * row.budget)
    yield Check(name, row.began, row.verdict, *numbers)


def _of_report(report: Report) -> Iterator[Check]:
    when = None
    if report.started is not None:
        when = datetime.strptime(report.started, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    began = None if when is None else when.timestamp()
    every: list[tuple[Checked | StoredCheck, Estimate | StoredCheck | None]] = [
        *((each, None if each.shown is None else each.shown.wall) for each in report.checked),
        *((each, each) for each in report.stored),
    ]
    names = [one_line(name) for name in names_of([each.case for each, _ in every])]
    for name, (checked, seen) in zip(names, every, strict=True):
        if seen is None or seen.slowdown is None:
            continue
        low, high = (None if end is None else 100 * end for end in (seen.low, seen.high))
        yield Check(
            name, began, checked.verdict, 100 * seen.slowdown, low, high, 100 * report.budget
        )
