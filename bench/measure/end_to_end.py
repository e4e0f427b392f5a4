"""End to end: a video from its file to its prediction, by stage, and how many a second.

The same work is measured in two ways. One video after the other, with a wait after each stage,
gives the time of a prediction and of each stage. The overlapped pipeline, which measures accuracy,
gives the number of videos per second. Both are warmed up with forwards of their own number of
views, for which a CUDA graph is captured again.

Optical flow is always computed, whatever is in the flow cache. Files come from the system's cache
or from the disk.
"""

import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from math import ceil
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import torch

from ...datasets.errors import KinobenchError, reason_of
from ...datasets.split import Split
from ..evaluation.accuracy import evaluate, views_in_a_forward
from ..evaluation.alone import LoneReader
from ..evaluation.evaluation import Sink, evaluation_of
from ..evaluation.guard import Guard, guarded
from ..evaluation.reading_log import SUFFIX
from ..machine.environment import usable_cpus
from ..network.network import Network
from ..records.files import FREE_SPACE
from ..records.inside import inside
from ..records.job import Reading
from ..records.times import PipelineTime, bottleneck_of
from ..statistics.intervals import median_interval
from .context import Context
from .other_work_watch import quiet_expected
from .staged import capture, time_by_stage
from .stages import LEAST_VIDEOS, Clock, Note, stages_of
from .streamed import time_frames

STAGED_S, OVERLAPPED_S, STREAMED_S = 5.0, 5.0, 2.0
"""Time of each way of measuring; it is longer if `LEAST_VIDEOS` take longer."""


class PipelineResult(NamedTuple):
    """The times and the notes; without times a note has the reason."""

    time: PipelineTime | None
    notes: tuple[str, ...]


def run(context: Context) -> None:
    """Time videos of the case's dataset from the file to the prediction."""
    with _guarded(context) as guard, quiet_expected(context.note):
        timed, notes = measure_pipeline(
            context.network, context.split, readers=len(usable_cpus()), guard=guard
        )
    if timed is not None:
        context.keep(pipeline=timed)
    context.notes(notes)


@contextmanager
def _guarded(context: Context) -> Iterator[Guard]:
    """Guard the reading: another process leaves out the video at which this one dies."""
    job, case, videos = context.job, context.case, context.split.videos
    kept = inside(Path(job.results), "predictions")
    folder = kept / f".{job.predictions}-pipeline"
    alone = LoneReader(case.protocol, case.decoder, job.file_limits)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise KinobenchError(f"{folder} can't be made: {reason_of(error)}; {FREE_SPACE}") from error
    log = folder / f"pipeline{SUFFIX}"
    try:
        guarding = guarded(
            log,
            kept,
            videos,
            alone,
            context.note,
            may_end=job.may_end,
            unlimited=job.unlimited,
        )
        with guarding as (guard, given_up):
            context.emit(
                Reading(
                    log=str(log),
                    given_up=given_up,
                    unlimited=guard.unlimited,
                    measurement="pipeline",
                )
            )
            yield guard
    finally:
        with suppress(OSError):
            folder.rmdir()


def measure_pipeline(
    network: Network,
    split: Split,
    *,
    readers: int,
    staged_s: float = STAGED_S,
    overlapped_s: float = OVERLAPPED_S,
    streamed_s: float = STREAMED_S,
    clock: Clock = time.perf_counter,
    guard: Guard | None = None,
) -> PipelineResult:
    """Time videos of a split, spread over its classes, from the file to the prediction.

    A video that can't be read is named and left out. If a split has too few videos, they are
    read again.

    Args:
        network: A case's network, which has settled; it ends at the case's batch, as it began.
        split: Split whose videos are read.
        readers: Files that the overlapped pipeline reads side by side.
        staged_s: Seconds for which videos are timed by stage; at least six videos are timed.
        overlapped_s: Seconds for which the overlapped pipeline is timed, for six passes or more;
            after twice as long, fewer passes are enough.
        streamed_s: Seconds for which single frames are timed, in mode `stream`.
        clock: Returns the time in seconds.
        guard: Reads the files; None reads them without a limit.
    """
    guard = guard or Guard()
    notes: list[str] = []

    def note(text: str) -> None:
        notes.append(f"pipeline: {text}")

    own_batch = network.case.batch
    least_s = staged_s, overlapped_s, streamed_s
    timed = _timed(network, split, readers, least_s, clock, note, guard)
    if network.case.batch != own_batch:
        network.rebatch(own_batch)
    return PipelineResult(timed, tuple(dict.fromkeys(notes)))


