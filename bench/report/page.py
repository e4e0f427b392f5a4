"""The page: content, style, program and chart library in one file that works from disk."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from ...datasets.visible import one_line
from ..leaderboard.fields import Field
from ..leaderboard.leaderboard import Board
from ..records.stores import Results
from ..text.html_page import content_policy, unclosed
from .content import Content
from .gathered import gather
from .library import library
from .pictures import Videos

ASSETS = Path(__file__).resolve().parent / "assets"
SCRIPTS = ("dom.js", "chart.js", "labels.js", "table.js", "columns.js", "saved.js", "scatter.js",
           "details.js", "answers.js", "timings.js", "gate.js", "page.js")  # fmt: skip
"""The parts of the page's program, in their order."""


def render_report(
    boards: Sequence[Board],
    results: Results | None = None,
    *,
    title: str = "Benchmark report",
    videos: Videos | None = None,
    chosen: Sequence[Field] | None = None,
    gate: Path | None = None,
    on_problem: Callable[[str], None] = lambda line: None,
    now: datetime | None = None,
) -> str:
    """Return the page of boards: HTML that loads nothing and may load nothing.

    Args:
        boards: Boards as they are to be shown.
        results: Folder or folders with their predictions; None leaves out what needs the logits.
        title: Title of the page.
        videos: Where the videos are, for pictures of those that are misclassified.
        chosen: The columns of the tables at first, in their order; None: the usual ones. The model
            always comes first, or where it is named.
        gate: File with the checks of the speed gate.
        on_problem: Called with a line for each part that is left out.
        now: The time that the page says it was made at; None for now.

    Raises:
        KinobenchError: The file of checks can't be read; the videos aren't where somebody says.
    """
    made = (now or datetime.now(UTC)).strftime("%Y-%m-%d %H:%M UTC")
    content = gather(
        boards,
        results,
        title=title,
        made=made,
        videos=videos,
        chosen=chosen,
        gate=gate,
        on_problem=on_problem,
    )
    return page_of(content)


def page_of(content: Content) -> str:
    """Return the page of some content."""
    charts = library()
    program = "\n".join(asset(name) for name in SCRIPTS)
    own = f'(() => {{\n"use strict";\n{program}\n}})();\n'
    style = asset("page.css")
    template = Environment(autoescape=True, undefined=StrictUndefined).from_string(
        asset("page.html")
    )
    return template.render(
        policy=content_policy([charts.script, own], style),
        content=content,
        counted=_counted(content),
        title=one_line(content.title),
        style=Markup(unclosed(style, "style")),
        data=Markup(embedded(content)),
        charts=Markup(unclosed(charts.script, "script")),
        program=Markup(unclosed(own, "script")),
        versions=charts.versions,
        licence=asset("vega-licence.txt"),
    )


def embedded(content: msgspec.Struct) -> str:
    r"""Return content as JSON for a `script` element: no text in it can end the element.

    `<`, `>` and `&` are written as `\u003c` and so on, so that neither `</script>` nor `<!--` can
    be there. Control characters are written out, as in every table.
    """
    plain = _shown(msgspec.to_builtins(content))
    text = msgspec.json.encode(plain).decode()
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _shown(value: Any) -> Any:
    """Return plain values in which no text has a control character."""
    if isinstance(value, str):
        return one_line(value)
    if isinstance(value, Mapping):
        return {one_line(str(key)): _shown(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_shown(each) for each in value]
    return value


def _counted(content: Content) -> dict[str, int]:
    """Return the numbers of networks, rows, failed rows and tables."""
    lines = [line for table in content.tables for line in table.lines]
    return {
        "networks": len({line.values.get("model") for line in lines}),
        "rows": len(lines),
        "failed": sum(line.error is not None for line in lines),
        "tables": len(content.tables),
    }


def asset(name: str) -> str:
    """Return a file of the page's assets."""
    return (ASSETS / name).read_text(encoding="utf-8")
