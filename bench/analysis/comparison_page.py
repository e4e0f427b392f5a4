"""A comparison in words."""

from collections.abc import Sequence

from ..statistics.intervals import LEVEL
from .compare import FEW_CLUSTERS, Comparison, Difference


def words(difference: Difference) -> str:
    """Say which network is better, by how much, and whether that may be chance.

    As in "B is better by 1.1 points [0.3, 1.9]; p = 0.008; 41 videos only A gets, 83 only B".
    """
    if not difference.only_a and not difference.only_b:
        return "A and B get the same videos right"
    ahead = "B" if difference.difference > 0 else "A"
    low, high = difference.interval or (None, None)
    if ahead == "A" and low is not None and high is not None:
        low, high = -high, -low
    size, low_, high_ = _points(abs(difference.difference), low, high)
    interval = f" [{low_}, {high_}]" if difference.interval else ""
    if difference.is_significant:
        told = f"{ahead} is better by {size} points{interval}"
    elif difference.difference == 0:
        told = f"no difference: A and B get equally many right{interval}"
    else:
        told = (
            f"no significant difference: {ahead} is ahead by {size} points{interval}, which may "
            "be chance"
        )
    videos = "video" if difference.only_a == 1 else "videos"
    parts = [
        told,
        f"p {p_value(difference.p)}",
        f"{difference.only_a} {videos} only A gets, {difference.only_b} only B",
    ]
    if difference.p < 1 - LEVEL and not difference.is_significant:
        parts.append("the test alone would call it significant, the interval does not leave out 0")
    if difference.p >= 1 - LEVEL and difference.excludes_zero:
        parts.append("the interval alone would call it significant, the test does not")
    return "; ".join(parts)


def lines(comparison: Comparison, notes: Sequence[str] = ()) -> list[str]:
    """Return the whole comparison, a sentence a line."""
    told = []
    for difference in (comparison.top1, comparison.top5):
        if difference is not None:
            rates = f"A {100 * difference.a:.1f} %, B {100 * difference.b:.1f} %"
            told.append(f"top-{difference.k}: {rates}: {words(difference)}.")
    drawn = "videos"
    if comparison.clusters is not None:
        drawn = f"{comparison.clusters} source groups, each whole"
    told.append(
        f"{comparison.videos} videos; p: exact McNemar test; [ ]: {100 * LEVEL:.0f} % interval, "
        f"paired bootstrap of {comparison.resamples} draws of {drawn}."
    )
    if comparison.clusters is None:
        told.append("The predictions name no source groups: every video counts as independent.")
    elif comparison.clusters < FEW_CLUSTERS:
        told.append(f"{comparison.clusters} groups are few: the interval is too narrow.")
    if comparison.top5 is None:
        told.append("No top-5: there are no more than five classes.")
    for only, name in ((comparison.left_out_a, "A"), (comparison.left_out_b, "B")):
        if only:
            told.append(f"Left out: {only} videos that only {name} scored.")
    return [*told, *notes]


def _points(*shares: float | None) -> list[str]:
    """Return shares in points with one decimal, or as many as tell each from 0."""
    for digits in (1, 2, 3):
        told = ["" if s is None else f"{100 * s:.{digits}f}" for s in shares]
        if all(not s or float(t) for s, t in zip(shares, told, strict=True)):
            break
    return [t.lstrip("-") if t and not float(t) else t for t in told]


def p_value(p: float) -> str:
    """Return "= 0.008" or "< 0.001", with as many digits as tell it from the level."""
    if p < 0.001:
        return "< 0.001"
    if p > 0.9995:
        return "= 1"
    if p >= 0.0995:
        return f"= {p:.2f}"
    told = f"{p:.3f}"
    return f"= {p:.5f}" if float(told) == round(1 - LEVEL, 3) else f"= {told}"
