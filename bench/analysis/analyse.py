"""Analysis of stored logits, without the network: accuracy by aggregation, views and class."""

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Any, NamedTuple, get_args

import msgspec
import numpy as np

from ...datasets.errors import KinobenchError
from ...datasets.plurals import quantity
from ...datasets.protocol import Aggregation
from ...datasets.split import Scoring
from ..evaluation.labels import LabelSets, classes_named, true_mask, true_places
from ..evaluation.predictions import Chunk, Predictions
from ..records.results import has_top5
from ..statistics.intervals import wilson
from ..statistics.scores import NOWHERE, mean_score, places, places_of_each, view_scores
from ..statistics.tests import mcnemar
from .classes import ClassAccuracy, Confused, by_class, confusions

Interval = tuple[float, float]
AGGREGATIONS: tuple[Aggregation, ...] = get_args(Aggregation)


class Shares(msgspec.Struct, frozen=True, kw_only=True):
    """Shares of the videos that were classified correctly, with 95 % Wilson intervals.

    They are hit@1 and hit@5 where a video may have several labels. The top-5 is None if there are
    no more than five classes.
    """

    top1: float
    interval_top1: Interval
    top5: float | None
    interval_top5: Interval | None


class Aggregated(Shares, frozen=True, kw_only=True):
    """The accuracy under one way of averaging the views."""

    aggregation: Aggregation


class FewerViews(Shares, frozen=True, kw_only=True):
    """The accuracy of the first `clips` temporal views in the order of `clip_order`.

    Attributes:
        clips: Temporal views; every spatial view of each counts.
        views: Views in all.
        difference: Its top-1 less that of all views.
        lost, gained: Videos that only all views get right, that only these do.
        p: p-value of the exact McNemar test of the two; None for all views themselves.
    """

    clips: int
    views: int
    difference: float
    lost: int
    gained: int
    p: float | None


class Analysis(Shares, frozen=True, kw_only=True):
    """The analysis of one network's stored logits.

    Attributes:
        scoring: `top-k`, or `hit-k` where a video may have several labels.
        videos, views, classes: Number of each.
        aggregation: Rule that averages the views, for all fields but `by_aggregation`.
        mean_class_accuracy: Mean over the classes that have videos of their top-1.
        not_finite: Videos with a score that is no number; they count as wrong, and as no class.
        by_aggregation: Softmax and logits side by side.
        clips, crops: Temporal and spatial views; None if they are unknown.
        clip_order: Order in which temporal views are added; see the function of that name.
        by_clips: One to all temporal views; empty if `clips` is None.
        by_class: Every class in the order of labels.
        confusions: Every pair of classes that was confused, most often first: all of the confusion
            matrix that isn't zero, except its diagonal, `hits`. A video with several labels that is
            taken for none of them counts for each.
    """

    scoring: Scoring = "top-k"
    videos: int
    views: int
    classes: int
    aggregation: Aggregation
    mean_class_accuracy: float
    not_finite: int
    by_aggregation: tuple[Aggregated, ...]
    clips: int | None
    crops: int | None
    clip_order: tuple[int, ...]
    by_clips: tuple[FewerViews, ...]
    by_class: tuple[ClassAccuracy, ...]
    confusions: tuple[Confused, ...]


def clip_order(clips: int) -> tuple[int, ...]:
    """Return the order in which a video's temporal views are added, the best spread first.

    The instants 1/2, 1/4, 3/4, 1/8, 5/8, 3/8, 7/8, ... of the video (the sequence of van der
    Corput 1935 in base 2) are taken one after the other, and of each the clip in whose equal share
    of the video it falls, unless it is there already. So one clip is the middle one, and any number
    of first ones is spread over the video. Of 10: 5, 2, 7, 1, 6, 3, 8, 0, 4, 9.
    """
    order: dict[int, None] = {}
    number = 0
    while len(order) < clips:
        number += 1
        mirrored = int(f"{number:b}"[::-1], 2)  # over 2 ** bits: the instant
        order[mirrored * clips >> number.bit_length()] = None
    return tuple(order)


