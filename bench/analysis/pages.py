"""The pages of an analysis and of a comparison: Markdown that a terminal shows as well."""

from collections.abc import Sequence

from ...datasets.plurals import quantity
from ...datasets.split import Scoring
from ..records.results import SCORE_NAMES
from ..statistics.intervals import LEVEL
from ..text.markup import escaped
from ..text.pipe_table import pipe_table
from ..text.units import ABSENT, percent, percent_with_interval
from .analyse import Analysis, Shares
from .compare import FEW_CLUSTERS, AccuracyDifference, Comparison
from .two_stream import Mixtures


def render_analysis(
    analysis: Analysis,
    title: str,
    notes: Sequence[str] = (),
    rows: int = 10,
    taken: Sequence[str] = (),
) -> str:
    """Return the page.

    Args:
        analysis: The analysis.
        title: Title of the page.
        notes: Sentences for the end of the page.
        rows: Rows of the two long tables, classes and confusions; 0 gives all.
        taken: Sentences on what was analysed, which come before the numbers.
    """
    parts = [f"# {escaped(title)}", *map(escaped, taken), _summary(analysis)]
    parts += ["## Averaging", _aggregations(analysis)]
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
    head = (escaped(f"weight of {first}"), *_share_heads(mixtures.weightings[0], "top-k"), "")
    remark = (
        f"{quantity(mixtures.videos, 'video')}; the other part of the weight is {second}'s. A "
        "weight chosen here is chosen on the videos that it is scored on: fix it beforehand to "
        "report its accuracy."
    )
    left = [
        f"Left out: {quantity(count, 'video')} that only {name} scored."
        for count, name in ((mixtures.only_first, first), (mixtures.only_second, second))
        if count
    ]
    text = escaped(" ".join([remark, *left]))
    return f"## Two streams\n\n{table(cells, head)}\n\n{text}\n"


def _summary(analysis: Analysis) -> str:
    shape = f"{analysis.views}"
    if analysis.clips is not None:
        shape += f" ({analysis.clips} temporal x {analysis.crops} spatial)"
    shares, heads = _shares(analysis), _share_heads(analysis, analysis.scoring)
    empty = sum(each.top1 is None for each in analysis.by_class)
    over = quantity(analysis.classes - empty, "class", "classes")
    facts = [
        ("videos", str(analysis.videos)),
        ("views of each", shape),
        ("averaged", analysis.aggregation),
        (heads[0], " ".join(shares[:2])),
    ]
    if analysis.top5 is not None:
        facts.append((heads[2], " ".join(shares[2:])))
    mean = percent(analysis.mean_class_accuracy, 2)
    facts.append(("mean class accuracy (%)", f"{mean} over {over}"))
    if empty:
        facts.append(("classes without a video", str(empty)))
    if analysis.not_finite:
        facts.append(("videos with a score that is no number", str(analysis.not_finite)))
    return table(facts, ("what", "value"), right=0)


def _aggregations(analysis: Analysis) -> str:
    cells = [(each.aggregation, *_shares(each)) for each in analysis.by_aggregation]
    return table(cells, ("average of", *_share_heads(analysis, analysis.scoring)))


def _clips(analysis: Analysis) -> str:
    cells = [
        (
            str(each.clips),
            str(each.views),
            *_shares(each)[:3],
            ABSENT if each.p is None else percent(each.difference, 2, signed=True),
            str(each.lost),
            str(each.gained),
            ABSENT if each.p is None else p_value(each.p).lstrip("= "),
        )
        for each in analysis.by_clips
    ]
    shares = _share_heads(analysis, analysis.scoring)[:3]
    head = ("clips", "views", *shares, "points", "lost", "gained", "p")
    return table(cells, head, right=len(head))


def _clip_order(analysis: Analysis) -> str:
    return (
        f"{clip_order_text(analysis.clip_order)} Points, lost and gained videos "
        f"({SCORE_NAMES[analysis.scoring][0]}) and the p of an exact McNemar test: against all "
        "views."
    )


def clip_order_text(order: Sequence[int]) -> str:
    """Return the sentence on the order in which temporal views are added."""
    if list(order) == sorted(order):
        return "Clips are added from the earliest on."
    return f"Clips are added in the order {', '.join(map(str, order))} (0 is the earliest)."


