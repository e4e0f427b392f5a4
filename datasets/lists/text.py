"""The text of an annotation list, or an error that says where it is none."""

import codecs
from collections.abc import Iterator
from pathlib import Path

from ..errors import DatasetError, reason_of
from ..files import read_regular

_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_AT_ONCE = 1 << 18
"""Characters of a text that become lines at once: all lines of a large one would need much memory,
and to look for each by itself takes twice as long."""


def read_list(file: Path) -> str:
    """Return the text of a list in UTF-8, with or without a mark, or in UTF-16 with one.

    Raises:
        DatasetError: It can't be read, or isn't text; the message has the line.
    """
    try:
        content = read_regular(file)
    except OSError as error:
        raise DatasetError(
            f"{file}: can't be read ({reason_of(error)}); mend the file or its disk, and run the "
            "same command again"
        ) from error
    return decoded(file, content)


def decoded(file: Path, content: bytes) -> str:
    """Return the text that the bytes of a list are; `file` is its name in messages.

    Raises:
        DatasetError: They aren't text; the message has the line.
    """
    if content.startswith(_UTF_16):
        return _of_utf_16(file, content)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DatasetError(
            f"{file}:{_line_of(content, error.start)}: not a text file in UTF-8 "
            f"({error.reason}); save it in UTF-8"
        ) from error
    if "\0" in text:
        line = _line_of(content, content.index(b"\0"))
        raise DatasetError(
            f"{file}:{line}: there is a NUL character; the list is damaged, or saved in UTF-16: "
            "get it again, or save it in UTF-8"
        )
    return text


def decoded_head(content: bytes) -> str:
    """Return the first bytes of a list as text, as far as they are text; to recognise it only.

    Without its NULs, a damaged list looks like what it was; reading it then says what is wrong.
    """
    encoding = "utf-16" if content.startswith(_UTF_16) else "utf-8-sig"
    return content.decode(encoding, errors="replace").replace("\0", "")


def lines_of(file: Path) -> Iterator[tuple[int, str]]:
    """Give the number, from 1, and the text of every line that isn't blank, without its end.

    Only a line feed, alone or after a carriage return, ends a line: names may have other characters
    that Python takes for line ends. An old Macintosh's carriage returns end lines where there are
    no line feeds.

    Raises:
        DatasetError: The file can't be read, or isn't text; the message has the line.
    """
    before = 0
    for lines in _parted(read_list(file)):
        for number, line in enumerate(lines, before + 1):
            if line[-1:] == "\r":
                line = line.rstrip("\r")
            if line and not line.isspace():
                yield number, line
        before += len(lines) - 1  # the last has its end in the next part, if it has any


def each_line(text: str) -> Iterator[str]:
    """Give the lines of a text with their ends, one at a time: there may be a million."""
    end = _end_of_lines(text)
    for lines in _parted(text):
        last = lines.pop()
        for line in lines:
            yield line + end
        if last:
            yield last


def _parted(text: str) -> Iterator[list[str]]:
    """Give the lines of a text, without their ends, a part of the text at a time.

    The last line of a part is what follows its last end: empty, unless the text ends there without
    one.
    """
    end = _end_of_lines(text)
    start = 0
    while start < len(text):
        stop = text.find(end, start + _AT_ONCE) + 1 or len(text)
        yield text[start:stop].split(end)
        start = stop


def _end_of_lines(text: str) -> str:
    return "\n" if "\n" in text else "\r"


def _of_utf_16(file: Path, content: bytes) -> str:
    try:
        text = content.decode("utf-16")
    except UnicodeDecodeError as error:
        line = content[: error.start].decode("utf-16", errors="ignore").count("\n") + 1
        raise DatasetError(
            f"{file}:{line}: not a text file in UTF-16, as its first bytes say ({error.reason}); "
            "get it again, or save it in UTF-8"
        ) from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise DatasetError(
            f"{file}:{line}: there is a NUL character; the list is damaged: get it again"
        )
    return text


def _line_of(content: bytes, at: int) -> int:
    return content.count(b"\n", 0, at) + 1
