"""Nobody answers where a file is said to be."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import DatasetError


class UnreachableError(OSError):
    """A file elsewhere can't be reached now: no fault of the file.

    It is an OSError, as that of a disk which goes away; `refusing_unreachable` makes it a user's.
    """

    def __init__(self, url: str, reason: str) -> None:
        """Name the URL and the reason."""
        self._said = url, reason
        super().__init__(errno.ETIMEDOUT, f"it can't be reached: {reason}", url)

    def __reduce__(self) -> tuple[type["UnreachableError"], tuple[str, str]]:
        """Go to another process as what it was made of."""
        return type(self), self._said


@contextmanager
def refusing_unreachable() -> Iterator[None]:
    """Turn an UnreachableError into a DatasetError, where no video is to blame.

    Raises:
        DatasetError: Nobody answers.
    """
    try:
        yield
    except UnreachableError as error:
        raise DatasetError(
            f"{error.filename}: {error.strerror}; correct the URL, or run the same command again "
            "once it answers"
        ) from error
