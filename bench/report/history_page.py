"""The page of a history: in the frame, the style and the chart library of the report."""

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from ...datasets.visible import one_line
from ..text.html_page import content_policy, unclosed
from .history_content import History
from .library import library
from .page import asset, embedded

SCRIPTS = ("dom.js", "chart.js", "history.js")


def render_history(found: History) -> str:
    """Return a history as HTML that loads nothing and may load nothing."""
    charts = library()
    program = "\n".join(map(asset, SCRIPTS))
    own = f'(() => {{\n"use strict";\n{program}\n}})();\n'
    style = asset("page.css") + asset("history.css")
    template = Environment(autoescape=True, undefined=StrictUndefined).from_string(
        asset("history.html")
    )
    return template.render(
        policy=content_policy([charts.script, own], style),
        content=found,
        title=one_line(found.title),
        style=Markup(unclosed(style, "style")),
        data=Markup(embedded(found)),
        charts=Markup(unclosed(charts.script, "script")),
        program=Markup(unclosed(own, "script")),
        versions=charts.versions,
        licence=asset("vega-licence.txt"),
    )
