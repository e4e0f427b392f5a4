"""A check while it runs: verdicts are told as they fall, and kept should it be interrupted."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Generic, TypeVar

import msgspec

from ..records.case_names import names_of
from ..records.record import Case
from .page import Found, verdict
from .verdict import Checked

F = TypeVar("F", bound=Found)

UNJUDGED = "interrupted before it could be judged"


class Progress(Generic[F]):
    """What is known of each case so far."""

    def __init__(self, cases: Sequence[Case], tell: Callable[[str], None]) -> None:
        """Begin with nothing known.

        Args:
            cases: All that are to be checked.
            tell: Takes a line for each verdict.
        """
        self._names = dict(zip((c.digest for c in cases), names_of(cases), strict=True))
        self._tell = tell
        self._found: dict[str, F] = {}
        self._final: set[str] = set()
        self._interrupted = False

    def name_of(self, case: Case) -> str:
        """Return what tells a case from the others."""
        return self._names[case.digest]

    def heed(self, found: F, final: bool = True) -> None:
        """Keep what is known of a case, and tell its verdict, once.

        Args:
            found: What there is.
            final: Whether that may still change: a slower model is judged when all are timed.
        """
        digest = found.case.digest
        self._found[digest] = found
        if digest in self._final:
            return
        name = self.name_of(found.case)
        if final:
            self._final.add(digest)
            self._tell(f"{name}: {verdict(found)}")
        else:
            self._tell(f"{name}: no verdict yet")

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Let an interrupt end the block and nothing else, if anything is known by then."""
        try:
            yield
        except KeyboardInterrupt:
            if not self._final:
                raise
            self._interrupted = True

    @property
    def interrupted(self) -> tuple[int, int] | None:
        """Return how many cases have a verdict, of how many; None where nobody interrupted."""
        return (len(self._final), len(self._names)) if self._interrupted else None

    @property
    def found(self) -> tuple[F, ...]:
        """Return what there is of each case, in the order of the cases."""
        known = [(d, self._found[d]) for d in self._names if d in self._found]
        return tuple(each if d in self._final else _unjudged(each) for d, each in known)


def _unjudged(found: F) -> F:
    if not isinstance(found, Checked):
        return found
    return msgspec.structs.replace(found, verdict="inconclusive", reason=UNJUDGED)
