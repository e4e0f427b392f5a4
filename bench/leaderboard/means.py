"""The mean over a dataset's numbered test splits, as UCF101's and HMDB51's results are given."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from ...datasets.errors import KinobenchError
from ...datasets.lists.split_names import MEAN, number_of
from ..records.dataset_copy import joined_copies
from ..records.record import Record
from ..records.results import Accuracy
from ..records.split_cases import settings_of, templates_of, wanted_numbers
from ..records.stores import Results
from .leaderboard import Board, Row, SplitScore
from .scored import NOTHING_READ
from .split_intervals import Intervals, intervals_of

if TYPE_CHECKING:
    from ..evaluation.restricted import Scored

_Key = tuple[Any, ...]


def with_means(
    boards: Sequence[Board], results: Results, known: "Mapping[str, Scored]" = NOTHING_READ
) -> list[Board]:
    """Return boards, those of means first, each before the boards of its splits.

    A case that has a record on two splits of a dataset or more has a row there: with the mean, or
    with the reason why there is none. A board of a split whose rows all have a mean is marked as
    part of it.

    Args:
        boards: The boards of single splits.
        results: Folder with the records and predictions, or several.
        known: The videos of rows that were read already, by the digest of the case.
    """
    together: dict[_Key, list[Board]] = {}
    for board in boards:
        if board.dataset is not None and number_of(board.split) is not None:
            key = (
                board.dataset,
                board.protocol_digest,
                board.device,
                board.environment.fingerprint,
            )
            together.setdefault(key, []).append(board)
    means: dict[int, list[Board]] = {}
    absorbed: set[int] = set()
    for members in together.values():
        found, within = _mean_boards(members, results, known)
        means[id(members[0])] = found
        absorbed |= within
    return [
        each
        for board in boards
        for each in (
            *means.get(id(board), ()),
            msgspec.structs.replace(board, in_mean=True) if id(board) in absorbed else board,
        )
    ]


def shown(boards: Iterable[Board]) -> Iterator[Board]:
    """Yield the boards that a page shows: those of splits are left out where the mean stands."""
    return (board for board in boards if not board.in_mean)


def _mean_boards(
    members: Sequence[Board], results: Results, known: "Mapping[str, Scored]"
) -> tuple[list[Board], set[int]]:
    """Return the boards of the means of some boards, and which boards have all their rows in one.

    Rows that were scored on other videos, in any of the splits, are in boards of their own.
    """
    numbers = {number_of(board.split) or 0 for board in members}
    wanted = wanted_numbers(members[0].dataset or "", numbers)
    newest = max(members, key=lambda board: max(row.record.started for row in board.rows))
    by_videos: dict[str, list[Row]] = {}
    complete = set()
    for weights, of_split in _together(members):
        lacks = _lacks(of_split, wanted)
        if lacks:
            row = _without_mean(of_split, weights, lacks)
        else:
            row = _mean_row(of_split, weights, results, known)
            complete |= {id(each) for each in of_split.values()}
        by_videos.setdefault(_manifest(of_split), []).append(row)
    boards = [
        msgspec.structs.replace(
            newest,
            split=MEAN,
            manifest=manifest if any(row.no_mean is None for row in rows) else None,
            comparisons=0,
            common_videos=_common(members),
            rows=tuple(rows),
        )
        for manifest, rows in by_videos.items()
    ]
    within = {id(each) for each in members if all(id(row) in complete for row in each.rows)}
    return boards, within


def _common(members: Sequence[Board]) -> int | None:
    """Return the number of common videos of all splits, if their accuracies are of these alone."""
    counts = [board.common_videos for board in members if board.common_videos is not None]
    return sum(counts) if counts else None


def _manifest(rows: dict[int, Row]) -> str:
    """Return the digest of the videos of the splits together."""
    scored = (row.record.accuracy for row in rows.values())
    manifests = [each.manifest for each in scored if each is not None]
    return hashlib.sha256("\n".join(manifests).encode()).hexdigest()[:16]


def _together(members: Sequence[Board]) -> Iterator[tuple[str | None, dict[int, Row]]]:
    """Yield the rows of each case by the number of their split, with the weights that they name.

    A case is the same but for its split. Its weights are the same too, or a file for each split
    whose path differs in the split's name alone. Those with the most splits come first, and no row
    is in two of them.
    """
    candidates: dict[_Key, dict[int, Row]] = {}
    for board in members:
        number = number_of(board.split) or 0
        for row in board.rows:
            for weights in templates_of(row.record.case):
                candidates.setdefault((settings_of(row.record.case), weights), {})[number] = row
    taken: set[int] = set()
    for (_, weights), rows in sorted(candidates.items(), key=lambda each: -len(each[1])):
        if len(rows) > 1 and not any(id(row) in taken for row in rows.values()):
            taken |= {id(row) for row in rows.values()}
            yield weights, dict(sorted(rows.items()))


def _lacks(rows: dict[int, Row], wanted: Iterable[int]) -> str:
    """Return which splits have no score, and why; nothing if all have one."""
    reasons = []
    for number in wanted:
        row = rows.get(number)
        if row is None:
            reasons.append(f"split {number} was not measured")
        elif row.record.error is not None:
            reasons.append(f"split {number} failed ({row.record.error.line})")
        elif row.record.accuracy is None:
            reasons.append(f"the accuracy of split {number} was not measured")
        elif row.record.accuracy.score is None:
            reasons.append(f"no video of split {number} was scored")
    return "; ".join(reasons)


def _newest(rows: dict[int, Row], weights: str | None) -> Record:
    """Return the newest record that did not fail, as the record of the mean's case."""
    records = sorted((row.record for row in rows.values()), key=lambda record: record.started)
    good = [record for record in records if record.error is None] or records
    case = msgspec.structs.replace(good[-1].case, split=MEAN, weights=weights)
    notes = dict.fromkeys(note for record in records for note in record.notes)
    return msgspec.structs.replace(good[-1], case=case, notes=tuple(notes), error=None)


