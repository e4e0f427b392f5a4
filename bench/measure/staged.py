"""One video after the other, through the parts that accuracy is measured with, by stage."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ...datasets.errors import VideoError
from ...datasets.flow.views import flow_views
from ...datasets.names import DEFAULT_FLOW
from ...datasets.split import Split, Video
from ...datasets.video.clips import Clips, cut_clips, open_video
from ...datasets.video.stores import FrameStore, Room, StoreOf
from ...datasets.views.decoded import Pictures
from ...datasets.views.maker import Frames, ViewMaker
from ...zoo.spec import input_shapes
from ..evaluation.forwards import Forwards
from ..evaluation.guard import Guard
from ..evaluation.read_ahead import AHEAD_BYTES, FrameRooms
from ..network.failures import out_of_memory
from ..network.inputs import FlowViews, ViewSource, keeping_for
from ..network.network import Network
from ..statistics.scores import scores
from .stages import LEAST_VIDEOS, Clock, Laps, Note, laps_of


def time_by_stage(
    network: Network, split: Split, least_s: float, clock: Clock, note: Note, guard: Guard
) -> tuple[list[dict[str, float]], list[Video], int]:
    """Time one video after the other; the first one warms up.

    Args:
        network: A case's network.
        split: Split whose videos are read; those that the guard gives up are left out.
        least_s: Seconds for which videos are timed.
        clock: Returns the time in seconds.
        note: Called with a remark that a reader of the result should know.
        guard: Reads the files.

    Returns:
        The seconds of each stage of each video, the videos that can be read, as far as they were,
        and how many views a forward was of.
    """
    in_a_forward = min(network.case.eval_batch, network.case.protocol.views)
    in_a_forward = capture(network, in_a_forward, note)
    once = _Staged(network, len(split.classes), in_a_forward, clock, note, guard)
    videos = spread(video for video in split.videos if video.id not in guard.given_up)
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


def capture(network: Network, views: int, note: Note) -> int:
    """Have a network that takes one batch alone take `views`; return how many it takes.

    That is one of which a CUDA graph was captured, or which was exported. They are half as many
    where memory runs out. One of the case's batch would split a forward into many, or compute
    clips that nobody asked for.
    """
    if not network.takes_one_batch:
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
        note(f"out of memory with {views} views in a forward: the most that fit was {captured}")
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


@dataclass(frozen=True)
class _TimedPictures:
    """Pictures of a video; what making them takes is no decoding."""

    pictures: Pictures
    laps: Laps

    @property
    def shape(self) -> tuple[int, ...]:
        return self.pictures.shape

    def __setitem__(self, place: int, frame: np.ndarray) -> None:
        self.laps.lap("decode")
        self.pictures[place] = frame
        self.laps.lap("views")


class _Staged:
    """One video after the other through the parts that accuracy is measured with."""

    def __init__(
        self,
        network: Network,
        classes: int,
        views: int,
        clock: Clock,
        note: Note,
        guard: Guard,
    ) -> None:
        self._network = network
        self._guard = guard
        protocol, device = network.case.protocol, network.device
        shapes = input_shapes(network.kinds, 1, protocol.frames, protocol.size)
        self._laps = laps_of(device, clock)
        self._rooms = FrameRooms(AHEAD_BYTES, pinned=device.type == "cuda")
        self._turn = 0
        self._kept: np.ndarray | Pictures | None = None
        self._keeping = keeping_for(network.kinds, protocol, device, network.dtype)
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
        """Number of views in the last forward."""
        return self._forwards.batch

    def __call__(self, video: Video) -> dict[str, float]:
        """Return the seconds of each stage."""
        try:
            self._run(video)
        finally:
            self._rooms.take_back(self._turn)
            self._turn += 1
        return self._laps.spent_s

    def _room(self, shape: tuple[int, ...]) -> np.ndarray:
        return self._rooms.give(self._turn, shape)

    def _run(self, video: Video) -> None:
        case, laps = self._network.case, self._laps
        on_gpu = self._network.device.type == "cuda"

        def read(room: Room) -> Clips:
            laps.restart()
            with open_video(video.path, case.decoder) as reader:
                laps.lap("open")
                return cut_clips(reader, case.protocol, self._timed_store(room))

        clips = self._guard.read(video, self._room, read)
        kept = self._kept
        assert kept is not None
        laps.lap("decode")
        flow: torch.Tensor | None = None
        if "flow" in self._network.kinds:
            method = case.flow or DEFAULT_FLOW
            flow = flow_views(kept, clips.places, case.protocol, method)
            laps.lap("flow")
        frames: Frames = kept
        if on_gpu:
            frames = self._maker.send(kept) if "rgb" in self._network.kinds else frames
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

    def _timed_store(self, room: Room) -> StoreOf:
        """Return what gives a store that times what it makes of frames as they are decoded."""
        store_of = self._keeping.store_of(room)

        def timed(shape: tuple[int, ...]) -> FrameStore:
            self._kept = store_of(shape)
            if isinstance(self._kept, Pictures):
                return _TimedPictures(self._kept, self._laps)
            return self._kept

        return timed

    def _forward(self, *views: torch.Tensor) -> Any:
        """Run the network on views, which were made since the last lap."""
        self._laps.lap("views")
        output = self._network.forward_clips(*views)
        self._laps.lap("forward")
        return output
