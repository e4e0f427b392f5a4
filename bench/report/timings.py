"""The samples of a record for its pictures: latency by process, batch sweep, probes."""

import statistics
from collections.abc import Sequence
from itertools import accumulate, chain

from ..leaderboard.leaderboard import Board, Row
from ..records.latency import Latency
from ..records.record import Record
from ..records.times import Sweep
from .content import Probed, Swept, SweptBatch, TimedProcess, Timing

KEPT = 60
"""Samples of a process that are kept: enough for the picture of a distribution."""
_DIGITS = 6
"""Significant digits of a sample in a picture; the clock itself has no more."""


def timing_of(latency: Latency) -> Timing:
    """Return the samples of a latency by process; by block if it has one process."""
    blocks = latency.samples_s
    ends = list(accumulate(latency.blocks_of_processes or (len(blocks),)))
    parts = [blocks[begin:end] for begin, end in zip([0, *ends], ends, strict=False)]
    if len(parts) == 1:
        parts = [(block,) for block in blocks]
    return Timing(
        median_s=latency.median_s,
        ends_s=latency.interval_s,
        processes=tuple(_process(part) for part in parts if any(part)),
        discarded=sum(len(block) for block in latency.discarded_s),
    )


def _process(blocks: Sequence[Sequence[float]]) -> TimedProcess:
    samples = sorted(chain.from_iterable(blocks))
    return TimedProcess(
        samples_s=tuple(float(f"{each:.{_DIGITS}g}") for each in thinned(samples)),
        median_s=statistics.median(statistics.median(block) for block in blocks if block),
        count=len(samples),
        blocks=len(blocks),
    )


def thinned(ordered: Sequence[float], kept: int = KEPT) -> Sequence[float]:
    """Return evenly spaced ones of ordered samples, the first and the last among them."""
    last = len(ordered) - 1
    if last < kept:
        return ordered
    return [ordered[round(number * last / (kept - 1))] for number in range(kept)]


def swept(sweep: Sweep) -> Swept:
    """Return the batches of a sweep."""
    return Swept(
        points=tuple(
            SweptBatch(
                batch=point.batch,
                per_s=point.throughput_per_s,
                per_s_ends=point.latency.throughput_interval(point.batch),
                latency_s=point.latency.reached_s,
                latency_ends_s=point.latency.interval_s,
                memory_bytes=point.memory.peak_bytes,
            )
            for point in sweep.points
        ),
        knee=sweep.knee,
        end=sweep.end_text,
    )


def probes_of(board: Board, row: Row) -> tuple[Probed, ...]:
    """Return the score of a row without a probe and under each that its network was scored under.

    The rows differ in nothing but the probe. It is empty for a row under a probe itself.
    """
    if row.record.case.probe is not None or _probed(row.record, "plain") is None:
        return ()
    same = under_probes(board, row)
    found = [_probed(row.record, "plain"), *(_probed(each, each.case.probe or "") for each in same)]
    return tuple(each for each in found if each is not None) if same else ()


def under_probes(board: Board, row: Row) -> list[Record]:
    """Return the records that differ from a row's in nothing but the probe."""
    return [
        other.record
        for other in board.rows
        if other.record.case.probe is not None and _without_probe(other) == _without_probe(row)
    ]


def _without_probe(row: Row) -> tuple[str | None, ...]:
    """Return what decides which network was scored, and in what arithmetic."""
    case = row.record.case
    return (case.model, case.weights, case.precision, case.mode, case.flow, case.decoder)


def _probed(record: Record, probe: str) -> Probed | None:
    accuracy = record.accuracy
    if accuracy is None or accuracy.score is None:
        return None
    return Probed(probe=probe, score=accuracy.score, ends=accuracy.score_interval)
