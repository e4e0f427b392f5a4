"""The content of a file of annotations or results: its bytes, its text or what its JSON says."""

import csv
import gzip
import json
import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

from ..errors import DatasetError, reason_of
from ..files import read_regular
from ..lists.text import decoded

_GZIP = b"\x1f\x8b"
MOST_BYTES = 4 * 1024**3
"""A file that gzip packed could grow without end; the largest that people share has a tenth."""


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
            with gzip.GzipFile(fileobj=BytesIO(content)) as packed:
                content = packed.read(MOST_BYTES + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise DatasetError(
                f"{file}: packed by gzip, and damaged or cut short ({error}); get it again"
            ) from error
    if len(content) > MOST_BYTES:
        raise DatasetError(
            f"{file}: it is larger than {MOST_BYTES // 1024**3} GiB, unpacked; give that of one "
            "split"
        )
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
        DatasetError: It can't be read, is empty, isn't JSON, or an object has a key twice.
    """
    try:
        # Python writes NaN, which JSON hasn't: the reader of the entries names it.
        return json.loads(text_of(file), object_pairs_hook=_object)
    except _TwiceError as error:
        raise DatasetError(
            f"{file}: an object has the key {error.args[0]!r} twice, and one would be lost; keep "
            "one, or join the two"
        ) from None
    except (ValueError, RecursionError) as error:
        where = f":{error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise DatasetError(
            f"{file}{where}: not JSON, or cut short ({error}); get it again, or write it again"
        ) from error


class _TwiceError(Exception):
    """A key that an object has twice."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise _TwiceError(next(key for key in keys if keys.count(key) > 1))
    return found


def csv_rows(file: Path) -> Iterator[tuple[int, list[str]]]:
    """Give the number of the line, from 1, and the fields of each row that isn't blank.

    Raises:
        DatasetError: The file can't be read, is empty, isn't text, or a quote isn't closed.
    """
    reader = csv.reader(text_of(file).splitlines(), strict=True)
    try:
        for parts in reader:
            if any(part.strip() for part in parts):
                yield reader.line_num, parts
    except csv.Error as error:
        raise DatasetError(
            f"{file}:{reader.line_num}: no row of csv ({error}); correct it"
        ) from error
