"""Errors of other people's code: networks, datasets and measurements of plug-ins."""

import os
import sysconfig
import traceback
from pathlib import Path

_OWN = Path(__file__).resolve().parents[1]
_FOLDERS = (
    *(_OWN / name for name in ("bench", "datasets", "zoo", "bench.py")),
    *(Path(sysconfig.get_paths()[name]).resolve() for name in ("stdlib", "platstdlib")),
)
"""The folders of kinobench and of Python itself."""
_INSTALLED = {"site-packages", "dist-packages"}
_KEPT = "_kinobench_place"


def error_text(error: BaseException) -> str:
    """Return what an error is, and where in the user's own code it came up.

    This is its type, its text on one line, and the deepest line of a file that is neither
    kinobench's, nor Python's, nor that of an installed library: `KeyError: 'a' (nets.py, line 3)`.
    """
    text = " ".join(str(error).split()) or "no message"
    place = place_of(error)
    where = f" ({place})" if place is not None and not isinstance(error, SyntaxError) else ""
    return f"{type(error).__name__}: {text}{where}"


def keep_place(error: BaseException) -> None:
    """Keep what `place_of` returns of an error as one of its attributes.

    So it is still known where the error comes from another process, without its traceback.
    """
    vars(error)[_KEPT] = place_of(error)


def kept_place(error: BaseException) -> dict[str, str | None]:
    """Return the attribute that `keep_place` has made, for another error in its place."""
    return {_KEPT: vars(error).get(_KEPT)}


def place_of(error: BaseException) -> str | None:
    """Return the file and the line of the user's own code that an error came up in, or None."""
    kept: str | None = getattr(error, _KEPT, None)
    if kept is not None:
        return kept
    frames = [(each.filename, each.lineno) for each in traceback.extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError):  # of the file that can't be compiled
        frames.append((error.filename or "", error.lineno))
    for file, line in reversed(frames):
        path = Path(file)
        # `<frozen importlib._bootstrap>` is no file.
        if path.is_absolute() and _is_theirs(path.resolve()):
            near = os.path.relpath(file)
            return f"{file if near.startswith(os.pardir) else near}, line {line}"
    return None


def _is_theirs(file: Path) -> bool:
    return not any(map(file.is_relative_to, _FOLDERS)) and _INSTALLED.isdisjoint(file.parts)
