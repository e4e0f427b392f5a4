"""The page of a history: in the frame, the style and the chart library of the report."""

from .frame import framed
from .history_content import History

SCRIPTS = ("dom.js", "chart.js", "history.js")


def render_history(found: History) -> str:
    """Return a history as HTML that loads nothing and may load nothing."""
    return framed("history.html", found, SCRIPTS, ["page.css", "history.css"])
