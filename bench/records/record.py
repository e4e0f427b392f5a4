"""What was measured for a case, as frozen facts, and their JSON. Base units everywhere."""

import hashlib
from itertools import chain
from typing import Any, Literal

import msgspec

from ...datasets.names import DEFAULT_DECODER, Decoder, FlowMethod, Probe
from ...datasets.protocol import Protocol

SCHEMA = 1

Device = Literal["cpu", "cuda"]
Precision = Literal["fp32", "tf32", "bf16", "fp16"]
Mode = Literal["eager", "compile", "cudagraph", "compile_cudagraph", "channels_last_3d", "stream"]
GRAPH_MODES: tuple[Mode, ...] = ("cudagraph", "compile_cudagraph")
"""Those that replay a CUDA graph."""
LogitsType = Literal["float32", "float16"]
Measure = Literal["flops", "latency", "memory", "energy", "pipeline", "accuracy", "sweep"]
FailureKind = Literal[
    "exception", "refused", "out_of_memory", "killed", "timeout", "unreadable", "uncounted"
]


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One row: what is measured, on what, how.

    Attributes:
        model: The registry's name; it names the variant too.
        weights: A published checkpoint's name or a path; None is an untrained network.
        classes: Outputs of the head.
        protocol: The clips; its number of views counts for accuracy, speed is that of one view.
        dataset, split: What accuracy is measured on; None where no dataset is asked for.
        batch: Views in one forward, for latency and memory.
        threads: Threads of one operator on the CPU; None leaves them to the device's default.
        eval_batch: Views in one forward while accuracy is measured.
        flow: How the optical flow is computed; None for a network that takes none.
        decoder: What decodes the videos while accuracy is measured.
        cold_l2: Whether the GPU's L2 cache is overwritten before each sample of a latency.
        probe: What is done to the clips that accuracy is measured on; see datasets/names.py.
    """

    model: str
    weights: str | None = None
    classes: int
    protocol: Protocol
    dataset: str | None = None
    split: str | None = None
    device: Device = "cpu"
    precision: Precision = "fp32"
    mode: Mode = "eager"
    batch: int = 1
    threads: int | None = None
    eval_batch: int = 8
    flow: FlowMethod | None = None
    decoder: Decoder = DEFAULT_DECODER
    cold_l2: bool = False
    probe: Probe | None = None

    @property
    def digest(self) -> str:
        """16 hexadecimal digits of everything that decides the case, but for names of protocols."""
        decisive = msgspec.to_builtins(self) | {"protocol": self.protocol.digest}
        if self.flow is None:
            del decisive["flow"]  # a field that older records lack
        if self.decoder == DEFAULT_DECODER:
            del decisive["decoder"]  # the same
        if not self.cold_l2:
            del decisive["cold_l2"]  # the same
        if self.probe is None:
            del decisive["probe"]  # the same
        return hashlib.sha256(msgspec.json.encode(decisive, order="sorted")).hexdigest()[:16]


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


ENOUGH_FOR = {0.90: 64, 0.95: 130, 0.99: 662}
"""Samples without which a percentile is not told (mlcommons/inference, loadgen's early stopping:
the fewest with which it holds at 99 % confidence)."""


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """Time of one forward of a batch.

    Attributes:
        samples_s: Every sample, in blocks: device time on a GPU, without the gaps in which it
            waits for the host; wall time on a CPU.
        median_s: Median over the medians of the blocks.
        interval_s: 95 % interval of that median, from the order statistics of the blocks.
        converged: Whether the interval became narrow enough before time was up.
        cpu_s: Mean processor time of a call (all threads), by block; None on a GPU.
        wall_samples_s: On a GPU, the wall time of as many calls of their own, each with a
            synchronise, by the same blocks; None on a CPU, where `samples_s` are that, and in older
            records.
        wall_median_s, wall_interval_s: Of them as of `samples_s`; the interval is None in older
            records.
        launch_bound: Wall over device time is above 1.1: the GPU waits for the host. None on a CPU,
            and under `host_gaps`.
        host_gaps: The device times of a GPU hold gaps all the same, since the forward waits for the
            GPU, as in copying from the host, or launches more kernels than CUDA queues. None on a
            CPU and in older records.
        cudnn_benchmark: Whether cuDNN chose its algorithms by trying them; None on a CPU.
        build_s: Making the network and placing it, weights too.
        prepare_s: Compiling or capturing, with the forwards that this takes; None in modes that do
            neither, and in older records, whose `first_call_s` holds it.
        first_call_s: The first forward after that; where nothing is prepared, cuDNN tries its
            algorithms in it.
        warmup_calls, warm: Calls before the first sample; whether they had settled.
        threads: Threads of one operator.
        drift: How far the outputs are from those of eager fp32; None for eager fp32 itself.
        gpu: How the GPU was between the blocks; None on a CPU.
        cold_l2_bytes: What was written before each sample to empty the L2 cache; None: it wasn't.
        mfu: Model FLOPs utilisation, the FLOPs over what the record's `peak` does in the median
            time; None where either is not known. Above 1 where an algorithm (Winograd, FFT) does
            with fewer multiplications than the definition has.
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
        """What a user can reach: `median_s`, or where it is launch bound `wall_median_s`.

        Calls that are queued one behind the other keep a GPU busy, so that each takes its time on
        the device; but where the host takes longer to launch a call than the GPU to do it, no
        queue ever forms.
        """
        return self._by_the_wall or self.median_s

    @property
    def _by_the_wall(self) -> float | None:
        return self.wall_median_s if self.launch_bound else None

    def throughput(self, batch: int) -> float:
        """Return clips (in mode `stream`: frames) a second, at `reached_s`."""
        return batch / self.reached_s

    def throughput_interval(self, batch: int) -> tuple[float, float] | None:
        """Return the 95 % interval of the throughput; None without that of the time it is of."""
        interval_s = self.interval_s if self._by_the_wall is None else self.wall_interval_s
        if interval_s is None:
            return None
        low_s, high_s = interval_s
        return batch / high_s, batch / low_s

    def derived(self, batch: int) -> dict[str, Any]:
        """Return what JSON has beside the fields: it follows from them."""
        percentiles = {f"p{round(share * 100)}_s": self.percentile(share) for share in ENOUGH_FOR}
        rate = self.throughput(batch)
        return {**percentiles, "reached_s": self.reached_s, "throughput_per_s": rate}


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    """Outputs of a precision or mode against eager fp32 on the same clips.

    Attributes:
        largest_logit_difference: None where an output is not finite (fp16 overflows at 65504).
        logit_spread: The scale of it: standard deviation of eager fp32's logits over the classes,
            mean over the clips. Untrained networks tell classes apart by little, so that a small
            difference names another one. None in older records.
        top1_flips: Clips whose first class is another one.
        clips: How many were compared.
    """

    largest_logit_difference: float | None
    logit_spread: float | None = None
    top1_flips: int
    clips: int


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


