"""Its protocols against pytorchvideo's own sampler, decoder and transforms, on the same videos."""

import importlib.util
from fractions import Fraction
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import pytorchvideo
import torch
from pytorchvideo.data.clip_sampling import ConstantClipsPerVideoSampler
from pytorchvideo.data.encoded_video_pyav import EncodedVideoPyAV
from pytorchvideo.data.utils import secs_to_pts

from kinobench.datasets.protocol import PRESETS, Protocol, preset
from kinobench.datasets.protocol.cropping import resized
from kinobench.datasets.protocol.timed_placement import Timeline, linspace
from kinobench.datasets.video.clips import read_clips
from kinobench.datasets.video.reader import VideoReader
from kinobench.datasets.views.maker import make_views

from ..fakes.media import REAL_VIDEOS, write_video

NAMES = [name for name, protocol in PRESETS.items() if protocol.placement == "pytorchvideo"]


@pytest.fixture(scope="module")
def theirs() -> ModuleType:
    """pytorchvideo/transforms/functional.py alone: its package needs an older torchvision."""
    path = Path(pytorchvideo.__file__).parent / "transforms" / "functional.py"
    spec = importlib.util.spec_from_file_location("pytorchvideo_functional", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _windows(protocol: Protocol, duration: Fraction) -> list[tuple[Fraction, Fraction]]:
    """What pytorchvideo's sampler cuts, one a clip: start and end in seconds."""
    sampler = ConstantClipsPerVideoSampler(
        protocol.frames * protocol.stride / 30, protocol.clips, protocol.crops
    )
    views = [sampler(0.0, duration, {}) for _ in range(protocol.views)]
    assert [view.is_last_clip for view in views] == [False] * (protocol.views - 1) + [True]
    return [(view[0], view[1]) for view in views[:: protocol.crops]]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("rate", "unit_s"),
    [
        (Fraction(30), Fraction(1, 15360)),
        (Fraction(25), Fraction(1, 12800)),
        (Fraction(30000, 1001), Fraction(1, 30000)),
        (Fraction(24), Fraction(1, 24)),
        (Fraction(10), Fraction(1, 1000)),
    ],
)
def test_clips_are_the_frames_that_pytorchvideo_takes(
    name: str, rate: Fraction, unit_s: Fraction, theirs: ModuleType
) -> None:
    protocol = preset(name)
    step = 1 / rate / unit_s
    assert step.denominator == 1
    for count in (1, 2, 7, 20, 31, 53, 64, 65, 80, 128, 129, 150, 250, 299, 300, 301):
        stamps = tuple(i * step.numerator for i in range(count))
        end = count * step.numerator
        video = Timeline(stamps, end, unit_s, rate, announced=end)
        expected = []
        for window in _windows(protocol, video.end * unit_s):
            first, beyond = (secs_to_pts(instant, unit_s, 0, "ceil") for instant in window)
            decoded = torch.tensor([i for i, s in enumerate(stamps) if first <= s < beyond])
            shown = theirs.uniform_temporal_subsample(decoded, protocol.frames, 0)
            expected.append(tuple(shown.tolist()))
        times = [float(stamp * unit_s) for stamp in stamps]
        assert protocol.frame_indices(times, float(video.end * unit_s), video) == tuple(expected)


@pytest.mark.parametrize(
    ("file", "count", "fps", "height", "width", "name", "clips"),
    [
        ("h264.mp4", 100, 30, 90, 122, "pytorchvideo-8x8-256", 3),
        pytest.param(
            *("h264.mp4", 75, Fraction(30000, 1001), 122, 90, "pytorchvideo-4x12-182", 10),
            marks=pytest.mark.slow,
        ),
        ("ffv1.mkv", 90, 25, 98, 119, "pytorchvideo-13x6-182", 2),  # no announced length
        ("mpeg4.avi", 90, 25, 64, 80, "pytorchvideo-13x6-182", 2),
        ("h264.mp4", 20, 25, 64, 64, "pytorchvideo-13x6-160", 2),  # shorter than a clip
    ],
)
def test_views_are_pytorchvideos_own_pixel_for_pixel(
    file: str,
    count: int,
    fps: Fraction | int,
    height: int,
    width: int,
    name: str,
    clips: int,
    tmp_path: Path,
    theirs: ModuleType,
) -> None:
    protocol = preset(name).with_views(clips, preset(name).crops)
    noise = np.random.default_rng(count).integers(0, 256, (count, height, width, 3), dtype=np.uint8)
    codec = {"h264.mp4": "libx264", "ffv1.mkv": "ffv1", "mpeg4.avi": "mpeg4"}[file]
    path = write_video(tmp_path / file, noise, fps=fps, codec=codec)
    frames, places, _ = read_clips(path, protocol)
    views = make_views(frames, places, protocol)
    with path.open("rb") as opened:
        video = EncodedVideoPyAV(opened, decode_audio=False)
        expected = [
            view
            for window in _windows(protocol, video.duration)
            for view in _their_views(video.get_clip(*window)["video"], protocol, theirs)
        ]
        video.close()
    assert views.shape == (protocol.views, 3, protocol.frames, protocol.size, protocol.size)
    torch.testing.assert_close(views, torch.stack(expected), atol=1e-6, rtol=0)


