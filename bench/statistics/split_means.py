"""The mean of the shares of several lists of videos, with an interval: numbers in, numbers out."""

from collections.abc import Sequence

import numpy as np

from .intervals import LEVEL, RESAMPLES, SEED

_DRAWN_AT_ONCE = 2**21
"""Number of counts of 8 bytes that a bootstrap keeps in memory."""


def mean_share_interval(
    hits: Sequence[np.ndarray],
    clusters: Sequence[np.ndarray],
    *,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> tuple[float, float] | None:
    """Return the 95 % interval of the mean of the lists' shares of hits; None for one cluster.

    Whole clusters are drawn with replacement, over all lists together (Davison & Hinkley 1997,
    section 3.8): a cluster may have videos in several lists, and a video may stand in several. Each
    list's share is that of its drawn videos, and each list counts alike in the mean. Clusters with
    the same counts in each list are alike, so what is drawn is how many of each kind. The interval
    is between the percentiles; draws that leave a list without a video don't count.

    Args:
        hits: Of each list, `[videos]`, bool: the network gets the video.
        clusters: Of each list, `[videos]`, the number of each video's cluster; the same number in
            two lists is the same cluster.
        resamples: Number of draws.
        seed: Seed of the generator.
    """
    _, member = np.unique(np.concatenate(list(clusters)), return_inverse=True)
    count = int(member.max()) + 1 if len(member) else 0
    if count < 2:
        return None
    ends = np.cumsum([len(each) for each in hits])[:-1]
    members = np.split(member, ends)
    right = [np.bincount(m, h.astype(float), count) for m, h in zip(members, hits, strict=True)]
    sizes = [np.bincount(m, minlength=count).astype(float) for m in members]
    kinds, alike = np.unique(np.stack([*right, *sizes]), axis=1, return_counts=True)
    generator = np.random.default_rng(seed)
    means = []
    at_once = max(1, _DRAWN_AT_ONCE // len(alike))
    for first in range(0, resamples, at_once):
        size = min(at_once, resamples - first)
        drawn = generator.multinomial(count, alike / count, size=size) @ kinds.T
        with np.errstate(invalid="ignore"):  # 0 / 0: a list without a drawn video
            means.append((drawn[:, : len(hits)] / drawn[:, len(hits) :]).mean(axis=1))
    known = np.sort(np.concatenate(means))
    known = known[np.isfinite(known)]
    if len(known) < 2:
        return None
    outer = max(1, int((1 - LEVEL) / 2 * (len(known) + 1)))
    return float(known[outer - 1]), float(known[-outer])