def analyse(
    predictions: Predictions,
    aggregation: Aggregation = "softmax",
    *,
    clips: int | None = None,
    names: Sequence[str] | None = None,
    on_chunk: Callable[[Chunk], None] = lambda chunk: None,
) -> Analysis:
    """Compute everything in one pass over the logits, in memory that doesn't grow with them.

    Args:
        predictions: The per-view logits.
        aggregation: Rule that averages the views.
        clips: Temporal views; the others are spatial, all of the first clip's coming first.
        names: Names of the classes.
        on_chunk: Called with all videos, a few at a time, so that they need not be read again.

    Raises:
        KinobenchError: There are not so many views, or names; the logits can't be read.
    """
    views, classes = predictions.views, predictions.classes
    check_shape(predictions, clips, names)
    order = clip_order(clips) if clips else ()
    labelled, named, place = _places(predictions, aggregation, order, on_chunk)
    classwise = by_class(
        labelled.labels, named, labelled.places, names or [str(c) for c in range(classes)]
    )
    shares = [Fraction(each.hits, each.videos) for each in classwise if each.videos]
    return Analysis(
        **scoring(place[aggregation], classes),
        scoring=predictions.scoring,
        videos=len(named),
        views=views,
        classes=classes,
        aggregation=aggregation,
        mean_class_accuracy=float(sum(shares) / len(shares)),
        not_finite=int(np.count_nonzero(place[aggregation] == NOWHERE)),
        by_aggregation=tuple(
            Aggregated(aggregation=a, **scoring(place[a], classes)) for a in AGGREGATIONS
        ),
        clips=clips,
        crops=views // clips if clips else None,
        clip_order=order,
        by_clips=tuple(
            _fewer(count, views // len(order), place[count], place[aggregation], classes)
            for count in range(1, len(order))
        )
        + ((_all_views(len(order), views, place[aggregation], classes),) if order else ()),
        by_class=classwise,
        confusions=confusions(labelled.labels, labelled.named, classwise),
    )


def check_shape(predictions: Predictions, clips: int | None, names: Sequence[str] | None) -> None:
    """Refuse a number of clips or of names that predictions can't have.

    Raises:
        KinobenchError: There are not so many views, or classes.
    """
    views, classes = predictions.views, predictions.classes
    if clips is not None and (clips < 1 or views % clips):
        raise KinobenchError(
            f"{predictions.path}: {quantity(views, 'view')} of a video can't be shared by "
            f"{quantity(clips, 'clip')}; give the number of temporal and of spatial views"
        )
    if names is not None and len(names) != classes:
        raise KinobenchError(
            f"{predictions.path}: {quantity(len(names), 'class name')} for "
            f"{quantity(classes, 'class', 'classes')}; give one each"
        )


class _Pairs(NamedTuple):
    """Every video with each of its classes, `[pairs]`.

    Attributes:
        labels: The class.
        named: What the video was taken for: the class itself where that is any of the video's.
        places: Number of wrong classes before it.
    """

    labels: np.ndarray
    named: np.ndarray
    places: np.ndarray


def _pairs(chunk: Chunk, scored: np.ndarray, named: np.ndarray) -> _Pairs:
    if chunk.label_sets is None:
        return _Pairs(chunk.labels, named, places(scored, chunk.labels))
    true = true_mask(chunk.labels, chunk.label_sets, scored.shape[1])
    (video, label), place = places_of_each(scored, true)
    taken = named[video]
    is_right = (taken >= 0) & true[video, taken]
    return _Pairs(label, np.where(is_right, label, taken), place)


def _places(
    predictions: Predictions,
    aggregation: Aggregation,
    order: Sequence[int],
    on_chunk: Callable[[Chunk], None],
) -> tuple[_Pairs, np.ndarray, dict[Aggregation | int, np.ndarray]]:
    """Return the places of the true classes by aggregation, and by the number of first clips.

    Returns:
        Every video with each of its classes; the named classes `[videos]`; the places, each
        `[videos]`.
    """
    found: dict[Aggregation | int, list[np.ndarray]] = {}
    pairs, named = [], []
    for chunk in predictions.chunks():
        on_chunk(chunk)
        for how in AGGREGATIONS:
            values = view_scores(chunk.logits, how)
            mean = mean_score(values)
            found.setdefault(how, []).append(true_places(mean, *labels_of(chunk)))
            if how == aggregation:
                named.append(classes_named(mean, *labels_of(chunk)))
                pairs.append(_pairs(chunk, mean, named[-1]))
                for count, fewer in enumerate(first_clips(values, order), 1):
                    found.setdefault(count, []).append(true_places(fewer, *labels_of(chunk)))
    joined = {key: np.concatenate(parts) for key, parts in found.items()}
    every = _Pairs(*(np.concatenate(parts) for parts in zip(*pairs, strict=True)))
    return every, np.concatenate(named), joined


def labels_of(chunk: Chunk) -> tuple[np.ndarray, LabelSets | None]:
    """Return the labels of a chunk's videos, as `true_places` takes them."""
    return chunk.labels, chunk.label_sets


def first_clips(values: np.ndarray, order: Sequence[int]) -> Iterator[np.ndarray]:
    """Yield the mean score of the first clip, the first two, ... of `order`, without that of all.

    Args:
        values: `[videos, views, classes]`, what is averaged.
        order: Clips in the order in which they are added.
    """
    if not order:
        return
    videos, classes = values.shape[0], values.shape[2]
    clips = values.reshape(videos, len(order), -1, classes)
    total = np.zeros((videos, classes))
    for count, clip in enumerate(order[:-1], 1):
        with np.errstate(invalid="ignore"):
            for crop in range(clips.shape[2]):
                total += clips[:, clip, crop]
        yield total / (count * clips.shape[2])


def scoring(place: np.ndarray, classes: int) -> dict[str, Any]:
    """Return the fields of `Shares`.

    Args:
        place: `[videos]`, number of classes before the true one.
        classes: Number of classes.
    """
    top1, top5 = (int(np.count_nonzero(place < k)) for k in (1, 5))
    of_five = has_top5(classes)
    return {
        "top1": top1 / len(place),
        "interval_top1": wilson(top1, len(place)),
        "top5": top5 / len(place) if of_five else None,
        "interval_top5": wilson(top5, len(place)) if of_five else None,
    }


def _fewer(
    clips: int, crops: int, place: np.ndarray, of_all: np.ndarray, classes: int
) -> FewerViews:
    few, whole = place == 0, of_all == 0
    lost, gained = int(np.count_nonzero(whole & ~few)), int(np.count_nonzero(few & ~whole))
    return FewerViews(
        **scoring(place, classes),
        clips=clips,
        views=clips * crops,
        difference=(gained - lost) / len(place),
        lost=lost,
        gained=gained,
        p=mcnemar(lost, gained),
    )


def _all_views(clips: int, views: int, place: np.ndarray, classes: int) -> FewerViews:
    # Summed in the order of the views, not of `clip_order`: the digits that the record has.
    return FewerViews(
        **scoring(place, classes),
        clips=clips,
        views=views,
        difference=0.0,
        lost=0,
        gained=0,
        p=None,
    )
