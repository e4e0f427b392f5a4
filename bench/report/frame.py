"""The frame of a page: content, style, program and chart library in one file that loads nothing."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec
from markupsafe import Markup

from ...datasets.visible import one_line
from ..text import html_frame
from ..text.html_page import unclosed
from .library import library

ASSETS = Path(__file__).resolve().parent / "assets"


class Framed(Protocol):
    """The content of a page, a struct of msgspec."""

    @property
    def title(self) -> str:
        """Title of the page."""


def framed(
    template: str, content: Framed, scripts: Sequence[str], styles: Sequence[str], **further: Any
) -> str:
    """Return a page that works from disk and may load nothing.

    Args:
        template: Name of its template, which extends `frame.html`.
        content: What the page shows; its program reads it as JSON.
        scripts: The parts of its program, in their order.
        styles: The parts of its own style.
        further: More values of the template.
    """
    charts = library()
    program = "\n".join(map(asset, scripts))
    own = f'(() => {{\n"use strict";\n{program}\n}})();\n'
    return html_frame.framed_page(
        ASSETS,
        template,
        content.title,
        styles=styles,
        scripts=[charts.script, own],
        content=content,
        data=Markup(_embedded(content)),
        charts=Markup(unclosed(charts.script, "script")),
        program=Markup(unclosed(own, "script")),
        versions=charts.versions,
        licence=asset("vega-licence.txt"),
        **further,
    )


def asset(name: str) -> str:
    """Return a file of the pages' assets."""
    return html_frame.asset(ASSETS, name)


def _embedded(content: Any) -> str:
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
