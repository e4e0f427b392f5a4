"""The pages of an analysis and of a comparison: Markdown that a terminal shows as well."""

from collections.abc import Sequence

from tabulate import tabulate

from ..statistics.intervals import LEVEL
from ..text.markup import escaped
from ..text.units import ABSENT
from .analyse import Analysis, Scoring
from .compare import FEW_CLUSTERS, AccuracyDifference, Comparison
from .two_stream import Mixtures


def render_analysis(
    analysis: Analysis, title: str, notes: Sequence[str] = (), rows: int = 10
) -> str:
    """Return the page.

    Args:
        analysis: The analysis.
        title: Title of the page.
        notes: Sentences for the end of the page.
        rows: Rows of the two long tables, classes and confusions; 0 gives all.
    """
    parts = [f"# {escaped(title)}", _summary(analysis), "## Averaging", _aggregations(analysis)]
    if analysis.by_clips:
        parts += ["## Fewer temporal views", _clips(analysis), _clip_order(analysis)]
    wanted = rows or analysis.classes
    head = "Classes" if wanted >= analysis.classes else f"The {wanted} worst classes"
    parts += [f"## {head}", _classes(analysis, rows)]
    if analysis.confusions:
        parts += ["## Most confused", _confusions(analysis, rows)]
    if notes:
        parts.append("\n".join(f"- {escaped(note)}" for note in notes))
    return "\n\n".join(parts) + "\n"


def render_mixtures(mixtures: Mixtures, first: str, second: str) -> str:
    """Return the page's part on two networks whose softmax scores are mixed.

    Args:
        mixtures: Accuracy under every weight.
        first: Name of the first network, which has the weight.
        second: Name of the second network.
    """
    cells = [
        (f"{each.weight:.2f}", *_shares(each), "best" if each.weight == mixtures.best else "")
        for each in mixtures.weightings
    ]
    head = (escaped(f"weight of {first}"), "top-1 (%)", "95 %", "top-5 (%)", "95 %", "")
    remark = (
        f"{mixtures.videos} videos; the other part of the weight is {second}'s. A weight chosen "
        "here is chosen on the videos that it is scored on: fix it beforehand to report its "
        "accuracy."
    )
    left = [
        f"Left out: {count} videos that only {name} scored."
        for count, name in ((mixtures.only_first, first), (mixtures.only_second, second))
        if count
    ]
    text = escaped(" ".join([remark, *left]))
    return f"## Two streams\n\n{_table(cells, head)}\n\n{text}\n"


def _summary(analysis: Analysis) -> str:
    shape = f"{analysis.views}"
    if analysis.clips is not None:
        shape += f" ({analysis.clips} temporal x {analysis.crops} spatial)"
    top1, low_high1, top5, low_high5 = _shares(analysis)
    empty = sum(each.top1 is None for each in analysis.by_class)
    counted = f"{analysis.classes - empty} classes"
    facts = [
        ("videos", str(analysis.videos)),
        ("views of each", shape),
        ("averaged", analysis.aggregation),
        ("top-1 (%)", f"{top1} {low_high1}"),
        ("top-5 (%)", f"{top5} {low_high5}"),
        ("mean class accuracy (%)", f"{100 * analysis.mean_class_accuracy:.2f} over {counted}"),
    ]
    if empty:
        facts.append(("classes without a video", str(empty)))
    if analysis.not_finite:
        facts.append(("videos with a score that is no number", str(analysis.not_finite)))
    return _table(facts, ("what", "value"), right=0)


def _aggregations(analysis: Analysis) -> str:
    cells = [(each.aggregation, *_shares(each)) for each in analysis.by_aggregation]
    return _table(cells, ("average of", "top-1 (%)", "95 %", "top-5 (%)", "95 %"))


def _clips(analysis: Analysis) -> str:
    cells = [
        (
            str(each.clips),
            str(each.views),
            *_shares(each)[:3],
            ABSENT if each.p is None else f"{100 * each.difference:+.2f}",
            str(each.lost),
            str(each.gained),
            ABSENT if each.p is None else p_value(each.p).lstrip("= "),
        )
        for each in analysis.by_clips
    ]
    head = ("clips", "views", "top-1 (%)", "95 %", "top-5 (%)", "points", "lost", "gained", "p")
    return _table(cells, head, right=9)


def _clip_order(analysis: Analysis) -> str:
    order = "from the earliest on"
    if list(analysis.clip_order) != sorted(analysis.clip_order):
        order = f"in the order {', '.join(map(str, analysis.clip_order))} (0 is the earliest)"
    return (
        f"Clips are added {order}. Points, lost and gained videos (top-1) and the p of an exact "
        "McNemar test: against all views."
    )