class Energy(msgspec.Struct, frozen=True, kw_only=True):
    """Joules by the GPU's own counter, over a window of forwards; `gpu` is how it was meanwhile."""

    window_s: float
    window_j: float
    idle_w: float
    forwards: int
    j_per_clip: float
    j_per_clip_above_idle: float
    gpu: GpuConditions | None = None


SweepEnd = Literal["max_batch", "out_of_memory", "flat", "error", "unfinished"]
NEAR_BEST = 0.95
"""The knee is the smallest batch with this share of the best throughput: what is left to gain
beyond it is about what two machines of one kind differ by, and every doubling doubles the wait."""


class SweepPoint(msgspec.Struct, frozen=True, kw_only=True):
    """One batch of a sweep; its latency is sampled as any other, without a drift of its own."""

    batch: int
    latency: Latency
    memory: Memory

    @property
    def throughput_per_s(self) -> float:
        """Clips (in mode `stream`: frames) a second, at what a user can reach."""
        return self.latency.throughput(self.batch)


class Sweep(msgspec.Struct, frozen=True, kw_only=True):
    """Latency, throughput and memory at batches 1, 2, 4, ... in one process.

    Attributes:
        points: By batch, rising.
        ended: Why there is no larger batch: `max_batch` was reached, memory ran out, throughput
            was `flat` for two doublings, an `error` that is no want of memory; `unfinished` if
            the process ended within it.
        ended_at: The batch that failed or that would have come next.
        reason: The error, in its own words.
        drift: From eager fp32, at the case's own batch; None for eager fp32 itself.
    """

    points: tuple[SweepPoint, ...]
    ended: SweepEnd
    ended_at: int
    reason: str | None = None
    drift: Drift | None = None

    @property
    def knee(self) -> int | None:
        """The smallest batch that reaches 95 % of the best throughput; None without points."""
        best = max((point.throughput_per_s for point in self.points), default=0.0)
        near = (p.batch for p in self.points if p.throughput_per_s >= NEAR_BEST * best)
        return next(near, None)

    @property
    def end_text(self) -> str:
        """The reason why there is no larger batch, as a sentence."""
        match self.ended:
            case "out_of_memory":
                return f"The sweep ended where memory ran out, at batch {self.ended_at}."
            case "flat":
                return "The sweep ended as two doublings had made throughput grow by less than 2 %."
            case "max_batch":
                return "The sweep ended at the largest batch that was asked for."
            case "unfinished":
                return f"The process ended within the sweep, at batch {self.ended_at}."
            case "error":
                return f"The sweep ended at batch {self.ended_at}, which failed: {self.reason}"


