"""A board on the videos that each of its rows scored, so that all figures are of the same ones."""

from typing import NamedTuple

import msgspec

from ...datasets.errors import KinobenchError
from ...datasets.plurals import quantity
from ..evaluation.restricted import Scored, common_videos, restricted
from ..records.stores import Results
from .leaderboard import Board, Row
from .scored import read_scored

OPTION = "--common-videos"


class OnCommonVideos(NamedTuple):
    """A board on common videos.

    Attributes:
        board: The board; its accuracies are of these videos.
        scored: The videos of its rows, by the digest of the case.
    """

    board: Board
    scored: dict[str, Scored]


def on_common_videos(board: Board, results: Results) -> OnCommonVideos:
    """Compute the accuracies of a board again, on the videos that every row scored.

    They come from the stored predictions. A row whose predictions can't be read loses its accuracy,
    and its `unranked` says why. A board with fewer than two accuracies stays as it is.

    Args:
        board: Its rows are of one manifest and one protocol.
        results: Folder with the records and predictions, or several.

    Raises:
        KinobenchError: No video was scored by every row.
    """
    rows = list(board.rows)
    found: dict[int, Scored] = {}
    having = [at for at, row in enumerate(rows) if _score(row) is not None]
    if len(having) < 2:
        return OnCommonVideos(board, {})
    for at in having:
        try:
            found[at] = read_scored(rows[at], board, results)
        except KinobenchError as error:
            why = f"no accuracy on common videos: {error}"
            rows[at] = msgspec.structs.replace(
                rows[at],
                record=msgspec.structs.replace(rows[at].record, accuracy=None),
                unranked=why,
            )
    if not found:
        return OnCommonVideos(msgspec.structs.replace(board, rows=tuple(rows)), {})
    videos = common_videos(list(found.values()))
    if not videos:
        raise KinobenchError(
            f"{board.title}: none of its videos was scored by all of its "
            f"{quantity(len(found), 'row')}; leave out {OPTION}"
        )
    scored: dict[str, Scored] = {}
    for at, its in found.items():
        record = rows[at].record
        assert record.accuracy is not None
        own = its.of(videos)
        scored[record.case.digest] = own
        accuracy = restricted(record.accuracy, own, record.case.classes)
        rows[at] = msgspec.structs.replace(
            rows[at], record=msgspec.structs.replace(record, accuracy=accuracy)
        )
    shown = msgspec.structs.replace(board, rows=tuple(rows), common_videos=len(videos))
    return OnCommonVideos(shown, scored)


def _score(row: Row) -> float | None:
    return None if row.record.accuracy is None else row.record.accuracy.score
