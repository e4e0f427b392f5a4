"""End to end: a video from its file to its prediction, by stage, and how many a second.

Two views of the same work. One video after the other, every stage waited for before the next
begins, tells how long a prediction takes and which stage it is spent in. The overlapped pipeline,
as accuracy is measured with it, tells how many videos a second come out. Each is warmed up with
forwards of its own number of views, of which a CUDA graph is captured anew.

Optical flow is computed anew each time, whatever the flow cache holds. Files are read as the system
has them, from its cache or from the disk.
"""

import statistics
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from math import ceil
from typing import NamedTuple

import msgspec
import numpy as np
import torch

from ...datasets.errors import VideoError
from ...datasets.flow.views import flow_views
from ...datasets.names import DEFAULT_FLOW
from ...datasets.split import Split, Video
from ...datasets.video.clips import cut_clips, open_video
from ...datasets.video.reader import VideoReader
from ...datasets.views.maker import ViewMaker
from ...zoo.spec import input_shapes
from ..evaluation.accuracy import evaluate, views_in_a_forward
from ..evaluation.evaluation import Sink, evaluation_of
from ..evaluation.forwards import Forwards
from ..evaluation.read_ahead import AHEAD_BYTES, FrameRooms
from ..machine.environment import usable_cpus
from ..network.failures import out_of_memory
from ..network.inputs import FlowViews, ViewSource
from ..network.network import Network
from ..network.stream import Stream
from ..records.record import GRAPH_MODES, PipelineTime, StageTime, StreamedFrames
from ..statistics.intervals import median_interval
from ..statistics.scores import scores
from .context import Context

LEAST_VIDEOS = 6
"""The fewest whose order statistics bound the median at 95 %: 1 - 2 * 0.5 ** 6 = 0.97."""
STAGED_S, OVERLAPPED_S, STREAMED_S = 5.0, 5.0, 2.0
"""How long each view is measured, and longer where `LEAST_VIDEOS` take longer."""

Clock = Callable[[], float]
Note = Callable[[str], None]


class Laps:
    """Splits time into stages without a gap: a lap lasts from the end of the one before it.

    Attributes:
        spent_s: Seconds of each stage, in the order in which they first ended.
    """

    def __init__(self, clock: Clock, synchronise: Callable[[], None]) -> None:
        """Begin the first lap."""
        self._clock = clock
        self._synchronise = synchronise
        self.spent_s: dict[str, float] = {}
        self.restart()

    def restart(self) -> None:
        """Begin anew, with nothing spent."""
        self._synchronise()
        self.spent_s = {}
        self._last_s = self._clock()

    def lap(self, stage: str) -> None:
        """End a stage, once the device has done what it was told."""
        self._synchronise()
        now_s = self._clock()
        self.spent_s[stage] = self.spent_s.get(stage, 0.0) + now_s - self._last_s
        self._last_s = now_s


class PipelineResult(NamedTuple):
    """What was measured, and what a reader of it should know; None with the reason there."""

    time: PipelineTime | None
    notes: tuple[str, ...]


def run(context: Context) -> None:
    """Time videos of the case's dataset from the file to the prediction."""
    timed, notes = measure_pipeline(context.network, context.split, readers=len(usable_cpus()))
    if timed is not None:
        context.keep(pipeline=timed)
    context.notes(notes)


def measure_pipeline(
    network: Network,
    split: Split,
    *,
    readers: int,
    staged_s: float = STAGED_S,
    overlapped_s: float = OVERLAPPED_S,
    streamed_s: float = STREAMED_S,
    clock: Clock = time.perf_counter,
) -> PipelineResult:
    """Time videos of a split, spread over its classes, from the file to the prediction.

    A video that can't be read is named and left out. Where a split has too few, they are read
    again.

    Args:
        network: A case's, which has settled; it ends at the case's batch, as it began.
        split: Whose videos are read.
        readers: Files that the overlapped pipeline reads side by side.
        staged_s: How long videos are timed by stage, six of them or more.
        overlapped_s: How long the overlapped pipeline is timed, six passes or twice as long.
        streamed_s: How long single frames are, in mode `stream`.
        clock: Seconds.
    """
    notes: list[str] = []

    def note(text: str) -> None:
        notes.append(f"pipeline: {text}")

    own_batch = network.case.batch
    timed = _timed(network, split, readers, (staged_s, overlapped_s, streamed_s), clock, note)
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
) -> PipelineTime | None:
    """Time by stage, overlapped and frame by frame; None, and a note, if no video can be read."""
    case, views = network.case, network.case.protocol.views
    staged_s, overlapped_s, streamed_s = least_s
    samples, readable, in_a_forward = _by_stage(network, split, staged_s, clock, note)
    if not samples:
        note("no video of the split could be read")
        return None
    totals = [sum(sample.values()) for sample in samples]
    median_s = statistics.median(totals)
    wanted = max(LEAST_VIDEOS, 2 * readers, ceil(overlapped_s / LEAST_VIDEOS / median_s))
    few = msgspec.structs.replace(split, videos=tuple(readable[:wanted]))
    rates, overlapped_in_a_forward = _overlapped(network, few, readers, overlapped_s, clock, note)
    streamed = None
    if case.mode == "stream":
        streamed = _streamed(network, readable, streamed_s, clock)
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
        bottleneck=max(stages, key=lambda stage: stage.share).name,
        videos_per_s_samples=tuple(rates),
        videos_per_s=statistics.median(rates),
        videos_per_s_interval=median_interval(rates),
        videos_in_a_pass=len(few.videos),
        overlapped_views_in_a_forward=overlapped_in_a_forward,
        readers=readers,
        threads=torch.get_num_threads(),
        streamed=streamed,
    )