def _timed(
    network: Network,
    split: Split,
    readers: int,
    least_s: tuple[float, float, float],
    clock: Clock,
    note: Note,
    guard: Guard,
) -> PipelineTime | None:
    """Time by stage, overlapped and frame by frame; None, and a note, if no video can be read."""
    case, views = network.case, network.case.protocol.views
    staged_s, overlapped_s, streamed_s = least_s
    samples, readable, in_a_forward = time_by_stage(network, split, staged_s, clock, note, guard)
    if not samples:
        note("no video of the split could be read")
        return None
    totals = [sum(sample.values()) for sample in samples]
    median_s = statistics.median(totals)
    wanted = max(LEAST_VIDEOS, 2 * readers, ceil(overlapped_s / LEAST_VIDEOS / median_s))
    few = msgspec.structs.replace(split, videos=tuple(readable[:wanted]))
    rates, overlapped_in_a_forward = _overlapped(
        network, few, readers, overlapped_s, clock, note, guard
    )
    streamed = None
    if case.mode == "stream":
        streamed = time_frames(network, readable, streamed_s, clock, guard)
        if case.decoder != "pyav":
            note("frame by frame, videos are decoded by pyav")
        if streamed is None:
            note("frame by frame, no video of the split could be read")
    stages = stages_of(samples)
    return PipelineTime(
        samples_s=tuple(totals),
        median_s=median_s,
        interval_s=median_interval(totals),
        views=views,
        per_view_s=median_s / views,
        views_in_a_forward=in_a_forward,
        stages=stages,
        bottleneck=bottleneck_of(stages),
        videos_per_s_samples=tuple(rates),
        videos_per_s=statistics.median(rates),
        videos_per_s_interval=median_interval(rates),
        videos_in_a_pass=len(few.videos),
        overlapped_views_in_a_forward=overlapped_in_a_forward,
        readers=readers,
        threads=torch.get_num_threads(),
        streamed=streamed,
    )


def _overlapped(
    network: Network,
    split: Split,
    readers: int,
    least_s: float,
    clock: Clock,
    note: Note,
    guard: Guard,
) -> tuple[list[float], int]:
    """Run the pipeline that measures accuracy over a split again and again.

    Whatever a forward of its number of views has compiled, captured or tuned is so before the first
    pass that is timed.

    Returns:
        The videos that were read a second in each pass, and how many views a forward was of.
    """
    case, protocol = network.case, network.case.protocol
    views = views_in_a_forward(case.eval_batch, split, protocol)
    in_a_forward = capture(network, views, note)
    sizes: list[int] = []

    def forward(*inputs: torch.Tensor) -> Any:
        sizes.append(len(inputs[0]))
        return network.forward_clips(*inputs)

    def scored(videos: Split) -> int:
        sizes.clear()
        evaluation = replace(
            evaluation_of(network, readers=readers, guard=guard),
            batch=in_a_forward,
            probe=None,
            repeatable=False,  # or cuDNN would run other algorithms than those timed by stage
        )
        return evaluate(forward, videos, evaluation, Sink(note=note)).scored

    full = max(readers, ceil(views / protocol.views))  # a forward, and something for each reader
    scored(msgspec.structs.replace(split, videos=split.videos[:full]))
    if sizes:
        in_a_forward = min(in_a_forward, statistics.mode(sizes))  # fewer where memory ran out
    rates: list[float] = []
    begin_s = clock()
    while True:
        pass_begin_s = clock()
        count = scored(split)
        now_s = clock()
        rates.append(count / (now_s - pass_begin_s))
        enough = len(rates) >= LEAST_VIDEOS and now_s - begin_s >= least_s
        if enough or now_s - begin_s >= 2 * least_s:
            return rates, in_a_forward
