"""The pages of an analysis and of a comparison by mAP: Markdown that a terminal shows as well."""

from collections.abc import Sequence

from ...datasets.plurals import quantity
from ..statistics.intervals import LEVEL
from ..text.markup import escaped
from ..text.units import ABSENT, percent, percent_with_interval
from .map_analysis import MapAnalysis
from .map_compare import MapComparison
from .pages import (
    clip_order_text,
    cluster_remarks,
    draws_text,
    left_out_remarks,
    p_value,
    table,
)


def render_map_analysis(
    analysis: MapAnalysis,
    title: str,
    notes: Sequence[str] = (),
    rows: int = 10,
    taken: Sequence[str] = (),
) -> str:
    """Return the page; the arguments are those of `render_analysis`."""
    parts = [f"# {escaped(title)}", *map(escaped, taken), _summary(analysis)]
    averages = [(each.aggregation, percent(each.map, 2)) for each in analysis.by_aggregation]
    parts += ["## Averaging", table(averages, ("average of", "mAP (%)"))]
    if analysis.by_clips:
        parts += ["## Fewer temporal views", _clips(analysis), _clip_order(analysis)]
    wanted = rows or analysis.map_classes
    head = "Classes" if wanted >= analysis.map_classes else f"The {wanted} worst classes"
    parts += [f"## {head}", _classes(analysis, rows)]
    if notes:
        parts.append("\n".join(f"- {escaped(note)}" for note in notes))
    return "\n\n".join(parts) + "\n"


def _summary(analysis: MapAnalysis) -> str:
    shape = f"{analysis.views}"
    if analysis.clips is not None:
        shape += f" ({analysis.clips} temporal x {analysis.crops} spatial)"
    value = percent_with_interval(analysis.map, analysis.interval_map, 2)
    facts = [
        ("videos", str(analysis.videos)),
        ("views of each", shape),
        ("averaged", analysis.aggregation),
        ("mAP (%)", " ".join(part for part in value if part)),
        ("classes in the mean", f"{analysis.map_classes} of {analysis.classes}"),
    ]
    if analysis.unlabelled:
        facts.append(("videos without a label", str(analysis.unlabelled)))
    if analysis.not_finite:
        facts.append(("videos with a score that is no number", str(analysis.not_finite)))
    return table(facts, ("what", "value"), right=0)


def _clips(analysis: MapAnalysis) -> str:
    cells = [
        (
            str(each.clips),
            str(each.views),
            percent(each.map, 2),
            *_difference(each.difference, each.interval),
            ABSENT if each.p is None else p_value(each.p).lstrip("= "),
        )
        for each in analysis.by_clips
    ]
    head = ("clips", "views", "mAP (%)", "points", "95 %", "p")
    return table(cells, head, right=len(head))


def _clip_order(analysis: MapAnalysis) -> str:
    return (
        f"{clip_order_text(analysis.clip_order)} Points, their interval and p, by a paired "
        "bootstrap: against all views."
    )


def _difference(value: float | None, interval: tuple[float, float] | None) -> tuple[str, str]:
    if value is None:
        return ABSENT, ""
    ends = "" if interval is None else ", ".join(percent(end, 2, signed=True) for end in interval)
    return percent(value, 2, signed=True), f"[{ends}]" if ends else ""


def _classes(analysis: MapAnalysis, rows: int) -> str:
    some = [each for each in analysis.by_class if each.average_precision is not None]
    if rows and rows < len(some):
        some = sorted(some, key=lambda each: (each.average_precision, each.label))[:rows]
    cells = [
        (escaped(each.name), str(each.videos), percent(each.average_precision, 2)) for each in some
    ]
    return table(cells, ("class", "videos", "average precision (%)"))


def map_sentences(found: MapComparison) -> list[str]:
    """Return the whole comparison, one sentence a line."""
    ahead = "B" if found.difference > 0 else "A"
    points, ends = _difference(found.difference, found.interval)
    verdict = f"{ahead} is better" if found.is_significant else "no significant difference"
    lines = [
        f"mAP: A {percent(found.map_a, 2)} %, B {percent(found.map_b, 2)} %: {verdict}; B less A: "
        f"{points} points {ends}".rstrip()
        + f"; p {p_value(found.p)}.",
    ]
    lines.append(
        f"{quantity(found.videos, 'video')}, {quantity(found.map_classes, 'class', 'classes')} in "
        f"the mean; p and [ ], the {100 * LEVEL:.0f} % interval: paired bootstrap of "
        f"{draws_text(found.resamples, found.clusters)}."
    )
    lines += cluster_remarks(found.clusters)
    lines += left_out_remarks(found.left_out_a, found.left_out_b)
    return lines
