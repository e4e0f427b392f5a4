"""The exact gates: what two versions of a network are, without any timing and without noise."""

from typing import Any

import msgspec

PEAK_SLACK = 0.01
"""The share by which the peak of allocated bytes may rise: allocators round, and libraries keep
workspaces of their own."""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What one side counts of its network, for the case's own input.

    Attributes:
        params: Parameters.
        macs: Multiply-adds of one view, by that side's own count.
        operators: How often torch's dispatcher calls each operator in an eager forward.
        graph_breaks: Of the compiler; None where nothing is compiled.
        launches: Kernels that a forward launches on a GPU; on a CPU, operators that it dispatches.
        peak_bytes: The most that a forward holds allocated on a GPU, weights included; None on a
            CPU, whose kernel counts pages in batches.
        output_bytes: Sum of everything that the operators of a forward make anew.
        uncounted: What could not be counted, `MACs` or `calls of operators`, and why; its numbers
            are None.
    """

    params: int
    macs: int | None
    operators: dict[str, int] | None
    graph_breaks: int | None
    launches: int | None
    peak_bytes: int | None
    output_bytes: int | None
    uncounted: dict[str, str] = {}

    def count_of(self, what: str) -> int | None:
        """Return the MACs, or how many calls of operators there are."""
        if what == "MACs":
            return self.macs
        return None if self.operators is None else sum(self.operators.values())


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """A number that is another one; `decisive` ones fail a check.

    Attributes:
        baseline, candidate: None where that side can't count it.
        why: Why one can't.
    """

    what: str
    baseline: int | None
    candidate: int | None
    decisive: bool
    why: str | None = None

    def __str__(self) -> str:
        one, other = (
            "not counted" if count is None else f"{count:,}"
            for count in (self.baseline, self.candidate)
        )
        told = f"{self.what}: {one} -> {other}"
        return told if self.why is None else f"{told} ({self.why})"


_MAY_RISE_BY: dict[str, tuple[str, float | None]] = {
    "graph_breaks": ("graph breaks", 0.0),
    "launches": ("kernel launches", 0.0),
    "peak_bytes": ("peak allocated bytes", PEAK_SLACK),
    "output_bytes": ("bytes of all outputs", None),
}
"""By field of `Facts`: what it is called, and the share by which it may rise; None is any."""
RISING = tuple(told for told, _ in _MAY_RISE_BY.values())
"""What a network that is the same may do more of."""


def differences(baseline: Facts, candidate: Facts) -> tuple[Difference, ...]:
    """Return every number that differs, and say which of them decide.

    Parameters, MACs and operators decide if they differ at all; graph breaks and launches if there
    are more of them, the peak of allocated bytes if it is more than 1 % higher. What there is less
    of, and the bytes of all outputs, are told.

    MACs that differ where the forwards are the same, operator by operator and byte by byte, are a
    change of the counting and not of the network, and don't decide; nor does what a side can't
    count.
    """
    found: list[Difference] = []

    def compare(what: str, one: int | None, other: int | None, decisive: bool) -> None:
        if one is not None and other is not None and one != other:
            found.append(Difference(what=what, baseline=one, candidate=other, decisive=decisive))

    forwards = [(side.operators, side.output_bytes, side.params) for side in (baseline, candidate)]
    same_forward = baseline.operators is not None and forwards[0] == forwards[1]
    compare("parameters", baseline.params, candidate.params, True)
    uncounted = baseline.uncounted | candidate.uncounted
    for what, why in sorted(uncounted.items()):
        one, other = baseline.count_of(what), candidate.count_of(what)
        found.append(Difference(what=what, baseline=one, candidate=other, decisive=False, why=why))
    what = "MACs (counted differently; the forwards are the same)" if same_forward else "MACs"
    compare(what, baseline.macs, candidate.macs, not same_forward)
    if baseline.operators is not None and candidate.operators is not None:
        for name in sorted(baseline.operators.keys() | candidate.operators.keys()):
            one, other = baseline.operators.get(name, 0), candidate.operators.get(name, 0)
            compare(f"calls of {name}", one, other, True)
    for field, (told, may_rise_by) in _MAY_RISE_BY.items():
        before, after = getattr(baseline, field), getattr(candidate, field)
        compare(told, before, after, _rises(before, after, may_rise_by))
    return tuple(found)


def _rises(before: int | None, after: int | None, may_rise_by: float | None) -> bool:
    if before is None or after is None or may_rise_by is None:
        return False
    return after > before * (1 + may_rise_by)


def facts_of(plain: dict[str, Any]) -> Facts:
    """Check what a side has answered."""
    return msgspec.convert(plain, Facts)
