"""Text in Markdown that is shown as it is."""

import re

_ESCAPED = str.maketrans(
    {"\\": "\\\\", "`": "\\`", "*": "\\*", "|": "\\|", "<": "&lt;", "&": "&amp;"}
)


def escaped(text: str) -> str:
    """Return a line of text without anything that Markdown would take for its own."""
    return text.translate(_ESCAPED)


def fenced(text: str) -> str:
    """Return lines of text as a block of code; the fence is longer than any in the text."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text}\n{fence}"
