"""The page of an analysis, in Markdown that a terminal shows as well."""

from collections.abc import Sequence

from tabulate import tabulate

from .analyse import Analysis, Scoring
from .comparison_page import p_value
from .two_stream import Sweep

NOT_KNOWN = "–"

_Cells = Sequence[tuple[str, ...]]


def render(analysis: Analysis, title: str, notes: Sequence[str] = (), rows: int = 10) -> str:
    """Return the page.

    Args:
        analysis: What was computed.
        title: What it is of.
        notes: Sentences for its end.
        rows: Of the two long tables, classes and confusions; 0 gives all.
    """
    parts = [f"# {_escaped(title)}", _summary(analysis), "## Averaging", _aggregations(analysis)]
    if analysis.by_clips:
        parts += ["## Fewer temporal views", _clips(analysis), _clip_words(analysis)]
    wanted = rows or analysis.classes
    head = "Classes" if wanted >= analysis.classes else f"The {wanted} worst classes"
    parts += [f"## {head}", _classes(analysis, rows)]
    if analysis.confusions:
        parts += ["## Most confused", _confusions(analysis, rows)]
    if notes:
        parts.append("\n".join(f"- {_escaped(note)}" for note in notes))
    return "\n\n".join(parts) + "\n"


def render_sweep(sweep: Sweep, first: str, second: str) -> str:
    """Return the page's part on two networks whose softmax scores are mixed.

    Args:
        sweep: What was computed.
        first: What the first network is; the weight is its.
        second: What the second is.
    """
    cells = [
        (f"{each.weight:.2f}", *_shares(each), "best" if each.weight == sweep.best else "")
        for each in sweep.weightings
    ]
    head = (f"weight of {first}", "top-1 (%)", "95 %", "top-5 (%)", "95 %", "")
    words = (
        f"{sweep.videos} videos; the other part of the weight is {second}'s. A weight chosen here "
        "is chosen on the videos that it is scored on: fix it beforehand to report its accuracy."
    )
    left = [
        f"Left out: {count} videos that only {name} scored."
        for count, name in ((sweep.only_first, first), (sweep.only_second, second))
        if count
    ]
    told = _escaped(" ".join([words, *left]))
    return f"## Two streams\n\n{_table(cells, head)}\n\n{told}\n"


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
            NOT_KNOWN if each.p is None else f"{100 * each.difference:+.2f}",
            str(each.lost),
            str(each.gained),
            NOT_KNOWN if each.p is None else p_value(each.p).lstrip("= "),
        )
        for each in analysis.by_clips
    ]
    head = ("clips", "views", "top-1 (%)", "95 %", "top-5 (%)", "points", "lost", "gained", "p")
    return _table(cells, head, right=9)


def _clip_words(analysis: Analysis) -> str:
    order = ", ".join(map(str, analysis.clip_order))
    return (
        f"The first clips of the order {order} (0 is the earliest). Points, lost and gained videos "
        "(top-1) and the p of an exact McNemar test: against all views."
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
                _escaped(each.name),
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
            _escaped(each.true),
            _escaped(each.named),
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
    return tabulate(cells, head, tablefmt="github", disable_numparse=True, colalign=align)


_MARKDOWN = str.maketrans({"|": "\\|", "<": "&lt;"})


def _escaped(text: str) -> str:
    return text.translate(_MARKDOWN)