class StageTime(msgspec.Struct, frozen=True, kw_only=True):
    """Time of one stage, waited for before the next begins.

    Attributes:
        name: `open` (and index the file), `decode` (and convert to RGB), `flow`, `copy` (to a GPU),
            `views` (resize, crop, normalise), `forward` (of all views), `aggregate`; a stage that
            the network or the device doesn't have is left out.
        samples_s: Of every video, or frame.
        median_s, interval_s: Their median; its 95 % interval, from order statistics.
        share: Of all the time of all samples; those of all stages add up to 1.
    """

    name: str
    samples_s: tuple[float, ...]
    median_s: float
    interval_s: tuple[float, float] | None
    share: float


class StreamedFrames(msgspec.Struct, frozen=True, kw_only=True):
    """Time of one frame of an open video, from the decoder to the prediction so far.

    Attributes:
        samples_s: Of every frame, the sum of its stages; frames that the protocol's stride passes
            over are decoded too.
        videos: How many the frames are of, the first clip of each.
    """

    samples_s: tuple[float, ...]
    median_s: float
    interval_s: tuple[float, float] | None
    stages: tuple[StageTime, ...]
    videos: int


class PipelineTime(msgspec.Struct, frozen=True, kw_only=True):
    """Time of a video from its file to its prediction, over all views of the protocol.

    Attributes:
        samples_s: Of every video, the sum of its stages, one after the other.
        per_view_s: `median_s` over the views of a video.
        views_in_a_forward: By stage; the last forward of a video is filled up.
        bottleneck: The stage with the largest share.
        videos_per_s_samples, videos_per_s, videos_per_s_interval: Of the overlapped pipeline that
            measures accuracy, by pass; their median and its 95 % interval.
        videos_in_a_pass: How many.
        overlapped_views_in_a_forward: Of the overlapped pipeline, whose forwards go over the ends
            of videos.
        readers: Files that it reads side by side.
        threads: Of one operator.
        streamed: Frame by frame, in mode `stream` alone.
    """

    samples_s: tuple[float, ...]
    median_s: float
    interval_s: tuple[float, float] | None
    views: int
    per_view_s: float
    views_in_a_forward: int
    stages: tuple[StageTime, ...]
    bottleneck: str
    videos_per_s_samples: tuple[float, ...]
    videos_per_s: float
    videos_per_s_interval: tuple[float, float] | None
    videos_in_a_pass: int
    overlapped_views_in_a_forward: int | None = None
    readers: int
    threads: int
    streamed: StreamedFrames | None = None


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


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """Why a case has no, or not all of its, results.

    `refused` is a mistake that the user can mend (unknown weights, an input that the network can't
    take), `exception` an error raised by the network or by kinobench, `killed` a process that
    ended without a word.
    """

    kind: FailureKind
    message: str
    detail: str | None = None


