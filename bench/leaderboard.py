"""Records -> tables whose rows may be compared: one dataset, protocol and machine each."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from ..datasets.errors import UnknownNameError
from .record import Environment, Record


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a leaderboard, in base units (seconds, bytes, fractions); None: not measured."""

    model: str
    weights: str
    precision: str
    mode: str
    batch: int
    threads: int | None
    params: int | None
    macs: int | None
    flops: int | None
    latency_s: float | None
    latency_low_s: float | None
    latency_high_s: float | None
    converged: bool | None
    weights_bytes: int | None
    peak_activation_bytes: int | None
    peak_process_bytes: int | None
    joules_per_clip: float | None
    top1: float | None
    top1_low: float | None
    top1_high: float | None
    top5: float | None
    top5_low: float | None
    top5_high: float | None
    scored: int | None
    expected: int | None
    error: str | None
    run: str

    @property
    def peak_bytes(self) -> int | None:
        """Weights and the peak of a forward on top of them: what the network itself needs."""
        if self.weights_bytes is None or self.peak_activation_bytes is None:
            return None
        return self.weights_bytes + self.peak_activation_bytes


class Board(msgspec.Struct, frozen=True, kw_only=True):
    """Rows under one dataset, protocol, device and machine."""

    dataset: str | None
    split: str | None
    manifest: str | None
    protocol: str
    protocol_digest: str
    views: int
    device: str
    environment: Environment
    rows: tuple[Row, ...]

    @property
    def title(self) -> str:
        """What the rows have in common, in words."""
        on = f"{self.dataset} {self.split}" if self.dataset else "no dataset"
        machine = self.environment.gpu if self.device == "cuda" else self.environment.cpu
        cores = "" if self.device == "cuda" else f" ({self.environment.physical_cores} cores)"
        views = "1 view" if self.views == 1 else f"{self.views} views"
        return f"{on}, {self.protocol}, {views}, {self.device}: {machine}{cores}"


def boards(records: Iterable[Record]) -> list[Board]:
    """Group records into boards; of each case the newest record stands.

    A part that the newest record was not asked for (a run with `--measure latency`) comes from the
    newest older record of the same case on the same machine that has it and did not fail.
    """
    groups: dict[tuple[Any, ...], dict[str, Record]] = {}
    whole: dict[tuple[Any, ...], Record] = {}
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
        rows.pop(case.digest, None)  # the newest goes last
        if record.error is None:
            record = _completed(record, whole.get((key, case.digest)))
            whole[key, case.digest] = record
        rows[case.digest] = record
    found = []
    for rows in groups.values():
        for manifest, members in _by_manifest(list(rows.values())).items():
            newest = members[-1]
            found.append(
                Board(
                    dataset=newest.case.dataset,
                    split=newest.case.split,
                    manifest=manifest,
                    protocol=newest.case.protocol.name,
                    protocol_digest=newest.case.protocol.digest,
                    views=newest.case.protocol.views,
                    device=newest.case.device,
                    environment=newest.environment,
                    rows=tuple(_row(record) for record in members),
                )
            )
    return found


def _completed(newer: Record, older: Record | None) -> Record:
    if older is None or newer.weights_digest != older.weights_digest:
        return newer
    parts = ("cost", "latency", "memory", "energy", "accuracy")
    missing = {part: getattr(older, part) for part in parts if getattr(newer, part) is None}
    return msgspec.structs.replace(newer, **missing)


def _by_manifest(records: Sequence[Record]) -> dict[str | None, list[Record]]:
    """Part records that were scored on different videos; those without a score join the newest."""
    manifests = [r.accuracy.manifest if r.accuracy else None for r in records]
    newest = next((manifest for manifest in reversed(manifests) if manifest), None)
    parted: dict[str | None, list[Record]] = {}
    for record, manifest in zip(records, manifests, strict=True):
        parted.setdefault(manifest or newest, []).append(record)
    return parted


def _row(record: Record) -> Row:
    case, latency, accuracy = record.case, record.latency, record.accuracy
    low, high = (latency.interval_s if latency else None) or (None, None)
    top1_low, top1_high = (accuracy.interval_top1 if accuracy else None) or (None, None)
    top5_low, top5_high = (accuracy.interval_top5 if accuracy else None) or (None, None)
    return Row(
        model=case.model,
        weights=case.weights or "untrained",
        precision=case.precision,
        mode=case.mode,
        batch=case.batch,
        threads=case.threads,
        params=record.params,
        macs=record.cost.macs if record.cost else None,
        flops=record.cost.flops if record.cost else None,
        latency_s=latency.median_s if latency else None,
        latency_low_s=low,
        latency_high_s=high,
        converged=latency.converged if latency else None,
        weights_bytes=record.memory.weights_bytes if record.memory else None,
        peak_activation_bytes=record.memory.peak_activation_bytes if record.memory else None,
        peak_process_bytes=record.memory.peak_process_bytes if record.memory else None,
        joules_per_clip=record.energy.j_per_clip if record.energy else None,
        top1=accuracy.top1 if accuracy else None,
        top1_low=top1_low,
        top1_high=top1_high,
        top5=accuracy.top5 if accuracy else None,
        top5_low=top5_low,
        top5_high=top5_high,
        scored=accuracy.scored if accuracy else None,
        expected=accuracy.expected if accuracy else None,
        error=f"{record.error.kind}: {record.error.message}" if record.error else None,
        run=record.run,
    )


SORTS: dict[str, Callable[[Row], Any]] = {
    "model": lambda row: row.model,
    "params": lambda row: row.params,
    "macs": lambda row: row.macs,
    "flops": lambda row: row.flops,
    "latency": lambda row: row.latency_s,
    "memory": lambda row: row.peak_bytes,
    "energy": lambda row: row.joules_per_clip,
    "top1": lambda row: None if row.top1 is None else -row.top1,
    "top5": lambda row: None if row.top5 is None else -row.top5,
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
        value = SORTS["top1"](row) if trained else row.latency_s
        return (row.error is not None, not trained, value is None, value, row.model)

    return msgspec.structs.replace(board, rows=tuple(sorted(board.rows, key=_none_safe(key))))


def _none_safe(key: Callable[[Row], tuple[Any, ...]]) -> Callable[[Row], tuple[Any, ...]]:
    """Put 0 for None, whose place the flag before it has decided already."""
    return lambda row: tuple(0 if part is None else part for part in key(row))
