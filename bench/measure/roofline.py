"""The roofline: the least time that arithmetic and memory allow, and which of them binds.

Bytes are compulsory ones, counted at two levels. The *network* reads once the weights that it
uses, and its input, and writes its output; no implementation moves less. Each of its *operators*
reads its inputs and weights once and writes its results once; running one after the other moves
that much where no cache holds a result until it is read. Views and questions about a shape move
nothing.

In a runtime that computes in a smaller type than the network's arguments have, weights and results
count in that type, one byte a number in int8: input and output stay as the runtime takes them.

FLOPs are those of convolutions and matrix products, as in the cost, and the peak is a matrix
product's.
"""

from typing import TYPE_CHECKING

from ..records.case import Precision
from ..records.results import Bound, Peak, Roofline

if TYPE_CHECKING:
    from ..cost.traffic import Traffic
    from ..network.network import Network


BYTES: dict[Precision, int] = {
    "fp32": 4,
    "tf32": 4,
    "bf16": 2,
    "fp16": 2,
    "int8": 1,
}
"""Bytes of a number inside a network that runs in a precision."""


def utilisation(flops: int, time_s: float, peak: Peak) -> float:
    """Return the share of the peak that was reached (MFU: Chowdhery et al. 2022, PaLM).

    Above 1, the peak was measured too small, or an algorithm (Winograd, FFT) needs fewer
    multiplications than the definition has.
    """
    return flops / (time_s * peak.flops_per_s)


def ridge_of(peak: Peak) -> float:
    """Return the intensity, in FLOPs per byte, at which arithmetic and memory take equally long."""
    return peak.flops_per_s / peak.bytes_per_s


def bound(flops: int, moved_bytes: int, peak: Peak, time_s: float | None = None) -> Bound:
    """Compare FLOPs and bytes with a peak, and the least time with the measured one.

    Args:
        flops: FLOPs of the work.
        moved_bytes: Bytes that it moves, 1 or more.
        peak: The peak of the machine.
        time_s: Measured time of the same work; None if there is none. A bound above it doesn't
            hold, and is given without a share.
    """
    compute_s, memory_s = flops / peak.flops_per_s, moved_bytes / peak.bytes_per_s
    least_s = max(compute_s, memory_s)
    return Bound(
        moved_bytes=moved_bytes,
        intensity=flops / moved_bytes,
        limit="compute" if compute_s >= memory_s else "memory",
        least_s=least_s,
        share=None if time_s is None or least_s > time_s else least_s / time_s,
    )


def beaten(found: Roofline, time_s: float) -> dict[str, Bound]:
    """Return the bounds, by name, that the measured time is below: so they don't hold."""
    bounds = {"network": found.network, "operators": found.operators}
    return {name: each for name, each in bounds.items() if each.least_s > time_s}


def roofline(flops: int, traffic: "Traffic", peak: Peak, time_s: float | None = None) -> Roofline:
    """Compare a whole forward with the peak, for both counts of bytes."""
    return Roofline(
        flops=flops,
        weights_bytes=traffic.weights_bytes,
        input_bytes=traffic.input_bytes,
        output_bytes=traffic.output_bytes,
        ridge=ridge_of(peak),
        network=bound(flops, traffic.network_bytes, peak, time_s),
        operators=bound(flops, traffic.operator_bytes, peak, time_s),
    )


def case_traffic(network: "Network") -> "Traffic":
    """Count the bytes of what a case's latency is of, in its precision and of its whole batch.

    The network has settled. In mode `stream` that is one frame, its state read and written.
    """
    from ..cost.flops import count_traffic
    from ..network.stream import step_traffic

    if network.traffic is not None and network.case.batch == 1:
        traffic = network.traffic
    else:
        (inputs,) = network.inputs(1)
        if network.case.mode == "stream":
            traffic = step_traffic(network.module, *inputs)
        else:
            traffic = count_traffic(network.module, *inputs)[1]
    quantised = None if network.export is None else network.export.quantised
    share = None if quantised is None else quantised.macs_share
    return inside(traffic, network.case.precision, network.dtype.itemsize, share)


def inside(
    traffic: "Traffic", precision: Precision, counted_bytes: int, share: float | None = None
) -> "Traffic":
    """Return the bytes of a network whose inside is in a precision.

    Args:
        traffic: Its bytes, with numbers of the type of its arguments.
        precision: The precision in which the runtime computes.
        counted_bytes: Bytes of a number of that type.
        share: Share of the work that is in that precision; None: all, as far as anybody knows, so
            that the bound is a lower one.
    """
    smaller = min(BYTES[precision] / counted_bytes, 1.0)
    factor = 1.0 if smaller == 1.0 else 1 - (1.0 if share is None else share) * (1 - smaller)
    if factor == 1.0:
        return traffic
    return traffic._replace(
        weights_bytes=round(factor * traffic.weights_bytes),
        operator_bytes=round(factor * traffic.operator_bytes),
        by_module={name: round(factor * moved) for name, moved in traffic.by_module.items()},
    )
