"""Results of a case that are counted or read: cost, peak, memory, energy, accuracy."""

from typing import Any, Literal

import msgspec

from ...datasets.names import FlowMethod
from .case import Precision


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """Of what was read several times, in the unit of the field that holds it."""

    least: float
    median: float
    most: float


class GpuConditions(msgspec.Struct, frozen=True, kw_only=True):
    """The GPU between samples, by NVML; what can't be read is None.

    Attributes:
        looks: How often it was looked at.
        sm_clock_hz, temperature_c, power_w: Of the GPU that torch uses.
        limits: What held the clocks down, by NVML's names: `sw_power_cap`, `hw_slowdown`,
            `sw_thermal_slowdown`, `hw_thermal_slowdown`, `hw_power_brake_slowdown`; until NVML
            didn't answer any more, if `missing` has `throttling`.
        discarded_blocks: Blocks of samples under a slowdown, which were thrown away.
        kept_slowed: Every block was under a slowdown, so that they were kept after all.
        intruders: Other processes on the GPU, `name (pid)`.
        missing: What could not be read, with NVML's reason.
    """

    looks: int
    sm_clock_hz: Spread | None
    temperature_c: Spread | None
    power_w: Spread | None
    limits: tuple[str, ...] | None
    discarded_blocks: int = 0
    kept_slowed: bool = False
    intruders: tuple[str, ...] | None
    missing: dict[str, str]


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """Arithmetic of one view of the case's own shape.

    Attributes:
        macs: Multiply-adds of convolutions and matrix products alone, each counted once.
        flops: `2 * macs`.
        other_flops: Elementwise, pooling and normalisation work: 1 per output element, 2 per
            element of a normalisation (one scale, one shift).
        norm_elements: Output elements of every normalisation, from which other conventions follow.
        by_operator: MACs by kind of operator.
        uncounted: Operators that were run and that nothing here can count, with how often.
        torch_macs: Half of what torch's own counter gives; None where it can't run.
    """

    macs: int
    flops: int
    other_flops: int
    norm_elements: int
    by_operator: dict[str, int]
    uncounted: dict[str, int]
    torch_macs: int | None = None


class Peak(msgspec.Struct, frozen=True, kw_only=True):
    """The most that the machine did in the same run, with the case's threads; best of several.

    It is measured in the process of the run's first case with that device, precision and threads.

    Attributes:
        flops_per_s: Of a product of two square matrices of random numbers, in the case's precision.
        bytes_per_s: Of a copy of a tensor that no cache holds; bytes read and bytes written.
        precision: Of the product.
        rows: Of the matrices, whose product took `2 * rows ** 3` FLOPs.
        copied_bytes: Of the tensor; twice as many were moved.
        threads: Threads of one operator; None on a GPU.
    """

    flops_per_s: float
    bytes_per_s: float
    precision: Precision
    rows: int
    copied_bytes: int
    threads: int | None = None


class Bound(msgspec.Struct, frozen=True, kw_only=True):
    """What the roofline says of FLOPs and bytes (Williams et al. 2009, figure 1).

    Attributes:
        moved_bytes: What must be moved.
        intensity: FLOPs over bytes.
        limit: What takes longer at the peak, the arithmetic or moving the bytes.
        least_s: How long that takes.
        share: `least_s` over the measured time; None where none was measured. Above 1 where caches
            hold what is taken for moved, as of small networks.
    """

    moved_bytes: int
    intensity: float
    limit: Literal["compute", "memory"]
    least_s: float
    share: float | None


class Roofline(msgspec.Struct, frozen=True, kw_only=True):
    """A forward of the batch against the record's `peak`, at two levels.

    Attributes:
        flops: Of convolutions and matrix products, of the whole batch.
        weights_bytes, input_bytes: Of parameters and buffers, and of the input, what is read, once.
        output_bytes: Of the result.
        ridge: The intensity above which the arithmetic takes longer.
        network: Weights, input and output alone are moved: no implementation does with less.
        operators: Each operator reads its inputs and weights once and writes its results once: what
            running one after the other takes, with nothing left in a cache.
    """

    flops: int
    weights_bytes: int
    input_bytes: int
    output_bytes: int
    ridge: float
    network: Bound
    operators: Bound


