"""Is the difference in accuracy between two networks real? Paired tests on the same videos."""

import msgspec
import numpy as np

from ...datasets.errors import KinobenchError
from ...datasets.protocol import Aggregation
from ...datasets.split import Scoring
from ..evaluation.places import VideoPlaces, compute_places
from ..evaluation.predictions import Predictions
from ..records.results import has_top5
from ..statistics.intervals import LEVEL, RESAMPLES, difference_interval
from ..statistics.tests import mcnemar
from .pairing import Labelled, pair
from .source import Taken

Interval = tuple[float, float]

FEW_CLUSTERS = 30
"""With fewer clusters, the interval of a bootstrap is too narrow."""


class AccuracyDifference(msgspec.Struct, frozen=True, kw_only=True):
    """Top-`k` of two networks, A and B, on the same videos (fractions).

    Attributes:
        a, b: Accuracy of each.
        difference: B less A.
        interval: Its 95 % interval by the paired bootstrap; None for a single video or cluster.
        only_a, only_b: Videos that only A, that only B gets.
        p: p-value of the exact McNemar test.
    """

    k: int
    a: float
    b: float
    difference: float
    interval: Interval | None
    only_a: int
    only_b: int
    p: float

    @property
    def excludes_zero(self) -> bool:
        """The interval excludes zero."""
        return self.interval is not None and (self.interval[0] > 0 or self.interval[1] < 0)

    @property
    def is_significant(self) -> bool:
        """Both the test and the interval find a difference.

        The test counts every video as independent; the interval knows that clips cut from one film
        are alike.
        """
        return self.p < 1 - LEVEL and self.excludes_zero


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Two networks on the videos that both scored.

    Attributes:
        videos: Number of these videos.
        left_out_a, left_out_b: Number of videos that only A, that only B scored.
        clusters: Number of source groups, which the bootstrap draws whole; None: it draws videos.
        resamples: Number of its draws.
        scoring: `top-k`, or `hit-k`: then they are hit@1 and hit@5.
        top5: None if there are no more than five classes.
        a, b: The predictions that were compared; None if `compare` was given them opened.
    """

    a: Taken | None = None
    b: Taken | None = None
    videos: int
    left_out_a: int
    left_out_b: int
    clusters: int | None
    resamples: int
    scoring: Scoring = "top-k"
    top1: AccuracyDifference
    top5: AccuracyDifference | None


def compare(
    a: Predictions,
    b: Predictions,
    aggregation_a: Aggregation = "softmax",
    aggregation_b: Aggregation = "softmax",
    resamples: int = RESAMPLES,
) -> Comparison:
    """Compare the networks that two predictions are from.

    Args:
        a: Per-view logits of the first network.
        b: Per-view logits of the second, in any order of videos and with any number of views.
        aggregation_a: Rule that averages A's views.
        aggregation_b: Rule that averages B's views.
        resamples: Number of the bootstrap's draws.

    Raises:
        KinobenchError: They have no common video, or disagree on labels; they can't be read.
    """
    refuse_two_scorings(a, b)
    of_a, of_b = compute_places(a, aggregation_a), compute_places(b, aggregation_b)
    pairing = pair(_labelled(a, of_a), _labelled(b, of_b))
    place_a, place_b = of_a.places[pairing.in_a], of_b.places[pairing.in_b]

    def difference(k: int) -> AccuracyDifference:
        hits_a, hits_b = place_a < k, place_b < k
        return differing(k, hits_a, hits_b, pairing.clusters, resamples)

    return Comparison(
        videos=len(place_a),
        left_out_a=pairing.only_a,
        left_out_b=pairing.only_b,
        clusters=None if pairing.clusters is None else int(pairing.clusters.max()) + 1,
        resamples=resamples,
        scoring=a.scoring,
        top1=difference(1),
        top5=difference(5) if has_top5(a.classes) else None,
    )


def differing(
    k: int,
    hits_a: np.ndarray,
    hits_b: np.ndarray,
    clusters: np.ndarray | None = None,
    resamples: int = RESAMPLES,
) -> AccuracyDifference:
    """Compare two networks' hits.

    Args:
        k: A hit is among the first k classes.
        hits_a: `[videos]`, bool, hits of A.
        hits_b: `[videos]`, bool, hits of B on the same videos.
        clusters: `[videos]`, an index for each; None draws videos.
        resamples: Number of the bootstrap's draws.
    """
    only_a = int(np.count_nonzero(hits_a & ~hits_b))
    only_b = int(np.count_nonzero(hits_b & ~hits_a))
    return AccuracyDifference(
        k=k,
        a=float(hits_a.mean()),
        b=float(hits_b.mean()),
        difference=(only_b - only_a) / len(hits_a),
        interval=difference_interval(hits_a, hits_b, clusters, resamples=resamples),
        only_a=only_a,
        only_b=only_b,
        p=mcnemar(only_a, only_b),
    )


def _labelled(predictions: Predictions, found: VideoPlaces) -> Labelled:
    return Labelled(
        predictions.path,
        predictions.classes,
        found.videos.to_pylist(),
        found.labels,
        found.groups.to_pylist(),
        predictions.names,
        found.label_sets,
    )


def refuse_two_scorings(a: Predictions, b: Predictions) -> None:
    """Raise KinobenchError if two predictions are scored in different ways."""
    if a.scoring != b.scoring:
        raise KinobenchError(
            f"{a.path} is scored by {a.scoring} and {b.path} by {b.scoring}; give predictions for "
            "one dataset"
        )
