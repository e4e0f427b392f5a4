"""What `recommend` says: facts, which JSON has as they are."""

from typing import Literal

import msgspec

Why = Literal[
    "beyond the limit", "maybe", "not measured", "untrained", "failed", "probe", "not chosen"
]
"""Why a network is no candidate. `maybe`: it isn't known whether it keeps the limits. `not chosen`:
the condition isn't true of it."""


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """A number in the unit of its name, with the ends of its 95 % interval if it has one."""

    value: float | None
    interval: tuple[float, float] | None = None


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """The record that a joined network has something of.

    Attributes:
        record: Its id.
        run, started: The run, and when the case was begun.
        device, machine, fingerprint: Where it was measured.
        torch: Version of torch; None if unknown.
    """

    record: str
    run: str
    started: str
    device: str
    machine: str
    fingerprint: str
    torch: str | None


class Sources(msgspec.Struct, frozen=True, kw_only=True):
    """The two records of a network whose accuracy and costs were not measured together."""

    accuracy: Source
    costs: Source


class Network(msgspec.Struct, frozen=True, kw_only=True):
    """A row that is recommended, or named next to one that is.

    Attributes:
        name: Its model, with the settings that differ if several rows have it.
        record: Id of its record; empty for a mean over splits, and if it is joined of two.
        score_percent: Top-1, hit@1 or mAP.
        figures: The numbers that are limited, and that by which it is cheap.
        joined: The records of its accuracy and of its costs, if they are two.
    """

    name: str
    model: str
    weights: str
    precision: str
    mode: str
    batch: int
    record: str
    score_percent: Figure
    figures: dict[str, Figure]
    joined: Sources | None = None


class LeftOut(msgspec.Struct, frozen=True, kw_only=True):
    """A network that is no candidate, and why."""

    name: str
    why: Why
    reason: str


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """The table that the answer is of; `accuracies` is the title of another that it has them of."""

    title: str
    dataset: str | None
    split: str | None
    manifest: str | None
    protocol: str
    protocol_digest: str
    device: str
    machine: str
    fingerprint: str
    accuracies: str = ""


class Recommendation(msgspec.Struct, frozen=True, kw_only=True):
    """Which networks are best under limits, and which can't be told apart from the best.

    Attributes:
        limits: The limits as text, such as `latency of at most 5 ms`, and the condition.
        table: The table; None if no trained network was scored.
        score_name: What ranks: `top-1`, `hit@1` or `mAP`.
        best: The most accurate candidate; None if there is no candidate.
        alike: Candidates that can't be told apart from it, the most accurate first.
        cheapest: The one of the best and of those that costs least.
        cost: Name of the number by which it is cheapest.
        nearest: If there is no candidate: the network that misses the limits by least.
        candidates: Number of networks that keep the limits.
        pairs: Pairs of them that were compared by paired tests.
        by_interval: Reason why a candidate was compared with the best by intervals alone, by its
            name; the others were by paired tests.
        left_out: The others, each with the reason.
        elsewhere: Which other tables have a number that networks were left out for.
        not_joined: Why other records' costs were not joined to accuracies that lack them.
        sentences: All of this as text.
        warnings: What is likely a slip in the condition.
    """

    limits: tuple[str, ...]
    table: Place | None = None
    score_name: str = ""
    best: Network | None = None
    alike: tuple[Network, ...] = ()
    cheapest: Network | None = None
    cost: str = ""
    nearest: Network | None = None
    candidates: int = 0
    pairs: int = 0
    by_interval: dict[str, str] = {}
    left_out: tuple[LeftOut, ...] = ()
    elsewhere: tuple[str, ...] = ()
    not_joined: tuple[str, ...] = ()
    sentences: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def is_conclusive(self) -> bool:
        """Whether it recommends a network."""
        return self.best is not None

    def __str__(self) -> str:
        """Return the sentences, a line each."""
        return "\n".join(self.sentences)