def _classes(analysis: Analysis, rows: int) -> str:
    some = [each for each in analysis.by_class if each.top1 is not None]
    if rows and rows < analysis.classes:
        some = sorted(some, key=lambda each: (each.top1, -each.videos, each.label))[:rows]
    cells = []
    for each in some:
        low, high = each.interval_top1 or (0.0, 0.0)
        cells.append(
            (
                escaped(each.name),
                str(each.videos),
                f"{100 * (each.top1 or 0.0):.1f}",
                f"[{100 * low:.1f}, {100 * high:.1f}]",
                f"{100 * each.top5_hits / each.videos:.1f}",
                str(each.named),
            )
        )
    head = ("class", "videos", "top-1 (%)", "95 %", "top-5 (%)", "videos taken for it")
    return _table(cells, head)


def _confusions(analysis: Analysis, rows: int) -> str:
    cells = [
        (
            escaped(each.true),
            escaped(each.named),
            f"{each.count} of {each.of}",
            f"{100 * each.count / each.of:.1f}",
        )
        for each in analysis.confusions[: rows or None]
    ]
    return _table(cells, ("videos of", "taken for", "how many", "%"), right=2)


def _shares(scoring: Scoring) -> tuple[str, str, str, str]:
    (low1, high1), (low5, high5) = scoring.interval_top1, scoring.interval_top5
    return (
        f"{100 * scoring.top1:.2f}",
        f"[{100 * low1:.2f}, {100 * high1:.2f}]",
        f"{100 * scoring.top5:.2f}",
        f"[{100 * low5:.2f}, {100 * high5:.2f}]",
    )


def _table(
    cells: Sequence[tuple[str, ...]], head: tuple[str, ...], right: int | None = None
) -> str:
    """Return the table, its last `right` columns flush right: all but the first if None."""
    count = len(head) - 1 if right is None else right
    align = ["left"] * (len(head) - count) + ["right"] * count
    table: str = tabulate(cells, head, tablefmt="github", disable_numparse=True, colalign=align)
    return table


def sentence(difference: AccuracyDifference) -> str:
    """Return which network is better, by how much, and whether that may be chance.

    An example: "B is better by 1.1 points [0.3, 1.9]; p = 0.008; only A is right on 41 videos,
    only B on 83".
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
        verdict = f"{ahead} is better by {size} points{interval}"
    elif difference.difference == 0:
        verdict = f"no difference: A and B get equally many right{interval}"
    else:
        verdict = (
            f"no significant difference: {ahead} is ahead by {size} points{interval}, which may "
            "be chance"
        )
    videos = "video" if difference.only_a == 1 else "videos"
    parts = [
        verdict,
        f"p {p_value(difference.p)}",
        f"only A is right on {difference.only_a} {videos}, only B on {difference.only_b}",
    ]
    if difference.p < 1 - LEVEL and not difference.is_significant:
        parts.append("the test alone would call it significant, the interval does not leave out 0")
    if difference.p >= 1 - LEVEL and difference.excludes_zero:
        parts.append("the interval alone would call it significant, the test does not")
    return "; ".join(parts)


def sentences(comparison: Comparison, notes: Sequence[str] = ()) -> list[str]:
    """Return the whole comparison, one sentence a line."""
    found = []
    for difference in (comparison.top1, comparison.top5):
        if difference is not None:
            rates = f"A {100 * difference.a:.1f} %, B {100 * difference.b:.1f} %"
            found.append(f"top-{difference.k}: {rates}: {sentence(difference)}.")
    drawn = "videos"
    if comparison.clusters is not None:
        drawn = f"{comparison.clusters} source groups, each whole"
    found.append(
        f"{comparison.videos} videos; p: exact McNemar test; [ ]: {100 * LEVEL:.0f} % interval, "
        f"paired bootstrap of {comparison.resamples} draws of {drawn}."
    )
    if comparison.clusters is None:
        found.append("The predictions name no source groups: every video counts as independent.")
    elif comparison.clusters < FEW_CLUSTERS:
        found.append(f"{comparison.clusters} groups are few: the interval is too narrow.")
    if comparison.top5 is None:
        found.append("No top-5: there are no more than five classes.")
    for only, name in ((comparison.left_out_a, "A"), (comparison.left_out_b, "B")):
        if only:
            found.append(f"Left out: {only} videos that only {name} scored.")
    return [*found, *notes]


def _points(*shares: float | None) -> list[str]:
    """Return shares in points with one decimal, or as many as distinguish each from 0."""
    for digits in (1, 2, 3):
        texts = ["" if s is None else f"{100 * s:.{digits}f}" for s in shares]
        if all(not s or float(t) for s, t in zip(shares, texts, strict=True)):
            break
    return [t.lstrip("-") if t and not float(t) else t for t in texts]


def p_value(p: float) -> str:
    """Return "= 0.008" or "< 0.001", with as many digits as distinguish it from the level."""
    if p < 0.001:
        return "< 0.001"
    if p > 0.9995:
        return "= 1"
    if p >= 0.0995:
        return f"= {p:.2f}"
    short = f"{p:.3f}"
    return f"= {p:.5f}" if float(short) == round(1 - LEVEL, 3) else f"= {short}"
