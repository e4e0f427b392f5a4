"""What is to be said about a copy, worst first, with what mends it."""

import re
import shlex
from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import get_args

import msgspec

from ..findings import Kind
from ..visible import one_line

KINDS: tuple[Kind, ...] = get_args(Kind)
LISTS_THEM = "the command below lists them"
"""Part of a cure: what has to be got again can be written to a file."""
_NAMED_SPLITS = 3
_NAMED_FILES = 3
"""As many files are removed by their names; more, by a list of them."""


class Complaint(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is wrong with a copy, or worth a look.

    Attributes:
        kind: What is the matter.
        is_bad: True if it changes results; else it is only worth knowing.
        count: How many videos or classes it is about.
        what: What is said after their number: `of 3783 listed videos are empty files`.
        names: Their ids, or names where they have none; all of them.
        details: What is to be said about each name; empty where there is nothing.
        cure: How to mend it, in words; empty where nothing is to be mended.
        files: Paths of the files that are to be removed.
        commands: What mends it, or the part of it that a command can do, to be copied into a shell;
            empty where no command does.
    """

    kind: Kind
    is_bad: bool
    count: int
    what: str
    names: tuple[str, ...] = ()
    details: tuple[str, ...] = ()
    cure: str = ""
    files: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()

    @property
    def _rank(self) -> tuple[bool, int, int]:
        return not self.is_bad, KINDS.index(self.kind), -self.count


def complaint(
    kind: Kind,
    named: Iterable[str] | Mapping[str, str],
    what: str,
    cure: str = "",
    *,
    is_bad: bool = True,
    files: Sequence[str] = (),
    commands: Sequence[str] = (),
) -> list[Complaint]:
    """Return a complaint about names, or none if there are no names.

    Args:
        kind: What is the matter.
        named: The names; or each with what is to be said about it.
        what: What is said after their number.
        cure: How to mend it.
        is_bad: True if it changes results.
        files: Paths of the files that are to be removed.
        commands: Commands of a shell; one that begins with `--` is an option with which the
            examination is repeated, see `with_commands`.
    """
    names = tuple(named)
    if not names:
        return []
    details = tuple(named.values()) if isinstance(named, Mapping) else ()
    return [
        Complaint(
            kind=kind,
            is_bad=is_bad,
            count=len(names),
            what=what,
            names=names,
            details=details,
            cure=cure,
            files=tuple(files),
            commands=tuple(commands),
        )
    ]


def with_commands(
    all_found: Sequence[Complaint], again: str, folders: Container[str] = ()
) -> tuple[Complaint, ...]:
    """Return complaints with their commands whole.

    Args:
        all_found: The complaints.
        again: The command that examines the copy.
        folders: Those paths that are folders of pictures.
    """
    of_kind: defaultdict[Kind, set[str]] = defaultdict(set)
    for each in all_found:
        of_kind[each.kind].update(each.files)
    return tuple(_whole(each, again, folders, of_kind[each.kind]) for each in all_found)


def _whole(found: Complaint, again: str, folders: Container[str], of_kind: set[str]) -> Complaint:
    cure = found.cure
    commands = [f"{again} {each}" if each.startswith("--") else each for each in found.commands]
    if found.files:
        can_be_typed = all(path == one_line(path) for path in found.files)
        if can_be_typed and len(found.files) <= _NAMED_FILES:
            commands.insert(0, f"{_rm(found.files, folders)} {shlex.join(found.files)}")
        else:
            listing = f"{again} --files-of {word_of(found.kind)}"
            commands.insert(0, f"{listing} | xargs -0r {_rm(of_kind, folders)}")
            if len(of_kind) > len(set(found.files)):
                cure += f"; the command removes the {len(of_kind)} files of all such findings"
    return msgspec.structs.replace(found, cure=cure, commands=tuple(commands))


def _rm(files: Iterable[str], folders: Container[str]) -> str:
    return "rm -r --" if any(path in folders for path in files) else "rm --"


def word_of(kind: Kind) -> str:
    """Return a kind as a word of a command line: `trimmed-elsewhere`."""
    return kind.replace(" ", "-")


def worst_first(complaints: Iterable[Complaint]) -> tuple[Complaint, ...]:
    """Return complaints, those first that change results, and the most frequent of each kind."""
    return tuple(sorted(complaints, key=lambda each: each._rank))


def names_of_splits(names: Sequence[str]) -> str:
    """Return the names of splits, or the first few of many and their number."""
    if len(names) <= _NAMED_SPLITS:
        return ", ".join(names)
    return f"{', '.join(names[: _NAMED_SPLITS - 1])}, ... ({len(names)} splits)"


_NUMBERS = re.compile(r"\d[\d,.]*\d|\d")


def by_reason(reasons: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Return names with their reasons, grouped by reasons that differ in numbers alone.

    Args:
        reasons: The reason of each name.

    Returns:
        Reason -> name -> its own reason. Numbers are an N where they differ.
    """
    groups: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for name, reason in reasons.items():
        groups[_NUMBERS.sub("N", reason)][name] = reason
    return {
        next(iter(own.values())) if len(set(own.values())) == 1 else general: own
        for general, own in groups.items()
    }
