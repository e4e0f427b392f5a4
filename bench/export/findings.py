"""What may be wrong with a folder of results, the worst first."""

from typing import Literal

import msgspec

from ...datasets.plurals import quantity

Kind = Literal[
    "damaged predictions",
    "another accuracy",
    "damaged line",
    "half a line",
    "two records of one id",
    "missing predictions",
    "another schema",
    "a record twice",
    "not checked",
    "stale places",
    "places alone",
    "no record",
    "temporary file",
]

MEANINGS: dict[Kind, str] = {
    "damaged predictions": "They can't be read, or are not as they were written.",
    "another accuracy": "The accuracy of a record does not follow from its predictions.",
    "damaged line": "A line is no record, or no check of the speed gate.",
    "half a line": "The last line of a run's file was not written to its end.",
    "two records of one id": "One of the two was changed.",
    "missing predictions": "A record names predictions that are not there: it has no rank.",
    "another schema": "A record or a check is of another version, which this one can't read.",
    "a record twice": "The same record is in two files, or twice in one.",
    "not checked": "Predictions of an earlier version have no digests: damage to them isn't seen.",
    "stale places": "The small file that a leaderboard ranks by is not right: it is made again.",
    "places alone": "Logits were removed: the accuracy is held against the file of places.",
    "no record": "Predictions that no record names: a run was stopped, or a line is lost.",
    "temporary file": "What is a day old was left by a killed command: you may remove it.",
}
"""Every kind, the worst first. Those before `a record twice` are faults, the others notes."""

_ORDER = {kind: number for number, kind in enumerate(MEANINGS)}
_FAULTS = _ORDER["a record twice"]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is not as it should be.

    Attributes:
        kind: What kind of thing.
        where: The file or folder.
        line: Number of the line, of a file of records.
        record: Id of the record, if it is known.
        model: Its model.
        what: What is wrong, and the cure.
    """

    kind: Kind
    where: str
    line: int | None = None
    record: str | None = None
    model: str | None = None
    what: str

    @property
    def is_fault(self) -> bool:
        """Whether something was lost or changed, and not only left over."""
        return _ORDER[self.kind] < _FAULTS


class Validation(msgspec.Struct, frozen=True, kw_only=True):
    """A folder of results, read whole.

    Attributes:
        folder: The folder.
        runs: Number of files of runs.
        records: Number of records that can be read.
        predictions: Number of folders of predictions that a record names and that are there.
        computed: Number of accuracies that were computed again.
        checks: Number of checks of the speed gate that can be read.
        findings: What is not as it should be, the worst first.
    """

    folder: str
    runs: int
    records: int
    predictions: int
    computed: int
    checks: int = 0
    findings: tuple[Finding, ...]

    @property
    def faults(self) -> int:
        """Number of the findings that are faults."""
        return sum(each.is_fault for each in self.findings)

    @property
    def counts(self) -> dict[str, int]:
        """Number of the findings of each kind, the worst kind first."""
        found = [each.kind for each in self.findings]
        return {kind: found.count(kind) for kind in MEANINGS if kind in found}

    @property
    def summary(self) -> str:
        """What was read, and what was found, in a line."""
        notes = len(self.findings) - self.faults
        computed = quantity(self.computed, "accuracy", "accuracies")
        checks = f", {quantity(self.checks, 'check')} of the speed gate" if self.checks else ""
        return (
            f"{self.folder}: {quantity(self.runs, 'run')}, {quantity(self.records, 'record')}, "
            f"{quantity(self.predictions, 'folder')} of predictions, {computed} computed again"
            f"{checks}: "
            f"{quantity(self.faults, 'fault')}, {quantity(notes, 'note')}."
        )


def sorted_findings(findings: list[Finding]) -> tuple[Finding, ...]:
    """Return findings, the worst first."""
    return tuple(sorted(findings, key=lambda each: (_ORDER[each.kind], each.where, each.line or 0)))
