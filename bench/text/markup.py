"""Text in Markdown, HTML, LaTeX and CSV that is shown as it is, whatever it has in it."""

import html
import re

from ...datasets.visible import one_line, visible

_SIGNS = str.maketrans(
    {"\\": "\\\\", "`": "\\`", "*": "\\*", "|": "\\|", "$": "\\$", "<": "&lt;", "&": "&amp;"}
)
_BRACKET = re.compile(r"(\[(?=[-+–~., %]*\d)[-+–~\d., %]*\](?![(\[:]))|[\[\]]")
"""An interval such as `[3.4, 4.5]`, which nothing on a page makes a link; or a single bracket."""
_UNDERSCORES = re.compile(r"(?<![^\W_])_+|_+(?![^\W_])")
"""Those at the edge of a word: inside one, as in `x3d_tiny`, they are no emphasis."""
_REPEATED: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"!(?=\\?\[)"), r"\\!"),  # a picture
    (re.compile(r"(?<=\S)~"), r"\\~"),  # the end of struck-out text
    (re.compile(r":(?=//)"), r"\\:"),  # GitHub links addresses
    (re.compile(r"\b(www)(?=\.)", re.IGNORECASE), r"\1\\"),
    # It links mail and calls people, and heeds no backslash there: an invisible space does it.
    (re.compile(r"(?<!\w)@(?=\w)|@(?=[\w-]+\.[\w-])"), "@&#8203;"),
    # The same for the pictures that it makes of `:x:`, and for its links of `#1` and `GH-1`.
    (re.compile(r":(?=(?:[a-z_][a-z0-9_+-]*|[+-]1|1234|100|8ball):)"), ":&#8203;"),
    (re.compile(r"(?<!&)#(?=\d)"), "#&#8203;"),
    (re.compile(r"\b(GH-)(?=\d)", re.IGNORECASE), r"\1&#8203;"),
    # At the beginning of a line: a list, a rule, a heading, a quotation, a fence.
    (re.compile(r"^(?=[-+](?:\s|$)|-[- ]*$|=[= ]*$|[#>]|:::|~~)"), r"\\"),
    (re.compile(r"^(\d{1,9})(?=[.)](?:\s|$))"), r"\1\\"),
)

_NUMBER = r"\d+(?:\.\d+)?"
_PLAIN = re.compile(
    rf"[A-Za-z0-9]+(?:_[A-Za-z0-9]+)*|{_NUMBER}(?: \[{_NUMBER}, {_NUMBER}\])?", re.ASCII
)
"""Words, numbers and intervals, which are most of a table: nothing in them is a mark."""


def escaped(text: str) -> str:
    """Return a line for Markdown in which nothing is a link, a picture, a tag or any other mark.

    Control characters and line ends are written out.
    """
    if _PLAIN.fullmatch(text):
        return text
    shown = one_line(text).strip(" ").translate(_SIGNS)
    shown = _BRACKET.sub(lambda found: found[1] or f"\\{found[0]}", shown)
    shown = _UNDERSCORES.sub(lambda found: "\\_" * len(found[0]), shown)
    for pattern, replacement in _REPEATED:
        shown = pattern.sub(replacement, shown)
    return shown


def fenced(text: str) -> str:
    """Return lines of text as a block of code; the fence is longer than any in the text."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{visible(text)}\n{fence}"


def html_escaped(text: str) -> str:
    """Return a line for HTML in which nothing is a tag; control characters are written out."""
    return html.escape(one_line(text))


def csv_text(text: str) -> str:
    """Return a text for a cell of CSV, which no spreadsheet takes for a formula.

    Control characters but line ends are written out. A text that begins with `=`, `+`, `-` or `@`,
    after blanks or not, gets a `'` before it, as one types it in a spreadsheet.
    """
    shown = visible(text).replace("\t", "\\t")
    return f"'{shown}" if shown.lstrip().startswith(("=", "+", "-", "@")) else shown


_LATEX = str.maketrans(
    {
        **{sign: rf"\{sign}" for sign in "&%$#_{}"},
        **{sign: rf"\ensuremath{{{sign}}}" for sign in "<>|"},
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "\\": r"\textbackslash{}",
    }
)


def latex_escaped(text: str) -> str:
    """Return a line for LaTeX in which nothing is a command; control characters are written out."""
    return one_line(text).translate(_LATEX)
