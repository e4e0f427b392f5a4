"""Limits that a network must keep: `--max-latency 5ms`, `--min-top1 70`."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

import msgspec

from ..text import quantities
from ..text.quantities import Unit, quantity_of
from .fields import Field, field
from .leaderboard import Board, Row
from .shown_values import text_of

State = Literal["kept", "maybe", "missed", "unknown"]
"""Whether a limit is kept. `maybe`: the interval of a cost crosses the limit, or the cost is a
lower bound below it. `unknown`: the number was not measured."""


class Kind(NamedTuple):
    """What an option limits, its units, and whether its number is the most."""

    field: str
    unit: Unit
    is_most: bool = True


KINDS: dict[str, Kind] = {
    "max_latency": Kind("latency_ms", quantities.MILLISECONDS),
    "max_video": Kind("video_ms", quantities.MILLISECONDS),
    "max_params": Kind("params_m", quantities.MILLIONS),
    "max_memory": Kind("memory_mb", quantities.MEGABYTES),
    "max_gmacs": Kind("gmacs", quantities.GMACS),
    "max_energy": Kind("j_per_clip", quantities.JOULES),
    "min_top1": Kind("top1_percent", quantities.PERCENT, is_most=False),
}
"""The limits by the names of their options, in the order of what they say of the cost."""

_ARITHMETIC = ("gmacs", "video_gmacs", "gflops")


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """A limit of one number of a row.

    Attributes:
        field: The number.
        value: The limit, in the field's unit.
        is_most: It is the most; otherwise the least.
    """

    field: Field
    value: float
    is_most: bool

    @property
    def text(self) -> str:
        """The limit as text, as `latency of at most 5 ms`."""
        bound = "at most" if self.is_most else "at least"
        unit = f" {self.field.unit}" if self.field.unit else ""
        return f"{self.field.label} of {bound} {self.value:g}{unit}"

    def state(self, board: Board, row: Row) -> State:
        """Return whether a row keeps the limit.

        A cost keeps it if its whole 95 % interval does. An accuracy is that of the videos that were
        scored, so the measured number decides.
        """
        value = self.field.read(board, row)
        if value is None:
            return "unknown"
        if not self.is_most:
            return "kept" if value >= self.value else "missed"
        ends = self.field.ends(board, row)
        low, high = ends or (value, value)
        if (self.field.name in _ARITHMETIC and row.uncounted) or (
            ends is None and self._is_disturbed(row)
        ):
            high = float("inf")
        if high <= self.value:
            return "kept"
        return "missed" if low > self.value else "maybe"

    def why_maybe(self, board: Board, row: Row) -> str:
        """Return the number that may or may not keep the limit, and why it is uncertain."""
        shown = f"{self.field.label} {text_of(self.field, board, row)}"
        if self.field.name in _ARITHMETIC and row.uncounted:
            return f"{shown}, a lower bound"
        return f"{shown}, disturbed" if self._is_disturbed(row) else shown

    def _is_disturbed(self, row: Row) -> bool:
        latency = row.record.latency
        timed = self.field.name in ("latency_ms", "video_ms")
        return timed and latency is not None and latency.disturbed

    def excess(self, board: Board, row: Row) -> float:
        """Return how many times the limit a row is; 1 or less if it keeps it, or is unknown."""
        value = self.field.read(board, row)
        if value is None:
            return 1.0
        if self.is_most:
            return float(value) / self.value
        return self.value / float(value) if value else float("inf")


def limits_of(given: Mapping[str, str | None]) -> tuple[Limit, ...]:
    """Return the limits that options give, each under its name in `KINDS`; None: not given.

    Raises:
        KinobenchError: A quantity can't be read; the message quotes the option.
    """
    return tuple(
        Limit(
            field=field(kind.field),
            value=quantity_of(text, kind.unit, f"--{name.replace('_', '-')}"),
            is_most=kind.is_most,
        )
        for name, kind in KINDS.items()
        if (text := given.get(name)) is not None
    )
