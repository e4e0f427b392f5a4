"""The latency of a case: its samples, and what follows from them."""

from itertools import chain
from typing import Any

import msgspec

from .results import GpuConditions

ENOUGH_FOR = {0.90: 64, 0.95: 130, 0.99: 662}
"""Samples that a percentile needs (mlcommons/inference, loadgen's early stopping:
the fewest with which it holds at 99 % confidence)."""


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """Time of one forward of a batch.

    Attributes:
        samples_s: Every sample, in blocks: device time on a GPU, without the gaps in which it
            waits for the host; wall time on a CPU.
        median_s: Median over the medians of the blocks.
        interval_s: 95 % interval of that median, from the order statistics of the blocks.
        converged: The interval became narrow enough before time was up.
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
        return {**percentiles, "reached_s": self.reached_s}


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
