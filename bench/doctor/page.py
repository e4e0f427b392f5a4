"""The results of an examination, for a person."""

from collections import Counter
from collections.abc import Iterable

from rich.console import Console

from ...datasets.plurals import quantity
from ..cards.terminal import print_folded
from ..text.terminal import line
from .finding import Result, Status

STYLES: dict[Status, str] = {"pass": "green", "warn": "yellow", "fail": "bold red", "skip": "dim"}
NAME_WIDTH = 13
"""Columns of the longest name of a check."""


def print_result(result: Result, console: Console) -> None:
    """Print a check: its status, its name, what it found, and the cure below it."""
    head = f"{result.status}  {result.name:<{NAME_WIDTH}}  "
    indent = " " * len(head)
    style = STYLES[result.status] if console.is_terminal else ""
    print_folded(head + result.message, console, style, hanging=indent)
    if result.cure:
        print_folded(f"cure: {result.cure}", console, indent=indent, hanging=indent + "  ")


def print_summary(model: str, results: Iterable[Result], console: Console) -> None:
    """Print how many checks ended how."""
    counts = Counter(result.status for result in results)
    failures, warnings = counts["fail"], counts["warn"]
    verdict = "keeps the contract" if not failures else "doesn't keep the contract"
    text = f"{model} {verdict}: {counts['pass']} passed"
    text += f", {quantity(warnings, 'warning')}" if warnings else ""
    text += f", {quantity(failures, 'failure')}" if failures else ""
    text += f", {counts['skip']} skipped" if counts["skip"] else ""
    console.print(line(text, STYLES["fail" if failures else "pass"] if console.is_terminal else ""))
