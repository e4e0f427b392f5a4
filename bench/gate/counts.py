"""The exact gates: counts of two versions of a network, without timing and without noise."""

from typing import Any

import msgspec

PEAK_SLACK = 0.01
"""The share by which the peak of allocated bytes may rise: allocators round sizes, and libraries
keep workspaces of their own."""

SIZE_SLACK = 0.01
"""The share by which an exported file may grow: names in it are of different lengths."""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """The counts of one side's network, for the case's own input.

    Attributes:
        params: Number of parameters; None if they can't be counted.
        macs: Multiply-adds of one view, by that side's own count.
        operators: Calls of each operator by torch's dispatcher in an eager forward.
        graph_breaks: Graph breaks of the compiler; None if nothing is compiled.
        nodes: Nodes of each type in the graph that a runtime other than torch has loaded.
        file_bytes: Size on disk of what it loads.
        opset: Version of ONNX's operators there.
        launches: Kernels that a forward launches on a GPU; on a CPU, dispatched operators.
        peak_bytes: Most bytes allocated on a GPU during a forward, weights included; None on a CPU,
            where Linux counts pages in batches.
        output_bytes: Sum of the new tensors that the operators of a forward make.
        uncounted: Counts that failed, `MACs` or `calls of operators`, each with the reason; their
            numbers are None.
    """

    params: int | None
    macs: int | None
    operators: dict[str, int] | None
    graph_breaks: int | None
    launches: int | None
    peak_bytes: int | None
    output_bytes: int | None
    nodes: dict[str, int] | None = None
    file_bytes: int | None = None
    opset: int | None = None
    uncounted: dict[str, str] = {}

    def count_of(self, what: str) -> int | None:
        """Return the MACs, or the number of calls of operators."""
        if what == "MACs":
            return self.macs
        return None if self.operators is None else sum(self.operators.values())


class CountDifference(msgspec.Struct, frozen=True, kw_only=True):
    """A count that differs between the two sides; a `decisive` one fails the check.

    Attributes:
        what: The name of the count.
        baseline, candidate: The counts; None if that side can't count it.
        decisive: True if the difference fails the check.
        why: Reason why a side can't count it.
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
        text = f"{self.what}: {one} -> {other}"
        return text if self.why is None else f"{text} ({self.why})"


_MAY_RISE_BY: dict[str, tuple[str, float | None]] = {
    "graph_breaks": ("graph breaks", 0.0),
    "launches": ("kernel launches", 0.0),
    "peak_bytes": ("peak allocated bytes", PEAK_SLACK),
    "output_bytes": ("bytes of all outputs", None),
    "file_bytes": ("bytes of the exported network", SIZE_SLACK),
    "opset": ("opset of the exported network", None),
}
"""The name of each field of `Facts`, and the share by which it may rise; None: any share."""
RISING = tuple(name for name, _ in _MAY_RISE_BY.values())
"""The counts that can rise while the network stays the same."""


def differences(baseline: Facts, candidate: Facts) -> tuple[CountDifference, ...]:
    """Return every count that differs, and whether it is decisive.

    Parameters, MACs, calls of operators and nodes of a runtime's graph are decisive if they differ
    at all; graph breaks and launches if there are more of them; the peak of allocated bytes and the
    size of an exported file if they are more than 1 % higher. A lower count is reported only, and
    so are the bytes of all outputs and the opset.

    If the MACs differ but the forwards are the same, operator by operator and byte by byte, then
    the counting has changed and not the network: this is reported only. So is a count that a side
    can't make.
    """
    found: list[CountDifference] = []

    def compare(what: str, one: int | None, other: int | None, decisive: bool) -> None:
        if one is not None and other is not None and one != other:
            found.append(
                CountDifference(what=what, baseline=one, candidate=other, decisive=decisive)
            )

    forwards = [
        (side.operators, side.nodes, side.output_bytes, side.params)
        for side in (baseline, candidate)
    ]
    is_known = baseline.operators is not None or baseline.nodes is not None
    same_forward = is_known and forwards[0] == forwards[1]
    compare("parameters", baseline.params, candidate.params, True)
    uncounted = baseline.uncounted | candidate.uncounted
    for what, why in sorted(uncounted.items()):
        one, other = baseline.count_of(what), candidate.count_of(what)
        found.append(
            CountDifference(what=what, baseline=one, candidate=other, decisive=False, why=why)
        )
    what = "MACs (counted differently; the forwards are the same)" if same_forward else "MACs"
    compare(what, baseline.macs, candidate.macs, not same_forward)
    for kind, before, after in (
        ("calls of", baseline.operators, candidate.operators),
        ("nodes", baseline.nodes, candidate.nodes),
    ):
        if before is not None and after is not None:
            for name in sorted(before.keys() | after.keys()):
                compare(f"{kind} {name}", before.get(name, 0), after.get(name, 0), True)
    for field, (name, may_rise_by) in _MAY_RISE_BY.items():
        one, other = getattr(baseline, field), getattr(candidate, field)
        if (
            field != "file_bytes"
            or _rises(one, other, SIZE_SLACK)
            or _rises(other, one, SIZE_SLACK)
        ):
            compare(name, one, other, _rises(one, other, may_rise_by))
    return tuple(found)


def _rises(before: int | None, after: int | None, may_rise_by: float | None) -> bool:
    if before is None or after is None or may_rise_by is None:
        return False
    return after > before * (1 + may_rise_by)


def facts_of(plain: dict[str, Any]) -> Facts:
    """Return the counts that a side has answered, checked.

    Raises:
        msgspec.ValidationError: A field is missing or of another type.
    """
    return msgspec.convert(plain, Facts)
