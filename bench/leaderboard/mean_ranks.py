"""Ranks of the networks of a board of means, from paired draws of source groups over all lists."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from ...datasets.errors import KinobenchError
from ..evaluation.places import VideoPlaces
from ..evaluation.restricted import NOTHING_READ, Scored
from ..evaluation.split_pairs import pair_lists
from ..records.record import Record
from ..statistics.intervals import LEVEL
from ..statistics.split_means import mean_difference, resampled_mean_difference
from ..statistics.tests import holm
from .leaderboard import Board, Row
from .split_intervals import places_of


class _Compared(NamedTuple):
    """A pair of networks: how much better the second is (a fraction), and the two-sided p."""

    difference: float
    p: float


def ranked_means(
    boards: Iterable[Board], results: Path, known: Mapping[str, Scored] = NOTHING_READ
) -> list[Board]:
    """Return boards; every trained network of a board of means has a rank there.

    A row's rank is 1 + the number of rows that are significantly better. Two rows are compared on
    the videos of each list that both scored, by a bootstrap of whole source groups over all lists.
    Holm's method adjusts for all pairs of the board. A row whose predictions can't be read has no
    rank, and its `unranked` says why; a row without a mean, an untrained one and one under a probe
    have none either.

    Args:
        boards: All boards: the rows of single splits have the records that a mean is made of.
        results: Folder with the records and predictions.
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
    board: Board, records: Mapping[str, Record], results: Path, known: Mapping[str, Scored]
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
    given = mean_ranks(list(found.values()))
    for (place, its), rank in zip(found.items(), given, strict=True):
        unchecked = not all(each.checked for each in its)
        rows[place] = msgspec.structs.replace(rows[place], rank=rank, unchecked=unchecked)
    pairs = len(found) * (len(found) - 1) // 2
    return msgspec.structs.replace(board, rows=tuple(rows), comparisons=pairs)


def mean_ranks(networks: Sequence[Sequence[VideoPlaces]]) -> list[int]:
    """Return the rank of each network: 1 and the number that are significantly better.

    Args:
        networks: Of each network, the places of the videos of each list, the lists in one order.
    """
    return [int(number) for number in 1 + better_means(networks).sum(axis=0)]


def better_means(networks: Sequence[Sequence[VideoPlaces]]) -> np.ndarray:
    """Return which network is significantly better than which: `[networks, networks]`, bool.

    The first of the two is the better one; the argument is that of `mean_ranks`.
    """
    pairs = [(a, b) for a in range(len(networks)) for b in range(a)]
    tested = [_compared(networks[a], networks[b]) for a, b in pairs]
    found = np.zeros((len(networks), len(networks)), bool)
    for (a, b), each, p in zip(pairs, tested, holm([each.p for each in tested]), strict=True):
        if p < 1 - LEVEL:
            found[(b, a) if each.difference > 0 else (a, b)] = True
    return found


def _compared(a: Sequence[VideoPlaces], b: Sequence[VideoPlaces]) -> _Compared:
    paired = pair_lists(a, b)
    if not all(map(len, paired.clusters)):
        return _Compared(0.0, 1.0)
    hits_a, hits_b = paired.hits(1)
    found = resampled_mean_difference(hits_a, hits_b, paired.clusters)
    return _Compared(mean_difference(hits_a, hits_b), 1.0 if found is None else found.p)