class Environment(msgspec.Struct, frozen=True, kw_only=True):
    """What a case ran on.

    Attributes:
        fingerprint: Digest of whatever must agree before two timings may be compared: on a CPU
            neither the GPU nor its driver.
        gpu_power_limit_w: As it was set; None where NVML doesn't tell, and on older records.
        versions: Of the interpreter and the libraries that decide a result; of CUDA, cuDNN and
            triton where a GPU was measured on.
    """

    fingerprint: str
    system: str
    cpu: str
    physical_cores: int
    logical_cores: int
    memory_bytes: int
    gpu: str | None
    gpu_driver: str | None
    gpu_power_limit_w: float | None = None
    versions: dict[str, str]
    kinobench_commit: str | None


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """The result of one case. What was not measured is None, with the reason in `notes`."""

    schema: int = SCHEMA
    run: str
    started: str
    case: Case
    environment: Environment
    params: int | None = None
    weights_digest: str | None = None
    cost: Cost | None = None
    latency: Latency | None = None
    peak: Peak | None = None
    roofline: Roofline | None = None
    flow_time: FlowTime | None = None
    memory: Memory | None = None
    energy: Energy | None = None
    pipeline: PipelineTime | None = None
    accuracy: Accuracy | None = None
    sweep: Sweep | None = None
    notes: tuple[str, ...] = ()
    error: Failure | None = None

    @property
    def video_s(self) -> float | None:
        """Time of the forwards of a whole video: a clip's share of the batch times the views.

        Of a batch's `Latency.reached_s`.
        """
        if self.latency is None or self.case.mode == "stream":
            return None
        return self.latency.reached_s / self.case.batch * self.case.protocol.views

    @property
    def j_per_video(self) -> float | None:
        """Joules of the forwards of a whole video."""
        if self.energy is None or self.case.mode == "stream":
            return None
        return self.energy.j_per_clip * self.case.protocol.views

    def to_json(self) -> bytes:
        """Return one line of JSON; what follows from the fields is written beside them.

        That is the digests of the protocol and the case, percentiles, throughput, time and joules
        a video, fragmentation, and the sweep's knee.
        """
        plain: dict[str, Any] = msgspec.to_builtins(self)
        if self.latency is not None:
            plain["latency"] |= self.latency.derived(self.case.batch) | {"video_s": self.video_s}
        if self.memory is not None:
            plain["memory"]["fragmentation_bytes"] = self.memory.fragmentation_bytes
        if self.energy is not None:
            plain["energy"]["j_per_video"] = self.j_per_video
        if self.sweep is not None:
            plain["sweep"]["knee"] = self.sweep.knee
            for point, told in zip(self.sweep.points, plain["sweep"]["points"], strict=True):
                told["latency"] |= point.latency.derived(point.batch)
                interval = point.latency.throughput_interval(point.batch)
                told["latency"]["throughput_interval_per_s"] = interval
                told["memory"]["fragmentation_bytes"] = point.memory.fragmentation_bytes
        plain["case"]["digest"] = self.case.digest
        plain["case"]["protocol"]["digest"] = self.case.protocol.digest
        return msgspec.json.encode(plain)


_decoder = msgspec.json.Decoder(Record)


def from_json(line: bytes | str) -> Record:
    """Read one line of JSON.

    Raises:
        msgspec.DecodeError: It is no record; msgspec says where and why.
    """
    return _decoder.decode(line)
