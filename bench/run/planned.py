"""A case of a suite, with what is measured of it."""

import msgspec

from ..records.case import Case, Runtime


class Planned(msgspec.Struct, frozen=True):
    """A case of a suite, and its measurements.

    Attributes:
        case: The case.
        measures: What is measured of it.
        max_batch: The largest batch of a sweep.
        proposals: File of the boxes that a detector is scored on.
        candidates: The runtimes that a race chooses one of for the case; empty: it has one. See
            `race.settled`.
    """

    case: Case
    measures: tuple[str, ...]
    max_batch: int | None = None
    candidates: tuple[Runtime, ...] = ()
    proposals: str | None = None
