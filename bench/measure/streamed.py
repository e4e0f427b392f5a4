"""Frame by frame: from the decoder of an open video to the prediction so far, in mode `stream`."""

import statistics
from collections.abc import Sequence

import torch

from ...datasets.errors import VideoError
from ...datasets.split import Video
from ...datasets.video.reader import VideoReader
from ...datasets.views.maker import Frames, ViewMaker
from ..network.network import Network
from ..network.stream import Stream
from ..records.times import StreamedFrames
from ..statistics.intervals import median_interval
from .stages import LEAST_VIDEOS, Clock, Laps, laps_of, stages_of


def time_frames(
    network: Network, videos: Sequence[Video], least_s: float, clock: Clock
) -> StreamedFrames | None:
    """Time each frame of the first clip of videos, from the open file to the prediction so far.

    The first video goes through once before, untimed. None if none can be read.
    """
    protocol, device = network.case.protocol, network.device
    laps = laps_of(device, clock)
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
            frames: Frames = picture[None]
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