def _their_views(clip: torch.Tensor, protocol: Protocol, theirs: ModuleType) -> list[torch.Tensor]:
    """`clip: [3, T, H, W]`, from 0 to 255, by SlowFast's order of pytorchvideo's functions."""
    clip = theirs.uniform_temporal_subsample(clip, protocol.frames) / 255.0
    mean, std = (torch.tensor(v)[:, None, None, None] for v in (protocol.mean, protocol.std))
    clip = theirs.short_side_scale((clip - mean) / std, protocol.short_side)
    places = [1] if protocol.crops == 1 else [0, 1, 2]
    return [theirs.uniform_crop(clip, protocol.size, place) for place in places]


def test_the_timeline_of_a_file_is_its_containers(tmp_path: Path) -> None:
    noise = np.zeros((40, 48, 64, 3), dtype=np.uint8)
    path = write_video(tmp_path / "dark.mp4", noise, fps=Fraction(30000, 1001))
    with VideoReader(path) as video, path.open("rb") as file:
        theirs = EncodedVideoPyAV(file, decode_audio=False)
        timeline = video.timeline
        assert timeline.end * timeline.unit_s == theirs.duration == Fraction(40 * 1001, 30000)
        assert timeline.announced == timeline.end and timeline.start == 0
        assert timeline.rate == Fraction(30000, 1001)
        assert timeline.stamps[1] * timeline.unit_s == Fraction(1001, 30000)
        theirs.close()


@pytest.mark.parametrize(
    "name",
    ["kinetics_like_340x256_28fps.mp4", "h264_nonzero_start.mp4", "av1_no_frame_count.mkv"],
)
@pytest.mark.skipif(not REAL_VIDEOS.is_dir(), reason="the real videos are not here")
def test_a_real_file_gives_pytorchvideos_frames(name: str, theirs: ModuleType) -> None:
    protocol = preset("pytorchvideo").with_views(3, 1)
    frames, places, _ = read_clips(REAL_VIDEOS / name, protocol)
    with (REAL_VIDEOS / name).open("rb") as opened:
        video = EncodedVideoPyAV(opened, decode_audio=False)
        for window, clip in zip(_windows(protocol, video.duration), places, strict=True):
            decoded = video.get_clip(*window)["video"]
            shown = theirs.uniform_temporal_subsample(decoded, protocol.frames)
            assert (shown.permute(1, 2, 3, 0).numpy() == frames[list(clip)]).all()
        video.close()


@pytest.mark.parametrize("short_side", [182, 256, 356])
def test_the_long_side_is_as_long_as_pytorchvideos(short_side: int, theirs: ModuleType) -> None:
    for height, width in ((98, 119), (119, 98), (178, 179), (240, 320), (65, 150), (64, 64)):
        picture = torch.zeros(1, 1, height, width)
        scaled = theirs.short_side_scale(picture, short_side).shape[2:]
        assert resized(height, width, short_side, "ratio") == tuple(scaled)


def test_the_single_precision_steps_are_torchs() -> None:
    for count in (1, 2, 4, 8, 13, 16, 25, 32, 64, 128):
        for last in [*range(0, 400, 3), 63.8, 53.333333, 199.999, 0.5]:
            assert linspace(0.0, last, count) == torch.linspace(0.0, last, count).tolist()
            assert linspace(7.3, last + 7.3, count) == (
                torch.linspace(7.3, last + 7.3, count).tolist()
            )
