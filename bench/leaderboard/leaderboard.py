"""Records -> tables whose rows may be compared: one dataset, protocol and machine each."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import msgspec

from ...datasets.errors import UnknownNameError
from ...datasets.protocol import Aggregation
from ..records.record import Environment, Record


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a leaderboard, in base units (seconds, bytes, fractions); None: not measured.

    Attributes:
        eval_batch: Views in one forward while accuracy was measured.
        uncounted: Operators that nothing could count, each with how often it ran; where there are
            any, `macs` and `flops` are lower bounds.
        notes: What was asked for and not measured, or measured with a reservation.
        later_failure: Why a newer record of the same case, which this row outlives, failed.
        latency_s: Of a forward, without the optical flow; on a GPU the device's time.
        wall_median_s, wall_low_s, wall_high_s: Of a forward on a GPU by the host's clock, waiting
            for the result.
        launch_bound: Whether that is over 1.1 times the device's time.
        reached_s: What a user can reach: `latency_s`, or where it is launch bound `wall_median_s`.
        throughput_per_s: Clips (in mode `stream`: frames) a second, at `reached_s`.
        video_s: Of the forwards of all views of a video, at `reached_s`.
        joules_per_video: Of the same.
        drift, flips, drift_clips: The largest logit difference from eager fp32, and how many of
            how many clips have another first class; None for eager fp32 itself. Those of the sweep
            where there is no latency.
        logit_spread: Standard deviation of eager fp32's logits over the classes.
        cold_l2: Whether the L2 cache was emptied before each sample.
        probe: What was done to the clips that accuracy was measured on.
        mfu: The share of the machine's peak that the forward's FLOPs reach at `latency_s`.
        limit: What bounds the operators one after the other by the roofline, `compute` or `memory`.
        knee, knee_throughput_per_s: The smallest batch of the sweep that reaches 95 % of its best
            throughput, and what it reaches.
        decoder: What decodes the videos that accuracy is measured on.
        flow, flow_s: How the optical flow is computed, and the time of it for a batch's clips.
        predictions: Where its per-view logits lie, in the folder of results.
        rank: 1 and the number of rows that are significantly better; see ranking.py.
        unranked: Why a trained network that was scored has no rank.
        started, since: When the record was begun; when the oldest was that a part comes from.
        commit, torch, python: What measured it.
    """

    model: str
    weights: str
    precision: str
    mode: str
    batch: int
    threads: int | None
    classes: int
    eval_batch: int
    decoder: str
    params: int | None
    macs: int | None
    flops: int | None
    uncounted: tuple[str, ...]
    latency_s: float | None
    latency_low_s: float | None
    latency_high_s: float | None
    wall_median_s: float | None = None
    wall_low_s: float | None = None
    wall_high_s: float | None = None
    launch_bound: bool | None = None
    reached_s: float | None
    flow: str | None
    flow_s: float | None
    converged: bool | None
    weights_bytes: int | None
    peak_activation_bytes: int | None
    peak_process_bytes: int | None
    joules_per_clip: float | None
    throughput_per_s: float | None = None
    video_s: float | None = None
    joules_per_video: float | None = None
    drift: float | None = None
    logit_spread: float | None = None
    flips: int | None = None
    drift_clips: int | None = None
    cold_l2: bool = False
    probe: str | None = None
    mfu: float | None = None
    limit: str | None = None
    knee: int | None = None
    knee_throughput_per_s: float | None = None
    top1: float | None
    top1_low: float | None
    top1_high: float | None
    top5: float | None
    top5_low: float | None
    top5_high: float | None
    scored: int | None
    expected: int | None
    top1_of_expected: float | None = None
    top5_of_expected: float | None = None
    predictions: str | None
    rank: int | None = None
    unranked: str | None = None
    error: str | None
    later_failure: str | None
    notes: tuple[str, ...]
    run: str
    started: str
    since: str
    commit: str | None
    torch: str | None
    python: str | None

    @property
    def total_s(self) -> float | None:
        """What a user can reach with the optical flow that comes before the forward."""
        if self.reached_s is None or (self.flow is not None and self.flow_s is None):
            return None
        return self.reached_s + (self.flow_s or 0.0)

    @property
    def peak_bytes(self) -> int | None:
        """Weights and the peak of a forward on top of them: what the network itself needs."""
        if self.weights_bytes is None or self.peak_activation_bytes is None:
            return None
        return self.weights_bytes + self.peak_activation_bytes


class Board(msgspec.Struct, frozen=True, kw_only=True):
    """Rows under one dataset, protocol, device and machine.

    Attributes:
        aggregation: How the protocol averages views.
        comparisons: Pairs of rows that were compared for their ranks.
    """

    dataset: str | None
    split: str | None
    manifest: str | None
    protocol: str
    protocol_digest: str
    views: int
    aggregation: Aggregation
    device: str
    environment: Environment
    comparisons: int = 0
    rows: tuple[Row, ...]

    @property
    def title(self) -> str:
        """What the rows have in common, in words; views decide nothing but accuracy."""
        on = f"{self.dataset} {self.split}" if self.dataset else "no dataset"
        machine = self.environment.gpu if self.device == "cuda" else self.environment.cpu
        cores = "" if self.device == "cuda" else f" ({self.environment.physical_cores} cores)"
        views = ""
        if any(row.scored is not None for row in self.rows):
            views = ", 1 view" if self.views == 1 else f", {self.views} views"
        return f"{on}, {self.protocol}{views}, {self.device}: {machine}{cores}"


