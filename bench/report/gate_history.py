"""The checks of the speed gate that a file keeps: one line of JSON each."""

import gzip
import io
import math
import statistics
import zlib
from collections.abc import Sequence
from pathlib import Path

import msgspec

from ...datasets.errors import KinobenchError, reason_of
from ...datasets.files import read_regular
from ..records.files import UNDECODABLE
from .content import GateCheck

NAMES = ("gate_checks.jsonl", "gate_checks.jsonl.gz")
"""Files in a folder of results that a report takes by itself."""
LARGEST = 1 << 28
"""Bytes of a file's content, unpacked; more is no history of checks."""


class _Side(msgspec.Struct):
    """Samples of the two sides in one pair of processes."""

    baseline_s: list[float] = []
    candidate_s: list[float] = []


class _Check(msgspec.Struct):
    """A line; what it has besides is passed over."""

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


def gate_history(path: Path) -> tuple[GateCheck, ...]:
    """Read the checks of a file, the oldest first.

    Args:
        path: Lines of JSON with `model`, `verdict`, `began` (seconds since 1970) and `budget` (a
            share), and `slowdown` or the samples of both sides; a name with `.gz` is unpacked.

    Raises:
        KinobenchError: It can't be read; the message has the line.
    """
    try:
        content = read_regular(path)
    except OSError as error:
        raise KinobenchError(f"--gate {path}: {reason_of(error)}") from error
    if path.suffix == ".gz":
        content = _unpacked(path, content)
    checks = []
    for number, line in enumerate(content.splitlines(), 1):
        if not line.strip():
            continue
        try:
            checks.append(_check(_decoder.decode(line)))
        except UNDECODABLE as error:
            raise KinobenchError(
                f"--gate {path}, line {number}: no check of the gate: {error}; give a file of "
                "lines with model, verdict, began and budget"
            ) from error
    return tuple(sorted(checks, key=lambda check: check.began))


def _unpacked(path: Path, content: bytes) -> bytes:
    """Unpack a file, which may not grow without end."""
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
            found = file.read(LARGEST + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise KinobenchError(f"--gate {path}: the file is damaged: {error}") from error
    if len(found) > LARGEST:
        raise KinobenchError(f"--gate {path}: unpacked it has more than {LARGEST >> 20} MiB")
    return found


def _check(line: _Check) -> GateCheck:
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
