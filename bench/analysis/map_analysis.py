"""Analysis of stored logits that an mAP scores: by averaging, number of views and class."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from ...datasets.protocol import Aggregation
from ..evaluation.labels import true_mask
from ..evaluation.predictions import Predictions
from ..evaluation.video_scores import group_clusters
from ..statistics.average_precision import (
    interval_of,
    mean_average_precision,
    p_of,
    resampled_maps,
)
from ..statistics.scores import Averaged, averaged_of, mean_score, view_scores
from .analyse import AGGREGATIONS, Interval, check_shape, clip_order, first_clips


class MapAggregated(msgspec.Struct, frozen=True, kw_only=True):
    """The mAP if sigmoids are averaged over the views, or logits."""

    aggregation: Averaged
    map: float | None


class MapOfFewerViews(msgspec.Struct, frozen=True, kw_only=True):
    """The mAP of the first `clips` temporal views in the order of `clip_order`.

    Attributes:
        clips: Temporal views; every spatial view of each counts.
        views: Views in all.
        difference, interval, p: Its mAP less that of all views, by a paired bootstrap; None for all
            views themselves.
    """

    clips: int
    views: int
    map: float | None
    difference: float | None
    interval: Interval | None
    p: float | None


class ClassPrecision(msgspec.Struct, frozen=True, kw_only=True):
    """One class: how many videos have it, and the average precision of their ranking."""

    label: int
    name: str
    videos: int
    average_precision: float | None


class MapAnalysis(msgspec.Struct, frozen=True, kw_only=True):
    """The analysis of one network's stored logits, by mAP.

    Attributes:
        map, interval_map: The mAP and its 95 % interval, by a bootstrap.
        map_classes: Number of classes that a video has; the others are not in the mean.
        unlabelled: Number of videos without a label, which come last in each class.
        not_finite: Videos with a score that is no number, which come last too.
        videos, views, classes: Number of each.
        aggregation: Rule that averages the views, for all fields but `by_aggregation`.
        by_aggregation: Sigmoids and logits side by side.
        clips, crops, clip_order: See `Analysis`.
        by_clips: One to all temporal views; empty if `clips` is None.
        by_class: Every class in the order of labels.
    """

    map: float | None
    interval_map: Interval | None
    map_classes: int
    unlabelled: int
    not_finite: int
    videos: int
    views: int
    classes: int
    aggregation: Averaged
    by_aggregation: tuple[MapAggregated, ...]
    clips: int | None
    crops: int | None
    clip_order: tuple[int, ...]
    by_clips: tuple[MapOfFewerViews, ...]
    by_class: tuple[ClassPrecision, ...]


class _Scored(NamedTuple):
    """The scores `[videos, classes]` by aggregation and by the number of first clips."""

    by_aggregation: dict[Averaged, np.ndarray]
    by_clips: list[np.ndarray]
    true: np.ndarray
    clusters: np.ndarray | None


def analyse_map(
    predictions: Predictions,
    aggregation: Aggregation = "softmax",
    *,
    clips: int | None = None,
    names: Sequence[str] | None = None,
) -> MapAnalysis:
    """Compute everything in one pass over the logits; the scores of all videos are in memory.

    Args:
        predictions: The per-view logits.
        aggregation: Rule that averages the views; `softmax` stands for probabilities, which are
            sigmoids here: see `averaged_of`.
        clips: Temporal views; the others are spatial, all of the first clip's coming first.
        names: Names of the classes.

    Raises:
        KinobenchError: There are not so many views, or names; the logits can't be read.
    """
    check_shape(predictions, clips, names)
    order = clip_order(clips) if clips else ()
    averaged = averaged_of(aggregation, "map")
    found = _scored(predictions, averaged, order)
    scored, true = found.by_aggregation[averaged], found.true
    average = mean_average_precision(scored, true)
    interval = None
    if average.map is not None:
        drawn = resampled_maps([scored], true, found.clusters)
        interval = None if drawn is None else interval_of(average.map, drawn[0])
    counts = true.sum(axis=0).tolist()
    known = names or [str(label) for label in range(predictions.classes)]
    return MapAnalysis(
        map=average.map,
        interval_map=interval,
        map_classes=average.classes,
        unlabelled=int((~true.any(axis=1)).sum()),
        not_finite=int((~np.isfinite(scored).all(axis=1)).sum()),
        videos=len(true),
        views=predictions.views,
        classes=predictions.classes,
        aggregation=averaged,
        by_aggregation=tuple(
            MapAggregated(aggregation=how, map=mean_average_precision(each, true).map)
            for how, each in found.by_aggregation.items()
        ),
        clips=clips,
        crops=predictions.views // clips if clips else None,
        clip_order=order,
        by_clips=_by_clips(found, scored, predictions.views) if order else (),
        by_class=tuple(
            ClassPrecision(
                label=label,
                name=name,
                videos=counts[label],
                average_precision=float(average.by_class[label]) if counts[label] else None,
            )
            for label, name in enumerate(known)
        ),
    )


def _scored(predictions: Predictions, averaged: Averaged, order: Sequence[int]) -> _Scored:
    """Return the scores, the videos in the order of their ids: that of the bootstrap's draws."""
    by_aggregation: dict[Averaged, list[np.ndarray]] = {
        averaged_of(how, "map"): [] for how in AGGREGATIONS
    }
    by_clips: list[list[np.ndarray]] = [[] for _ in order[1:]]
    true: list[np.ndarray] = []
    videos: list[str] = []
    groups: list[str | None] = []
    for chunk in predictions.chunks():
        for how in by_aggregation:
            values = view_scores(chunk.logits, how)
            by_aggregation[how].append(mean_score(values))
            if how == averaged:
                for kept, fewer in zip(by_clips, first_clips(values, order), strict=True):
                    kept.append(fewer)
        true.append(true_mask(chunk.labels, chunk.label_sets, predictions.classes))
        videos += chunk.videos
        groups += chunk.groups
    at = sorted(range(len(videos)), key=videos.__getitem__)
    return _Scored(
        {how: np.concatenate(parts)[at] for how, parts in by_aggregation.items()},
        [np.concatenate(parts)[at] for parts in by_clips],
        np.concatenate(true)[at],
        group_clusters(tuple(groups[number] for number in at)),
    )


def _by_clips(found: _Scored, scored: np.ndarray, views: int) -> tuple[MapOfFewerViews, ...]:
    crops = views // (len(found.by_clips) + 1)
    of_all = mean_average_precision(scored, found.true).map
    drawn = resampled_maps([scored, *found.by_clips], found.true, found.clusters)
    rows = []
    for count, fewer in enumerate(found.by_clips, 1):
        average = mean_average_precision(fewer, found.true).map
        difference = None if average is None or of_all is None else average - of_all
        spread = np.zeros(0) if drawn is None else drawn[count] - drawn[0]
        rows.append(
            MapOfFewerViews(
                clips=count,
                views=count * crops,
                map=average,
                difference=difference,
                interval=None if difference is None else interval_of(difference, spread, -1.0),
                p=None if difference is None else p_of(difference, spread),
            )
        )
    whole = MapOfFewerViews(
        clips=len(rows) + 1, views=views, map=of_all, difference=None, interval=None, p=None
    )
    return (*rows, whole)
