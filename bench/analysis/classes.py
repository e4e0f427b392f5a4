"""Accuracy class by class, and the classes that are confused."""

from collections import Counter
from collections.abc import Sequence

import msgspec
import numpy as np

from ..records.results import has_top5
from ..statistics.intervals import wilson


class ClassAccuracy(msgspec.Struct, frozen=True, kw_only=True):
    """One class.

    Attributes:
        label, name: Its index and name; a name that isn't known is the index.
        videos: Number of its videos.
        hits, top5_hits: Number of these with the class first, and among the first five; the second
            is None if there are no more than five classes.
        top1, interval_top1: Share of the hits and its Wilson interval; None without a video.
        named: Number of videos, of any class, that were taken for it.
    """

    label: int
    name: str
    videos: int
    hits: int
    top5_hits: int | None
    top1: float | None
    interval_top1: tuple[float, float] | None
    named: int


class Confused(msgspec.Struct, frozen=True, kw_only=True):
    """Number of videos of one class taken for another, out of all videos of the first."""

    true: str
    named: str
    count: int
    of: int


def by_class(
    labels: np.ndarray, named: np.ndarray, place: np.ndarray, names: Sequence[str]
) -> tuple[ClassAccuracy, ...]:
    """Return every class in the order of labels.

    Args:
        labels: `[videos]`, the true classes.
        named: `[videos]`, what each was taken for; -1 for none.
        place: `[videos]`, number of classes before the true one.
        names: Names of the classes.
    """
    count = len(names)
    videos = np.bincount(labels, minlength=count).tolist()
    hits = np.bincount(labels[place == 0], minlength=count).tolist()
    top5 = np.bincount(labels[place < 5], minlength=count).tolist()
    taken = np.bincount(named[named >= 0], minlength=count).tolist()
    return tuple(
        ClassAccuracy(
            label=label,
            name=name,
            videos=videos[label],
            hits=hits[label],
            top5_hits=top5[label] if has_top5(count) else None,
            top1=hits[label] / videos[label] if videos[label] else None,
            interval_top1=wilson(hits[label], videos[label]) if videos[label] else None,
            named=taken[label],
        )
        for label, name in enumerate(names)
    )


def confusions(
    labels: np.ndarray, named: np.ndarray, by_class: Sequence[ClassAccuracy]
) -> tuple[Confused, ...]:
    """Return every pair of classes that was confused, most often first.

    Args:
        labels: `[videos]`, the true classes.
        named: `[videos]`, what each was taken for; -1 for none.
        by_class: Names and numbers of the classes.
    """
    wrong = (named >= 0) & (named != labels)
    pairs = Counter(zip(labels[wrong].tolist(), named[wrong].tolist(), strict=True))
    ordered = sorted(pairs.items(), key=lambda pair: (-pair[1], pair[0]))
    return tuple(
        Confused(
            true=by_class[true].name,
            named=by_class[taken].name,
            count=count,
            of=by_class[true].videos,
        )
        for (true, taken), count in ordered
    )
