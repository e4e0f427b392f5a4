"""What a pickle of plain values or a json says: the same, whichever it is."""

import re
from pathlib import Path
from typing import Any

from ..errors import DatasetError
from .content import content_of, json_of
from .plain_pickle import read_plain_pickle

_PICKLE = re.compile(rb"\x80[\x02-\x05]|\(dp?\d*\n|\(lp?\d*\n|[}\]]q\x00|cnumpy|\(dp0")
_JSON = re.compile(rb"(?:\xef\xbb\xbf)?\s*[\[{]|\xff\xfe[\[{]\0|\xfe\xff\0[\[{]")


def is_pickle(content: bytes) -> bool:
    """Return whether the first bytes are those of a pickle."""
    return _PICKLE.match(content) is not None


def is_json(content: bytes) -> bool:
    """Return whether the first bytes are those of an object or a list in JSON."""
    return _JSON.match(content) is not None


def structure_of(file: Path) -> Any:
    """Return what a pickle or a json says, in plain values and arrays.

    Raises:
        DatasetError: It can't be read, is neither, or is damaged.
    """
    content = content_of(file)
    if is_pickle(content):
        return read_plain_pickle(file)
    if is_json(content):
        return json_of(file)
    raise DatasetError(f"{file}: neither a pickle nor JSON; give one of the two")
