"""Cases that the CPU can't compute in their precision are refused while they are planned."""

from collections.abc import Iterable

from ...datasets.errors import KinobenchError
from ...zoo import registry
from ..cost.shape import Shape
from ..records.case import Case, Precision


def refuse_missing_kernels(cases: Iterable[Case]) -> None:
    """Check that torch has a kernel for every operator of networks in their cases' precision.

    It is known for networks that come with kinobench, in a forward of whole clips on the CPU. The
    code of others runs only in the process of their case, which fails there. Torch is imported for
    bf16 and fp16 alone: in fp32 nothing is missing.

    Raises:
        KinobenchError: Some have none; the message names them and the operators.
    """
    reduced = [
        case
        for case in cases
        if case.device == "cpu"
        and case.precision in ("bf16", "fp16")
        and case.runtime in ("torch", "aotinductor")  # which call torch's kernels
    ]
    if not reduced:
        return
    from ..network.kernels import TRIED, missing_kernels, refusal

    known = set(registry.listed())
    lacking: dict[tuple[Precision, tuple[str, ...]], dict[str, None]] = {}
    for case in reduced:
        if case.model in known and case.mode in TRIED:
            shape = Shape(case.protocol.frames, case.protocol.size, case.classes)
            kernels = missing_kernels(case.model, shape, case.precision, case.mode)
            if kernels:
                lacking.setdefault((case.precision, kernels), {})[case.model] = None
    if lacking:
        reasons = (
            refusal(precision, kernels, list(models))
            for (precision, kernels), models in lacking.items()
        )
        raise KinobenchError("; ".join(reasons))
