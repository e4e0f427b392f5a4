"""The text of an annotation list, or an error that says where it is none."""

from pathlib import Path

from ..errors import DatasetError, reason_of
from ..files import read_regular


def read_list(file: Path) -> str:
    """Return the text of a list in UTF-8, with or without a mark at its beginning.

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
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DatasetError(
            f"{file}:{_line_of(content, error.start)}: not a text file in UTF-8 ({error.reason})"
        ) from error
    if "\0" in text:
        line = _line_of(content, content.index(b"\0"))
        raise DatasetError(
            f"{file}:{line}: there is a NUL character; the list is damaged, or saved in UTF-16: "
            "get it again, or save it in UTF-8"
        )
    return text


def _line_of(content: bytes, at: int) -> int:
    return content.count(b"\n", 0, at) + 1
