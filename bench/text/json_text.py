"""JSON for people and programs: the values are exact, and a terminal obeys nothing in it."""

import re
from typing import Any

import msgspec

from ...datasets.names import readable
from ...datasets.visible import one_line

_ENCODER = msgspec.json.Encoder(decimal_format="number")


def json_text(content: Any, encoder: msgspec.json.Encoder = _ENCODER) -> str:
    r"""Return anything that msgspec can encode as indented JSON, without a line end.

    JSON has no bytes that aren't UTF-8: one in the name of a file is written as `\xff`.
    """
    try:
        encoded = encoder.encode(content)
    except UnicodeEncodeError:
        plain = msgspec.to_builtins(content, enc_hook=encoder.enc_hook)
        encoded = encoder.encode(_readable(plain))
    return escaped_json(msgspec.json.format(encoded, indent=2).decode())


def _readable(content: Any) -> Any:
    if isinstance(content, str):
        return readable(content)
    if isinstance(content, dict):
        return {_readable(name): _readable(each) for name, each in content.items()}
    is_list = isinstance(content, list | tuple)
    return [_readable(each) for each in content] if is_list else content


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
