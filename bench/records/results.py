"""Results of a case that are counted or read: cost, peak, memory, energy, accuracy."""

from typing import Any, Literal

import msgspec

from ...datasets.names import FlowMethod
from ...datasets.split import Scoring
from .case import Precision, Runtime
from .dataset_copy import DatasetCopy


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """The spread of several readings, in the unit of the field."""

    least: float
    median: float
    most: float


class GpuConditions(msgspec.Struct, frozen=True, kw_only=True):
    """The state of the GPU between samples, by NVML; None is a reading that failed.

    Attributes:
        looks: Number of readings.
        sm_clock_hz, temperature_c, power_w: Readings of the GPU that torch uses.
        limits: Reasons of a lower clock, by NVML's names: `sw_power_cap`, `hw_slowdown`,
            `sw_thermal_slowdown`, `hw_thermal_slowdown`, `hw_power_brake_slowdown`. If `missing`
            has `throttling`, they were read only as long as NVML answered.
        discarded_blocks: Blocks of samples under a slowdown, which were thrown away.
        kept_slowed: Every block was under a slowdown, so all were kept.
        intruders: Other processes on the GPU, `name (pid)`.
        missing: Readings that failed, with NVML's reason.
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
        notes: Remarks on how it was counted, such as why not on torch's meta device.
    """

    macs: int
    flops: int
    other_flops: int
    norm_elements: int
    by_operator: dict[str, int]
    uncounted: dict[str, int]
    torch_macs: int | None = None
    notes: tuple[str, ...] = ()


class Peak(msgspec.Struct, frozen=True, kw_only=True):
    """The peak of the machine in the same run, with the case's threads: the best of several tries.

    It is measured before the cases of a run, once for each device, precision and number of
    threads, and again where a case reaches more than that; each figure is the largest so far.

    Attributes:
        flops_per_s: FLOPs per second of a product of two square matrices of random numbers, in the
            case's precision, by the library that is fastest.
        bytes_per_s: Bytes read and written per second by a copy of a tensor larger than any cache.
        precision: Precision of the product.
        rows: Rows of each matrix; the product takes `2 * rows ** 3` FLOPs.
        copied_bytes: Bytes of the tensor; twice as many were moved.
        threads: Threads of one operator; None on a GPU.
        measured: Number of times it was measured.
        library: The library that reached it.
        libraries: The FLOPs per second of each library that was tried; empty in older records,
            which tried torch alone.
    """

    flops_per_s: float
    bytes_per_s: float
    precision: Precision
    rows: int
    copied_bytes: int
    threads: int | None = None
    measured: int = 1
    library: Runtime = "torch"
    libraries: dict[str, float] = {}

    @property
    def reference_s(self) -> float:
        """Seconds of 10^9 FLOPs by torch: how fast the machine is, whichever libraries it has."""
        return 1e9 / self.libraries.get("torch", self.flops_per_s)


class Bound(msgspec.Struct, frozen=True, kw_only=True):
    """A bound by the roofline model (Williams et al. 2009, figure 1).

    Attributes:
        moved_bytes: Bytes that must be moved.
        intensity: FLOPs per byte.
        limit: The longer one at the peak: `compute` for the arithmetic, `memory` for the bytes.
        least_s: Its time at the peak.
        share: `least_s` over the measured time; None if no time was measured, or if that time is
            below the bound: a cache held bytes that count as moved, or the peak is too small. In
            older records it may be above 1.
    """

    moved_bytes: int
    intensity: float
    limit: Literal["compute", "memory"]
    least_s: float
    share: float | None


