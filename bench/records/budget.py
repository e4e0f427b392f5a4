"""The time that a latency may take."""

import msgspec

from ..text.ranges import PROCESSES, SECONDS, SHARE, Range


class Budget(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The time that a latency may take, and the processes in which it is measured.

    Attributes:
        processes: The least number of processes that count, the case's own with them.
        max_processes: The most; more than the least are started until the interval is narrow.
        within: Half width of the interval over processes that is narrow enough, as a share of the
            median; None: 5 % on a CPU, 1 % on a GPU.
        min_s: The least time of sampling undisturbed, in all processes together.
        max_s: The most time of sampling, converged or not. After it no more process is started.
        warmup_max_s: The most time of the warm-up of one process, settled or not.
    """

    processes: int = 3
    max_processes: int = 8
    within: float | None = None
    min_s: float = 2.0
    max_s: float = 30.0
    warmup_max_s: float = 30.0

    def __post_init__(self) -> None:
        """Refuse numbers out of their ranges, and a least that is above the most."""
        for field, allowed in BUDGET_RANGES.items():
            value = getattr(self, field)
            if value is not None and not allowed.has(value):
                raise ValueError(f"{field} is {value}; it must be {allowed}")
        if self.min_s > self.max_s:
            raise ValueError(f"min_s, {self.min_s:g}, is above max_s, {self.max_s:g}")
        if self.processes > self.max_processes:
            raise ValueError(
                f"processes, {self.processes}, is above max_processes, {self.max_processes}"
            )


BUDGET_RANGES: dict[str, Range] = {
    "processes": PROCESSES,
    "max_processes": PROCESSES,
    "within": SHARE,
    "min_s": SECONDS,
    "max_s": SECONDS,
    "warmup_max_s": SECONDS,
}
