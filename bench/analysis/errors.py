"""The videos that a network gets wrong, those first of which it was most sure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np

from ...datasets.protocol import Aggregation
from ...datasets.split import Scoring
from ..evaluation.predictions import Predictions
from ..statistics.scores import NOWHERE, Averaged, averaged_of
from .answers import Answers, answers_of, refuse_wrong_k


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """A class, and a network's score of it for a video, the mean over the views."""

    name: str
    score: float


class Misclassified(msgspec.Struct, frozen=True, kw_only=True):
    """A video that a network gets wrong.

    Attributes:
        video: Its id.
        path: Path of its file; None if it isn't known.
        group: The source of its footage, or None.
        true: Names of its true classes.
        predicted: Name of the class that it is taken for; None if a score is no number.
        score: The score of that class; a probability, or a logit if logits are averaged.
        true_score: The score of the true class that has the highest one.
        margin: How sure the network was in being wrong: the first score less the second, 0 for a
            tie. None if a score is no number.
        place: Number of wrong classes before a true one; None if a score is no number.
        first: The classes with the highest scores, the highest first; empty if a score is no
            number.
    """

    video: str
    path: str | None = None
    group: str | None
    true: tuple[str, ...]
    predicted: str | None
    score: float | None
    true_score: float | None
    margin: float | None
    place: int | None
    first: tuple[Said, ...]


class ErrorGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Misclassified videos of one class that are taken for the same other one.

    Attributes:
        true: The class; a video with several counts for each.
        predicted: What they are taken for; None if a score is no number.
        count: Number of these videos.
        of: Number of all scored videos of the class.
    """

    true: str
    predicted: str | None
    count: int
    of: int


class Errors(msgspec.Struct, frozen=True, kw_only=True):
    """The videos that a network gets wrong.

    Attributes:
        scoring: `top-k`, or `hit-k` or `map` where a video may have several labels.
        averaged: What the scores are: `softmax`, `sigmoid` or `logits`.
        k: A video is wrong if none of its classes is among the first `k`.
        videos: Number of scored videos.
        unlabelled: Number of these without a label, which nothing can get wrong.
        not_finite: Number of wrong videos with a score that is no number.
        groups: Their classes and what they are taken for, the most videos first.
        misclassified: The videos, the largest margin first; without a number at the end.
    """

    scoring: Scoring
    averaged: Averaged
    k: int
    videos: int
    unlabelled: int
    not_finite: int
    groups: tuple[ErrorGroup, ...]
    misclassified: tuple[Misclassified, ...]


def find_errors(
    predictions: Predictions,
    aggregation: Aggregation = "softmax",
    *,
    names: Sequence[str] | None = None,
    k: int = 1,
    found: Answers | None = None,
) -> Errors:
    """Find the videos of which no true class is among the first `k`.

    A tie never helps, as in every other figure: a wrong class with the same score comes first.
    Under `map`, which asks for each class by itself, a video is wrong by the same rule; its figure
    is not the mAP.

    Args:
        predictions: The per-view logits.
        aggregation: Rule that averages the views.
        names: Names of the classes; their numbers stand for them if they aren't known.
        k: Number of classes that may come first.
        found: The answers by that rule, if they were read already.

    Raises:
        KinobenchError: `k` is not below the number of classes; the logits can't be read.
    """
    refuse_wrong_k(predictions, k)
    found = found or answers_of(predictions, aggregation)
    named = names or [str(each) for each in range(predictions.classes)]
    labelled = found.labels >= 0
    wrong = np.flatnonzero(labelled & (found.places >= k))
    listed = [misclassified(found, int(video), named) for video in wrong]
    return Errors(
        scoring=predictions.scoring,
        averaged=averaged_of(aggregation, predictions.scoring),
        k=k,
        videos=len(found.videos),
        unlabelled=int(np.count_nonzero(~labelled)),
        not_finite=int(np.count_nonzero(found.places[wrong] == NOWHERE)),
        groups=_groups(found, wrong, named),
        misclassified=tuple(sorted(listed, key=_least_sure_last)),
    )


def misclassified(found: Answers, video: int, names: Sequence[str]) -> Misclassified:
    """Return what a network said of a video, by its place in the predictions."""
    taken = int(found.named[video])
    is_known = taken >= 0
    score, of_true = float(found.named_scores[video]), float(found.true_scores[video])
    has_margin = is_known and not np.isnan(of_true)
    first = zip(found.first[video].tolist(), found.first_scores[video].tolist(), strict=True)
    return Misclassified(
        video=found.videos[video],
        group=found.groups[video],
        true=tuple(names[label] for label in found.classes_of(video)),
        predicted=names[taken] if is_known else None,
        score=score if is_known else None,
        true_score=of_true if has_margin else None,
        margin=score - of_true if has_margin else None,
        place=int(found.places[video]) if has_margin else None,
        first=tuple(Said(name=names[label], score=value) for label, value in first)
        if is_known
        else (),
    )


def _least_sure_last(each: Misclassified) -> tuple[bool, float, str]:
    return each.margin is None, -(each.margin or 0.0), each.video


def _groups(found: Answers, wrong: np.ndarray, names: Sequence[str]) -> tuple[ErrorGroup, ...]:
    of = Counter(label for video in range(len(found.videos)) for label in found.classes_of(video))
    pairs = Counter(
        (label, int(found.named[video])) for video in wrong for label in found.classes_of(video)
    )
    ordered = sorted(pairs.items(), key=lambda pair: (-pair[1], pair[0]))
    return tuple(
        ErrorGroup(
            true=names[label],
            predicted=names[taken] if taken >= 0 else None,
            count=count,
            of=of[label],
        )
        for (label, taken), count in ordered
    )


def with_paths(
    listed: Sequence[Misclassified], paths: Mapping[str, Path]
) -> tuple[Misclassified, ...]:
    """Return videos with the paths of their files, where these are known by their ids."""
    return tuple(
        msgspec.structs.replace(each, path=str(paths[each.video])) if each.video in paths else each
        for each in listed
    )
