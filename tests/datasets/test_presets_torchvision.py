"""Its protocols against torchvision's own clip sampler and transforms, on the same videos."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision.datasets.samplers import UniformClipSampler
from torchvision.datasets.video_utils import VideoClips
from torchvision.models import get_weight

from kinobench.datasets.protocol import preset
from kinobench.datasets.protocol.timed_placement import Timeline
from kinobench.datasets.video.clips import read_clips
from kinobench.datasets.video.reader import VideoReader
from kinobench.datasets.views.maker import make_views

from ..fakes.media import write_video

WEIGHTS = {
    "torchvision-16x2-112": [
        "R3D_18_Weights.KINETICS400_V1",
        "MC3_18_Weights.KINETICS400_V1",
        "R2Plus1D_18_Weights.KINETICS400_V1",
    ],
    "torchvision-128x2-224": ["S3D_Weights.KINETICS400_V1"],
    "torchvision-16x4-224": [
        "MViT_V1_B_Weights.KINETICS400_V1",
        "MViT_V2_S_Weights.KINETICS400_V1",
    ],
    "torchvision-32x2-224": [
        "Swin3D_T_Weights.KINETICS400_V1",
        "Swin3D_S_Weights.KINETICS400_V1",
        "Swin3D_B_Weights.KINETICS400_V1",
        "Swin3D_B_Weights.KINETICS400_IMAGENET22K_V1",
    ],
}


def _their_clips(count: int, rate: float, frames: int, fps: float, clips: int) -> list[list[int]]:
    """The frames that torchvision's sampler takes of a video of `count` frames."""
    known = {
        "video_paths": ["video"],
        "video_pts": [torch.arange(count)],
        "video_fps": [rate],
    }
    videos = VideoClips(["video"], frames, 1, fps, _precomputed_metadata=known)
    return [videos.clips[0][number].tolist() for number in UniformClipSampler(videos, clips)]


@pytest.mark.parametrize("name", WEIGHTS)
@pytest.mark.parametrize(
    "rate", [Fraction(30), Fraction(25), Fraction(15), Fraction(30000, 1001), Fraction(24), 12]
)
def test_clips_are_the_frames_that_torchvision_takes(name: str, rate: Fraction) -> None:
    protocol = preset(name)
    assert protocol.fps is not None
    shortest = int(protocol.frames * rate / Fraction(protocol.fps)) + 2
    for count in (shortest, shortest + 1, shortest + 7, shortest + 60, shortest + 299, 1201):
        times = [float(i / rate) for i in range(count)]
        video = Timeline(tuple(range(count)), count, Fraction(1) / rate, Fraction(rate), count)
        expected = _their_clips(count, float(rate), protocol.frames, protocol.fps, protocol.clips)
        found = protocol.frame_indices(times, float(count / rate), video)
        assert [list(clip) for clip in found] == expected


@pytest.mark.parametrize("count", [1, 5, 20, 31])
def test_a_video_that_torchvision_leaves_out_starts_over(count: int) -> None:
    protocol = preset("torchvision")  # 16 of 15 a second: 32 frames of 30
    video = Timeline(tuple(range(count)), count, Fraction(1, 30), Fraction(30), count)
    every_second = list(range(0, count, 2))
    once = tuple(every_second[i % len(every_second)] for i in range(16))
    assert protocol.frame_indices([i / 30 for i in range(count)], count / 30, video) == (once,) * 5


@pytest.mark.parametrize(
    ("name", "weights"), [(name, weight) for name, all_of in WEIGHTS.items() for weight in all_of]
)
def test_views_are_those_of_the_weights_own_transforms(name: str, weights: str) -> None:
    protocol = preset(name)
    transforms = get_weight(weights).transforms()
    rng = np.random.default_rng(0)
    for height, width in ((90, 121), (123, 96), (256, 341), (300, 411)):
        frames = rng.integers(0, 256, (3, height, width, 3), dtype=np.uint8)
        (view,) = make_views(frames, [(0, 1, 2)], protocol)
        expected = transforms(torch.from_numpy(frames).permute(0, 3, 1, 2))
        torch.testing.assert_close(view, expected, atol=0, rtol=0)


def test_a_file_gives_torchvisions_views(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (70, 96, 130, 3), dtype=np.uint8)
    path = write_video(tmp_path / "noise.mp4", noise, fps=25)
    protocol = preset("torchvision")
    clips = read_clips(path, protocol)
    with VideoReader(path) as video:
        every = torch.from_numpy(video.frames(range(70))).permute(0, 3, 1, 2)
    transforms = get_weight("R3D_18_Weights.KINETICS400_V1").transforms()
    expected = [transforms(every[clip]) for clip in _their_clips(70, 25.0, 16, 15.0, 5)]
    views = make_views(clips.frames, clips.places, protocol)
    torch.testing.assert_close(views, torch.stack(expected), atol=0, rtol=0)
