"""Errors of stored files that are not as they were written."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ...datasets.errors import KinobenchError, reason_of

AGAIN = "measure the case again"
"""The cure of predictions that can't be read."""


class DamagedError(KinobenchError):
    """A file of predictions that is not as it was written; what it had can be measured again.

    Attributes:
        path: The file.
        what: What is wrong with it, without its name.
    """

    def __init__(self, path: Path, what: str) -> None:
        """Name the file, and say what is wrong with it."""
        self.path, self.what = path, what
        super().__init__(f"{path} {what}; {AGAIN}")


def measured_again(errors: Sequence[DamagedError]) -> str:
    """Return the note of a run that can't continue with some of a folder's files."""
    first = f"{errors[0].path.name} {errors[0].what}"
    if len(errors) == 1:
        return f"measured again: {first}"
    return f"measured again: {len(errors)} stored files can't be used, the first: {first}"


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn whatever a damaged file makes pyarrow or numpy raise into an error that names the file.

    Raises:
        DamagedError: It can't be read.
    """
    try:
        yield
    except KinobenchError:
        raise
    except OSError as error:
        # pyarrow's own have no number, and lines on its insides.
        raise DamagedError(path, f"can't be read: {_first_line(reason_of(error))}") from error
    except Exception as error:
        raise DamagedError(path, f"can't be read: {_described(error)}") from error


def _described(error: Exception) -> str:
    """Return an error's first line; its type, too, where the line alone would be a riddle."""
    line = _first_line(str(error))
    return f"{type(error).__name__}: {line}" if isinstance(error, LookupError) or not line else line


def _first_line(text: str) -> str:
    return next(iter(text.splitlines()), "")
