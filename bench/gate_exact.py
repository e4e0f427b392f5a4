"""The exact gates: what two versions of a network are, without any timing and without noise."""

from typing import Any

import msgspec


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
    """

    params: int
    macs: int
    operators: dict[str, int]
    graph_breaks: int | None
    launches: int
    peak_bytes: int | None
    output_bytes: int


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """A number that is another one; `decisive` ones fail a check."""

    what: str
    baseline: int
    candidate: int
    decisive: bool

    def __str__(self) -> str:
        return f"{self.what}: {self.baseline:,} -> {self.candidate:,}"


_TOLD = {
    "graph_breaks": "graph breaks",
    "launches": "kernel launches",
    "peak_bytes": "peak allocated bytes",
    "output_bytes": "bytes of all outputs",
}


def differences(baseline: Facts, candidate: Facts) -> tuple[Difference, ...]:
    """Return every number that differs: parameters, MACs and operators decide, others are told.

    MACs that differ where the forwards are the same, operator by operator and byte by byte, are a
    change of the counting and not of the network, and don't decide.
    """
    found: list[Difference] = []

    def compare(what: str, one: int | None, other: int | None, decisive: bool) -> None:
        if one is not None and other is not None and one != other:
            found.append(Difference(what=what, baseline=one, candidate=other, decisive=decisive))

    same_forward = (baseline.operators, baseline.output_bytes, baseline.params) == (
        candidate.operators,
        candidate.output_bytes,
        candidate.params,
    )
    compare("parameters", baseline.params, candidate.params, True)
    what = "MACs (counted differently; the forwards are the same)" if same_forward else "MACs"
    compare(what, baseline.macs, candidate.macs, not same_forward)
    for name in sorted(baseline.operators.keys() | candidate.operators.keys()):
        one, other = (side.operators.get(name, 0) for side in (baseline, candidate))
        compare(f"calls of {name}", one, other, True)
    for field, told in _TOLD.items():
        compare(told, getattr(baseline, field), getattr(candidate, field), False)
    return tuple(found)


def facts_of(plain: dict[str, Any]) -> Facts:
    """Check what a side has answered."""
    return msgspec.convert(plain, Facts)