class _Standing(NamedTuple):
    """What stands for a case: a record, whole or completed, and what came of it before and after.

    `since` is when the oldest record was begun that a part of it comes from.
    """

    record: Record
    since: str
    later_failure: str | None = None


def boards(records: Iterable[Record]) -> list[Board]:
    """Group records into boards; of each case the newest record that did not fail stands.

    A part that it was not asked for (a run with `--measure latency`) comes from the newest older
    record of the same case, machine and code that has it and did not fail. A failed record stands
    only where no other does; a row that outlives a later failure tells of it.
    """
    groups: dict[tuple[Any, ...], dict[str, _Standing]] = {}
    for record in sorted(records, key=lambda r: r.started):
        case = record.case
        key = (
            case.dataset,
            case.split,
            case.protocol.digest,
            case.device,
            record.environment.fingerprint,
        )
        rows = groups.setdefault(key, {})
        before = rows.pop(case.digest, None)  # the newest goes last
        rows[case.digest] = _standing(before, record)
    found = []
    for rows in groups.values():
        for manifest, members in _by_manifest(list(rows.values())).items():
            newest = members[-1].record
            found.append(
                Board(
                    dataset=newest.case.dataset,
                    split=newest.case.split,
                    manifest=manifest,
                    protocol=newest.case.protocol.name,
                    protocol_digest=newest.case.protocol.digest,
                    views=newest.case.protocol.views,
                    aggregation=newest.case.protocol.aggregation,
                    device=newest.case.device,
                    environment=newest.environment,
                    rows=tuple(_row(member) for member in members),
                )
            )
    return found


def _standing(before: _Standing | None, newer: Record) -> _Standing:
    """Return what stands for a case once a newer record of it is there."""
    if before is None or before.record.error is not None:
        return _Standing(newer, newer.started)
    if newer.error is not None:
        return before._replace(later_failure=f"{newer.error.kind}: {newer.error.message}")
    older = before.record
    missing = [
        part for part in _PARTS if getattr(newer, part) is None and getattr(older, part) is not None
    ]
    if not missing or not _same_network(newer, older):
        return _Standing(newer, newer.started)
    kept = {field: getattr(older, field) for part in missing for field in _PARTS[part]}
    kept_notes = (note for note in older.notes if _part_of(note, older) in missing)
    notes = tuple(dict.fromkeys((*newer.notes, *kept_notes)))
    return _Standing(msgspec.structs.replace(newer, notes=notes, **kept), before.since)


_PARTS = {
    "cost": ("cost",),
    "latency": ("latency", "peak", "roofline"),  # the last two hold against the first
    "flow_time": ("flow_time",),
    "memory": ("memory",),
    "energy": ("energy",),
    "accuracy": ("accuracy",),
    "sweep": ("sweep",),
}
"""What completes a record as one, and the fields that hold it."""


def _same_network(newer: Record, older: Record) -> bool:
    """Tell whether two records of a case are sure to be of the same network and the same code."""
    commit = newer.environment.kinobench_commit
    return (
        newer.params is not None
        and newer.params == older.params
        and newer.weights_digest == older.weights_digest
        and newer.environment.versions == older.environment.versions
        and commit == older.environment.kinobench_commit
        and not (commit or "").endswith("+")  # files differ from it, nobody knows how
    )


def _part_of(note: str, record: Record) -> str:
    """Return the part of a record that a note is about: `memory: ...`, `ucf101: ...`."""
    about = note.partition(":")[0]
    parts = {
        "flops": "cost",
        "peak": "latency",
        "roofline": "latency",
        record.case.dataset: "accuracy",
    }
    return parts.get(about, about)


def _by_manifest(standing: Sequence[_Standing]) -> dict[str | None, list[_Standing]]:
    """Part records that were scored on different videos; those without a score join the newest."""
    manifests = [s.record.accuracy.manifest if s.record.accuracy else None for s in standing]
    newest = next((manifest for manifest in reversed(manifests) if manifest), None)
    parted: dict[str | None, list[_Standing]] = {}
    for member, manifest in zip(standing, manifests, strict=True):
        parted.setdefault(manifest or newest, []).append(member)
    return parted


_TOLD_ELSEWHERE = (
    "latency: not converged",
    "latency: the L2 cache is cold",
    "cost: not counted",
    "sweep: The sweep ended",
)
"""Notes that a mark in a cell, a setting or the sweep's own table tells already."""


