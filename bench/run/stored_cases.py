"""The cases of a plan that stored records stand for, so that a run need not measure them again.

A record stands for a case if nothing differs that decides its results: the case, the machine, the
versions of the libraries, the code of kinobench and of the plug-ins, the weights, the time that a
latency was given and, for an accuracy, the videos. Networks are not built for it: what a network of
one's own reads by itself, besides its weights, is not seen.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import cache, partial
from pathlib import Path

import msgspec

from ...datasets.errors import KinobenchError
from ...datasets.plurals import quantity
from ...datasets.split import Split
from ...zoo.checkpoints.named import resolve_weights
from ...zoo.checkpoints.sharded import weights_digest
from ..evaluation.resume import conditions_in
from ..evaluation.stored import candidates, folder_of, is_left_out_otherwise, why_unusable
from ..leaderboard.leaderboard import Row, standing
from ..measure import registry
from ..network.code_digest import code_digest, is_in_a_file
from ..records.case import Case
from ..records.job import Budget
from ..records.record import Environment, Record
from .options import Options
from .planned import Planned

FAILED = "failed"


class Here(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that records are compared with, besides the cases.

    Attributes:
        budget: The time of a latency.
        options: The options of the run.
        environment: Returns the machine of a case.
        split: Returns the videos of a case; None for one without a dataset.
        root: Returns the folder of a case's videos, as conditions keep it; None: the dataset's own.
        code: Returns the digest of the code of a network; None if it can't be read.
        weights: Returns the digest of the file of a network's weights; None if there is none.
        reads_predictions: Look whether stored predictions are whole, and of the videos as they are
            now; reading those of a large dataset takes long.
    """

    budget: Budget
    options: Options
    environment: Callable[[Case], Environment]
    split: Callable[[Case], Split | None]
    root: Callable[[Case], str | None]
    code: Callable[[str], str | None]
    weights: Callable[[str, str | None], str | None]
    reads_predictions: bool = True


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What stored records have of a plan.

    Attributes:
        taken: The records that stand for whole cases, by the number of the case.
        begun: What stands for the cases of which some measurements are missing, by number.
        left: The cases that must be measured, by number, each with what is missing.
        reasons: Why records of cases of the plan do not stand for them, and how many such cases
            there are.
    """

    taken: dict[int, Record] = {}
    begun: dict[int, Row] = {}
    left: dict[int, Planned]
    reasons: dict[str, int] = {}

    @property
    def lines(self) -> list[str]:
        """Lines for a person on what is measured again, and why."""
        parts = []
        if self.begun:
            parts.append(f"{quantity(len(self.begun), 'case')}: only what is missing")
        parts += [f"{quantity(count, 'case')}: {why}" for why, count in self.reasons.items()]
        return [f"measured again: {'; '.join(parts)}"] if parts else []


def all_of(planned: Sequence[Planned]) -> Standing:
    """Return that nothing is stored."""
    return Standing(left=dict(enumerate(planned)))


def stored_cases(planned: Sequence[Planned], records: Iterable[Record], here: Here) -> Standing:
    """Return what stored records have of a plan.

    Args:
        planned: The cases.
        records: All stored records.
        here: What they are compared with.
    """
    of_case: dict[str, list[Record]] = {entry.case.digest: [] for entry in planned}
    for record in sorted(records, key=lambda each: each.started):
        if record.case.digest in of_case:
            of_case[record.case.digest].append(record)
    found = all_of(planned)
    reasons: Counter[str] = Counter()
    for number, entry in enumerate(planned):
        theirs = of_case[entry.case.digest]
        row = _row_of(entry, theirs, partial(_why_not, entry, here=here))
        if isinstance(row, str):
            reasons[row] += 1
        if not isinstance(row, Row):
            continue
        rest = missing(entry, row.record)
        if not rest:
            found.taken[number] = row.record
            del found.left[number]
        elif _may_be_completed(row, theirs):
            found.begun[number] = row
            found.left[number] = msgspec.structs.replace(entry, measures=rest)
        else:
            reasons["parts are missing, and a newer record is of something else"] += 1
    return msgspec.structs.replace(found, reasons=dict(reasons.most_common()))


def _row_of(
    entry: Planned, records: Sequence[Record], why_not: Callable[[Record], str | None]
) -> Row | str | None:
    """Return what stands for a case; why nothing does; or None if there is no record of it.

    The newest records are looked at first, and no more than are needed: predictions may be large.
    """
    usable: list[Record] = []
    reasons: list[str | None] = []
    row: Row | None = None
    for record in reversed(records):  # the newest comes last
        reasons.append(why_not(record))
        if reasons[-1] == FAILED:
            break  # it is measured again, whatever came before
        if reasons[-1] is not None:
            continue
        usable.append(record)
        row = None
        for each in reversed(usable):
            row = standing(row, each)
        if row is not None and not missing(entry, row.record):
            break
    return row or (reasons[0] if reasons else None)


def _may_be_completed(row: Row, records: Sequence[Record]) -> bool:
    """Return whether a leaderboard will complete a further record of the case by this one."""
    whole: Row | None = None
    for record in records:
        if record.environment.fingerprint == row.record.environment.fingerprint:
            whole = standing(whole, record)
    return row.record.params is not None and whole is not None and whole.record == row.record


def missing(entry: Planned, record: Record) -> tuple[str, ...]:
    """Return what must be measured so that a record has all that is asked for of its case.

    A measurement that was tried, and gave no result for a reason that a note has, is not missing.
    With one that is, others are measured again: those that a leaderboard does not take from an
    older record, and those that something follows from together with it.
    """
    asked = registry.chosen(entry.measures, entry.case)
    names = {each.name for each in asked if not each.follows}
    rest = {
        each.name
        for each in asked
        if not each.follows
        and not each.given_by(record)
        and not _was_tried(each.about or each.name, each.absence, record)
    }
    if not rest:
        return ()
    rest |= {each.name for each in asked if not each.carried_over}
    for each in asked:
        if names.issuperset(each.follows) and not rest.isdisjoint(each.follows):
            rest.update(each.follows)
    return tuple(name for name in entry.measures if name in rest)


def _was_tried(about: str, absence: str, record: Record) -> bool:
    return any(note.startswith(f"{about}:") and note != absence for note in record.notes)


def _why_not(entry: Planned, record: Record, *, here: Here) -> str | None:
    """Return why a record of a case can't stand for it; None if it can."""
    case = entry.case
    elsewhere = _elsewhere(record.environment, here.environment(case))
    if elsewhere is not None:
        return elsewhere
    if record.code is None or record.code != here.code(case.model):
        return "other code of kinobench or of a plug-in"
    if record.error is not None:
        return FAILED
    if record.weights_digest != here.weights(case.model, case.weights):
        return "other weights"
    if (record.latency or record.sweep) and record.budget != here.budget:
        return "another time for latencies"
    if record.sweep is not None and "sweep" in entry.measures and _sweeps_otherwise(entry, record):
        return "another largest batch of the sweep"
    if here.options.strict and record.cost is not None and record.cost.uncounted:
        return "operators that are not counted, with --strict"
    reading = [each for each in entry.measures if "dataset" in registry.get(each).needs]
    if case.dataset is None or not reading:
        return None
    if record.accuracy is not None:
        return _other_videos(record, here)
    if any(registry.get(each).given_by(record) for each in reading):
        return "videos that the record does not name"
    return None


