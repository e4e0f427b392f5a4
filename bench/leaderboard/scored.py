"""The videos that a row of a board scored, read from its predictions and held to its record."""

from collections.abc import Mapping
from math import isclose
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from ...datasets.errors import KinobenchError, reason_of
from ...datasets.plurals import quantity
from ..evaluation.damage import AGAIN
from ..evaluation.origin import origin_of
from ..records.results import Accuracy
from ..records.stores import Results, predictions_in
from .leaderboard import Board, Row

if TYPE_CHECKING:  # numpy and pyarrow take long to import, and many boards have no predictions
    from ..evaluation.places import VideoPlaces
    from ..evaluation.restricted import Scored
    from ..evaluation.video_scores import VideoScores

NOTHING_READ: "Mapping[str, Scored]" = MappingProxyType({})
"""The videos of no record, by the digest of the case."""


def read_scored(row: Row, board: Board, results: Results) -> "Scored":
    """Return the places of a row's videos, or their scores if the board ranks by mAP.

    Args:
        row: A row with an accuracy.
        board: Its board.
        results: Folder with the records and predictions, or several.

    Raises:
        KinobenchError: Its predictions are not there or outside of the results, can't be read, or
            are of another record.
    """
    read = _scores if board.scoring == "map" else _places
    try:
        return read(row, board, results)
    except OSError as error:
        raise KinobenchError(
            f"its predictions can't be read: {reason_of(error)}; {AGAIN}"
        ) from error


def _places(row: Row, board: Board, results: Results) -> "VideoPlaces":
    """Return the places of a row's videos; the errors are those of `read_scored`."""
    path, accuracy = _stored(row, results)
    from ..evaluation.places import read_places

    scored = accuracy.scored
    right_share = accuracy.score or 0.0
    if not 0 <= right_share <= 1:
        raise KinobenchError(f"its record says that {right_share} of the videos are right; {AGAIN}")
    hits = round(right_share * scored)
    found = read_places(
        path, board.aggregation, scored=scored, hits=hits, origin=origin_of(row.scored)
    )
    right = int(found.hits.sum())
    if (len(found.places), right) != (scored, hits):
        raise KinobenchError(
            f"{path}: right answers: {right} of {quantity(len(found.places), 'video')}, and the "
            f"record says {hits} of {scored}; measure it again"
        )
    return found


def _scores(row: Row, board: Board, results: Results) -> "VideoScores":
    """Return the scores of a row's videos; the errors are those of `read_scored`."""
    path, accuracy = _stored(row, results)
    from ..evaluation.video_scores import read_scores
    from ..statistics.average_precision import mean_average_precision

    found = read_scores(path, board.aggregation, origin_of(row.scored))
    average = mean_average_precision(found.scores, found.true).map
    agrees = (
        average is not None
        and accuracy.map is not None
        and isclose(average, accuracy.map, rel_tol=1e-9)
    )
    if len(found.videos) != accuracy.scored or not agrees:
        raise KinobenchError(
            f"{path}: mAP {average} of {quantity(len(found.videos), 'video')}, and the record says "
            f"{accuracy.map} of {accuracy.scored}; measure it again"
        )
    return found


def _stored(row: Row, results: Results) -> tuple[Path, Accuracy]:
    """Return where the predictions of a row are, and its accuracy.

    Raises:
        KinobenchError: They are not there, or outside of the results.
    """
    accuracy = row.record.accuracy
    if accuracy is None or accuracy.predictions is None:
        raise KinobenchError("its record keeps no predictions; measure it again")
    path = predictions_in(accuracy, results)
    parts = len(Path(accuracy.predictions).parts)
    folder = path.parents[parts - 2] if parts > 1 else path.parent
    if not folder.exists():  # one message for all rows: the records were copied without it
        raise KinobenchError(f"there is no {folder}; copy it too, or measure it again")
    if not path.exists():
        raise KinobenchError(f"its predictions, {path}, are not there; measure it again")
    return path, accuracy
