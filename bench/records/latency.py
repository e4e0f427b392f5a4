"""The latency of a case: its samples, and what follows from them."""

import math
import statistics
from itertools import accumulate, chain
from typing import Any

import msgspec

from .results import GpuConditions

ENOUGH_FOR = {0.90: 64, 0.95: 130, 0.99: 662}
"""Samples that a percentile needs (mlcommons/inference, loadgen's early stopping:
the fewest with which it holds at 99 % confidence)."""


ROUGH = 0.2
"""Half width of an interval, as a share of the median, above which a latency is rough."""


def half_width(low: float, high: float) -> float:
    """Return how far an interval reaches to a side, as a share of its (geometric) middle."""
    return math.sqrt(high / low) - 1


class BlockLoad(msgspec.Struct, frozen=True, kw_only=True):
    """What else the machine did during one block of samples; None is what it doesn't report.

    Attributes:
        forwards: Number of forwards in the block.
        processor_share: Processor time of the process over the wall time of the block; all threads
            together may exceed 1.
        waited_share: Time that one of its threads, the one that did so most, could run and waited
            for a processor, over the wall time.
        involuntary_switches: Number of times one of its threads was taken off its processor.
        minor_faults: Page faults: memory that was touched for the first time.
        reference_s: Median time of the reference kernel, which was timed between the forwards.
        memory_s: Time of a copy of 24 MB before the block, which follows the memory's speed.
        slowed: A GPU was under a hardware or thermal slowdown, before the block or after it.
    """

    forwards: int
    processor_share: float
    waited_share: float | None = None
    involuntary_switches: int | None = None
    minor_faults: int | None = None
    reference_s: float | None = None
    memory_s: float | None = None
    slowed: bool = False


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """Time of one forward of a batch, measured in several processes.

    Attributes:
        samples_s: The samples, in blocks, process after process: device time on a GPU, without the
            gaps in which it waits for the host; wall time on a CPU.
        blocks_of_processes: Number of blocks of each process, in the order of `samples_s`. Empty
            in older records, which had one process.
        median_s: Median over the processes of the median over the medians of their blocks.
        interval_s: 95 % interval of the latency: over the processes, by Student's t on the
            logarithms of their medians, and wider by what the memory's speed changed meanwhile and
            by what a CPU's speed changes from run to run. If it was disturbed, the interval reaches
            down to the time on the undisturbed machine. With one process it is that of the median
            over its blocks, from order statistics, which leaves out what differs from process to
            process, and from run to run.
        converged: The interval over the processes alone became narrow enough before time was up,
            undisturbed.
        disturbed: Fewer processes than were wanted had enough undisturbed blocks.
        loads: What else the machine did during each block; None in older records.
        discarded_s: Samples of disturbed blocks, which don't count.
        discarded_loads: What the machine did during them.
        others: Names of what else ran, if time was lost to it.
        missing: What this system doesn't report of a block, each with the reason.
        allocator: The allocator of the process, and its setting while it was timed; None in older
            records.
        cpu_s: Mean processor time of a call (all threads), by block; None on a GPU.
        wall_samples_s: Wall time of as many other calls on a GPU, each with a synchronise, in the
            same blocks. None on a CPU, where `samples_s` are wall time, and in older records.
        wall_median_s, wall_interval_s: Their median and its interval, as for `samples_s`; the
            interval is None in older records.
        launch_bound: Wall over device time is above 1.1: the GPU waits for the host. None on a CPU,
            and under `host_gaps`.
        host_gaps: The device times include gaps, since the forward waits for the GPU (as in copying
            from the host) or launches more kernels than CUDA queues. None on a CPU and in older
            records.
        cudnn_benchmark: cuDNN chose its algorithms by trying them; None on a CPU.
        build_s: Time to make the network and to place it with its weights.
        prepare_s: Time to compile or capture, with the forwards that this takes. None in modes that
            do neither, and in older records, which include it in `first_call_s`.
        first_call_s: Time of the first forward after that; in other modes, cuDNN tries its
            algorithms in it.
        warmup_calls, warm: Calls before the first sample; `warm` if their times had settled.
        threads: Threads of one operator.
        drift: Difference of the outputs from those of eager fp32; None for eager fp32 itself.
        gpu: State of the GPU between the blocks; None on a CPU.
        cold_l2_bytes: Bytes written before each sample to empty the L2 cache; None if it was warm.
        mfu: Model FLOPs utilisation: the FLOPs over those of the record's `peak` in the median
            time, without optical flow. None if either is unknown, or if it would be above 1, which
            a note explains. In older records it may be above 1: see `reading.mfu`.
    """

    samples_s: tuple[tuple[float, ...], ...]
    median_s: float
    interval_s: tuple[float, float] | None
    converged: bool
    blocks_of_processes: tuple[int, ...] = ()
    disturbed: bool = False
    loads: tuple[BlockLoad, ...] | None = None
    discarded_s: tuple[tuple[float, ...], ...] = ()
    discarded_loads: tuple[BlockLoad, ...] = ()
    others: tuple[str, ...] = ()
    missing: dict[str, str] = {}
    allocator: str | None = None
    cpu_s: tuple[float, ...] | None = None
    wall_samples_s: tuple[tuple[float, ...], ...] | None = None
    wall_median_s: float | None = None
    wall_interval_s: tuple[float, float] | None = None
    launch_bound: bool | None = None
    host_gaps: bool | None = None
    cudnn_benchmark: bool | None = None
    build_s: float
    prepare_s: float | None = None
    first_call_s: float
    warmup_calls: int
    warm: bool
    threads: int
    drift: "Drift | None" = None
    gpu: GpuConditions | None = None
    cold_l2_bytes: int | None = None
    mfu: float | None = None

    @property
    def is_rough(self) -> bool:
        """True if it was disturbed, or its interval is unknown or wider than 20 % to either side.

        Tables mark it with `~`. Older records, which don't say what disturbed them, are rough if
        they had not converged.
        """
        if self.loads is None:
            return not self.converged
        if self.disturbed or self.interval_s is None:
            return True
        return half_width(*self.interval_s) > ROUGH

    @property
    def process_medians_s(self) -> tuple[float, ...]:
        """The median over the medians of the blocks of each process."""
        medians = [statistics.median(block) for block in self.samples_s]
        ends = list(accumulate(self.blocks_of_processes or (len(medians),)))
        return tuple(
            statistics.median(medians[begin:end])
            for begin, end in zip([0, *ends], ends, strict=False)
        )

    @property
    def cores(self) -> float | None:
        """Processor time of a call over its wall time; None on a GPU."""
        if self.cpu_s is None:
            return None
        walls = (statistics.fmean(block) for block in self.samples_s)
        return statistics.fmean(self.cpu_s) / statistics.fmean(walls)

    @property
    def faults_per_forward(self) -> float | None:
        """Median over the blocks of the page faults of a forward; None if they are unknown."""
        faults = [
            load.minor_faults / load.forwards
            for load in self.loads or ()
            if load.minor_faults is not None
        ]
        return statistics.median(faults) if faults else None

    def percentile(self, share: float) -> float | None:
        """Return the sample that `share` of all are not above (the nearest rank), in seconds.

        Args:
            share: A key of `ENOUGH_FOR`; None is returned where the samples are fewer than that.
        """
        samples = sorted(chain.from_iterable(self.samples_s))
        if len(samples) < ENOUGH_FOR[share]:
            return None
        return samples[-(-round(100 * share) * len(samples) // 100) - 1]

    @property
    def reached_s(self) -> float:
        """The time that a user can reach: `median_s`, or `wall_median_s` if it is launch bound.

        Calls that are queued keep a GPU busy, so each takes its time on the device. No queue forms
        if the host takes longer to launch a call than the GPU to run it.
        """
        return self._by_the_wall or self.median_s

    @property
    def _by_the_wall(self) -> float | None:
        return self.wall_median_s if self.launch_bound else None

    def throughput(self, batch: int) -> float:
        """Return clips (in mode `stream`: frames) a second of the forward alone, at `reached_s`.

        A latency does not know of optical flow: see `Record.throughput_per_s`.
        """
        return batch / self.reached_s

    def throughput_interval(self, batch: int) -> tuple[float, float] | None:
        """Return the 95 % interval of `throughput`; None if that of the time is unknown."""
        interval_s = self.interval_s if self._by_the_wall is None else self.wall_interval_s
        if interval_s is None:
            return None
        low_s, high_s = interval_s
        return batch / high_s, batch / low_s

    def derived(self) -> dict[str, Any]:
        """Return the values that JSON adds to the fields; rates are added by who has the batch."""
        percentiles = {f"p{round(share * 100)}_s": self.percentile(share) for share in ENOUGH_FOR}
        rough = {"is_rough": self.is_rough, "process_medians_s": self.process_medians_s}
        return {**percentiles, **rough, "reached_s": self.reached_s}


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    """The difference of a precision or mode from eager fp32 on the same clips.

    Attributes:
        largest_logit_difference: None where an output is not finite (fp16 overflows at 65504).
        logit_spread: Its scale: the standard deviation of eager fp32's logits over the classes,
            averaged over the clips. The logits of untrained networks differ little, so a small
            difference changes the top-1 class. None in older records.
        top1_flips: Clips whose top-1 class is another one.
        clips: Number of clips that were compared.
    """

    largest_logit_difference: float | None
    logit_spread: float | None = None
    top1_flips: int
    clips: int