def _classes(analysis: Analysis, rows: int) -> str:
    some = [each for each in analysis.by_class if each.top1 is not None]
    if rows and rows < analysis.classes:
        some = sorted(some, key=lambda each: (each.top1, -each.videos, each.label))[:rows]
    cells = [
        (
            escaped(each.name),
            str(each.videos),
            *percent_with_interval(each.top1, each.interval_top1),
            *(() if each.top5_hits is None else (percent(each.top5_hits / each.videos),)),
            str(each.named),
        )
        for each in some
    ]
    head = ("class", "videos", *_share_heads(analysis, analysis.scoring)[:3], "videos taken for it")
    return table(cells, head)


def _confusions(analysis: Analysis, rows: int) -> str:
    cells = [
        (
            escaped(each.true),
            escaped(each.named),
            f"{each.count} of {each.of}",
            percent(each.count / each.of),
        )
        for each in analysis.confusions[: rows or None]
    ]
    return table(cells, ("videos of", "taken for", "how many", "%"), right=2)


def _shares(found: Shares) -> tuple[str, ...]:
    """Return top-1 and its interval, and, if there is one, top-5 and its interval."""
    top1 = percent_with_interval(found.top1, found.interval_top1, 2)
    if found.top5 is None:
        return top1
    return (*top1, *percent_with_interval(found.top5, found.interval_top5, 2))


def _share_heads(found: Shares, scoring: Scoring) -> tuple[str, ...]:
    """Return the heads of the cells that `_shares` returns."""
    heads = [head for name in SCORE_NAMES[scoring] for head in (f"{name} (%)", "95 %")]
    return tuple(heads[: len(_shares(found))])


def table(cells: Sequence[tuple[str, ...]], head: tuple[str, ...], right: int | None = None) -> str:
    """Return the table, its last `right` columns flush right: all but the first if None."""
    count = len(head) - 1 if right is None else right
    return pipe_table(head, cells, range(len(head) - count))


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
    parts = [
        verdict,
        f"p {p_value(difference.p)}",
        f"only A is right on {quantity(difference.only_a, 'video')}, only B on {difference.only_b}",
    ]
    if difference.p < 1 - LEVEL and not difference.is_significant:
        parts.append("the test alone would call it significant, the interval does not leave out 0")
    if difference.p >= 1 - LEVEL and difference.excludes_zero:
        parts.append("the interval alone would call it significant, the test does not")
    return "; ".join(parts)


def sentences(comparison: Comparison) -> list[str]:
    """Return the whole comparison, one sentence a line."""
    found = []
    for difference in (comparison.top1, comparison.top5):
        if difference is not None:
            rates = f"A {percent(difference.a)} %, B {percent(difference.b)} %"
            name = SCORE_NAMES[comparison.scoring][difference.k > 1]
            found.append(f"{name}: {rates}: {sentence(difference)}.")
    found.append(
        f"{quantity(comparison.videos, 'video')}; p: exact McNemar test; [ ]: {100 * LEVEL:.0f} % "
        f"interval, paired bootstrap of {draws_text(comparison.resamples, comparison.clusters)}."
    )
    found += cluster_remarks(comparison.clusters)
    if comparison.top5 is None:
        found.append(
            f"No {SCORE_NAMES[comparison.scoring][1]}: there are no more than five classes."
        )
    return found + left_out_remarks(comparison.left_out_a, comparison.left_out_b)


def draws_text(resamples: int, clusters: int | None) -> str:
    """Return how often a bootstrap draws, and what: `10000 draws of 25 source groups, ...`."""
    drawn = "videos" if clusters is None else f"{quantity(clusters, 'source group')}, each whole"
    return f"{quantity(resamples, 'draw')} of {drawn}"


def cluster_remarks(clusters: int | None) -> list[str]:
    """Return a sentence if there are no source groups to draw, or few."""
    if clusters is None:
        return ["The predictions name no source groups: every video counts as independent."]
    if clusters >= FEW_CLUSTERS:
        return []
    return [f"{quantity(clusters, 'group is', 'groups are')} few: the interval is too narrow."]


def left_out_remarks(only_a: int, only_b: int) -> list[str]:
    """Return a sentence on the videos that one of two networks alone scored, for each."""
    return [
        f"Left out: {quantity(only, 'video')} that only {name} scored."
        for only, name in ((only_a, "A"), (only_b, "B"))
        if only
    ]


def _points(*shares: float | None) -> list[str]:
    """Return shares in points with one decimal, or as many as distinguish each from 0."""
    for digits in (1, 2, 3):
        texts = ["" if s is None else percent(s, digits) for s in shares]
        if all(not s or float(t) for s, t in zip(shares, texts, strict=True)):
            break
    return texts


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
