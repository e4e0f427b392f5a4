"""The mean of pairs that share part of their luck, with its standard error.

Pairs that are forked from the same two servers share what those decided when they loaded, such as
where the code is in memory. So there are two levels: pairs within server pairs. The mean is over
pairs. Its standard error is the larger of two: that of independent pairs, and that of independent
server pairs (the cluster-robust one, Liang & Zeger, Biometrika 73, 1986). If the second is larger,
its variance is a sum of two, what server pairs add and what pairs add, and its degrees of freedom
are Satterthwaite's (Biometrics Bulletin 2, 1946).
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[Any]


class Mean(NamedTuple):
    """Means over pairs, their standard errors, and their degrees of freedom; all of one shape."""

    mean: Numbers
    error: Numbers
    freedom: Numbers


def mean_of(values: Numbers, servers: Sequence[int]) -> Mean:
    """Return the mean over pairs, for many batches at once.

    If each pair has servers of its own, this is Student's mean of independent pairs. If all pairs
    have the same servers, nothing is known of what these add: there is one degree of freedom.

    Args:
        values: Log-ratios `[..., pairs]`, two pairs or more.
        servers: The number of each pair's server pair, `[pairs]`.
    """
    pairs = values.shape[-1]
    mean = values.mean(axis=-1)
    off = values - mean[..., None]
    total = (off**2).sum(axis=-1)
    error = np.sqrt(total / (pairs - 1) / pairs)
    numbers = sorted(set(servers))
    if len(numbers) in (1, pairs):
        return Mean(mean, error, np.full(mean.shape, max(len(numbers) - 1.0, 1.0)))
    member = np.equal.outer(np.asarray(servers), np.asarray(numbers)).astype(float)
    sizes = member.sum(axis=0)
    sums = off @ member  # of each server pair
    between = (sums**2 / sizes).sum(axis=-1)
    count = len(numbers)
    by_servers = np.sqrt(count / (count - 1) * (sums**2).sum(axis=-1)) / pairs
    square_between = between / (count - 1)
    square_within = np.maximum(total - between, 0.0) / (pairs - count)
    added = np.maximum(square_between - square_within, 0.0)
    scale = added**2 / (count - 1) + square_within**2 / (pairs - 1)
    freedom = square_between**2 / np.where(scale > 0, scale, 1.0)
    freedom = np.clip(freedom, count - 1.0, pairs - 1.0)
    shared = by_servers > error
    return Mean(mean, np.where(shared, by_servers, error), np.where(shared, freedom, pairs - 1.0))


class Components(NamedTuple):
    """Covariances over the clocks, `[clocks, clocks]`: of what server pairs add, and of pairs."""

    between: Numbers
    within: Numbers


def components_of(values: Numbers, servers: Sequence[int]) -> Components:
    """Return the components of the variance by the analysis of variance (Searle, Linear Models,
    1971, chapter 10).

    If each pair has servers of its own, or all have the same, the two can't be separated: all
    counts as that of pairs.

    Args:
        values: Log-ratios `[clocks, pairs]`, two pairs or more.
        servers: The number of each pair's server pair, `[pairs]`.
    """
    clocks, pairs = values.shape
    numbers = sorted(set(servers))
    count = len(numbers)
    if count in (1, pairs):
        return Components(np.zeros((clocks, clocks)), np.atleast_2d(np.cov(values)))
    label = np.asarray(servers)
    groups = [values[:, label == number] for number in numbers]
    sizes = np.array([group.shape[1] for group in groups])
    means = np.stack([group.mean(axis=1) for group in groups], axis=1)  # [clocks, servers]
    off = values - means[:, np.searchsorted(np.asarray(numbers), label)]
    within = off @ off.T / (pairs - count)
    from_mean = means - values.mean(axis=1, keepdims=True)
    square_between = (from_mean * sizes) @ from_mean.T / (count - 1)
    size = (pairs - (sizes**2).sum() / pairs) / (count - 1)
    return Components(_not_below_zero((square_between - within) / size), within)


def _not_below_zero(covariance: Numbers) -> Numbers:
    """Return the nearest matrix without a negative variance in any direction."""
    values, vectors = np.linalg.eigh(covariance)
    kept: Numbers = (vectors * np.maximum(values, 0.0)) @ vectors.T
    return kept
