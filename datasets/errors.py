"""Errors that a user can correct: each message quotes what is wrong and says the cure.

A cure that is a command begins with `program()`: `kinobench`, or `python bench.py` in a checkout.
"""

import difflib
import errno
import re
import shlex
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from .names import readable
from .visible import one_line, visible


class KinobenchError(Exception):
    """A request can't be carried out; the message says why, and what to change.

    Messages quote names from data, so control characters in them are written out.

    Attributes:
        has_lines: True for a kind of error whose messages have several lines, such as the end of
            another program's output. In all others a line end comes from data.
    """

    has_lines = False

    def __init__(self, *args: object) -> None:
        """Take the message."""
        shown = visible if self.has_lines else one_line
        super().__init__(*(shown(each) if isinstance(each, str) else each for each in args))


class UnknownNameError(KinobenchError):
    """A name that no registry knows."""

    def __init__(self, kind: str, name: str, known: Iterable[str], hint: str = "") -> None:
        """Say which `kind` of thing has no such `name`, and the nearest of the `known` names."""
        self.kind, self.name = kind, name
        cure = _cure(name, sorted(known))
        if hint:  # a question ends a sentence
            cure += f" {hint[0].upper()}{hint[1:]}" if cure.endswith("?") else f"; {hint}"
        super().__init__(f"no {kind} is named {name!r}: {cure}")


class DatasetError(KinobenchError):
    """A dataset that is missing, or isn't what it should be."""


class VideoError(KinobenchError):
    """A file that can't be read as the video it should be."""

    def __init__(self, path: str | Path, reason: str) -> None:
        """Name the file and what is wrong with it."""
        self.path, self.reason = readable(str(path)), readable(reason)
        super().__init__(f"{path}: {reason}")


_NAME = re.compile(r"[^\W_][\w.+-]*")
LONGEST_NAME_BYTES = 100
"""A file may be named after a model, a dataset and two digests; its name may have 255 bytes."""


def check_name(kind: str, name: str, *, parts: bool = False) -> None:
    """Check a name that a plug-in gives: names of models and datasets become names of files.

    Args:
        kind: The kind of thing in the message, such as `dataset`.
        name: Its name.
        parts: True if it may have parts with `/` between them, as `org/net`; see `file_name`.

    Raises:
        KinobenchError: It is no text; it, or a part of it, begins with something else than a letter
            or a digit, or has characters other than letters, digits, and `_`, `-`, `.` and `+`; or
            it is longer than `LONGEST_NAME_BYTES`.
    """
    if not isinstance(name, str):
        raise KinobenchError(f"{kind} {name!r}: a name is a text; choose one")
    if not all(map(_NAME.fullmatch, name.split("/") if parts else [name])):
        also = ", in each part of 'org/net' too" if parts else ""
        raise KinobenchError(
            f"{kind} {name!r}: a name begins with a letter or a digit, and has letters, digits, "
            f"'_', '-', '.' and '+' alone{also}, because files are named after it; choose such a "
            "name"
        )
    length = len(name.encode())
    if length > LONGEST_NAME_BYTES:
        raise KinobenchError(
            f"{kind} {name!r}: a name has {LONGEST_NAME_BYTES} bytes at most, because files are "
            f"named after it, and this one has {length}; choose a shorter one"
        )


def program() -> str:
    """Return how the user calls kinobench, for messages that name a command.

    It is `python bench.py` with the path as it was typed, `python -m kinobench`, or `kinobench`.
    """
    called = sys.argv[0] if sys.argv else ""
    script, root = Path(called).resolve(), Path(__file__).resolve().parents[1]
    if script == root / "bench.py":
        return f"python {shlex.quote(called)}"
    ours = script.name == "__main__.py" and script.is_relative_to(root)
    return "python -m kinobench" if ours else "kinobench"


def reason_of(error: OSError) -> str:
    """Return why a file or a folder can't be used, as a sentence without its name."""
    return _REASONS.get(error.errno or 0) or error.strerror or str(error)


_REASONS = {
    errno.ENOENT: "there is no such file or folder",
    errno.EACCES: "you have no permission",
    errno.EPERM: "you have no permission",
    errno.EISDIR: "it is a folder, not a file",
    errno.ENOTDIR: "a part of its path is a file, not a folder",
    errno.EEXIST: "there is a file of that name",
    errno.EROFS: "the disk is read-only",
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "your quota of the disk is used up",
    errno.ENAMETOOLONG: "the name is too long",
}


def _cure(name: str, known: Sequence[str]) -> str:
    """Return what to write instead of an unknown name."""
    longer = [each for each in known if _folded(each).startswith(_folded(name))] if name else []
    spelled_otherwise = _folded(name) in map(_folded, longer)
    if len(longer) > 1 and not spelled_otherwise:
        others = f" and {len(longer) - _LISTED} more" if len(longer) > _LISTED else ""
        return f"these begin with it: {', '.join(longer[:_LISTED])}{others}"
    nearest = nearest_name(name, known)
    if nearest is not None:
        return f"did you mean {nearest!r}?"
    if len(known) <= _ALL_LISTED:
        return f"known: {', '.join(known) or 'none'}"
    return f"{len(known)} are known"


_LISTED = 8
"""The most names that a message lists of those that begin with an unknown one."""
_ALL_LISTED = 12
"""The most known names that a message lists where none is near."""


def nearest_name(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that was most likely meant, or None if none is near.

    These are tried in order:

    - a name that has all the words of `name`, in any order: `i3d_flow` is short for
      `i3d_inception_flow`;
    - a name spelled like it, where the first word, a family's name, counts most;
    - the only name that `name` abbreviates: `k400` has letters of `kinetics400`, in their order.

    Short names are alike by chance: `tpu` is no `cpu`. They need the same first letter.
    """
    typed = name.casefold()
    words = _words(typed)

    def likeness(candidate: str) -> float:
        return difflib.SequenceMatcher(None, candidate.casefold(), typed).ratio()

    candidates = sorted(known)
    if words:
        with_all = [each for each in candidates if set(words) <= set(_words(each.casefold()))]
        if with_all:
            return max(with_all, key=likeness)
    alike = {
        each: ratio
        for each in candidates
        if (ratio := likeness(each)) >= _NEAR
        and (len(typed) > _SHORT or each[:1].casefold() == typed[:1])
    }

    def closeness(candidate: str) -> float:
        same_start = words[:1] == _words(candidate.casefold())[:1]
        return alike[candidate] + (_SAME_START if same_start else 0)

    if alike:
        return max(alike, key=closeness)
    abbreviated = [each for each in candidates if _abbreviates(typed, each.casefold())]
    return abbreviated[0] if len(abbreviated) == 1 else None


_NEAR = 0.55
"""The least likeness of a name that is suggested: 1 is the same, 0 has no letter in common."""
_SAME_START = 0.1
_SHORT = 4
"""Names of up to so many letters are short."""


def _abbreviates(short: str, name: str) -> bool:
    """Return whether a name has all letters of `short`, in their order, from the first on."""
    rest = iter(name)
    return len(short) >= 3 and short[0] == name[:1] and all(letter in rest for letter in short)


def _folded(name: str) -> str:
    return "_".join(_words(name.casefold()))


def _words(name: str) -> list[str]:
    return [word for word in re.split(r"[\s_-]+", name) if word]
