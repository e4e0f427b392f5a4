"""Mixed softmax scores of two networks on the same videos: which weight is best?"""

import msgspec
import numpy as np

from ...datasets.errors import KinobenchError
from ..evaluation.predictions import Predictions
from ..statistics.scores import places, scores
from .analyse import Shares, scoring
from .pairing import Labelled, pair

WEIGHTS = tuple(number / 20 for number in range(21))

_VIDEOS_AT_ONCE = 1024


class Mixture(Shares, frozen=True, kw_only=True):
    """The accuracy of `weight` times the first network's scores and the rest the second's."""

    weight: float


class Mixtures(msgspec.Struct, frozen=True, kw_only=True):
    """The accuracy under every weight.

    If you choose the weight here, you choose it on the scored videos: its accuracy is too good.

    Attributes:
        videos: Number of videos that both networks scored.
        only_first, only_second: Number of videos that only one of them scored; they are left out.
        weightings: Accuracy by weight, in the order of weights; 0 is the second network alone, 1
            the first.
        best: Weight of the highest top-1; of several, the one nearest to one half.
    """

    videos: int
    only_first: int
    only_second: int
    weightings: tuple[Mixture, ...]
    best: float


def mix(first: Predictions, second: Predictions, weights: tuple[float, ...] = WEIGHTS) -> Mixtures:
    """Score weighted sums of the mean softmax of two networks (Simonyan & Zisserman 2014, sec. 2).

    Args:
        first: Per-view logits of the first network.
        second: Per-view logits of the second network, with any number of views.
        weights: Weights of the first network, from 0 to 1.

    Raises:
        KinobenchError: They have no common video, or disagree on labels, or their videos may have
            several; they can't be read.
    """
    for each in (first, second):
        if each.scoring != "top-k":
            raise KinobenchError(
                f"{each.path}: its videos may have several labels, and two streams are mixed where "
                "each has one; leave --fuse out"
            )
    (a, a_scores), (b, b_scores) = _softmax(first), _softmax(second)
    pairing = pair(a, b)
    labels = a.labels[pairing.in_a]
    place = np.empty((len(weights), len(labels)), dtype=np.int32)
    for start in range(0, len(labels), _VIDEOS_AT_ONCE):
        part = slice(start, start + _VIDEOS_AT_ONCE)
        one, other = a_scores[pairing.in_a[part]], b_scores[pairing.in_b[part]]
        for row, weight in enumerate(weights):
            place[row, part] = places(weight * one + (1 - weight) * other, labels[part])
    weightings = tuple(
        Mixture(weight=weight, **scoring(found, a.classes))
        for weight, found in zip(weights, place, strict=True)
    )
    return Mixtures(
        videos=len(labels),
        only_first=pairing.only_a,
        only_second=pairing.only_b,
        weightings=weightings,
        best=min(weightings, key=lambda each: (-each.top1, abs(each.weight - 0.5))).weight,
    )


def _softmax(predictions: Predictions) -> tuple[Labelled, np.ndarray]:
    """Return the videos and their mean softmax, `[videos, classes]`, float64."""
    found = np.empty((predictions.videos, predictions.classes))
    videos: list[str] = []
    labels = []
    groups: list[str | None] = []
    for chunk in predictions.chunks():
        found[len(videos) : len(videos) + len(chunk.videos)] = scores(chunk.logits, "softmax")
        videos += chunk.videos
        groups += chunk.groups
        labels.append(chunk.labels)
    every = np.concatenate(labels)
    path, classes, names = predictions.path, predictions.classes, predictions.names
    return Labelled(path, classes, videos, every, groups, names), found
