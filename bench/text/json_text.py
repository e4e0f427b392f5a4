"""JSON for people and programs: the values are exact, and a terminal obeys nothing in it."""

import re
from typing import Any

import msgspec

from ...datasets.visible import one_line

_ENCODER = msgspec.json.Encoder()


def json_text(content: Any, encoder: msgspec.json.Encoder = _ENCODER) -> str:
    """Return anything that msgspec can encode as indented JSON, without a line end."""
    return escaped_json(msgspec.json.format(encoder.encode(content), indent=2).decode())


def escaped_json(text: str) -> str:
    r"""Return the same JSON in which what a terminal would obey or hide is escaped: `\u009b`.

    JSON itself escapes the control characters below 32 alone.
    """
    return _UNUSUAL.sub(_escape, text)


_UNUSUAL = re.compile(r"[^\n -~]")


def _escape(found: re.Match[str]) -> str:
    if one_line(found[0]) == found[0]:
        return found[0]
    units = found[0].encode("utf-16-be")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