class Roofline(msgspec.Struct, frozen=True, kw_only=True):
    """The roofline of a forward of the batch, at the record's `peak`, for two counts of bytes.

    Attributes:
        flops: FLOPs of convolutions and matrix products, for the whole batch.
        weights_bytes, input_bytes: Bytes of parameters, buffers and input that are read, each once.
        output_bytes: Bytes of the result.
        ridge: Intensity above which the arithmetic takes longer than the bytes.
        network: Bound with weights, input and output alone: no implementation moves less.
        operators: Bound with the inputs, weights and results of each operator, each moved once: a
            forward that runs them one after the other, with nothing left in a cache.
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

    The cost of a network leaves out its arithmetic.

    Attributes:
        samples_s: Wall time of every sample.
        median_s, interval_s: Their median; its 95 % interval, from order statistics.
        pairs: Pairs of neighbouring frames in a clip.
        height, width: Size of the frames, in pixels.
        threads: Threads of OpenCV.
        opencv: Version of OpenCV.
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
        weights_bytes: Parameters and buffers; None if they can't be counted.
        peak_activation_bytes: The peak during a forward less what was resident before it.
            In a CUDA graph: the peak while it was captured; a replay takes nothing more.
        peak_allocated_bytes: The peak that torch's allocator had given out on a GPU; None on a CPU
            and in other runtimes, which have allocators of their own.
        peak_reserved_bytes: The peak that torch's allocator had reserved on a GPU, and what another
            runtime has taken next to it; None on a CPU.
        graph_pool_bytes: Memory that a CUDA graph keeps for itself.
        peak_process_bytes: The process at its peak: resident memory, or NVML's figure on a GPU.
    """

    weights_bytes: int | None
    peak_activation_bytes: int | None
    peak_allocated_bytes: int | None = None
    peak_reserved_bytes: int | None = None
    graph_pool_bytes: int | None = None
    peak_process_bytes: int | None

    @property
    def fragmentation_bytes(self) -> int | None:
        """The peak of reserved bytes less the peak of those that were given out."""
        if self.peak_reserved_bytes is None or self.peak_allocated_bytes is None:
            return None
        return self.peak_reserved_bytes - self.peak_allocated_bytes

    @property
    def peak_bytes(self) -> int | None:
        """Weights, and the peak of a forward on top of them."""
        if self.weights_bytes is None or self.peak_activation_bytes is None:
            return None
        return self.weights_bytes + self.peak_activation_bytes

    def derived(self) -> dict[str, Any]:
        """Return the values that JSON adds to the fields."""
        return {"fragmentation_bytes": self.fragmentation_bytes}


class Energy(msgspec.Struct, frozen=True, kw_only=True):
    """Joules by the counter of a GPU or of the processors, over a window of forwards.

    Attributes:
        window_s, window_j: Length of the window, and the joules of all domains in it.
        idle_w: Power of the same domains just before, without work.
        j_per_clip, j_per_clip_above_idle: Joules of a clip; the same without the idle power.
        counter: `NVML` for a GPU, `RAPL` for processors; None in older records, which are NVML's.
        domains: What the counter counted: `gpu`, or the packages and their memory, such as
            `package-0` and `package-0/dram`. Empty in older records.
        other_processors: Mean number of processors of other work, whose joules RAPL counts too;
            None for a GPU, or if it isn't known.
        gpu: State of the GPU meanwhile.
    """

    window_s: float
    window_j: float
    idle_w: float
    forwards: int
    j_per_clip: float
    j_per_clip_above_idle: float
    counter: str | None = None
    domains: tuple[str, ...] = ()
    other_processors: float | None = None
    gpu: GpuConditions | None = None


def has_top5(classes: int) -> bool:
    """Return whether a top-5 of so many classes says anything: of five, it is always right."""
    return classes > 5


class Unreadable(msgspec.Struct, frozen=True, kw_only=True):
    """A video that could not be read, so that it has no score."""

    id: str
    path: str
    reason: str

    @property
    def is_missing(self) -> bool:
        """Whether there is no such file: a copy may be without it, and that is no fault of it."""
        return self.reason == MISSING


MISSING = "no such file"
"""Why a video can't be read that isn't there; see `datasets/video/reader.py`."""


