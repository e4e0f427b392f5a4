"""Tests of significance: pure functions on numbers, on scipy."""

from collections.abc import Sequence

import scipy


def mcnemar(only_a: int, only_b: int) -> float:
    """Return the two-sided p of the exact McNemar test (Fagerland et al. 2013, equation 3).

    If two networks were equally good, a video that only one of them gets would belong to either
    with probability one half.

    Args:
        only_a: Videos that only the one network gets.
        only_b: Videos that only the other gets.
    """
    # The two tails are alike, so there is no need to search for the other one, as binomtest does.
    tail = scipy.stats.binom.cdf(min(only_a, only_b), only_a + only_b, 0.5)
    return min(1.0, 2 * float(tail))


def holm(p: Sequence[float]) -> list[float]:
    """Return p-values adjusted for how many there are (Holm 1979): each at most 1, in their order.

    If you reject those below 5 %, a false claim among them all has a probability of at most 5 %.
    scipy doesn't have this function. statsmodels has it, but is a large library for six lines:
    only the tests need it, to check this function.
    """
    adjusted, least = [0.0] * len(p), 0.0
    for before, at in enumerate(sorted(range(len(p)), key=p.__getitem__)):
        least = max(least, min(1.0, (len(p) - before) * p[at]))
        adjusted[at] = least
    return adjusted
