"""Mistakes that a user can mend: each message quotes what was wrong and says the cure."""

import difflib
import re
from collections.abc import Iterable
from pathlib import Path


class KinobenchError(Exception):
    """What the user asked for can't be done as asked; the message says why and what would do."""


class UnknownNameError(KinobenchError):
    """A name that no registry knows."""

    def __init__(self, kind: str, name: str, known: Iterable[str], hint: str = "") -> None:
        """Say which `kind` of thing `name` was meant to be, and the nearest of the `known`."""
        self.kind, self.name = kind, name
        known = sorted(known)
        nearest = nearest_name(name, known)
        if nearest is not None:
            cure = f"did you mean {nearest!r}?"
        elif len(known) <= 12:
            cure = f"known: {', '.join(known) or 'none'}"
        else:
            cure = f"{len(known)} are known"
        super().__init__(f"no {kind} is named {name!r}: {cure}{'; ' + hint if hint else ''}")


class DatasetError(KinobenchError):
    """A dataset that is not where, or not what, it should be."""


class VideoError(KinobenchError):
    """A file that can't be read as the video it should be."""

    def __init__(self, path: str | Path, reason: str) -> None:
        """Name the file and what is wrong with it."""
        self.path, self.reason = str(path), reason
        super().__init__(f"{path}: {reason}")


def nearest_name(name: str, known: Iterable[str]) -> str | None:
    """Return the known name most like `name`, or None if none is near.

    One that has all the words of `name`, in any order, is meant before any other: `i3d_flow` is
    short for `i3d_inception_flow`. Else the first word, a family's name, says most.
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
    alike = {each: ratio for each in candidates if (ratio := likeness(each)) >= _NEAR}

    def closeness(candidate: str) -> float:
        same_start = words[:1] == _words(candidate.casefold())[:1]
        return alike[candidate] + (_SAME_START if same_start else 0)

    return max(alike, key=closeness, default=None)


_NEAR = 0.55
"""The least likeness of a name that is suggested: 1 is the same, 0 has no letter in common."""
_SAME_START = 0.1


def _words(name: str) -> list[str]:
    return [word for word in re.split(r"[\s_-]+", name) if word]
