"""Is the difference in mAP between two networks real? A paired bootstrap on the same videos."""

import msgspec

from ...datasets.protocol import Aggregation
from ..evaluation.map_difference import map_difference
from ..evaluation.predictions import Predictions
from ..evaluation.video_scores import compute_scores
from ..statistics.average_precision import MAP_RESAMPLES
from ..statistics.intervals import LEVEL
from .compare import Interval, refuse_two_scorings
from .source import Taken


class MapComparison(msgspec.Struct, frozen=True, kw_only=True):
    """The mAP of two networks, A and B, on the videos that both scored (fractions).

    Attributes:
        a, b: The predictions that were compared; None if `compare_maps` was given them opened.
        videos: Number of these videos.
        left_out_a, left_out_b: Number of videos that only A, that only B scored.
        clusters: Number of source groups, which the bootstrap draws whole; None: it draws videos.
        resamples: Number of its draws.
        map_classes: Number of classes that one of these videos has.
        map_a, map_b: The mAP of each.
        difference: B less A.
        interval: Its 95 % interval; None if nothing varies.
        p: Two-sided p of the difference, by the same bootstrap.
    """

    a: Taken | None = None
    b: Taken | None = None
    videos: int
    left_out_a: int
    left_out_b: int
    clusters: int | None
    resamples: int
    map_classes: int
    map_a: float
    map_b: float
    difference: float
    interval: Interval | None
    p: float

    @property
    def is_significant(self) -> bool:
        """The interval leaves out 0, and p is below 5 %."""
        return self.p < 1 - LEVEL


def compare_maps(
    a: Predictions,
    b: Predictions,
    aggregation_a: Aggregation = "softmax",
    aggregation_b: Aggregation = "softmax",
    resamples: int = MAP_RESAMPLES,
) -> MapComparison:
    """Compare the networks that two predictions are from, by their mAP; see `compare`.

    Raises:
        KinobenchError: They have no common video, or disagree on labels; they can't be read.
    """
    refuse_two_scorings(a, b)
    found = map_difference(
        compute_scores(a, aggregation_a), compute_scores(b, aggregation_b), resamples
    )
    return MapComparison(
        videos=found.videos,
        left_out_a=found.only_a,
        left_out_b=found.only_b,
        clusters=found.clusters,
        resamples=resamples,
        map_classes=found.classes,
        map_a=found.a,
        map_b=found.b,
        difference=found.difference,
        interval=found.interval,
        p=found.p,
    )
