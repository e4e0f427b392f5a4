"""The labels in a table of per-view logits, which must be the same at every view of a video."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from .labels import LabelSets, sets_in


class WrongLabelError(Exception):
    """A video has labels that it can't have."""


def one_label_each(labels: np.ndarray, ids: Sequence[str], views: int, classes: int) -> np.ndarray:
    """Return the label of each video: `[videos]`, int64.

    Args:
        labels: `[videos * views]`, a row a view.
        ids: Ids of the videos.
        views: Views of each.
        classes: Number of classes.

    Raises:
        WrongLabelError: A video has several, or one that is no class; it is named.
    """
    label = labels.astype(np.int64).reshape(len(ids), views)
    bad = (label != label[:, :1]).any(axis=1) | (label[:, 0] < 0) | (label[:, 0] >= classes)
    if bad.any():
        at = int(np.argmax(bad))
        raise WrongLabelError(
            f"video {ids[at]!r} has the label {', '.join(map(str, np.unique(label[at])))}; it "
            f"must be one of 0 to {classes - 1}, the same at every view"
        )
    first: np.ndarray = label[:, 0]
    return first


def label_set_each(column: pa.Array, ids: Sequence[str], views: int, classes: int) -> LabelSets:
    """Return the labels of each video, which may have several or none.

    Args:
        column: A list of labels a view.
        ids: Ids of the videos.
        views: Views of each.
        classes: Number of classes.

    Raises:
        WrongLabelError: A video has others at another view, one twice, or one that is no class; it
            is named.
    """
    rows = sets_in(column)
    sets = rows[::views]
    for at, (video, its) in enumerate(zip(ids, sets, strict=True)):
        in_range = all(label is not None and 0 <= label < classes for label in its)
        same = all(each == its for each in rows[at * views : (at + 1) * views])
        if not in_range or len(set(its)) < len(its) or not same:
            raise WrongLabelError(
                f"video {video!r} has the labels {', '.join(map(str, its))}; they must be of "
                f"0 to {classes - 1}, each once, the same at every view"
            )
    return sets
