"""One side of seek_speed.py: reads files as it is asked to on its input, and writes the seconds.

It imports kinobench from where PYTHONPATH says, an older commit for example, or decodes with PyAV
alone. So it uses only names that both sides have.
"""

import json
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import av
import torch
from av.video.reformatter import VideoReformatter

from kinobench.bench.evaluation.read_ahead import FrameRooms, read_ahead
from kinobench.bench.network.inputs import InputMaker, VideoInputs
from kinobench.datasets.protocol import Protocol, preset
from kinobench.datasets.split import Video
from kinobench.datasets.video.clips import open_video, read_clips

BATCH = 8
ROOMS_BYTES = 2**31


def main() -> None:
    """Answer each line, a measurement in JSON, with the seconds that it took."""
    rooms = FrameRooms(ROOMS_BYTES)
    for turn, line in enumerate(sys.stdin):
        asked: dict[str, Any] = json.loads(line)
        protocol = preset(asked["preset"]).with_views(*asked["views"])
        paths = [Path(path) for path in asked["files"]]
        task = _task(asked["kind"], paths, protocol, asked["readers"], rooms, turn)
        begin = time.perf_counter()
        task()
        print(time.perf_counter() - begin, flush=True)


def _task(
    kind: str,
    paths: list[Path],
    protocol: Protocol,
    readers: int,
    rooms: FrameRooms,
    turn: int,
) -> Callable[[], object]:
    """Return what is timed."""
    if kind == "bare":
        wanted = {path: _wanted(path, protocol) for path in paths}

        def decode_all() -> None:
            with ThreadPoolExecutor(readers) as pool:
                list(pool.map(lambda path: _bare(path, wanted[path]), paths))

        return decode_all
    if readers == 0:

        def read() -> None:
            (path,) = paths
            read_clips(path, protocol, lambda shape: rooms.give(turn, shape))
            rooms.take_back(turn)

        return read
    videos = [Video(id=str(number), path=path, label=0) for number, path in enumerate(paths)]
    return lambda: _all(videos, protocol, readers, with_views=kind == "views")


def _wanted(path: Path, protocol: Protocol) -> set[int]:
    with open_video(path) as video:
        clips = protocol.frame_indices(video.times_s, video.duration_s, video.timeline)
    return {number for clip in clips for number in clip}


def _bare(path: Path, wanted: set[int]) -> None:
    """Decode the whole file with PyAV alone, and convert the wanted frames."""
    converter = VideoReformatter()
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "NONE"
        stream.codec_context.thread_count = 1
        for number, frame in enumerate(container.decode(stream)):
            if number in wanted:
                converter.reformat(frame, format="rgb24", threads=1).to_ndarray()


def _all(videos: list[Video], protocol: Protocol, readers: int, *, with_views: bool) -> None:
    """Read videos ahead as an evaluation does, and make their views."""
    maker = InputMaker(("rgb",), protocol, torch.device("cpu"))
    views = torch.empty(BATCH, 3, protocol.frames, protocol.size, protocol.size)
    reading = read_ahead(
        videos,
        lambda video, room: VideoInputs(read_clips(video.path, protocol, room), None),
        readers,
    )
    for _, inputs in reading:
        assert isinstance(inputs, VideoInputs)
        if with_views:
            (source,) = maker.take(inputs)
            for first in range(0, len(source), BATCH):
                source.write(first, views[: len(source) - first])


if __name__ == "__main__":
    main()
