"""Frame by frame: from the decoder of an open video to the prediction so far, in mode `stream`."""

import statistics
from collections.abc import Sequence

import torch

from ...datasets.errors import VideoError
from ...datasets.split import Video
from ...datasets.video.clips import open_video, with_true_index
from ...datasets.video.container import reading_errors
from ...datasets.video.reader import VideoReader
from ...datasets.video.stores import new_room
from ...datasets.views.maker import Frames, ViewMaker
from ..evaluation.guard import Guard
from ..network.network import Forward, Network
from ..network.outputs import logits_of
from ..records.times import StreamedFrames
from ..statistics.intervals import median_interval
from .stages import LEAST_VIDEOS, Clock, Laps, laps_of, stages_of


def time_frames(
    network: Network, videos: Sequence[Video], least_s: float, clock: Clock, guard: Guard
) -> StreamedFrames | None:
    """Time each frame of the first clip of videos, from the open file to the prediction so far.

    The first video goes through once before, untimed. None if none can be read. The guard reads
    the files.
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

        def timed_frames(video: Video) -> list[dict[str, float]]:
            return guard.read(
                video, new_room, lambda _: _frames_of(video, network, maker, view, laps)
            )

        for video in videos:
            try:
                if not warm:
                    timed_frames(video)
                    warm, begin_s = True, clock()
                samples += timed_frames(video)
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
    video: Video, network: Network, maker: ViewMaker, view: torch.Tensor, laps: Laps
) -> list[dict[str, float]]:
    """Feed the frames of a video's first clip to a new stream; return the stages of each.

    `view: [1, 3, 1, size, size]` is where each is put.
    """
    with open_video(video.path) as reader:
        return with_true_index(reader, lambda: _timed(reader, network.stream(), maker, view, laps))


def _timed(
    reader: VideoReader, stream: Forward, maker: ViewMaker, view: torch.Tensor, laps: Laps
) -> list[dict[str, float]]:
    samples = []
    with reading_errors(reader.path, "its clips have no place in time"):
        clip, *_ = reader.placed(maker.protocol)
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
        logits = logits_of(stream(view[:, :, 0]))
        laps.lap("forward")
        logits.float().softmax(dim=-1).cpu()
        laps.lap("aggregate")
        samples.append(laps.spent_s)
        laps.restart()
    return samples
