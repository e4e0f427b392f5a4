"""The true classes of scored videos: one each, or a set of them, and their places."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from ..statistics.scores import (
    label_mask,
    named_classes,
    named_classes_of_any,
    places,
    places_of_any,
)

LabelSets = tuple[tuple[int, ...], ...]
"""The labels of each video, ascending."""


def true_mask(labels: np.ndarray, sets: LabelSets | None, classes: int) -> np.ndarray:
    """Return which classes each video has: `[videos, classes]`, bool.

    Args:
        labels: `[videos]`, the label of each; with `sets` they are not looked at.
        sets: Their labels, where they may have several; None: one each.
        classes: Number of classes.
    """
    return label_mask(labels[:, None].tolist() if sets is None else sets, classes)


def true_places(scored: np.ndarray, labels: np.ndarray, sets: LabelSets | None) -> np.ndarray:
    """Return the place of each video's class, or of the first of its classes: `[videos]`, int32.

    Args:
        scored: `[videos, classes]`.
        labels: `[videos]`, the label of each; with `sets` they are not looked at.
        sets: Their labels, where they may have several; None: one each.
    """
    if sets is None:
        return places(scored, labels)
    return places_of_any(scored, label_mask(sets, scored.shape[1]))


def classes_named(scored: np.ndarray, labels: np.ndarray, sets: LabelSets | None) -> np.ndarray:
    """Return the class that each video is taken for: `[videos]`, int64; -1 if nothing is finite.

    The arguments are those of `true_places`.
    """
    if sets is None:
        return named_classes(scored, labels)
    return named_classes_of_any(scored, label_mask(sets, scored.shape[1]))


def first_labels(sets: Sequence[Sequence[int]]) -> np.ndarray:
    """Return the first label of each video, -1 where it has none: `[videos]`, int64."""
    return np.array([each[0] if each else -1 for each in sets], np.int64)


def sets_in(column: pa.Array | pa.ChunkedArray) -> LabelSets:
    """Return the label sets in a column of lists."""
    return tuple(tuple(each) for each in column.to_pylist())
