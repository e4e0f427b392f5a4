"""Ranks of the networks of a board of means, from paired draws of source groups over all lists."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import msgspec

from ...datasets.errors import KinobenchError
from ..records.record import Record
from ..records.stores import Results
from .leaderboard import Board, Row
from .scored import NOTHING_READ
from .split_intervals import places_of

if TYPE_CHECKING:
    from ..evaluation.places import VideoPlaces
    from ..evaluation.restricted import Scored


def ranked_means(
    boards: Iterable[Board], results: Results, known: "Mapping[str, Scored]" = NOTHING_READ
) -> list[Board]:
    """Return boards; every trained network of a board of means has a rank there.

    A row's rank is 1 + the number of rows that are significantly better. Two rows are compared on
    the videos of each list that both scored, by a bootstrap of whole source groups over all lists.
    Holm's method adjusts for all pairs of the board. A row whose predictions can't be read has no
    rank, and its `unranked` says why; a row without a mean, an untrained one and one under a probe
    have none either.

    Args:
        boards: All boards: the rows of single splits have the records that a mean is made of.
        results: Folder with the records and predictions, or several.
        known: The videos of rows that were read already, by the digest of the case.
    """
    every = list(boards)
    records = {row.record.id: row.record for board in every for row in board.rows if not row.splits}
    return [
        _ranked(board, records, results, known)
        if any(row.splits for row in board.rows) and board.scoring != "map"
        else board
        for board in every
    ]


def _ranked(
    board: Board, records: Mapping[str, Record], results: Results, known: "Mapping[str, Scored]"
) -> Board:
    rows: list[Row] = list(board.rows)
    found: dict[int, list[VideoPlaces]] = {}
    trained = [
        place
        for place, row in enumerate(rows)
        if row.is_trained and row.record.case.probe is None and row.no_mean is None
    ]
    if len(trained) < 2:
        return board
    for place in trained:
        try:
            of_splits = [records[each.record] for each in rows[place].splits]
            found[place] = places_of(of_splits, results, known)
        except KinobenchError as error:
            rows[place] = msgspec.structs.replace(rows[place], unranked=str(error))
    if not found:
        return msgspec.structs.replace(board, rows=tuple(rows))
    from .mean_pairs import mean_ranks  # numpy, scipy and pyarrow take a second to import

    given = mean_ranks(list(found.values()))
    for (place, its), rank in zip(found.items(), given, strict=True):
        unchecked = not all(each.checked for each in its)
        rows[place] = msgspec.structs.replace(rows[place], rank=rank, unchecked=unchecked)
    pairs = len(found) * (len(found) - 1) // 2
    return msgspec.structs.replace(board, rows=tuple(rows), comparisons=pairs)