def _row(standing: _Standing) -> Row:
    record = standing.record
    versions = record.environment.versions
    uncounted = record.cost.uncounted if record.cost else {}
    case, latency, accuracy = record.case, record.latency, record.accuracy
    low, high = (latency.interval_s if latency else None) or (None, None)
    wall_low, wall_high = (latency.wall_interval_s if latency else None) or (None, None)
    with_drift = latency or record.sweep
    drift = with_drift.drift if with_drift else None
    knee = (
        next((p for p in record.sweep.points if p.batch == record.sweep.knee), None)
        if (record.sweep)
        else None
    )
    top1_low, top1_high = (accuracy.interval_top1 if accuracy else None) or (None, None)
    top5_low, top5_high = (accuracy.interval_top5 if accuracy else None) or (None, None)
    return Row(
        model=case.model,
        weights=case.weights or "untrained",
        precision=case.precision,
        mode=case.mode,
        batch=case.batch,
        threads=case.threads,
        classes=case.classes,
        eval_batch=case.eval_batch,
        decoder=case.decoder,
        probe=case.probe,
        params=record.params,
        macs=record.cost.macs if record.cost else None,
        flops=record.cost.flops if record.cost else None,
        uncounted=tuple(f"{name} ({count})" for name, count in uncounted.items()),
        latency_s=latency.median_s if latency else None,
        latency_low_s=low,
        latency_high_s=high,
        wall_median_s=latency.wall_median_s if latency else None,
        wall_low_s=wall_low,
        wall_high_s=wall_high,
        launch_bound=latency.launch_bound if latency else None,
        reached_s=latency.reached_s if latency else None,
        flow=case.flow if latency or accuracy else None,
        flow_s=record.flow_time.median_s * case.batch if record.flow_time else None,
        converged=latency.converged if latency else None,
        weights_bytes=record.memory.weights_bytes if record.memory else None,
        peak_activation_bytes=record.memory.peak_activation_bytes if record.memory else None,
        peak_process_bytes=record.memory.peak_process_bytes if record.memory else None,
        joules_per_clip=record.energy.j_per_clip if record.energy else None,
        throughput_per_s=latency.throughput(case.batch) if latency else None,
        video_s=record.video_s,
        joules_per_video=record.j_per_video,
        drift=drift.largest_logit_difference if drift else None,
        logit_spread=drift.logit_spread if drift else None,
        flips=drift.top1_flips if drift else None,
        drift_clips=drift.clips if drift else None,
        cold_l2=case.cold_l2,
        mfu=latency.mfu if latency else None,
        limit=record.roofline.operators.limit if record.roofline else None,
        knee=knee.batch if knee else None,
        knee_throughput_per_s=knee.throughput_per_s if knee else None,
        top1=accuracy.top1 if accuracy else None,
        top1_low=top1_low,
        top1_high=top1_high,
        top5=accuracy.top5 if accuracy else None,
        top5_low=top5_low,
        top5_high=top5_high,
        scored=accuracy.scored if accuracy else None,
        expected=accuracy.expected if accuracy else None,
        top1_of_expected=accuracy.top1_of_expected if accuracy else None,
        top5_of_expected=accuracy.top5_of_expected if accuracy else None,
        predictions=accuracy.predictions if accuracy else None,
        error=f"{record.error.kind}: {record.error.message}" if record.error else None,
        later_failure=standing.later_failure,
        notes=tuple(
            note
            for note in record.notes
            if not note.endswith("not asked for") and not note.startswith(_TOLD_ELSEWHERE)
        ),
        run=record.run,
        started=record.started,
        since=standing.since,
        commit=record.environment.kinobench_commit,
        torch=versions.get("torch"),
        python=versions.get("python"),
    )


SORTS: dict[str, Callable[[Row], Any]] = {
    "model": lambda row: row.model,
    "params": lambda row: row.params,
    "macs": lambda row: row.macs,
    "flops": lambda row: row.flops,
    "latency": lambda row: row.total_s,
    "throughput": lambda row: None if row.throughput_per_s is None else -row.throughput_per_s,
    "mfu": lambda row: None if row.mfu is None else -row.mfu,
    "memory": lambda row: row.peak_bytes,
    "energy": lambda row: row.joules_per_clip,
    "top1": lambda row: None if row.top1 is None else -row.top1,
    "top5": lambda row: None if row.top5 is None else -row.top5,
    "rank": lambda row: row.rank,
}


def ordered(board: Board, by: str | None = None) -> Board:
    """Sort a board's rows, best first; what was not measured comes last.

    Without a column, trained networks come first by top-1, then the untrained by latency: the
    accuracy of an untrained network ranks nothing.

    Raises:
        UnknownNameError: No column is named so.
    """
    if by is not None and by not in SORTS:
        raise UnknownNameError("column", by, SORTS)

    def key(row: Row) -> tuple[Any, ...]:
        if by is not None:
            value = SORTS[by](row)
            return (row.error is not None, value is None, value, row.model)
        trained = row.weights != "untrained" and row.top1 is not None
        value = SORTS["top1"](row) if trained else row.total_s
        return (row.error is not None, not trained, value is None, value, row.model)

    return msgspec.structs.replace(board, rows=tuple(sorted(board.rows, key=_none_safe(key))))


def _none_safe(key: Callable[[Row], tuple[Any, ...]]) -> Callable[[Row], tuple[Any, ...]]:
    """Put 0 for None, whose place the flag before it has decided already."""
    return lambda row: tuple(0 if part is None else part for part in key(row))
