"""The part of a page between two marks, which a script writes."""

import re

BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"
ORDER = ("torch", "onnxruntime", "openvino", "aotinductor", "tensorrt")
"""Runtimes, as tables have them."""


def page_with(page: str, made: str) -> str:
    """Return the page with another table between its marks.

    Raises:
        ValueError: It has no marks.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"the page has no {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{made}\n{END}{after}"


def escaped(text: str) -> str:
    """Return a line of text in which nothing is Markdown."""
    return re.sub(r"([\\`*_|<\[\]])", r"\\\1", " ".join(text.split()))
