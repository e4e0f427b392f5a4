"""Ranks of the networks of a board, from paired tests on the same videos."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from ...datasets.errors import KinobenchError
from ...datasets.split import Scoring
from ..records.stores import Results
from .leaderboard import Board, Row
from .scored import NOTHING_READ, read_scored

if TYPE_CHECKING:
    from ..evaluation.restricted import Scored


def ranked(board: Board, results: Results, known: "Mapping[str, Scored]" = NOTHING_READ) -> Board:
    """Give every trained network of a board its rank by top-1, hit@1 or mAP.

    A row's rank is 1 + the number of rows that are significantly better. Two rows are compared on
    the videos that both scored, as `compare` does it: both the exact McNemar test and the bootstrap
    of whole source groups must be significant. Holm's method adjusts for all pairs of the board.
    By mAP, the bootstrap of its difference is the one test.
    So rows without a significant difference from each other, or from others, share a rank. The
    difference may be significant between A and C, but neither between A and B nor between B and C:
    a rank is the number of rows that are known to be better, and no more.

    A row whose predictions can't be read has no rank, and its `unranked` says why. Untrained
    networks have none, rows under a probe neither, and where there are fewer than two others there
    is nothing to rank.

    Args:
        board: Its rows were scored on the same videos under one protocol.
        results: Folder with the records and predictions, or several.
        known: The videos of rows that were read already, by the digest of the case.
    """
    trained = [
        place
        for place, row in enumerate(board.rows)
        if row.is_trained and row.record.accuracy is not None and row.record.case.probe is None
    ]
    if len(trained) < 2:
        return board
    rows: list[Row] = list(board.rows)
    found: dict[int, Scored] = {}
    for place in trained:
        row = rows[place]
        try:
            read = known.get(row.record.case.digest)
            found[place] = read_scored(row, board, results) if read is None else read
        except KinobenchError as error:
            rows[place] = msgspec.structs.replace(row, unranked=str(error))
    pairs = len(found) * (len(found) - 1) // 2
    given = _ranks(list(found.values()), board.scoring) if pairs else [1] * len(found)
    for (place, its), rank in zip(found.items(), given, strict=True):
        rows[place] = msgspec.structs.replace(rows[place], rank=rank, unchecked=not its.checked)
    return msgspec.structs.replace(board, rows=tuple(rows), comparisons=pairs)


def _ranks(networks: list[Any], scoring: Scoring) -> list[int]:
    from . import pairs  # numpy, scipy and pyarrow take a second to import

    return pairs.ranks_by_map(networks) if scoring == "map" else pairs.ranks(networks)
