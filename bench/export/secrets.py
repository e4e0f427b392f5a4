"""Texts of trackers as they may be shown: without passwords, tokens and keys."""

import os
import re

from ...datasets.visible import one_line

HIDDEN = "***"
_IN_ADDRESS = re.compile(r"(?<=://)[^/\s]+(?=@)")  # up to the last @: a password may have one
_IN_QUERY = re.compile(
    r"(?i)((?:token|passwd|password|secret|key|credential|sig|signature)=|\bbearer )[^&\s]+"
)
_NAMES = ("TOKEN", "PASSWORD", "SECRET", "KEY")
_SHORTEST = 6
"""A shorter value of a variable may be a part of any word."""


def without_secrets(text: object) -> str:
    """Return a text in one line, in which neither an address nor a variable gives a secret away.

    Hidden are the user and password of an address, a `token=` or signature in it, a token after
    `Bearer`, and the values of environment
    variables whose names end in TOKEN, PASSWORD, SECRET or KEY.
    """
    shown = one_line(str(text))
    for name, value in os.environ.items():
        if name.upper().endswith(_NAMES) and len(value) >= _SHORTEST:
            shown = shown.replace(value, HIDDEN)
    return _IN_QUERY.sub(rf"\1{HIDDEN}", _IN_ADDRESS.sub(HIDDEN, shown))
