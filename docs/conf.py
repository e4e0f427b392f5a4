"""Settings of the documentation: `sphinx-build -W -b html docs docs/_build/html`."""

import os
import re
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from docutils import nodes

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import generate  # noqa: E402  # it is next to this file

project = "kinobench"
author = "The kinobench authors"
release = version = metadata.version("kinobench")

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build", "_generated/*.md"]
default_role = "code"  # docstrings write `code`

myst_heading_anchors = 4
nb_execution_mode = "off"  # a test runs the notebook
nb_ipywidgets_js: dict[str, Any] = {}  # they would come from elsewhere

autodoc_typehints = "description"
autodoc_member_order = "bysource"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True  # else attributes are described twice

smartquotes = False  # `--model` keeps its two hyphens

html_theme = "furo"
html_title = "kinobench"
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
html_static_path = ["style"]
html_css_files = ["site.css"]
html_extra_path = ["_generated/site"]

PAGES = {
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "results/published.md": "published.md",
    "results/weights.md": "weights.md",
}
"""Files outside of this folder that are pages of the site."""

REPOSITORY = os.environ.get("GITHUB_REPOSITORY")
"""`OWNER/NAME`, where GitHub builds the site: links to files lead there."""

_OUTSIDE = re.compile(r"(?<!!)\[([^\]]*)\]\(\.\./([^)#\s]+)(#[^)\s]*)?\)")


def outside_links(text: str) -> str:
    """Return a page whose links to files of the repository lead to a page, to GitHub, or nowhere.

    Pages are written so that their links work on GitHub.
    """

    def other(found: re.Match[str]) -> str:
        said, path, anchor = found[1], found[2], found[3] or ""
        if path in PAGES:
            return f"[{said}]({PAGES[path]}{anchor})"
        if path.endswith(".png"):
            return f"[{said}](../{path})"
        if REPOSITORY:
            return f"[{said}](https://github.com/{REPOSITORY}/blob/main/{path}{anchor})"
        return said

    return _OUTSIDE.sub(other, text)


def link_drawings(app: Any, tree: nodes.document) -> None:
    """Make every drawing a link to its file: on a narrow screen its text is too small to read."""
    for image in tree.findall(nodes.image):
        if image["uri"].endswith(".svg"):
            image.setdefault("width", "100%")  # Sphinx links images whose size is given


def setup(app: Any) -> None:
    """Generate what pages include, mend links as pages are read, and link drawings."""
    generate.write_all(HERE / "_generated")

    def mend(app: Any, page: str, source: list[str]) -> None:
        source[0] = outside_links(source[0])

    app.connect("source-read", mend)
    app.connect("doctree-read", link_drawings)
