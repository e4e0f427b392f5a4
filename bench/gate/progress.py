"""A check while it runs: each verdict is logged as it comes, and kept if you interrupt."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Generic, TypeVar

import msgspec

from ..records.case import Case
from ..records.case_names import names_of
from .page import Found, verdict
from .verdict import Checked

F = TypeVar("F", bound=Found)

UNJUDGED = "interrupted before it could be judged"


class Progress(Generic[F]):
    """The results so far, one for each case."""

    def __init__(self, cases: Sequence[Case], log: Callable[[str], None]) -> None:
        """Begin without results.

        Args:
            cases: All cases of the check.
            log: Called with a line for each verdict.
        """
        self._names = dict(zip((c.digest for c in cases), names_of(cases), strict=True))
        self._log = log
        self._found: dict[str, F] = {}
        self._final: set[str] = set()
        self._interrupted = False

    def name_of(self, case: Case) -> str:
        """Return a name for a case that no other case of the check has."""
        return self._names[case.digest]

    def on_result(self, found: F, final: bool = True) -> None:
        """Keep the result of a case, and log its verdict once.

        Args:
            found: The result.
            final: True if its verdict is final. A slower model gets its verdict when all are timed.
        """
        digest = found.case.digest
        self._found[digest] = found
        if digest in self._final:
            return
        name = self.name_of(found.case)
        if final:
            self._final.add(digest)
            self._log(f"{name}: {verdict(found)}")
        else:
            self._log(f"{name}: no verdict yet")

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Let an interrupt end only this block, if any verdict is final by then."""
        try:
            yield
        except KeyboardInterrupt:
            if not self._final:
                raise
            self._interrupted = True

    @property
    def interrupted(self) -> tuple[int, int] | None:
        """Return how many cases have a verdict, of how many; None without an interrupt."""
        return (len(self._final), len(self._names)) if self._interrupted else None

    @property
    def found(self) -> tuple[F, ...]:
        """Return the results, in the order of the cases."""
        known = [(d, self._found[d]) for d in self._names if d in self._found]
        return tuple(each if d in self._final else _unjudged(each) for d, each in known)


def _unjudged(found: F) -> F:
    if not isinstance(found, Checked):
        return found
    return msgspec.structs.replace(found, verdict="inconclusive", reason=UNJUDGED)
