"""How long reading takes, beside the bare decoder: `pytest tests/benchmarks --benchmark-only`."""

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.reformatter import VideoReformatter

from kinobench.datasets.protocol import preset
from kinobench.datasets.video import VideoReader, read_clips
from kinobench.datasets.views import make_views

from ..media import write_video

PROTOCOL = preset("common-112")


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten seconds of 340x256, as Kinetics copies have them, with something to decode in it."""
    generator = np.random.default_rng(0)
    coarse = generator.integers(0, 256, (300, 32, 43, 3), dtype=np.uint8)
    frames = coarse.repeat(8, axis=1).repeat(8, axis=2)[:, :, :340]
    path = tmp_path_factory.mktemp("video") / "kinetics_like.mp4"
    return write_video(path, frames, fps=30, options={"crf": "23"})


def _wanted(path: Path) -> set[int]:
    with VideoReader(path) as reader:
        clips = PROTOCOL.frame_indices(reader.times_s, reader.duration_s)
    return {number for clip in clips for number in clip}


@pytest.mark.benchmark(group="file to unique frames")
def test_kinobench_reads_clips(benchmark: Callable, video: Path) -> None:
    benchmark(read_clips, video, PROTOCOL)


@pytest.mark.benchmark(group="file to unique frames")
def test_bare_pyav_decodes_and_converts_the_same_frames(benchmark: Callable, video: Path) -> None:
    wanted = _wanted(video)

    def read() -> list[np.ndarray]:
        converter = VideoReformatter()
        with av.open(str(video)) as container:
            stream = container.streams.video[0]
            stream.thread_type = "NONE"
            return [
                converter.reformat(frame, format="rgb24").to_ndarray()
                for number, frame in enumerate(container.decode(stream))
                if number in wanted
            ]

    benchmark(read)


@pytest.mark.benchmark(group="frames to views")
def test_kinobench_makes_views(benchmark: Callable, video: Path) -> None:
    clips = read_clips(video, PROTOCOL)
    benchmark(make_views, clips.frames, clips.places, PROTOCOL)
