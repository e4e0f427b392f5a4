"""What the page of a history has in it, as plain values: its JSON."""

from typing import Literal

import msgspec

LARGE = 0.05
"""Share of a value without an interval from which on a change is marked as large."""

Kind = Literal["first", "same", "better", "worse", "changed", "large", "rough"]


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """A value of a series.

    Attributes:
        version: Number of the commit and the torch, in `History.versions`.
        value: The value, in the unit of the figure.
        ends: Its 95 % interval.
        kind: How it differs from the reference. `changed`: the number is counted, and neither end
            is better. `large`: there is no interval. `rough`: its latency was disturbed, or has a
            wide interval; it is neither marked nor a reference.
        against: The reference; None for the first.
        started, record, fingerprint: Of its record.
        remarks: What else differs from the point before: fingerprint, weights, copy of the videos.
    """

    version: int
    value: float
    ends: tuple[float, float] | None
    kind: Kind
    against: float | None
    started: str
    record: str
    fingerprint: str
    remarks: tuple[str, ...] = ()


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """One figure of one case on one machine.

    Attributes:
        name: The network, with what of the case isn't the default.
        figure: Name of the figure.
        points: Its values, in the order of the commits; those of one fingerprint may be joined.
    """

    name: str
    figure: str
    points: tuple[Point, ...]


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Series that agree in everything but the network: one machine, protocol and set of videos."""

    title: str
    facts: tuple[tuple[str, str], ...]
    series: tuple[Series, ...]


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """A commit of kinobench and a torch; a commit that ends in `+` had changes of its own."""

    commit: str
    torch: str
    first: str


class History(msgspec.Struct, frozen=True, kw_only=True):
    """All that a page of a history shows.

    Attributes:
        by_git: The commits are in the order of the repository, else in that of their records.
        large: See `LARGE`.
    """

    title: str
    made: str
    version: str
    figures: tuple[tuple[str, str, str, str | None], ...]
    versions: tuple[Version, ...]
    groups: tuple[Group, ...]
    by_git: bool
    large: float = LARGE
    columns: tuple[str, ...] = ()