def _by_stage(
    network: Network, split: Split, least_s: float, clock: Clock, note: Note
) -> tuple[list[dict[str, float]], list[Video], int]:
    """Time one video after the other; the first one warms up.

    Returns:
        The seconds of each stage of each video, the videos that can be read, as far as they were,
        and how many views a forward was of.
    """
    in_a_forward = min(network.case.eval_batch, network.case.protocol.views)
    in_a_forward = _capture(network, in_a_forward, note)
    once = _Staged(network, len(split.classes), in_a_forward, clock, note)
    videos = spread(split.videos)
    waiting = deque(videos)
    bad: set[str] = set()
    samples: list[dict[str, float]] = []
    warm = False
    begin_s = clock()
    with torch.inference_mode():
        while waiting and (len(samples) < LEAST_VIDEOS or clock() - begin_s < least_s):
            video = waiting.popleft()
            try:
                spent_s = once(video)
            except VideoError as error:
                note(f"left out: {error.path}: {error.reason}")
                bad.add(str(error.path))
                continue
            waiting.append(video)  # its turn comes again once all others had theirs
            if not warm:
                warm, begin_s = True, clock()
                continue
            samples.append(spent_s)
    readable = [video for video in videos if str(video.path) not in bad]
    return samples, readable, once.views_in_a_forward


def _capture(network: Network, views: int, note: Note) -> int:
    """Capture a CUDA graph of `views` where the mode replays one; return how many it is of.

    They are half as many where memory runs out. One that was captured for the case's batch would
    split a forward into many, or compute clips that nobody asked for.
    """
    if network.case.mode not in GRAPH_MODES:
        return views
    captured = views
    while network.case.batch != captured:
        try:
            network.rebatch(captured)
        except Exception as error:
            if captured == 1 or not out_of_memory(error):
                raise
            captured //= 2
    if captured < views:
        note(f"out of memory with a graph of {views} views: {captured} were the most that fit")
    return captured


def spread(videos: Iterable[Video]) -> list[Video]:
    """Return videos so that the first ones are of as many classes as can be, in a fixed order."""
    by_class: dict[int, deque[Video]] = {}
    for video in videos:
        by_class.setdefault(video.label, deque()).append(video)
    found = []
    rounds = deque(by_class[label] for label in sorted(by_class))
    while rounds:
        waiting = rounds.popleft()
        found.append(waiting.popleft())
        if waiting:
            rounds.append(waiting)
    return found


def stages_of(samples: Sequence[dict[str, float]]) -> tuple[StageTime, ...]:
    """Return each stage's times over all samples, and its share of all the time."""
    whole_s = sum(sum(sample.values()) for sample in samples)
    stages = []
    for name in dict.fromkeys(name for sample in samples for name in sample):
        times_s = tuple(sample.get(name, 0.0) for sample in samples)
        stages.append(
            StageTime(
                name=name,
                samples_s=times_s,
                median_s=statistics.median(times_s),
                interval_s=median_interval(times_s),
                share=sum(times_s) / whole_s,
            )
        )
    return tuple(stages)


