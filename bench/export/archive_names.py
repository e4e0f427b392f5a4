"""The names that the files of an archive may have: one place each, on every system."""

import re
import unicodedata
from collections.abc import Sequence
from pathlib import PurePosixPath

from ...datasets.errors import KinobenchError
from ..records.gate_verdicts import FILE as CHECKS
from ..records.inside import fault_in
from .contents import PLACE

_RUN = re.compile(r"runs/[A-Za-z0-9][A-Za-z0-9._-]*\.jsonl")
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)
"""Names that Windows has for devices."""
_MOST_PART_BYTES, _MOST_NAME_BYTES = 200, 1000
"""Systems have up to 255 bytes a part; a name that is unfinished has 50 more than in the end."""

_MOST_SHOWN = 200
"""Characters of a name in an error."""


def refuse_place(name: str) -> None:
    """Check that a file of an archive may have that name.

    Raises:
        KinobenchError: It is neither a run's file nor one of predictions, nor that of the checks.
    """
    parts = name.split("/")
    fault = fault_in(name)
    if fault is None and name != CHECKS and not _RUN.fullmatch(name):
        if not name.startswith(PLACE):
            fault = "it is neither in runs/ nor in predictions/"
        elif any(not part or part.startswith(".") or part.endswith((" ", ".")) for part in parts):
            fault = "a part of it is empty or hidden"
        elif any(ord(character) < 32 or character in '<>:"|?*' for character in name):
            fault = "it has a character that file names have not on every system"
    if fault is None and any(map(_RESERVED.fullmatch, parts)):
        fault = "Windows has a device of that name"
    if fault is None and _is_long(name):
        fault = "it is longer than names are on every system"
    if fault is not None:
        raise KinobenchError(f"it has a file {_shown(name)}: {fault}")


def refuse_twins(names: Sequence[str]) -> None:
    """Check that no two names, nor folders in them, are one name on some system.

    Some systems take no note of the case of letters, or of how a letter with an accent is written.

    Raises:
        KinobenchError: Two are.
    """
    seen: set[str] = set()
    spelled: dict[str, str] = {}
    for name in names:
        if name in seen:
            raise KinobenchError(f"it has two files {_shown(name)}")
        seen.add(name)
        for part in (name, *map(str, PurePosixPath(name).parents)):
            other = spelled.setdefault(_folded(part), part)
            if other != part:
                raise KinobenchError(
                    f"it has {_shown(part)} and {_shown(other)}, which are one on some systems"
                )


def _folded(name: str) -> str:
    """Return what is the same for all spellings of a name that a system may take for one."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _is_long(name: str) -> bool:
    parts = [len(part.encode(errors="surrogatepass")) for part in name.split("/")]
    return max(parts) > _MOST_PART_BYTES or sum(parts) > _MOST_NAME_BYTES


def _shown(name: str) -> str:
    return repr(name if len(name) <= _MOST_SHOWN else f"{name[:_MOST_SHOWN]}...")
