"""Paths that come from data, and names that become paths: they stay in the folder of results."""

import os
from pathlib import Path, PurePosixPath, PureWindowsPath

from ...datasets.errors import KinobenchError, reason_of


def inside(results: Path, named: str) -> Path:
    """Return the path of a file or a folder in the folder of results, whether it exists or not.

    Args:
        results: The folder.
        named: Its path in it, as a record has it, with `/` between the parts.

    Raises:
        KinobenchError: It is absolute, has `..`, a backslash or a drive, or a link in it leads out
            of the folder; or the system has no such names.
    """
    why = fault_in(named) or _fault_on_disk(results, named)
    if why is not None:
        raise KinobenchError(
            f"{named!r} is no place in the folder of results, {results}: {why}; kinobench reads "
            "and writes nothing outside of it: measure the case again, or move what a link leads "
            "to into the folder"
        )
    return results / named


def fault_in(named: str) -> str | None:
    """Return what is wrong with a path as it is written; None if nothing is."""
    if "\0" in named or "\\" in named:
        return "it has a backslash or a NUL character"
    if PurePosixPath(named).is_absolute() or PureWindowsPath(named).anchor:
        return "it is absolute"
    parts = PurePosixPath(named).parts
    if ".." in parts:
        return "it has '..'"
    return None if parts else "it names nothing"


def _fault_on_disk(results: Path, named: str) -> str | None:
    """Return why a path can't be used, or where a link leads that leaves the folder."""
    path = results / named
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OSError as error:
        return reason_of(error)
    real = Path(os.path.realpath(path))
    if real.is_relative_to(os.path.realpath(results)):
        return None
    return f"by a link, it is {str(real)!r}"
