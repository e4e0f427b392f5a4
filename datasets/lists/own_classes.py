"""The class names of people's own videos: those of a classes.txt, or else sorted by code point."""

from collections.abc import Iterable
from pathlib import Path

from ..errors import DatasetError
from .class_names import fold
from .text import lines_of

CLASSES_FILE = "classes.txt"
MOST_CLASSES = 100_000
"""A label number above that is no class: it would be the length of every video's scores."""


def written_classes(*folders: Path | None) -> tuple[Path, tuple[str, ...]] | None:
    """Return the first classes.txt in some folders and its names, a line each; None without one.

    Raises:
        DatasetError: The file is empty, or has a name twice; the message has the line.
    """
    places = [folder / CLASSES_FILE for folder in folders if folder is not None]
    file = next((place for place in places if place.is_file()), None)
    if file is None:
        return None
    line_of: dict[str, int] = {}
    for number, text in lines_of(file):
        name = text.strip()
        if name in line_of:
            raise DatasetError(
                f"{file}:{number}: class {name!r} is in line {line_of[name]} already; name each "
                "once"
            )
        if name:
            line_of[name] = number
    if not line_of:
        raise DatasetError(f"{file}: it is empty; write one class name a line, or remove the file")
    return file, tuple(line_of)


def sorted_classes(names: Iterable[str]) -> tuple[str, ...]:
    """Return class names by code point, each once: an order that no machine's language changes."""
    return tuple(sorted(set(names)))


def alike(classes: Iterable[str]) -> tuple[str, ...]:
    """Return a note on two names that differ in case, spaces and punctuation alone, if there are.

    They are two classes; but weights compare names by letters and digits.
    """
    first: dict[str, str] = {}
    for name in classes:
        other = first.setdefault(fold(name), name)
        if other != name and fold(name):
            return (f"classes {other!r} and {name!r} are two, though their letters are the same",)
    return ()
