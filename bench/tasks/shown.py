"""Which stored predictions people are shown: some videos, and the predictions above one score."""

from collections.abc import Sequence
from typing import TypeVar

import msgspec
import numpy as np

from ..metrics.instances import Floats

Item = TypeVar("Item")

MOST = 8
"""Videos, or key frames, that are shown of a network."""


class Cut(msgspec.Struct, frozen=True, kw_only=True):
    """The score above which predictions are shown, and what those of all videos are worth.

    Attributes:
        score: The least score that is shown.
        threshold: The overlap from which on a prediction is a hit.
        hits, found, truths: Number of hits, of predictions shown, and of true instances.
    """

    score: float
    threshold: float
    hits: int
    found: int
    truths: int


def cut_of(scores: Floats, hits: np.ndarray, truths: int, threshold: float) -> Cut | None:
    """Return the cut at which precision and recall balance best: where F1 is highest.

    Without a hit it is where there are as many predictions as true instances. Of equal scores all
    or none are shown. Networks' scores are of different sizes, so that no one number fits all.

    Args:
        scores: `[N]`: confidences of all predictions.
        hits: `[N]`, bool: whether each is a hit.
        truths: Number of true instances.
        threshold: The overlap of a hit.

    Returns:
        The cut; None without predictions.
    """
    if not len(scores):
        return None
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
    found, right = last + 1, np.cumsum(hits[order])[last]
    if right[-1]:
        best = int(np.argmax(2 * right / (found + truths)))
    else:
        best = max(0, int(np.searchsorted(found, truths, side="right")) - 1)
    return Cut(
        score=float(ranked[last[best]]),
        threshold=threshold,
        hits=int(right[best]),
        found=int(found[best]),
        truths=truths,
    )


def spaced(items: Sequence[Item], most: int = MOST) -> list[Item]:
    """Return evenly spaced ones of some items, whatever a network says of them."""
    if len(items) <= most:
        return list(items)
    return [items[(2 * part + 1) * len(items) // (2 * most)] for part in range(most)]
