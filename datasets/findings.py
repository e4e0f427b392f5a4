"""What is wrong with somebody's copy of a dataset, or worth a look, found before it is measured."""

from collections.abc import Sequence
from typing import Literal

import msgspec

Kind = Literal[
    "leak",
    "missing",
    "empty",
    "unreadable",
    "short",
    "trimmed elsewhere",
    "contradicting",
    "dangling",
    "duplicate",
    "replaced",
    "unlisted",
    "classes",
    "other",
]
"""The kinds of findings, worst first."""
_SHOWN = 3


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """Videos of a copy that have one thing in common.

    Attributes:
        kind: What is the matter with them.
        names: The videos' ids, or names of files or folders where they have none.
        what: What is said after their number: `of 3783 listed videos not on disk`.
    """

    kind: Kind
    names: tuple[str, ...]
    what: str

    @property
    def text(self) -> str:
        """The note: `<count> <what>: <the first few names>`."""
        more = ", ..." if len(self.names) > _SHOWN else ""
        return f"{len(self.names)} {self.what}: {', '.join(self.names[:_SHOWN])}{more}"


def found(kind: Kind, names: Sequence[str], what: str) -> tuple[Finding, ...]:
    """Return a finding on some videos, or none if there are no videos."""
    return (Finding(kind=kind, names=tuple(names), what=what),) if names else ()