class _Staged:
    """One video after the other through the parts that accuracy is measured with."""

    def __init__(
        self, network: Network, classes: int, views: int, clock: Clock, note: Note
    ) -> None:
        self._network = network
        protocol, device = network.case.protocol, network.device
        shapes = input_shapes(network.kinds, 1, protocol.frames, protocol.size)
        self._laps = _laps(device, clock)
        self._rooms = FrameRooms(AHEAD_BYTES, pinned=device.type == "cuda")
        self._turn = 0
        with torch.inference_mode():
            self._maker = ViewMaker(
                protocol, device, network.dtype, threads=torch.get_num_threads()
            )
            self._forwards = Forwards(
                self._forward,
                [shape[1:] for shape in shapes],
                classes,
                views,
                device=device,
                dtype=network.dtype,
                note=note,
            )

    @property
    def views_in_a_forward(self) -> int:
        """How many there were in the last one."""
        return self._forwards.batch

    def __call__(self, video: Video) -> dict[str, float]:
        """Return the seconds of each stage."""
        try:
            self._run(video)
        finally:
            self._rooms.take_back(self._turn)
            self._turn += 1
        return self._laps.spent_s

    def _run(self, video: Video) -> None:
        case, laps = self._network.case, self._laps
        on_gpu = self._network.device.type == "cuda"
        laps.restart()
        with open_video(video.path, case.decoder) as reader:
            laps.lap("open")
            clips = cut_clips(
                reader, case.protocol, lambda shape: self._rooms.give(self._turn, shape)
            )
        laps.lap("decode")
        flow: torch.Tensor | None = None
        if "flow" in self._network.kinds:
            method = case.flow or DEFAULT_FLOW
            flow = flow_views(clips.frames, clips.places, case.protocol, method)
            laps.lap("flow")
        frames: np.ndarray | torch.Tensor = clips.frames
        if on_gpu:
            frames = self._maker.send(clips.frames) if "rgb" in self._network.kinds else frames
            flow = None if flow is None else flow.to(self._network.device)
            laps.lap("copy")
        sources: list[ViewSource] = []
        for kind in self._network.kinds:
            if kind == "rgb":
                self._maker.take(frames, clips.places)
                sources.append(self._maker)
            else:
                assert flow is not None
                sources.append(FlowViews(flow))
        self._forwards.add(sources)
        logits = self._forwards.finish()
        scores(logits[None], case.protocol.aggregation)
        laps.lap("aggregate")

    def _forward(self, *views: torch.Tensor) -> torch.Tensor:
        """Run the network on views, which were made since the last lap."""
        self._laps.lap("views")
        logits = self._network.forward_clips(*views)
        self._laps.lap("forward")
        return logits


def _overlapped(
    network: Network,
    split: Split,
    readers: int,
    least_s: float,
    clock: Clock,
    note: Note,
) -> tuple[list[float], int]:
    """Run the pipeline that measures accuracy over a split again and again.

    Whatever a forward of its number of views has compiled, captured or tuned is so before the first
    pass that is timed.

    Returns:
        The videos that were read a second in each pass, and how many views a forward was of.
    """
    case, protocol = network.case, network.case.protocol
    views = views_in_a_forward(case.eval_batch, split, protocol)
    in_a_forward = _capture(network, views, note)
    sizes: list[int] = []

    def forward(*inputs: torch.Tensor) -> torch.Tensor:
        sizes.append(len(inputs[0]))
        return network.forward_clips(*inputs)

    def scored(videos: Split) -> int:
        sizes.clear()
        evaluation = replace(
            evaluation_of(network, readers=readers),
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


def _streamed(
    network: Network, videos: Sequence[Video], least_s: float, clock: Clock
) -> StreamedFrames | None:
    """Time each frame of the first clip of videos, from the open file to the prediction so far.

    The first video goes through once before, untimed. None if none can be read.
    """
    protocol, device = network.case.protocol, network.device
    laps = _laps(device, clock)
    samples: list[dict[str, float]] = []
    timed = 0
    warm = False
    with torch.inference_mode():
        maker = ViewMaker(protocol, device, network.dtype, threads=torch.get_num_threads())
        shape = (1, 3, 1, protocol.size, protocol.size)
        view = torch.empty(shape, dtype=network.dtype, device=device)
        begin_s = clock()
        for video in videos:
            try:
                if not warm:
                    _frames_of(video, Stream(network.module), maker, view, laps)
                    warm, begin_s = True, clock()
                samples += _frames_of(video, Stream(network.module), maker, view, laps)
            except VideoError:  # those timed by stage were read: of others there are enough
                continue
            timed += 1
            if timed >= LEAST_VIDEOS and clock() - begin_s >= least_s:
                break
    if not samples:
        return None
    totals = [sum(sample.values()) for sample in samples]
    return StreamedFrames(
        samples_s=tuple(totals),
        median_s=statistics.median(totals),
        interval_s=median_interval(totals),
        stages=stages_of(samples),
        videos=timed,
    )


def _frames_of(
    video: Video, stream: Stream, maker: ViewMaker, view: torch.Tensor, laps: Laps
) -> list[dict[str, float]]:
    """Feed the frames of a video's first clip to a stream; return the stages of each.

    `view: [1, 3, 1, size, size]` is where each is put.
    """
    samples = []
    with VideoReader(video.path) as reader:
        clip, *_ = maker.protocol.frame_indices(reader.times_s, reader.duration_s, reader.timeline)
        laps.restart()
        for _, picture in reader.converted_frames(sorted(set(clip))):
            laps.lap("decode")
            frames: np.ndarray | torch.Tensor = picture[None]
            if view.device.type == "cuda":
                frames = maker.send(picture[None])
                laps.lap("copy")
            maker.take(frames, [[0]])
            maker.write(0, view)
            laps.lap("views")
            logits = stream(view[:, :, 0])
            laps.lap("forward")
            logits.float().softmax(dim=-1).cpu()
            laps.lap("aggregate")
            samples.append(laps.spent_s)
            laps.restart()
    return samples


def _laps(device: torch.device, clock: Clock) -> Laps:
    def nothing() -> None: ...

    return Laps(clock, torch.cuda.synchronize if device.type == "cuda" else nothing)
