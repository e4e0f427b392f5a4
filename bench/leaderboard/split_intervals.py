"""The intervals of a mean over splits, from the stored predictions of each split's record."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from ...datasets.errors import KinobenchError, reason_of
from ..evaluation.origin import origin_of
from ..records.record import Record
from ..records.stores import Results, predictions_in
from .scored import NOTHING_READ

if TYPE_CHECKING:
    from ..evaluation.places import VideoPlaces
    from ..evaluation.restricted import Scored

Interval = tuple[float, float]


class Intervals(msgspec.Struct, frozen=True, kw_only=True):
    """The 95 % intervals of a mean, or the reason why there are none."""

    first: Interval | None = None
    among_five: Interval | None = None
    reason: str = ""


def intervals_of(
    records: Sequence[Record], results: Results, known: "Mapping[str, Scored]" = NOTHING_READ
) -> Intervals:
    """Return the intervals of the mean of some records' top-1 and top-5, or hit@1 and hit@5.

    Source groups are drawn whole, over all splits together; a video without a group is one of its
    own, in each split that lists it.

    Args:
        records: A record of each split, all with an accuracy.
        results: Folder with the records and predictions.
        known: The videos of records that were read already, by the digest of the case.

    Raises:
        KinobenchError: The predictions are not there, or can't be read.
    """
    if any(each.accuracy is not None and each.accuracy.scoring == "map" for each in records):
        return Intervals(reason="only of shares of right videos, and not of an mAP")
    found = places_of(records, results, known)
    from ..evaluation.split_pairs import clusters_of  # numpy and scipy take long to import
    from ..statistics.split_means import mean_share_interval

    numbers: dict[tuple[object, ...], int] = {}
    clusters = [clusters_of(each, numbers) for each in found]
    first, fifth = (
        mean_share_interval([each.places < k for each in found], clusters) for k in (1, 5)
    )
    has_fifth = all(
        each.accuracy is not None and each.accuracy.among_five is not None for each in records
    )
    return Intervals(first=first, among_five=fifth if has_fifth else None)


def places_of(
    records: Sequence[Record], results: Results, known: "Mapping[str, Scored]" = NOTHING_READ
) -> "list[VideoPlaces]":
    """Return the places of the videos of some records; the arguments are those of `intervals_of`.

    Raises:
        KinobenchError: The predictions are not there, or can't be read.
    """
    return [_places(record, results, known) for record in records]


def _places(record: Record, results: Results, known: "Mapping[str, Scored]") -> "VideoPlaces":
    read = known.get(record.case.digest)
    if read is not None:
        from ..evaluation.places import VideoPlaces

        if isinstance(read, VideoPlaces):
            return read
    accuracy = record.accuracy
    if accuracy is None or accuracy.predictions is None or accuracy.score is None:
        raise KinobenchError(f"split {record.case.split} keeps no predictions; measure it again")
    path = predictions_in(accuracy, results)
    if not path.exists():
        raise KinobenchError(f"{path}, the predictions, are not there; measure it again")
    from ..evaluation.places import read_places

    try:
        return read_places(
            path,
            record.case.protocol.aggregation,
            scored=accuracy.scored,
            hits=round(accuracy.score * accuracy.scored),
            origin=origin_of(record),
        )
    except OSError as error:
        raise KinobenchError(f"{path} can't be read: {reason_of(error)}") from error
