"""What an examination of a dataset's copy found, on one screen."""

import textwrap
from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import Console

from ...datasets.doctor.complaints import LISTS_THEM, Complaint
from ...datasets.doctor.report import Files, Report, SplitReport
from ...datasets.plurals import quantity
from ...datasets.visible import one_line
from ..text.terminal import line

_MARKS = {True: "bad   ", False: "note  "}
_STYLES = {True: "bold red", False: "yellow"}
_INDENT = " " * 6
_SHOWN_VALUES = 4
"""Codecs, sizes or rates that are named, of each the most frequent."""
_MOST_EXAMPLES = 8


def show_report(report: Report, console: Console, height: int | None) -> None:
    """Print a report as wide as the console is.

    Args:
        report: The report.
        console: Console to print to.
        height: The most lines; of more findings the number is given. None: all of them.
    """
    for text, style in page_of(report, console.width, height):
        console.print(line(text, style if console.is_terminal else ""), soft_wrap=True)


def page_of(report: Report, width: int, height: int | None) -> list[tuple[str, str]]:
    """Return the lines of a report, each with its style.

    Args:
        report: The report.
        width: Columns of a line; only a name or a command that is longer isn't broken.
        height: The most lines; None: any number.
    """
    head = [(text, "") for text in _splits(report.splits, width)]
    foot = [(text, "") for text in _files(report.files, width)]
    verdict = (_verdict(report), "bold red" if report.is_bad else "green")
    if any(LISTS_THEM in each.cure for each in report.complaints):
        foot += [("the videos that have to be got again:", ""), _command(_lists_them(report))]
    blocks = [_finding(each, width) for each in report.complaints]
    taken = sum(_rows(text, width) for text, _ in (verdict, *head, *foot))
    room = None if height is None else height - taken
    shown, hidden = _fitting(blocks, width, room)
    if hidden:
        shown.append((f"{_INDENT}and {quantity(hidden, 'further finding')}: --json has all", "dim"))
    return [verdict, *head, *shown, *foot]


def _fitting(
    blocks: Sequence[list[tuple[str, str]]], width: int, room: int | None
) -> tuple[list[tuple[str, str]], int]:
    """Return the lines of the first blocks for which there is room, and how many are left out."""
    heights = [sum(_rows(text, width) for text, _ in block) for block in blocks]
    if room is None or sum(heights) <= room:
        return [text for block in blocks for text in block], 0
    shown: list[tuple[str, str]] = []
    taken = 0
    for number, (block, height) in enumerate(zip(blocks, heights, strict=True)):
        if shown and taken + height > room - 1:
            return shown, len(blocks) - number
        shown += block
        taken += height
    return shown, 0


def _verdict(report: Report) -> str:
    bad = sum(each.is_bad for each in report.complaints)
    notes = len(report.complaints) - bad
    text = f"{report.dataset}: "
    if report.is_interrupted:
        text += f"interrupted, {quantity(report.unread, 'file')} not looked at; so far "
    text += (
        quantity(bad, "finding changes results", "findings change results")
        if bad
        else ("nothing is wrong")
    )
    return f"{text}, {quantity(notes, 'note')}" if notes else text


def _lists_them(report: Report) -> str:
    return f"{report.again} --write-missing missing.csv"


def _splits(splits: Sequence[SplitReport], width: int) -> list[str]:
    """Return a line for each split; what they have in common is said before."""
    common = {_common(split) for split in splits}
    is_common = len(splits) > 1 and len(common) == 1
    lines = _folded(f"{len(splits)} splits, {common.pop()}", width, "", "  ") if is_common else []
    for split in splits:
        videos = str(split.expected) if is_common else quantity(split.expected, "video")
        text = f"{split.name}: {split.found} of {videos} found, "
        text += split.counts.text if is_common else f"{_common(split, split.counts.text)}"
        text += f"; copy {split.copy}" if split.copy else ""
        lines += _folded(text, width, "", "  ")
    return lines


def _common(split: SplitReport, counts: str = "") -> str:
    """Return what splits often have in common: the number of classes, and the layout."""
    texts = [quantity(split.classes, "class", "classes"), counts]
    layout = f"; layout {split.layout}" if split.layout else ""
    return ", ".join(filter(None, texts)) + layout


def _finding(found: Complaint, width: int) -> list[tuple[str, str]]:
    """Return the lines of a finding: examples as far as its line goes, the cure and commands."""
    head = (
        f"{_MARKS[found.is_bad]}{found.count} {found.what}"
        if found.count
        else (f"{_MARKS[found.is_bad]}{found.what}")
    )
    lines = _folded(one_line(head + _examples(found, len(head), width)), width, "", _INDENT)
    style = _STYLES[found.is_bad]
    cure = _folded(f"cure: {found.cure}", width, _INDENT, _INDENT + "  ") if found.cure else []
    commands = map(_command, found.commands)
    return [*((text, style) for text in lines), *((text, "") for text in cure), *commands]


def _command(command: str) -> tuple[str, str]:
    """Return the line of a command, which is never broken, so that it can be copied."""
    return f"{_INDENT}$ {one_line(command)}", ""


def _rows(text: str, width: int) -> int:
    """Return how many rows of a terminal a line takes."""
    return max(1, -(-cell_len(text) // width))


def _examples(found: Complaint, taken: int, width: int) -> str:
    """Return the first names, as many as end on the line that the text before them ends on."""
    room = width - (taken % width) - len(": , ...")
    names: list[str] = []
    for place, name in enumerate(found.names):
        detail = found.details[place] if place < len(found.details) else ""
        text = f"{name} ({detail})" if detail and detail not in found.what else name
        room -= len(text) + 2
        if names and (room < 0 or len(names) == _MOST_EXAMPLES):
            break
        names.append(text)
    more = ", ..." if len(names) < len(found.names) else ""
    return f": {', '.join(names)}{more}" if names else ""


def _files(files: Files, width: int) -> list[str]:
    if not files.there:
        return []
    texts = [
        f"{files.there}, {_size(files.bytes)}, {_length(files.hours)}",
        f"{files.decoded} decoded whole, {quantity(files.frames, 'frame')}"
        if files.decoded
        else "",
        f"{files.variable} with a variable frame rate" if files.variable else "",
        f"{files.hdr} in HDR" if files.hdr else "",
    ]
    values = [_values(files.codecs), _values(files.sizes), _values(files.rates, " fps")]
    values.append(_values(files.pixels))
    lines = _folded("; ".join(filter(None, texts)), width, "files: ", _INDENT)
    return lines + _folded("; ".join(filter(None, values)), width, _INDENT, _INDENT)


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"


def _length(hours: float) -> str:
    return f"{hours:.1f} h" if hours >= 1 else f"{60 * hours:.1f} min"


def _values(counts: dict[str, int], unit: str = "") -> str:
    shown = [f"{value}{unit} {count}" for value, count in counts.items()]
    if len(shown) == 1:
        return shown[0].rpartition(" ")[0]
    more = len(shown) - _SHOWN_VALUES
    return ", ".join(shown[:_SHOWN_VALUES]) + (f" and {more} more" if more > 0 else "")


def _folded(text: str, width: int, first: str, other: str) -> list[str]:
    return textwrap.wrap(
        one_line(text),
        max(width, 40),
        initial_indent=first,
        subsequent_indent=other,
        break_long_words=False,
        break_on_hyphens=False,
    )
