"""Reading a video, beside the bare decoder and beside pytorchvideo's own dataset.

`pytest tests/benchmarks/test_reading_speed.py --benchmark-only -m ""`; pytorchvideo's is marked
slow. results/benchmarks.md says what came of it.
"""

import importlib.util
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import av
import numpy as np
import pytest
import pytorchvideo
import torch
from av.video.reformatter import VideoReformatter
from pytorchvideo.data import LabeledVideoDataset
from pytorchvideo.data.clip_sampling import ConstantClipsPerVideoSampler
from torch.utils.data import SequentialSampler

from kinobench.bench.evaluation.read_ahead import FrameRooms, read_ahead
from kinobench.bench.machine.environment import usable_cpus
from kinobench.bench.network.inputs import InputMaker, VideoInputs
from kinobench.datasets.names import Decoder
from kinobench.datasets.protocol import preset
from kinobench.datasets.split import Video
from kinobench.datasets.video.clips import Clips, read_clips
from kinobench.datasets.video.reader import VideoReader
from kinobench.datasets.video.stores import Room

from ..fakes.media import REAL_VIDEOS, skip_without
from .clips import write_clip

PROTOCOL = preset("pytorchvideo-32x2-256").with_views(10, 3)
"""What SlowFast is tested with on Kinetics: 32 frames, stride 2, 10 clips of 3 crops of 256."""
BATCH = 8
READERS = len(usable_cpus())


REAL = REAL_VIDEOS / "kinetics_like_340x256_28fps.mp4"
"""A copy of a video of Kinetics, where it is at hand."""


@pytest.fixture(scope="module", params=["made", "real"])
def videos(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[Video]:
    """Four, of ten seconds each."""
    if request.param == "real":
        if not REAL.is_file():
            pytest.skip("no real video is at hand")
        return [Video(id=str(n), path=REAL, label=0) for n in range(4)]
    folder = tmp_path_factory.mktemp("videos")
    paths = [write_clip(folder / f"{seed}.mp4", seed=seed) for seed in range(4)]
    return [Video(id=path.stem, path=path, label=0) for path in paths]


@pytest.fixture(scope="module")
def video(videos: list[Video]) -> Path:
    return videos[0].path


@pytest.fixture(autouse=True)
def group(request: pytest.FixtureRequest) -> None:
    """One group for the made videos and one for the real: what stands in one is compared."""
    kind = request.node.callspec.params["videos"]
    request.getfixturevalue("benchmark").group += f", {kind} videos"


def _read(video: Video, room: Room, decoder: Decoder = "pyav") -> VideoInputs:
    return VideoInputs(read_clips(video.path, PROTOCOL, room, decoder), None)


class Reader:
    """Reads a video as an evaluation does: into memory that is used again."""

    def __init__(self, decoder: Decoder = "pyav") -> None:
        self.decoder = decoder
        self.rooms = FrameRooms(2**30)
        self.turn = 0

    def __call__(self, path: Path) -> Clips:
        clips = read_clips(
            path, PROTOCOL, lambda shape: self.rooms.give(self.turn, shape), self.decoder
        )
        self.rooms.take_back(self.turn)
        self.turn += 1
        return clips


@pytest.mark.benchmark(group="file to unique frames, one thread")
def test_kinobench_reads_clips(benchmark: Callable, video: Path) -> None:
    benchmark.pedantic(Reader(), (video,), rounds=20, warmup_rounds=3)


@pytest.mark.benchmark(group="file to unique frames, one thread")
def test_kinobench_reads_clips_with_torchcodec(benchmark: Callable, video: Path) -> None:
    skip_without("torchcodec")
    benchmark.pedantic(Reader("torchcodec"), (video,), rounds=20, warmup_rounds=3)


@pytest.mark.benchmark(group="file to unique frames, one thread")
def test_bare_pyav_decodes_and_converts_the_same_frames(benchmark: Callable, video: Path) -> None:
    with VideoReader(video) as reader:
        clips = PROTOCOL.frame_indices(reader.times_s, reader.duration_s, reader.timeline)
    wanted = {number for clip in clips for number in clip}

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

    assert len(benchmark.pedantic(read, rounds=20, warmup_rounds=3)) == len(wanted)


@pytest.mark.benchmark(group="files to frames and to float views")
@pytest.mark.parametrize("readers", [1, READERS])
def test_kinobench_reads_frames(benchmark: Callable, videos: list[Video], readers: int) -> None:
    benchmark(lambda: sum(1 for _ in read_ahead(videos, _read, readers)))


@pytest.mark.benchmark(group="files to frames and to float views")
def test_kinobench_reads_frames_with_torchcodec(benchmark: Callable, videos: list[Video]) -> None:
    skip_without("torchcodec")
    read = partial(_read, decoder="torchcodec")
    benchmark(lambda: sum(1 for _ in read_ahead(videos, read, READERS)))


@pytest.mark.benchmark(group="files to frames and to float views")
@pytest.mark.parametrize("readers", [1, READERS])
def test_kinobench_makes_views(benchmark: Callable, videos: list[Video], readers: int) -> None:
    maker = InputMaker(("rgb",), PROTOCOL, torch.device("cpu"))
    views = torch.empty(BATCH, 3, PROTOCOL.frames, PROTOCOL.size, PROTOCOL.size)

    def make() -> int:
        made = 0
        for _, inputs in read_ahead(videos, _read, readers):
            assert isinstance(inputs, VideoInputs)
            (source,) = maker.take(inputs)
            for first in range(0, len(source), BATCH):
                source.write(first, views[: len(source) - first])
            made += len(source)
        return made

    assert benchmark(make) == 30 * len(videos)


@pytest.mark.slow
@pytest.mark.benchmark(group="files to frames and to float views")
def test_pytorchvideos_dataset_makes_views(benchmark: Callable, videos: list[Video]) -> None:
    transforms = _pytorchvideos_transforms()
    mean, std = (torch.tensor(each).view(3, 1, 1, 1) for each in (PROTOCOL.mean, PROTOCOL.std))

    def transform(sample: dict[str, Any]) -> torch.Tensor:
        clip = transforms.uniform_temporal_subsample(sample["video"], PROTOCOL.frames)
        clip = transforms.short_side_scale((clip / 255.0 - mean) / std, PROTOCOL.short_side)
        view: torch.Tensor = transforms.uniform_crop(clip, PROTOCOL.size, sample["aug_index"])
        return view

    def read() -> int:
        views = LabeledVideoDataset(
            [(str(video.path), {"label": 0}) for video in videos],
            ConstantClipsPerVideoSampler(PROTOCOL.frames * PROTOCOL.stride / 30, 10, 3),
            video_sampler=SequentialSampler,
            transform=transform,
            decode_audio=False,
        )
        return sum(view.shape == (3, 32, 256, 256) for view in views)

    assert benchmark.pedantic(read, rounds=3, warmup_rounds=0) == 30 * len(videos)


def _pytorchvideos_transforms() -> ModuleType:
    """pytorchvideo/transforms/functional.py alone: its package needs an older torchvision."""
    path = Path(pytorchvideo.__file__).parent / "transforms" / "functional.py"
    spec = importlib.util.spec_from_file_location("pytorchvideo_functional", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
