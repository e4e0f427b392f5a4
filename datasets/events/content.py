"""The content of a file of annotations or results: its bytes, its text or what its JSON says."""

import gzip
import json
import zlib
from pathlib import Path
from typing import Any

import msgspec

from ..errors import DatasetError, reason_of
from ..files import read_regular
from ..lists.text import decoded

_GZIP = b"\x1f\x8b"


def content_of(file: Path) -> bytes:
    """Return the bytes of a file; one that gzip packed is unpacked, whatever its name is.

    Raises:
        DatasetError: It can't be read, is damaged, or is empty.
    """
    try:
        content = read_regular(file)
    except OSError as error:
        raise DatasetError(
            f"{file}: can't be read ({reason_of(error)}); give the path of the file"
        ) from error
    if content.startswith(_GZIP):
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as error:
            raise DatasetError(
                f"{file}: packed by gzip, and damaged or cut short ({error}); get it again"
            ) from error
    if not content.strip():
        raise DatasetError(f"{file}: the file is empty; get it again, or give another one")
    return content


def text_of(file: Path) -> str:
    """Return the text of a file, in UTF-8 or, with a mark, UTF-16, packed by gzip or not.

    Raises:
        DatasetError: It can't be read, is empty, or isn't text; the message has the line.
    """
    return decoded(file, content_of(file))


def json_of(file: Path) -> Any:
    """Return what a file in JSON says, in plain types; NaN and Infinity are read as such.

    Raises:
        DatasetError: It can't be read, is empty, or isn't JSON.
    """
    text = text_of(file)
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError):
        pass  # Python writes NaN, which JSON hasn't: the reader of the entries names it
    try:
        return json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        where = f":{error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise DatasetError(
            f"{file}{where}: not JSON, or cut short ({error}); get it again, or write it again"
        ) from error
