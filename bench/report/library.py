"""The chart library that a page carries with it: Vega-Lite, from vl-convert, with its licence."""

from functools import cache
from typing import NamedTuple

_OFFERED = "window.vegaEmbed = vegaEmbed;"
"""What the page's own program calls."""


class Library(NamedTuple):
    """The program of Vega, Vega-Lite and Vega-Embed, and their versions."""

    script: str
    versions: str


@cache
def library() -> Library:
    """Return the chart library; it is put together in about two seconds.

    Vega draws SVG, whose marks have labels for screen readers, and interprets its expressions
    without `eval`, so that a page may forbid that.
    """
    import vl_convert

    newest = vl_convert.get_vegalite_versions()[-1]
    versions = (
        f"Vega {vl_convert.get_vega_version()}, Vega-Lite {newest}, "
        f"Vega-Embed {vl_convert.get_vega_embed_version()}"
    )
    # Its strings have tabs, which standard output would write out in another way.
    return Library(str(vl_convert.javascript_bundle(_OFFERED)).replace("\t", "\\t"), versions)
