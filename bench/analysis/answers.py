"""What a network said of each video: the classes that it put first, and its score of a true one."""

from typing import NamedTuple

import numpy as np

from ...datasets.errors import KinobenchError
from ...datasets.plurals import quantity
from ...datasets.protocol import Aggregation
from ..evaluation.labels import LabelSets, classes_named, true_mask, true_places
from ..evaluation.predictions import Chunk, Predictions
from ..statistics.scores import averaged_of, mean_score, view_scores
from .pairing import Labelled

FIRST = 5
"""Number of classes that are kept of each video, those of the highest scores."""


class Answers(NamedTuple):
    """The answers of a network, in the order of its predictions.

    Attributes:
        videos: Ids of the videos.
        labels: `[videos]`, their true classes; the first where a video has several, -1 for none.
        label_sets: All their classes, if a video may have several.
        groups: The source of footage that each belongs to, or None.
        places: `[videos]`, number of wrong classes before the first true one; see
            `scores.places_of_any`.
        named: `[videos]`, the class that each is taken for; -1 if a score is no number.
        named_scores, true_scores: `[videos]`, the scores of that class, and of the true class with
            the highest score; NaN if there is none.
        first: `[videos, up to 5]`, the classes of the highest scores, the highest first.
        first_scores: `[videos, up to 5]`, their scores.
    """

    videos: list[str]
    labels: np.ndarray
    label_sets: LabelSets | None
    groups: list[str | None]
    places: np.ndarray
    named: np.ndarray
    named_scores: np.ndarray
    true_scores: np.ndarray
    first: np.ndarray
    first_scores: np.ndarray

    def classes_of(self, video: int) -> tuple[int, ...]:
        """Return the true classes of a video."""
        if self.label_sets is not None:
            return self.label_sets[video]
        return (int(self.labels[video]),)

    def labelled(self, predictions: Predictions) -> Labelled:
        """Return the videos, to be paired with those of other predictions."""
        return Labelled(
            predictions.path,
            predictions.classes,
            self.videos,
            self.labels,
            self.groups,
            predictions.names,
            self.label_sets,
        )


def answers_of(predictions: Predictions, aggregation: Aggregation) -> Answers:
    """Compute the answers in one pass over the logits, in memory that doesn't grow with these.

    Args:
        predictions: The per-view logits.
        aggregation: Rule that averages the views.

    Raises:
        KinobenchError: The logits can't be read.
    """
    found = AnswersSoFar(predictions, aggregation)
    for chunk in predictions.chunks():
        found.add(chunk)
    return found.answers()


class AnswersSoFar:
    """The answers of the videos that were read so far."""

    def __init__(self, predictions: Predictions, aggregation: Aggregation) -> None:
        """Begin without videos.

        Args:
            predictions: The per-view logits.
            aggregation: Rule that averages the views.
        """
        self._averaged = averaged_of(aggregation, predictions.scoring)
        self._several = predictions.scoring != "top-k"
        self._videos: list[str] = []
        self._groups: list[str | None] = []
        self._sets: list[tuple[int, ...]] = []
        self._parts: list[tuple[np.ndarray, ...]] = []

    def add(self, chunk: Chunk) -> None:
        """Add the next videos."""
        scored = mean_score(view_scores(chunk.logits, self._averaged))
        self._parts.append((chunk.labels, *_answered(chunk, scored)))
        self._videos += chunk.videos
        self._groups += chunk.groups
        self._sets += chunk.label_sets or ()

    def answers(self) -> Answers:
        """Return the answers of all videos."""
        labels, *answered = (np.concatenate(each) for each in zip(*self._parts, strict=True))
        sets = tuple(self._sets) if self._several else None
        return Answers(self._videos, labels, sets, self._groups, *answered)


def _answered(chunk: Chunk, scored: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return the fields of `Answers` from `places` on.

    Args:
        chunk: Some videos.
        scored: `[videos, classes]`, their scores.
    """
    known = chunk.labels, chunk.label_sets
    place, named = true_places(scored, *known), classes_named(scored, *known)
    true = true_mask(*known, scored.shape[1])
    best = np.where(true, scored, -np.inf).max(axis=1)
    rows = np.arange(len(scored))
    finite = np.isfinite(scored).all(axis=1)
    of_named = np.where(named >= 0, scored[rows, named], np.nan)
    of_true = np.where(finite & true.any(axis=1), best, np.nan)
    # What the video is taken for comes first, and of equal scores the lower class.
    order = np.where(np.isnan(scored), -np.inf, scored)
    taken = named >= 0
    order[rows[taken], named[taken]] = np.inf
    first = np.argsort(-order, axis=1, kind="stable")[:, :FIRST]
    return place, named, of_named, of_true, first, np.take_along_axis(scored, first, axis=1)


def refuse_wrong_k(predictions: Predictions, k: int) -> None:
    """Refuse a k for which no video can be wrong.

    Raises:
        KinobenchError: There are no more classes than that.
    """
    if not 1 <= k < predictions.classes:
        raise KinobenchError(
            f"--k {k}: of {quantity(predictions.classes, 'class', 'classes')} no video has its "
            f"class outside the first {k}; give 1 to {predictions.classes - 1}"
        )