class FlowTime(msgspec.Struct, frozen=True, kw_only=True):
    """Time of the optical flow of one clip, on the CPU; it comes before each forward.

    Its arithmetic is in no count of multiply-adds.

    Attributes:
        samples_s: Every sample, wall time.
        median_s, interval_s: Their median; its 95 % interval, from order statistics.
        pairs: Neighbouring frames of a clip, between which it is computed.
        height, width: Of the frames, in pixels.
        threads: OpenCV's.
        opencv: OpenCV's version.
    """

    method: FlowMethod
    samples_s: tuple[float, ...]
    median_s: float
    interval_s: tuple[float, float] | None
    pairs: int
    height: int
    width: int
    threads: int
    opencv: str


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes of the batch's forward.

    Attributes:
        weights_bytes: Parameters and buffers.
        peak_activation_bytes: The peak during a forward less what was resident before it.
            In a CUDA graph: the peak while it was captured; a replay takes nothing more.
        peak_allocated_bytes: All that CUDA's allocator had given out at the peak; None on a CPU.
        peak_reserved_bytes: The peak that CUDA's allocator held; None on a CPU.
        graph_pool_bytes: What a CUDA graph keeps for itself as long as it lives.
        peak_process_bytes: The process at its peak: resident memory, or NVML's figure on a GPU.
    """

    weights_bytes: int
    peak_activation_bytes: int | None
    peak_allocated_bytes: int | None = None
    peak_reserved_bytes: int | None = None
    graph_pool_bytes: int | None = None
    peak_process_bytes: int | None

    @property
    def fragmentation_bytes(self) -> int | None:
        """What the allocator held at its peak beyond what it had given out at the peak."""
        if self.peak_reserved_bytes is None or self.peak_allocated_bytes is None:
            return None
        return self.peak_reserved_bytes - self.peak_allocated_bytes

    @property
    def peak_bytes(self) -> int | None:
        """Weights and what a forward takes on top of them."""
        if self.peak_activation_bytes is None:
            return None
        return self.weights_bytes + self.peak_activation_bytes

    def derived(self) -> dict[str, Any]:
        """Return the values that JSON adds to the fields."""
        return {"fragmentation_bytes": self.fragmentation_bytes}


class Energy(msgspec.Struct, frozen=True, kw_only=True):
    """Joules by the GPU's own counter, over a window of forwards; `gpu` is how it was meanwhile."""

    window_s: float
    window_j: float
    idle_w: float
    forwards: int
    j_per_clip: float
    j_per_clip_above_idle: float
    gpu: GpuConditions | None = None


class Unreadable(msgspec.Struct, frozen=True, kw_only=True):
    """A video that was to be scored and could not be read."""

    id: str
    path: str
    reason: str


class Accuracy(msgspec.Struct, frozen=True, kw_only=True):
    """Of the videos that could be read, how many were named right (fractions).

    Attributes:
        top1, top5: Share of `scored`; None when nothing was scored.
        interval_top1, interval_top5: 95 % Wilson intervals.
        top1_of_expected, top5_of_expected: The same hits over `expected`: unreadable videos count
            as wrong.
        chance: Top-1 of guessing, one over the number of classes.
        not_finite: Videos for which the network gave a NaN or an infinity; they count as wrong.
        views: Views of a video.
        manifest: Digest of the videos and labels that were asked for.
        predictions: The per-view logits, a folder of Parquet files beside the records.
        wall_s: How long this run took for them, shards of earlier runs not counted.
    """

    top1: float | None
    top5: float | None
    interval_top1: tuple[float, float] | None
    interval_top5: tuple[float, float] | None
    top1_of_expected: float
    top5_of_expected: float | None = None
    chance: float
    not_finite: int = 0
    scored: int
    expected: int
    unreadable: tuple[Unreadable, ...]
    views: int
    manifest: str
    predictions: str | None
    wall_s: float