def _without_mean(rows: dict[int, Row], weights: str | None, lacks: str) -> Row:
    record = msgspec.structs.replace(_newest(rows, weights), accuracy=None)
    return Row(
        record=record,
        since=min(row.since for row in rows.values()),
        splits=tuple(_scores(rows)),
        no_mean=lacks,
    )


def _scores(rows: dict[int, Row]) -> Iterator[SplitScore]:
    for number, row in rows.items():
        accuracy = row.record.accuracy
        if accuracy is not None:
            yield SplitScore(
                split=number,
                score=accuracy.score,
                among_five=accuracy.among_five,
                scored=accuracy.scored,
                expected=accuracy.expected,
                record=row.record.id,
            )


def _mean_row(
    rows: dict[int, Row], weights: str | None, results: Results, known: "Mapping[str, Scored]"
) -> Row:
    found = [row.record.accuracy for row in rows.values() if row.record.accuracy is not None]
    try:
        intervals = intervals_of([row.record for row in rows.values()], results, known)
    except KinobenchError as error:
        intervals = Intervals(reason=str(error))
    record = _newest(rows, weights)
    notes = record.notes
    if intervals.reason:
        notes = (*notes, f"mean: no interval: {intervals.reason}")
    accuracy = _mean_accuracy(found, intervals)
    return Row(
        record=msgspec.structs.replace(record, accuracy=accuracy, notes=notes),
        since=min(row.since for row in rows.values()),
        splits=tuple(_scores(rows)),
    )


_AVERAGED = (
    *("top1", "top5", "top1_of_expected", "top5_of_expected"),
    *("hit1", "hit5", "hit1_of_expected", "hit5_of_expected"),
    *("map", "map_of_expected", "chance"),
)


def _mean_accuracy(found: Sequence[Accuracy], intervals: Intervals) -> Accuracy:
    """Return the mean of each figure; what is counted is added up."""

    def mean(field: str) -> float | None:
        values = [getattr(each, field) for each in found]
        return None if None in values else sum(values) / len(values)

    name = "hit" if found[0].scoring == "hit-k" else "top"
    return msgspec.structs.replace(
        found[0],
        **{field: mean(field) for field in _AVERAGED},
        **{f"interval_{name}1": intervals.first, f"interval_{name}5": intervals.among_five},
        interval_map=None,
        map_classes=None,
        not_finite=sum(each.not_finite for each in found),
        unlabelled=sum(each.unlabelled for each in found),
        scored=sum(each.scored for each in found),
        expected=sum(each.expected for each in found),
        unreadable=tuple(bad for each in found for bad in each.unreadable),
        copy=joined_copies([each.copy for each in found]),
        predictions=None,
        wall_s=sum(each.wall_s for each in found),
    )
