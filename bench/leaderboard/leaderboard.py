"""Records -> tables whose rows may be compared: one dataset, protocol and machine each."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from ...datasets.plurals import quantity
from ...datasets.protocol import Aggregation
from ...datasets.split import Scoring
from ...datasets.visible import one_line
from ..measure import registry, stored
from ..measure.columns import uncounted
from ..records.record import Environment, Record

UNCHECKED = (
    "accuracy: NOT CHECKED that its predictions are as they were written: an earlier version "
    "stored them without digests"
)
"""The note of a row whose predictions are of such a version."""


class SplitScore(msgspec.Struct, frozen=True, kw_only=True):
    """What a mean has of one split.

    Attributes:
        split: Its number.
        score: Top-1, hit@1 or mAP; None if no video was scored.
        among_five: Top-5 or hit@5, if there is one.
        scored, expected: Number of videos.
        record: Name of its record.
    """

    split: int
    score: float | None
    among_five: float | None
    scored: int
    expected: int
    record: str


class Joined(msgspec.Struct, frozen=True, kw_only=True):
    """The two records that a row is joined of; see joining.py.

    Attributes:
        accuracy: The record that its accuracy, its arithmetic and its weights' name are of.
        costs: The record that all else is of.
    """

    accuracy: Record
    costs: Record


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a leaderboard: a record, and how it stands among the others.

    Attributes:
        record: The newest record of the case that did not fail, completed by older ones.
        since: Time at which the oldest record was begun that a part comes from.
        later_failure: Reason why a newer record of the same case failed.
        rank: 1 + the number of significantly better rows; see ranking.py.
        unranked: Reason why a trained network that was scored has no rank.
        splits: The splits that it is the mean of; empty for a row of one split.
        no_mean: Reason why there is no mean of them.
        unchecked: It is ranked by predictions that have no digests, so damage to them isn't seen.
        joined: The records that it is joined of, if its accuracy and its costs are of two.
    """

    record: Record
    since: str
    later_failure: str | None = None
    rank: int | None = None
    unranked: str | None = None
    unchecked: bool = False
    splits: tuple[SplitScore, ...] = ()
    no_mean: str | None = None
    joined: Joined | None = None

    @property
    def scored(self) -> Record:
        """The record that the accuracy was stored with, and by which its predictions are known."""
        return self.record if self.joined is None else self.joined.accuracy

    @property
    def weights(self) -> str:
        """Name of the weights, or `untrained`."""
        return self.record.case.weights or "untrained"

    @property
    def is_trained(self) -> bool:
        """True if the row has the score of a trained network."""
        found = self.record.evaluated
        return (
            self.record.case.weights is not None and found is not None and found.score is not None
        )

    @property
    def flow(self) -> str | None:
        """The method of the optical flow, where a result depends on it."""
        record = self.record
        return record.case.flow if record.latency or record.accuracy else None

    @property
    def error(self) -> str | None:
        """Reason why the case failed."""
        error = self.record.error
        return error.line if error is not None else None

    @property
    def uncounted(self) -> tuple[str, ...]:
        """Operators that nothing could count; where there are any, the cost is a lower bound."""
        return uncounted(self.record)

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes on measurements that gave no result, or one with a reservation."""
        shown = tuple(each for one in registry.every() for each in one.shown_in_cells)
        return (
            *(
                note
                for note in self.record.notes
                if not note.endswith("not asked for") and not note.startswith(shown)
            ),
            *stored.problems(self.record),
            *((UNCHECKED,) if self.unchecked else ()),
        )


class Board(msgspec.Struct, frozen=True, kw_only=True):
    """Rows under one dataset, protocol, device and machine.

    Attributes:
        aggregation: Rule by which the protocol averages views.
        comparisons: Pairs of rows that were compared for their ranks.
        common_videos: Number of the videos that every row scored, if the accuracies are of these
            alone; see common_videos.py.
        in_mean: Each of its rows is part of a row of another board, the mean of several splits.
        group: Settings that all its rows share where it was parted by them, such as `precision
            fp16`.
        remarks: Lines on which of its rows are here, where some were left out.
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
    common_videos: int | None = None
    in_mean: bool = False
    group: str = ""
    remarks: tuple[str, ...] = ()
    rows: tuple[Row, ...]

    @property
    def scoring(self) -> Scoring:
        """How its rows are scored: all alike, as it is part of the manifest."""
        scored = (row.record.accuracy for row in self.rows)
        return next((each.scoring for each in scored if each is not None), "top-k")

    @property
    def machine(self) -> str:
        """Name of the GPU, or of the processor, that its times are of."""
        return self.environment.name_of(self.device)

    @property
    def title(self) -> str:
        """The dataset, protocol, device and machine; the views only if there is an accuracy."""
        on = f"{self.dataset} {self.split}" if self.dataset else "no dataset"
        count = self.environment.physical_cores
        cores = "" if self.device == "cuda" else f" ({quantity(count, 'core')})"
        views = ""
        if any(row.record.accuracy is not None for row in self.rows):
            views = f", {quantity(self.views, 'view')}"
        group = f", {self.group}" if self.group else ""
        return one_line(
            f"{on}, {self.protocol}{views}, {self.device}: {self.machine}{cores}{group}"
        )


