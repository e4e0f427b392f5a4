"""The page of misclassified videos: one HTML file with thumbnails, which works from disk."""

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path

from markupsafe import Markup

from ...datasets.sources.paths import path_of
from ...datasets.visible import one_line
from ..statistics.scores import Averaged
from ..text.html_frame import asset, framed_page
from ..text.html_page import unclosed
from ..text.markup import html_escaped
from ..text.units import percent
from .error_tables import (
    NO_NUMBER,
    error_summary,
    score_text,
    score_unit,
    shortened,
    sure_sentence,
    true_text,
)
from .errors import ErrorGroup, Errors, Misclassified
from .thumbnails import Thumbnail

GROUPS = 12
"""Groups of errors on the page."""

ASSETS = Path(__file__).resolve().parent / "assets"


def render_page(
    errors: Errors,
    shown: Sequence[Misclassified],
    pictures: Mapping[str, Thumbnail],
    title: str,
    taken: Sequence[str] = (),
    notes: Sequence[str] = (),
) -> str:
    """Return the page: nothing in it is fetched from elsewhere, and no name in it is markup.

    Args:
        errors: All misclassified videos.
        shown: Those that have a card, in their order.
        pictures: A thumbnail of each, or why there is none, by id.
        title: Title of the page.
        taken: Sentences on what was analysed.
        notes: Sentences for the end of the page.
    """
    folder, names = shortened(shown)
    found = [pictures.get(each.video, Thumbnail()) for each in shown]
    absent = _why_none(found)
    cards = "\n".join(
        _card(each, name, None if absent else picture, errors.averaged)
        for each, name, picture in zip(shown, names, found, strict=True)
    )
    place = [] if folder is None else [f"The videos are in {folder}."]
    count = len(errors.misclassified)
    head = "the surest errors first"
    if len(shown) < count:
        head = f"{len(shown)} of {count}, {head}"
    script = unclosed(asset(ASSETS, "errors.js"), "script")
    return framed_page(
        ASSETS,
        "errors.html",
        title,
        styles=["errors.css"],
        scripts=[script],
        taken=list(map(one_line, taken)),
        paragraphs=[one_line(line) for line in (error_summary(errors), absent) if line],
        groups=Markup(_groups(errors.groups)),
        head=head,
        cards=Markup(cards),
        ends=[
            one_line(line)
            for line in (
                sure_sentence(errors.averaged),
                "" if absent else _PICTURES,
                *place,
                *notes,
            )
            if line
        ],
        script=Markup(script),
    )


NOT_ASKED = "no picture was asked for"
_PICTURES = (
    "A picture shows frames of the whole video, from left to right; the network saw those that the "
    "protocol chooses."
)


def _groups(groups: Sequence[ErrorGroup]) -> str:
    if not groups:
        return ""
    rows = "\n".join(
        f"<tr><td>{html_escaped(each.true)}</td>"
        f"<td>{html_escaped(each.predicted if each.predicted is not None else NO_NUMBER)}</td>"
        f'<td class="number">{each.count} of {each.of}</td>'
        f'<td class="number">{percent(each.count / each.of)}</td></tr>'
        for each in groups[:GROUPS]
    )
    more = len(groups) - GROUPS
    rest = f'<p class="hint">{more} more pairs of classes.</p>' if more > 0 else ""
    return (
        '<h2>Most common errors</h2>\n<table>\n<thead><tr><th scope="col">videos of</th>'
        '<th scope="col">taken for</th><th scope="col" class="number">how many</th>'
        f'<th scope="col" class="number">%</th></tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table>\n'
        f"{rest}"
    )


def _why_none(pictures: Sequence[Thumbnail]) -> str:
    """Return a sentence for the whole page if all videos lack their picture for one reason."""
    reasons = {picture.why or NOT_ASKED for picture in pictures}
    if any(picture.jpeg is not None for picture in pictures) or len(reasons) != 1:
        return ""
    return f"No video has a picture: {reasons.pop()}."


def _card(each: Misclassified, name: str, picture: Thumbnail | None, averaged: Averaged) -> str:
    truth, predicted = true_text(each.true), each.predicted or NO_NUMBER
    searched = " ".join((truth, predicted, each.path or "", each.video)).lower()
    margin = score_text(each.margin, averaged)
    unit = "" if averaged == "logits" else " points"
    sure = f'<p class="hint">margin {html_escaped(margin)}{unit}</p>' if each.first else ""
    return (
        f'<li data-text="{html_escaped(searched)}">\n{_picture(each, picture)}\n'
        f'<h3>taken for <b class="wrong">{html_escaped(predicted)}</b>; it is '
        f'<b class="truth">{html_escaped(truth)}</b></h3>\n{sure}'
        f'<p class="file">{_file(each, name)}</p>\n{_scores(each, averaged)}</li>'
    )


def _picture(each: Misclassified, picture: Thumbnail | None) -> str:
    if picture is None:
        return ""
    if picture.jpeg is None:
        why = picture.why or NOT_ASKED
        return f'<div class="none">no picture: {html_escaped(why)}</div>'
    coded = base64.b64encode(picture.jpeg).decode()
    alt = html_escaped(f"frames of {each.video}")
    return f'<img alt="{alt}" src="data:image/jpeg;base64,{coded}">'


def _file(each: Misclassified, shown: str) -> str:
    """Return the name of a file, as a link to it if it is a file here."""
    if each.path is None:
        return html_escaped(each.video)
    path = path_of(each.path)
    name = html_escaped(shown)
    if not _is_file(path):
        return name
    return f'<a href="{html_escaped(path.absolute().as_uri())}">{name}</a>'


def _is_file(path: Path) -> bool:
    try:
        return type(path) is type(Path()) and path.is_file()
    except (OSError, ValueError):
        return False


def _scores(each: Misclassified, averaged: Averaged) -> str:
    """Return the classes with the highest scores, and the true one if it isn't among them."""
    said = [(one.name, one.score) for one in each.first]
    if each.true_score is not None and not any(name in each.true for name, _ in said):
        said.append((true_text(each.true), each.true_score))
    lines = []
    for number, (name, score) in enumerate(said):
        is_true = name in each.true or number >= len(each.first)
        kind = "right" if is_true else "mistake" if number == 0 else ""
        share = 0.0 if averaged == "logits" else min(1.0, max(0.0, score))
        bar = (
            f'<svg class="bar {kind}" viewBox="0 0 100 1" preserveAspectRatio="none" '
            f'aria-hidden="true"><rect width="{100 * share:.1f}" height="1"/></svg>'
        )
        place = f", place {(each.place or 0) + 1}" if number >= len(each.first) else ""
        mark = f" (true{place})" if is_true else ""
        lines.append(
            f'<dt>{html_escaped(name)}{mark}</dt><dd>{bar}</dd><dd class="number">'
            f"{html_escaped(score_text(score, averaged))} {_unit(averaged)}</dd>"
        )
    return f"<dl>{''.join(lines)}</dl>" if lines else ""


def _unit(averaged: Averaged) -> str:
    unit = score_unit(averaged)
    return "" if unit == "logit" else unit
