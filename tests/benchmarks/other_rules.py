"""How other tools decide that something got slower, by their own documentation and defaults.

Each takes the samples of one run of the baseline and one of the candidate, in seconds, as those
tools have them: two processes, one after the other.
"""

import statistics
from collections.abc import Callable, Sequence

import numpy as np
from scipy import stats

RESAMPLES = 2000
"""Of criterion's bootstrap, which has 100,000: enough for its level of 5 %."""

Rule = Callable[[Sequence[float], Sequence[float]], bool]


def pytest_benchmark(baseline: Sequence[float], candidate: Sequence[float]) -> bool:
    """Apply `--benchmark-compare-fail=min:5%`: the least time is more than 5 % longer.

    pytest-benchmark, docs/usage.rst, and `PercentageRegressionCheck` of utils.py.
    """
    return min(candidate) / min(baseline) - 1 > 0.05


def asv(baseline: Sequence[float], candidate: Sequence[float], factor: float = 1.1) -> bool:
    """Apply `asv continuous`: the median is longer by the factor, and Mann-Whitney's p < 0.002.

    airspeed-velocity/asv, docs "commands" (--factor 1.1), `is_different` of its statistics, and
    `_is_result_better` of commands/compare.py.
    """
    if statistics.median(candidate) <= factor * statistics.median(baseline):
        return False
    return bool(stats.mannwhitneyu(baseline, candidate).pvalue < 0.002)


def asv_at_the_budget(baseline: Sequence[float], candidate: Sequence[float]) -> bool:
    """Apply the same with a factor of 1.015; at 1.1 nothing below 10 % is ever told."""
    return asv(baseline, candidate, 1.015)


def pyperf(baseline: Sequence[float], candidate: Sequence[float]) -> bool:
    """Apply `pyperf compare_to`: a two-sample, two-tailed t-test at 95 %, and a longer mean.

    psf/pyperf, docs "compare_to", `is_significant` of pyperf/_utils.py.
    """
    slower = statistics.fmean(candidate) > statistics.fmean(baseline)
    return slower and bool(stats.ttest_ind(baseline, candidate).pvalue <= 0.05)


def criterion(baseline: Sequence[float], candidate: Sequence[float]) -> bool:
    """Apply criterion's: p < 0.05 by a bootstrapped t, and the mean's interval above 1 % more.

    bheisler/criterion.rs, its book's "Analysis Process" (Comparison): significance_level 0.05,
    noise_threshold 0.01, confidence_level 0.95.
    """
    draw = np.random.default_rng(0)
    a, b = np.asarray(baseline, float), np.asarray(candidate, float)
    both = np.concatenate([a, b])
    mixed = draw.choice(both, (RESAMPLES, len(both)))
    drawn = _t(mixed[:, : len(a)], mixed[:, len(a) :])
    p = np.mean(np.abs(drawn) >= abs(float(_t(a[None], b[None])[0])))
    if p >= 0.05:
        return False
    means_a = draw.choice(a, (RESAMPLES, len(a))).mean(axis=1)
    means_b = draw.choice(b, (RESAMPLES, len(b))).mean(axis=1)
    return bool(np.quantile(means_b / means_a - 1, 0.025) > 0.01)


def _t(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return Welch's t of each row."""
    error = a.var(axis=1, ddof=1) / a.shape[1] + b.var(axis=1, ddof=1) / b.shape[1]
    t: np.ndarray = (b.mean(axis=1) - a.mean(axis=1)) / np.sqrt(error)
    return t


RULES: dict[str, Rule] = {
    "pytest-benchmark, min:5%": pytest_benchmark,
    "asv continuous, factor 1.1": asv,
    "asv continuous, factor 1.015": asv_at_the_budget,
    "pyperf compare_to": pyperf,
    "criterion": criterion,
}
