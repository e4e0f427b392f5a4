"""Mistakes that a user can mend: each message quotes what was wrong and says the cure."""

import difflib
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
    """Return the known name most like `name`, or None if none is near."""
    by_folded = {candidate.casefold(): candidate for candidate in known}
    found = difflib.get_close_matches(name.casefold(), by_folded, n=1, cutoff=0.55)
    return by_folded[found[0]] if found else None
