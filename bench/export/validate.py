"""Everything in a folder of results is read, and held against what its records say."""

import os
import re
from collections.abc import Callable, Iterator
from math import isclose
from pathlib import Path

from ...datasets.errors import KinobenchError, reason_of
from ...datasets.unfinished import SUFFIX
from ..evaluation.damage import DamagedError
from ..evaluation.figures import HIT_FIELDS, hit_shares
from ..evaluation.origin import origin_of
from ..evaluation.places import FILE, compute_places, kept_places
from ..evaluation.predictions import Predictions, open_predictions
from ..evaluation.video_scores import compute_scores
from ..records.files import UNDECODABLE
from ..records.gate_verdicts import files_in, lines_of
from ..records.inside import inside
from ..records.record import Record
from ..records.store import StoredLine, run_files, stored_lines
from ..statistics.average_precision import mean_average_precision
from ..tasks.stored import open_task, score_stored
from ..tasks.truth_file import has_truth
from ..text.units import percent
from .checks import key_of
from .contents import DERIVED, MARK, PLACE, prediction_files
from .findings import Finding, Kind, Validation, sorted_findings

_NAMED = re.compile(r'"predictions"\s*:\s*"(predictions/[^"\\]+)"')
"""What a line names that is no record, or one of another version."""

_OTHER_VERSION = "read it with the version of kinobench that wrote it"

OnProgress = Callable[[int, int], None]
"""Called with how many of how many predictions are read."""


def validate(results: Path, on_progress: OnProgress | None = None) -> Validation:
    """Read every line and every file of predictions of a folder; nothing is changed.

    Each file of predictions must be as its digest says and of the record's case, split and weights;
    the accuracy is computed again from all logits.

    Args:
        results: The folder.
        on_progress: Called after each folder of predictions.

    Raises:
        KinobenchError: It has neither records nor checks of the speed gate, or a file of records
            can't be read at all.
    """
    findings: list[Finding] = []
    unread: list[StoredLine] = []
    try:
        files = run_files(results)
    except KinobenchError as error:
        if not files_in([results]):
            raise KinobenchError(str(error).replace("--results", "DIR")) from error
        files = []  # it has checks of the speed gate alone
    records: list[Record] = []
    seen: dict[str, tuple[Record, str]] = {}
    for path in files:
        for line in stored_lines(path):
            where = f"runs/{path.name}"
            if line.record is None:
                findings.append(_of_line(where, line))
                unread.append(line)
                continue
            record = line.record
            records.append(record)
            known = seen.setdefault(record.id, (record, f"{where}, line {line.number}"))
            if known[0] is not record:
                findings.append(_twice(where, line.number, record, known))
    named = [(each, at) for each in records if (at := _predictions_of(each)) is not None]
    there: set[str] = set()
    computed = 0
    for number, (record, at) in enumerate(named, 1):
        checked = _checked(results, record, at)
        findings += checked
        kinds = {each.kind for each in checked}
        if "missing predictions" not in kinds:
            there.add(at)
            computed += "damaged predictions" not in kinds
        if on_progress is not None:
            on_progress(number, len(named))
    named_by_unread = {
        each for line in unread for each in _NAMED.findall(line.content.decode(errors="replace"))
    }
    findings += _left_over(results, there | named_by_unread, bool(unread))
    checks, damaged = _checks(results)
    findings += damaged
    return Validation(
        folder=str(results),
        runs=len(files),
        records=len(records),
        predictions=len(there),
        computed=computed,
        checks=checks,
        findings=sorted_findings(findings),
    )


def _checks(results: Path) -> tuple[int, list[Finding]]:
    """Return how many checks of the speed gate can be read, and what is wrong with the others."""
    count, findings = 0, []
    for path in files_in([results]):
        try:
            lines = list(lines_of(path))
        except KinobenchError as error:
            findings.append(Finding(kind="damaged line", where=path.name, what=str(error)))
            continue
        for line in lines:
            try:
                key_of(line.content)
                count += 1
            except (*UNDECODABLE, KinobenchError) as error:
                kind: Kind = "damaged line"
                cure = "its check is lost: remove the line"
                if str(error).startswith("schema "):
                    kind, cure = "another schema", _OTHER_VERSION
                what = f"{error}; {cure}"
                findings.append(Finding(kind=kind, where=path.name, line=line.number, what=what))
    return count, findings


def _of_line(where: str, line: StoredLine) -> Finding:
    kind: Kind = "damaged line"
    cure = "measure the case again, then remove the line"
    if line.is_cut:
        return Finding(kind="half a line", where=where, line=line.number, what=line.problem)
    if line.problem.startswith("schema "):
        kind, cure = "another schema", _OTHER_VERSION
    return Finding(kind=kind, where=where, line=line.number, what=f"{line.problem}; {cure}")


def _twice(where: str, number: int, record: Record, known: tuple[Record, str]) -> Finding:
    first, at = known
    same = first == record
    kind: Kind = "a record twice" if same else "two records of one id"
    what = (
        f"{at} has the same record; it counts once"
        if same
        else (f"{at} has another record of that id; measure the case again, then remove both lines")
    )
    return Finding(
        kind=kind,
        where=where,
        line=number,
        record=record.id,
        model=record.case.model,
        what=what,
    )


def _predictions_of(record: Record) -> str | None:
    return record.predictions


