"""Timed results of a case: sweep and end to end. Samples are kept; the rest follows."""

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from .export import Export
from .latency import Drift, Latency
from .results import Memory

SweepEnd = Literal["max_batch", "out_of_memory", "flat", "error", "unfinished"]
NEAR_BEST = 0.95
"""The knee is the smallest batch with this share of the best throughput: what is left to gain
beyond it is about what two machines of one kind differ by, and every doubling doubles the wait."""

FORWARD_ALONE = "Latency, throughput and knee are of the forward alone, without optical flow."
"""What a reader of the sweep of a network with optical flow must know."""


class SweepPoint(msgspec.Struct, frozen=True, kw_only=True):
    """One batch of a sweep; its latency is sampled as any other, without a drift of its own.

    Attributes:
        batch: Clips in a forward.
        latency: Of that batch.
        memory: Of that batch.
        export: How the network got into another runtime for that batch; None in torch.
    """

    batch: int
    latency: Latency
    memory: Memory
    export: Export | None = None

    @property
    def throughput_per_s(self) -> float:
        """Clips (in mode `stream`: frames) a second of the forward alone, without optical flow."""
        return self.latency.throughput(self.batch)


class Sweep(msgspec.Struct, frozen=True, kw_only=True):
    """Latency, throughput and memory at batches 1, 2, 4, ... in one process.

    All are of the forward alone: flow is computed on the CPU, clip after clip, whatever the batch.

    Attributes:
        points: One for each batch, the smallest first.
        ended: Reason why there is no larger batch: `max_batch` was reached, memory ran out,
            throughput was `flat` for two doublings, or an `error` other than a lack of memory;
            `unfinished` if the process ended during the sweep.
        ended_at: The batch that failed, or that would have come next.
        reason: The message of the error.
        drift: Difference from eager fp32 at the case's own batch; None for eager fp32 itself.
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

    def plain(self) -> dict[str, Any]:
        """Return what JSON has: the fields, the values that follow from each point, the knee."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        points = [_plain_point(point) for point in self.points]
        return plain | {"points": points, "knee": self.knee}

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


def _plain_point(point: SweepPoint) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(point)
    interval = point.latency.throughput_interval(point.batch)
    plain["latency"] |= point.latency.derived()
    plain["latency"]["throughput_per_s"] = point.throughput_per_s
    plain["latency"]["throughput_interval_per_s"] = interval
    plain["memory"] |= point.memory.derived()
    return plain


class StageTime(msgspec.Struct, frozen=True, kw_only=True):
    """Time of one stage, which ends before the next one begins.

    Attributes:
        name: `open` (and index the file), `decode` (and convert to RGB), `flow`, `copy` (to a GPU),
            `views` (resize, crop, normalise), `forward` (of all views), `aggregate`; a stage that
            the network or the device doesn't have is left out.
        samples_s: The stage's time for every video, or frame.
        median_s, interval_s: Their median; its 95 % interval, from order statistics.
        share: `median_s` over the sum of the stages' medians; the shares add up to 1. In older
            records: its share of the time of all samples, which one slow video can decide.
    """

    name: str
    samples_s: tuple[float, ...]
    median_s: float
    interval_s: tuple[float, float] | None
    share: float


def shares_of(medians_s: Sequence[float]) -> tuple[float, ...]:
    """Return each stage's share of the time: its median over the sum of all medians, or 0 of 0."""
    whole_s = sum(medians_s)
    return tuple(median_s / whole_s if whole_s else 0.0 for median_s in medians_s)


def bottleneck_of(stages: Sequence[StageTime]) -> str:
    """Return the name of the stage with the largest median, the first of those that are equal."""
    return max(stages, key=lambda stage: stage.median_s).name


class StreamedFrames(msgspec.Struct, frozen=True, kw_only=True):
    """Time of one frame of an open video, from the decoder to the prediction so far.

    Attributes:
        samples_s: The sum of the stages for every frame; frames that the protocol's stride leaves
            out are decoded too.
        stages: The stages; their medians need not add up to `median_s`, that of the sums.
        videos: Number of videos; the frames are those of the first clip of each.
    """

    samples_s: tuple[float, ...]
    median_s: float
    interval_s: tuple[float, float] | None
    stages: tuple[StageTime, ...]
    videos: int


class PipelineTime(msgspec.Struct, frozen=True, kw_only=True):
    """Time of a video from its file to its prediction, over all views of the protocol.

    Attributes:
        samples_s: The sum of the stages for every video, one after the other.
        per_view_s: `median_s` over the views of a video.
        views_in_a_forward: Views in a forward, stage by stage; the last forward of a video is
            filled up.
        stages: The stages; their medians need not add up to `median_s`, that of the sums.
        bottleneck: The stage with the largest share; see `StageTime` on older records.
        videos_per_s_samples, videos_per_s, videos_per_s_interval: Videos per second in each pass of
            the overlapped pipeline, which measures accuracy; their median and its 95 % interval.
        videos_in_a_pass: Number of videos in a pass.
        overlapped_views_in_a_forward: Views in a forward of the overlapped pipeline, which may
            take views of several videos.
        readers: Number of files that are read at the same time.
        threads: Threads of one operator.
        streamed: Times frame by frame, only in mode `stream`.
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
