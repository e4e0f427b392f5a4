"""The history of checks of the speed gate, from files of folders of results or from any other."""

import math
import statistics
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import msgspec

from ...datasets.errors import KinobenchError
from ..records.case_names import names_of
from ..records.files import UNDECODABLE
from ..records.gate_verdicts import (
    GateVerdict,
    StoredLine,
    files_in,
    from_json,
    is_verdict,
    lines_of,
)
from .content import GateCheck


class _Side(msgspec.Struct):
    """Samples of the two sides in one pair of processes."""

    baseline_s: list[float] = []
    candidate_s: list[float] = []


class _Check(msgspec.Struct):
    """A line that `check` did not store; what it has besides is passed over."""

    model: str
    verdict: str
    began: float
    budget: float
    kind: str = ""
    seconds: float | None = None
    slowdown: float | None = None
    first: list[_Side] = []
    second: list[_Side] = []


_decoder = msgspec.json.Decoder(_Check)
_Read = _Check | GateVerdict


def gate_history(path: Path) -> tuple[GateCheck, ...]:
    """Read the checks of a file, the oldest first.

    Args:
        path: Lines of JSON as `check` stores them, or with `model`, `verdict`, `began` (seconds
            since 1970) and `budget` (a share), and `slowdown` or the samples of both sides; a name
            with `.gz` is unpacked.

    Raises:
        KinobenchError: It can't be read; the message has the line.
    """
    found = []
    for line in lines_of(path, "--gate"):
        try:
            found.append(_read(line))
        except (*UNDECODABLE, KinobenchError) as error:
            raise KinobenchError(
                f"--gate {path}, line {line.number}: no check of the gate: {error}; give a file "
                "that `check` stored, or lines with model, verdict, began and budget"
            ) from error
    return _history(found)


def stored_history(
    folders: Sequence[Path], on_problem: Callable[[str], None]
) -> tuple[GateCheck, ...]:
    """Read the checks of folders of results, the oldest first; a check in two of them counts once.

    Args:
        folders: The folders; one may have no checks.
        on_problem: Called with a text for each line, or file, that is left out.
    """
    found: list[_Read] = []
    for path in files_in(folders):
        try:
            lines = list(lines_of(path))
        except KinobenchError as error:
            on_problem(f"left out: {error}")
            continue
        for line in lines:
            try:
                found.append(_read(line))
            except (*UNDECODABLE, KinobenchError) as error:
                on_problem(f"{path}, line {line.number}: left out, no check of the gate: {error}")
    return _history(found)


def _read(line: StoredLine) -> _Read:
    if is_verdict(line.content):
        return from_json(line.content)
    return _decoder.decode(line.content)


def _history(found: Iterable[_Read]) -> tuple[GateCheck, ...]:
    every = list(found)
    cases = {each.case.digest: each.case for each in every if isinstance(each, GateVerdict)}
    names = dict(zip(cases, names_of(list(cases.values())), strict=True))
    checks = [
        _of_verdict(each, names[each.case.digest])
        if isinstance(each, GateVerdict)
        else _of_line(each)
        for each in every
    ]
    return tuple(sorted(dict.fromkeys(checks), key=lambda check: check.began))


def _of_verdict(found: GateVerdict, name: str) -> GateCheck:
    wall, here = found.wall, found.environment
    ends = None
    if wall is not None and wall.low is not None and wall.high is not None:
        ends = (wall.low, wall.high)
    return GateCheck(
        began=found.began,
        model=name,
        kind=found.kind,
        verdict=found.verdict,
        budget=found.budget,
        slowdown=None if wall is None else wall.estimate,
        ends=ends,
        seconds=found.seconds,
        baseline=found.baseline,
        candidate=found.candidate,
        machine="" if here is None else here.name_of(found.case.device),
        reason="; ".join([*([found.reason] if found.reason else []), *found.differences]),
    )


def _of_line(line: _Check) -> GateCheck:
    slowdown = line.slowdown
    if slowdown is None:
        slowdown = _slowdown([*line.first, *line.second])
    return GateCheck(
        began=line.began,
        model=line.model,
        kind=line.kind,
        verdict=line.verdict,
        budget=line.budget,
        slowdown=slowdown,
        seconds=line.seconds,
    )


def _slowdown(sides: Sequence[_Side]) -> float | None:
    """Return the geometric mean over the pairs of the ratio of their medians, minus 1."""
    pairs = [
        (statistics.median(each.candidate_s), statistics.median(each.baseline_s))
        for each in sides
        if each.candidate_s and each.baseline_s
    ]
    logs = [math.log(one / other) for one, other in pairs if one > 0 and other > 0]
    return math.expm1(statistics.fmean(logs)) if logs else None
