"""Small files of /proc and /sys; a file that is missing or unreadable is None."""

from pathlib import Path

ROOT = Path("/")


def text(path: Path) -> str | None:
    """Return a file's text without the white space around it."""
    try:
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError):
        return None


def number(path: Path) -> int | None:
    """Return a file's whole number."""
    found = text(path)
    try:
        return None if found is None else int(found)
    except ValueError:
        return None
