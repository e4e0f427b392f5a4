"""The page of misclassified videos: one HTML file with thumbnails, which works from disk."""

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path

from ...datasets.sources.paths import path_of
from ..statistics.scores import Averaged
from ..text.html_page import content_policy
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

_STYLE = """
:root{color-scheme:light dark;--ink:#1c1c1e;--soft:#5a5a60;--line:#d4d4d8;--card:#fff;
--page:#f6f6f7;--wrong:#b3400a;--right:#0b5d8f}
@media(prefers-color-scheme:dark){:root{--ink:#ececee;--soft:#a9a9b0;--line:#3d3d43;--card:#222225;
--page:#161618;--wrong:#ff9d66;--right:#7cc4f5}}
*{box-sizing:border-box}
body{font:16px/1.45 system-ui,sans-serif;color:var(--ink);background:var(--page);margin:0 auto;
padding:1.5rem;max-width:84rem}
h1{font-size:1.4rem;margin:0 0 .3rem}h2{font-size:1.1rem;margin:1.6rem 0 .5rem}
h1,p,li,td,h3{overflow-wrap:anywhere}
p{margin:.3rem 0;max-width:60rem}.soft{color:var(--soft);font-size:.9rem}
table{border-collapse:collapse}td,th{padding:.2rem .9rem .2rem 0;text-align:left;
border-bottom:1px solid var(--line);vertical-align:top}
td.number,th.number{text-align:right;white-space:nowrap;overflow-wrap:normal;font-variant-numeric:tabular-nums}
label{font-weight:600}input{font:inherit;color:inherit;background:var(--card);padding:.35rem .6rem;
border:1px solid var(--soft);border-radius:.3rem;width:min(22rem,100%)}
input:focus-visible,a:focus-visible,summary:focus-visible{outline:3px solid var(--right);
outline-offset:2px}
ol.cards{list-style:none;margin:1rem 0;padding:0;display:grid;gap:1rem;
grid-template-columns:repeat(auto-fill,minmax(min(22rem,100%),1fr))}
ol.cards>li{background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:.8rem;
break-inside:avoid}
ol.cards>li[hidden]{display:none}
img{display:block;width:100%;height:auto;max-height:7rem;object-fit:contain;background:#000;
border-radius:.25rem}
.none{display:grid;place-items:center;min-height:5rem;border:1px dashed var(--soft);
border-radius:.25rem;color:var(--soft);padding:.5rem;text-align:center;font-size:.85rem;
overflow-wrap:anywhere}
h3{font-size:1rem;margin:.6rem 0 .2rem;font-weight:400}
h3 b.wrong{color:var(--wrong)}h3 b.right{color:var(--right)}
.file{font:.8rem ui-monospace,monospace;color:var(--soft);overflow-wrap:anywhere}
.file a{color:inherit}
dl{display:grid;grid-template-columns:auto 1fr auto;gap:.1rem .6rem;margin:.5rem 0;font-size:.85rem;
align-items:center}dt{overflow-wrap:anywhere;max-width:11rem}dd{margin:0}
dd.number{text-align:right;font-variant-numeric:tabular-nums}
.bar{display:block;width:100%;height:.55rem;fill:var(--soft)}
.bar.right{fill:var(--right)}.bar.wrong{fill:var(--wrong)}
@media print{:root{--ink:#000;--soft:#444;--line:#bbb;--card:#fff;--page:#fff;--wrong:#b3400a;
--right:#0b5d8f}body{padding:0}*{print-color-adjust:exact}form{display:none}ol.cards{gap:.5rem;
grid-template-columns:repeat(3,1fr)}}
"""

_SCRIPT = """
const field=document.getElementById('filter'),said=document.getElementById('said');
const cards=[...document.querySelectorAll('ol.cards>li')];
document.querySelector('form').hidden=false;
document.querySelector('form').addEventListener('submit',event=>event.preventDefault());
field.addEventListener('input',()=>{
const words=field.value.toLowerCase().split(/\\s+/).filter(Boolean);let shown=0;
for(const card of cards){const text=card.dataset.text;
card.hidden=!words.every(word=>text.includes(word));shown+=!card.hidden}
said.textContent=`${shown} of ${cards.length} videos shown`});
"""


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
    policy = content_policy([_SCRIPT], _STYLE)
    paragraphs = "\n".join(
        f"<p>{html_escaped(line)}</p>" for line in (error_summary(errors), absent) if line
    )
    soft = "\n".join(f'<p class="soft">{html_escaped(line)}</p>' for line in taken)
    ends = "\n".join(
        f'<p class="soft">{html_escaped(line)}</p>'
        for line in (sure_sentence(errors.averaged), "" if absent else _PICTURES, *place, *notes)
        if line
    )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{html_escaped(title)}</title>
<style>{_STYLE}</style>
</head>
<body>
<header>
<h1>{html_escaped(title)}</h1>
{soft}
</header>
<main>
{paragraphs}
{_groups(errors.groups)}
<h2>Videos ({html_escaped(head)})</h2>
<form role="search" hidden>
<label for="filter">Show those with</label>
<input id="filter" type="search" autocomplete="off" placeholder="a class, or part of a path">
<span id="said" role="status" class="soft"></span>
</form>
<ol class="cards">
{cards}
</ol>
</main>
<footer>
{ends}
</footer>
<script>{_SCRIPT}</script>
</body>
</html>
"""


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
    rest = f'<p class="soft">{more} more pairs of classes.</p>' if more > 0 else ""
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
    sure = f'<p class="soft">margin {html_escaped(margin)}{unit}</p>' if each.first else ""
    return (
        f'<li data-text="{html_escaped(searched)}">\n{_picture(each, picture)}\n'
        f'<h3>taken for <b class="wrong">{html_escaped(predicted)}</b>; it is '
        f'<b class="right">{html_escaped(truth)}</b></h3>\n{sure}'
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
        kind = "right" if is_true else "wrong" if number == 0 else ""
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