def _elsewhere(then: Environment, now: Environment) -> str | None:
    """Return in what the environment of a record is another; None: in nothing that counts."""
    if (then.variables or {}) != (now.variables or {}):
        return "other environment variables"
    if then.fingerprint != now.fingerprint:
        return "another machine"
    return None if then.versions == now.versions else "other versions of libraries"


def _other_videos(record: Record, here: Here) -> str | None:
    """Return why the accuracy of a record can't stand for a new one; None if it can."""
    assert record.accuracy is not None
    split, options = here.split(record.case), here.options
    if split is None or not candidates(
        record.case, [record], skip_unreadable=options.skip_unreadable
    ):
        return "videos that could not be read, or no predictions"
    if record.accuracy.manifest != split.manifest:
        return "other videos"
    try:
        folder = folder_of(record, options.results)
    except KinobenchError:
        return "predictions that are not in the results"
    conditions = conditions_in(folder)
    if conditions is None:
        return "predictions whose conditions are lost"
    if conditions.logits != options.logits:
        return "another type of logits"
    if conditions.data_root != here.root(record.case):
        return "another copy of the videos"
    if is_left_out_otherwise(record, split, options.results / "predictions", options.file_limits):
        return "videos that were left out under other limits"
    return why_unusable(record, folder, split) if here.reads_predictions else None


def _sweeps_otherwise(entry: Planned, record: Record) -> bool:
    """Return whether a sweep ended at another batch than it would now."""
    sweep, largest = record.sweep, entry.max_batch
    assert sweep is not None
    reached = max((point.batch for point in sweep.points), default=0)
    if sweep.ended == "max_batch":
        return largest is None or not reached <= largest < 2 * reached
    return largest is not None and reached > largest


def code_of(options: Options, models: Iterable[str]) -> Callable[[str], str | None]:
    """Return a function that gives the digest of the code of a network, as it is now, at this call.

    It gives None if a file can't be read.

    Args:
        options: The plug-ins.
        models: The networks.
    """

    @cache
    def digest(package_of: str | None) -> str | None:
        try:
            return code_digest(package_of or any_model, *map(Path, options.plugins))
        except OSError:
            return None

    every = dict.fromkeys(models)
    own = [model for model in every if is_in_a_file(model)]
    any_model = next(iter(own), "")
    return {model: digest(None if model in own else model) for model in every}.__getitem__


def weights_of() -> Callable[[str, str | None], str | None]:
    """Return a function that gives the digest of a network's weights, as first read.

    It gives None if there are none to read.
    """

    @cache
    def found(model: str, weights: str | None) -> str | None:
        if weights is None:
            return None
        try:
            return weights_digest(resolve_weights(model, weights))
        except (KinobenchError, OSError):
            return None

    return found