def boards(records: Iterable[Record]) -> list[Board]:
    """Group records into boards; of each case the newest record that did not fail stands.

    A part that it was not asked for (a run with `--measure latency`) comes from the newest older
    record of the same case, machine and code that has it and did not fail. A failed record stands
    only if the case has no other; a row reports a later failure of its case.
    """
    groups: dict[tuple[Any, ...], dict[str, Row]] = {}
    ordered = sorted(records, key=lambda r: r.started)
    machine_of = _machines(ordered)
    for record in ordered:
        case = record.case
        key = (
            case.dataset,
            case.split,
            case.protocol.digest,
            case.device,
            machine_of(record),
        )
        rows = groups.setdefault(key, {})
        before = rows.pop(case.digest, None)  # the newest goes last
        rows[case.digest] = standing(before, record)
    found = []
    for (*_, machine), rows in groups.items():
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
                    environment=msgspec.structs.replace(newest.environment, fingerprint=machine),
                    rows=tuple(members),
                )
            )
    return found


def _machines(records: Sequence[Record]) -> Callable[[Record], str]:
    """Return what gives the fingerprint of the board that a record belongs to.

    Networks in several runtimes stand in one table: what they share is the machine with all but
    the runtime's packages. Of each runtime these are the newest version's rows; those of an older
    version have a table of their own.

    Args:
        records: All records, the oldest first.
    """
    newest = {_in_runtime(record): record.environment.fingerprint for record in records}

    def machine_of(record: Record) -> str:
        environment = record.environment
        if newest[_in_runtime(record)] != environment.fingerprint:
            return environment.fingerprint
        return environment.machine or environment.fingerprint

    return machine_of


def _in_runtime(record: Record) -> tuple[str, str]:
    environment = record.environment
    return environment.machine or environment.fingerprint, record.case.runtime


def standing(before: Row | None, newer: Record) -> Row:
    """Return what stands for a case once a newer record of it is there."""
    if before is None or before.record.error is not None:
        return Row(record=newer, since=newer.started)
    if newer.error is not None:
        return msgspec.structs.replace(before, later_failure=newer.error.line)
    older = before.record
    missing = stored.missing(newer, older)
    if not missing or not _same_network(newer, older):
        return Row(record=newer, since=newer.started)
    about = {older.case.dataset: "accuracy"}  # whose notes are under the name of the dataset
    kept = [
        note
        for note in older.notes
        if about.get(word := note.partition(":")[0]) in missing or stored.part_of(word) in missing
    ]
    notes = tuple(dict.fromkeys((*newer.notes, *kept)))
    completed = stored.completed(newer, older, missing)
    return Row(record=msgspec.structs.replace(completed, notes=notes), since=before.since)


def _same_network(newer: Record, older: Record) -> bool:
    """Return whether two records of a case are sure to be of the same network and the same code."""
    return (
        newer.params is not None
        and newer.params == older.params
        and newer.weights_digest == older.weights_digest
        and newer.environment.versions == older.environment.versions
        and same_code(newer, older)
    )


def same_code(newer: Record, older: Record) -> bool:
    """Return whether two records are sure to come from the same code of kinobench and plug-ins."""
    if newer.code is not None and older.code is not None:
        return newer.code == older.code
    commit = newer.environment.kinobench_commit
    return (
        commit == older.environment.kinobench_commit
        and not (commit or "").endswith("+")  # files differ from it, nobody knows how
    )


def _by_manifest(standing: Sequence[Row]) -> dict[str | None, list[Row]]:
    """Part records that were scored on different videos; those without a score join the newest."""
    manifests = [s.record.evaluated.manifest if s.record.evaluated else None for s in standing]
    newest = next((manifest for manifest in reversed(manifests) if manifest), None)
    parted: dict[str | None, list[Row]] = {}
    for member, manifest in zip(standing, manifests, strict=True):
        parted.setdefault(manifest or newest, []).append(member)
    return parted