def _checked(results: Path, record: Record, named: str) -> list[Finding]:
    """Return what is wrong with the predictions that a record names."""

    def finding(kind: Kind, what: str) -> Finding:
        return Finding(kind=kind, where=named, record=record.id, model=record.case.model, what=what)

    try:
        place = inside(results, named)
        if not place.exists():
            return [finding("missing predictions", "they are not there; measure the case again")]
        if set(prediction_files(results, named)) - {MARK} == {DERIVED}:
            return [finding(*each) for each in _by_places(place, record)]
        if has_truth(place):
            return [finding("another accuracy", text) for text in _task_differences(place, record)]
        opened = open_predictions(place, origin_of(record))
        differences, right = _differences(opened, record)
    except KinobenchError as error:
        return [finding("damaged predictions", str(error))]
    except OSError as error:
        return [finding("damaged predictions", f"they can't be read: {reason_of(error)}")]
    found = []
    if differences:
        what = f"{'; '.join(differences)}; measure the case again"
        found.append(finding("another accuracy", what))
    if not opened.checked:
        found.append(finding("not checked", "they have no digests"))
    stale = _stale(place, record, right)
    if stale:
        found.append(finding("stale places", f"{FILE} {stale}; `leaderboard` makes it again"))
    return found


def _task_differences(place: Path, record: Record) -> list[str]:
    """Return how a score of localization or detection differs from what its predictions give."""
    stored = record.localization or record.detection
    task = open_task(place, origin_of(record))
    scores = score_stored(task)
    found = []
    if stored is None or len(task.scored) != stored.scored:
        found.append(f"they have {len(task.scored)} videos, and the record says otherwise")
    elif (scores.average is None) != (stored.map is None) or (
        scores.average is not None
        and stored.map is not None
        and not isclose(scores.average, stored.map, rel_tol=1e-9, abs_tol=1e-12)
    ):
        found.append(
            f"mAP is {percent(scores.average, 3)} % by them, and {percent(stored.map, 3)} % in the "
            "record"
        )
    return [f"{each}; measure the case again" for each in found]


def _differences(opened: Predictions, record: Record) -> tuple[list[str], int | None]:
    """Return how an accuracy differs from what its predictions give, and how many are right."""
    accuracy = record.accuracy
    assert accuracy is not None
    aggregation = record.case.protocol.aggregation
    if opened.scoring != accuracy.scoring:
        return [f"they are scored by {opened.scoring}, the record by {accuracy.scoring}"], None
    figures: dict[str, float | None]
    right = None
    if accuracy.scoring == "map":
        scores = compute_scores(opened, aggregation)
        count = len(scores.videos)
        figures = {"map": mean_average_precision(scores.scores, scores.true).map}
    else:
        places = compute_places(opened, aggregation)
        count, right = len(places.places), int(places.hits.sum())
        shares = hit_shares(places.places, record.case.classes, accuracy.scoring)
        first, _ = names = HIT_FIELDS[accuracy.scoring]
        figures = {name: shares[name] for name in names}
        figures[f"{first}_of_expected"] = right / max(1, accuracy.expected)
    found = []
    if count != accuracy.scored:
        found.append(f"they have {count} videos, the record says {accuracy.scored}")
    for name, value in figures.items():
        stored = getattr(accuracy, name)
        if (value is None) != (stored is None) or (
            value is not None and not isclose(value, stored, rel_tol=1e-9, abs_tol=1e-12)
        ):
            found.append(
                f"{name} is {percent(value, 3)} % by them, and {percent(stored, 3)} % in the record"
            )
    return found, right


def _by_places(place: Path, record: Record) -> Iterator[tuple[Kind, str]]:
    """Yield what is wrong with predictions of which the file of places alone is left."""
    accuracy = record.accuracy
    assert accuracy is not None
    kept = kept_places(place / FILE, record.case.protocol.aggregation, origin_of(record))
    right, said = int(kept.hits.sum()), round((accuracy.score or 0.0) * accuracy.scored)
    if (len(kept.places), right) != (accuracy.scored, said):
        yield (
            "another accuracy",
            f"{right} of {len(kept.places)} videos are right by {FILE}, and {said} of "
            f"{accuracy.scored} in the record; measure the case again",
        )
    yield "places alone", f"there is {FILE} alone, and no shard; measure the case again for these"


def _stale(place: Path, record: Record, right: int | None) -> str:
    """Return what is wrong with the file of places next to the shards; "" if nothing is."""
    if right is None or not (place / FILE).exists():
        return ""
    try:
        kept = kept_places(place / FILE, record.case.protocol.aggregation, origin_of(record))
    except DamagedError as error:
        return error.what
    return "" if int(kept.hits.sum()) == right else "has other right answers than the shards"


def _left_over(results: Path, named: set[str], has_unread: bool) -> Iterator[Finding]:
    """Yield the predictions that no record names, and what killed commands left.

    Args:
        results: The folder.
        named: The predictions that records name, and lines that can't be read.
        has_unread: There are lines that can't be read, and such a line may name any.
    """
    for place, folders, files in os.walk(results):
        here = Path(place).relative_to(results).as_posix()
        for name in (*files, *folders):
            if name.startswith(".") and name.endswith(SUFFIX):
                path = f"{here}/{name}" if here != "." else name
                what = "a killed command left it, or a living one is writing it"
                yield Finding(kind="temporary file", where=path, what=what)
        folders[:] = [name for name in folders if not name.endswith(SUFFIX)]
        shards = any(name.endswith(".parquet") for name in files)
        if shards and here.startswith(PLACE) and here not in named:
            yield Finding(kind="no record", where=here, what=_why_nobody_names(files, has_unread))


def _why_nobody_names(files: list[str], has_unread: bool) -> str:
    if has_unread:
        return "keep it: a line that can't be read may name it"
    if MARK in files:
        return "its record was stored and is gone: take it from a copy, or remove the predictions"
    return "an equal run continues it, or remove it if none is to"
