"""Files of weights: their digests and their content, read without running code."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...datasets.errors import KinobenchError, reason_of
from ...datasets.files import check_regular, open_regular
from .kinds import refuse_other_kinds


@contextmanager
def reading_weights(path: str | Path) -> Iterator[None]:
    """Turn whatever a file of weights makes a library raise into an error that names the file.

    Raises:
        KinobenchError: It is no file, but a folder or a pipe; or it can't be read.
    """
    try:
        check_regular(path)
        yield
    except (KinobenchError, MemoryError):
        raise
    except Exception as error:
        what = reason_of(error) if isinstance(error, OSError) else str(error)
        raise KinobenchError(
            f"weights {str(path)!r} can't be read: {what or type(error).__name__}; get the file "
            "again, or give others"
        ) from error


def file_digest(path: str | Path) -> str:
    """Return the first 16 hexadecimal digits of a file's SHA-256."""
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def read_file(file: Path) -> object:
    """Return what a file holds: `.safetensors` by its name, and otherwise a file of `torch.save`.

    Raises:
        KinobenchError: It is another kind of file, is damaged, or needs code; the message says
            which, and the cure.
    """
    # Imported here, because names and paths are resolved without torch.
    from safetensors.torch import load_file

    from .pickled import read_torch

    with reading_weights(file):
        refuse_other_kinds(file)
        return load_file(file) if file.suffix == ".safetensors" else read_torch(file)