class Accuracy(msgspec.Struct, frozen=True, kw_only=True):
    """How well the classes of the readable videos were predicted (fractions).

    Attributes:
        scoring: What the figures are: `top-k`, `hit-k` or `map`; see `datasets/split.py`.
        top1, top5: Shares of `scored`; None if no video was scored, or the scoring is another. With
            five classes or fewer, each top-5 is None.
        interval_top1, interval_top5: 95 % Wilson intervals.
        top1_of_expected, top5_of_expected: Shares of `expected`; unreadable videos count as wrong.
        hit1, hit5, interval_hit1, interval_hit5, hit1_of_expected, hit5_of_expected: The same of
            hit@1 and hit@5, if the scoring is `hit-k`.
        map: Mean over the classes of the average precision, if the scoring is `map`.
        interval_map: Its 95 % interval, by a bootstrap of videos, or of groups where they are
            known.
        map_of_expected: The same over `expected` videos; unreadable ones come last in each class.
        map_classes: Number of classes that a scored video has; the others are not in the mean.
        unlabelled: Number of scored videos without a label, which come last in each class.
        chance: Top-1 or hit@1 of a random guess: the mean of a video's share of the classes. For
            `map`: the mean of a class's share of the videos, the precision of a random ranking.
        not_finite: Videos for which the network gave a NaN or an infinity; they count as wrong, and
            come last in each class.
        copy: The files that were scored; None in records of earlier versions.
        views: Views of a video.
        manifest: Digest of the videos and labels that were asked for.
        predictions: Folder of Parquet files with the per-view logits, relative to the results.
        wall_s: Time of this run, without the shards of earlier runs.
    """

    scoring: Scoring = "top-k"
    top1: float | None
    top5: float | None
    interval_top1: tuple[float, float] | None
    interval_top5: tuple[float, float] | None
    top1_of_expected: float | None
    top5_of_expected: float | None = None
    hit1: float | None = None
    hit5: float | None = None
    interval_hit1: tuple[float, float] | None = None
    interval_hit5: tuple[float, float] | None = None
    hit1_of_expected: float | None = None
    hit5_of_expected: float | None = None
    map: float | None = None
    interval_map: tuple[float, float] | None = None
    map_of_expected: float | None = None
    map_classes: int | None = None
    unlabelled: int = 0
    chance: float
    not_finite: int = 0
    scored: int
    expected: int
    unreadable: tuple[Unreadable, ...]
    copy: DatasetCopy | None = None
    views: int
    manifest: str
    predictions: str | None
    wall_s: float

    @property
    def left_out(self) -> str:
        """How many videos have no score, and why: `2 missing, 1 unreadable`; empty for none."""
        missing = sum(each.is_missing for each in self.unreadable)
        counts = {"missing": missing, "unreadable": len(self.unreadable) - missing}
        return ", ".join(f"{count} {kind}" for kind, count in counts.items() if count)

    @property
    def score(self) -> float | None:
        """The figure that ranks: mAP, hit@1 or top-1; None if no video was scored."""
        return {"top-k": self.top1, "hit-k": self.hit1, "map": self.map}[self.scoring]

    @property
    def score_interval(self) -> tuple[float, float] | None:
        """Its 95 % interval."""
        return {
            "top-k": self.interval_top1,
            "hit-k": self.interval_hit1,
            "map": self.interval_map,
        }[self.scoring]

    @property
    def score_of_expected(self) -> float | None:
        """The same figure over all expected videos."""
        return {
            "top-k": self.top1_of_expected,
            "hit-k": self.hit1_of_expected,
            "map": self.map_of_expected,
        }[self.scoring]

    @property
    def among_five(self) -> float | None:
        """Top-5 or hit@5, if there is one."""
        return self.hit5 if self.scoring == "hit-k" else self.top5

    @property
    def among_five_interval(self) -> tuple[float, float] | None:
        """Its 95 % interval."""
        return self.interval_hit5 if self.scoring == "hit-k" else self.interval_top5

    @property
    def among_five_of_expected(self) -> float | None:
        """The same figure over all expected videos."""
        return self.hit5_of_expected if self.scoring == "hit-k" else self.top5_of_expected

    @property
    def score_name(self) -> str:
        """The name of that figure: `mAP`, `hit@1` or `top-1`."""
        return SCORE_NAMES[self.scoring][0]


SCORE_NAMES: dict[Scoring, tuple[str, ...]] = {
    "top-k": ("top-1", "top-5"),
    "hit-k": ("hit@1", "hit@5"),
    "map": ("mAP",),
}
"""The names of the figures of each scoring, that which ranks first."""
