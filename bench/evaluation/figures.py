"""The figures of an accuracy: shares of hits, or a mean average precision, with intervals."""

from typing import Any

import numpy as np

from ...datasets.split import Scoring
from ..records.results import has_top5
from ..statistics.average_precision import (
    interval_of,
    mean_average_precision,
    resampled_maps,
)
from ..statistics.intervals import wilson

NO_SHARES = dict.fromkeys(("top1", "top5", "interval_top1", "interval_top5", "top1_of_expected"))
"""The figures of an accuracy by top-k that must be said, if its scoring is another."""
HIT_FIELDS: dict[Scoring, tuple[str, str]] = {"top-k": ("top1", "top5"), "hit-k": ("hit1", "hit5")}
"""The fields of an accuracy by hits for the first class, and for the first five."""


def hit_shares(places: np.ndarray, classes: int, scoring: Scoring) -> dict[str, Any]:
    """Return the shares of hits, top-k or hit@k, and their intervals, as fields of an accuracy.

    Args:
        places: `[videos]`, the classes that come before a true one.
        classes: Number of classes.
        scoring: `top-k` or `hit-k`.
    """
    count, of_five = len(places), has_top5(classes)
    top1, top5 = (int(np.count_nonzero(places < k)) for k in (1, 5))
    first, fifth = HIT_FIELDS[scoring]
    return {
        **NO_SHARES,
        first: top1 / count if count else None,
        fifth: top5 / count if count and of_five else None,
        f"interval_{first}": wilson(top1, count) if count else None,
        f"interval_{fifth}": wilson(top5, count) if count and of_five else None,
    }


def mean_precision(
    scored: np.ndarray, true: np.ndarray, clusters: np.ndarray | None
) -> dict[str, Any]:
    """Return the mAP and its interval, as fields of an accuracy.

    Args:
        scored: `[videos, classes]`, in the order of the videos' ids: draws depend on it.
        true: `[videos, classes]`, bool.
        clusters: `[videos]`, numbers of the sources that share footage; None: each is its own.
    """
    average = mean_average_precision(scored, true)
    interval = None
    if average.map is not None:
        resampled = resampled_maps([scored], true, clusters)
        interval = None if resampled is None else interval_of(average.map, resampled[0])
    return {
        **NO_SHARES,
        "map": average.map,
        "interval_map": interval,
        "map_classes": average.classes,
        "unlabelled": int((~true.any(axis=1)).sum()),
    }


def chance_of_hits(labels: int, videos: int, classes: int) -> float:
    """Return the hit@1 of a random guess: the mean of a video's share of the classes.

    Args:
        labels: Number of the videos' labels together.
        videos: Number of the videos.
        classes: Number of classes.
    """
    return labels / videos / classes if videos else 1 / classes


def chance_of_ranks(true: np.ndarray) -> float:
    """Return the mAP of a random ranking: the mean of a class's share of the videos.

    Args:
        true: `[videos, classes]`, bool.
    """
    shares = true.sum(axis=0) / max(1, len(true))
    return float(shares[shares > 0].mean()) if shares.any() else 0.0
