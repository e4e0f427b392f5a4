"""Accuracy end to end on real files, beside the origins' own arithmetic on what PyAV decodes.

Nothing is painted into these. The network's logits are the mean colours of blocks of a view, and
the same are computed here: by PyAV alone, by the formulas that the origins print for their frames,
and by their own transforms. Labels are chosen so that it is known which videos are right.
"""

import math
import shutil
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import av
import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from pytorchvideo.data.encoded_video_pyav import EncodedVideoPyAV
from torchvision.models import get_weight

from kinobench.bench.evaluation.accuracy import evaluate
from kinobench.bench.evaluation.evaluation import Evaluation, Sink
from kinobench.datasets import catalog
from kinobench.datasets.lists.class_names import class_names
from kinobench.datasets.protocol import PRESETS, Protocol

from ..fakes.media import REAL_VIDEOS
from .test_presets_pytorchvideo import _their_views, _windows, theirs  # noqa: F401
from .test_presets_torchvision import _their_clips

BLOCKS, SHOWN, CLASSES = 5, 4, 400
NAMED = SHOWN * 3 * BLOCKS**2
SHARPNESS = 20.0
"""Makes of a difference in brightness one in softmax."""

pytestmark = pytest.mark.skipif(not REAL_VIDEOS.is_dir(), reason="the real videos are not here")


def block_means(views: torch.Tensor) -> torch.Tensor:
    """views: [B, 3, T, S, S] -> [B, 400]: of four frames, three colours and 25 blocks."""
    last = views.shape[2] - 1
    frames = views[:, :, [last * place // (SHOWN - 1) for place in range(SHOWN)]]
    means = F.adaptive_avg_pool2d(frames.flatten(0, 1).double(), BLOCKS)
    logits = torch.full((len(views), CLASSES), -1000.0, dtype=torch.float64)
    logits[:, :NAMED] = means.reshape(len(views), -1) * SHARPNESS
    return logits.float()


class Decoded(NamedTuple):
    """A file as PyAV gives it, frame by frame, in the order of display.

    Attributes:
        frames: `[N, H, W, 3]`, uint8.
        times_s: When each appears, the first at 0.
        end_s: When the last disappears.
        rate: Frames per second on average, as the container says.
    """

    path: Path
    frames: np.ndarray
    times_s: list[float]
    end_s: float
    rate: Fraction


def decoded(path: Path) -> Decoded:
    with av.open(str(path)) as container:
        (stream, *_) = container.streams.video
        rate = stream.average_rate
        assert rate is not None
        pictures = list(container.decode(stream))
        frames = np.stack([picture.to_ndarray(format="rgb24") for picture in pictures])
        if container.format.name == "avi":  # which has no times of presentation
            times = [number / float(rate) for number in range(len(pictures))]
        else:
            times = [
                float((picture.pts - pictures[0].pts) * stream.time_base) for picture in pictures
            ]
    length = pictures[-1].duration * stream.time_base if pictures[-1].duration else 1 / rate
    return Decoded(path, frames, times, times[-1] + float(length), rate)


def common(video: Decoded, protocol: Protocol, _: ModuleType) -> torch.Tensor:
    """16 frames, every fourth of 30 a second; colours from 0 to 1, resized, then normalised."""
    ticks = math.ceil(video.end_s * 30 - 0.015)
    shown = [
        np.searchsorted(video.times_s, tick / 30 + 0.0005, "right") - 1 for tick in range(ticks)
    ]
    room, clips = max(ticks - 61, 0), protocol.clips
    starts = [room * clip // (clips - 1) for clip in range(clips)]
    height, width = video.frames.shape[1:3]
    short = min(height, width)
    size = (height * 128 // short, width * 128 // short)
    views = []
    for start in starts:
        numbers = [shown[(start + 4 * frame) % ticks] for frame in range(16)]
        clip = torch.from_numpy(video.frames[numbers]).permute(0, 3, 1, 2) / 255
        clip = F.interpolate(clip, size, mode="bilinear", antialias=True)
        clip = ((clip - 0.45) / 0.225).transpose(0, 1)
        down, right = size[0] - 112, size[1] - 112
        for place in range(3):
            top, left = down // 2, (0, right // 2, right)[place]
            if down > right:
                top, left = (0, down // 2, down)[place], right // 2
            views.append(clip[..., top : top + 112, left : left + 112])
    return torch.stack(views)


def mmaction2(video: Decoded, protocol: Protocol, _: ModuleType) -> torch.Tensor:
    """SampleFrames (4 frames, every 16th), OpenCV's resize, ThreeCrop."""
    count, clips = len(video.frames), protocol.clips
    room = max(count - (3 * 16 + 1), 0)
    starts = np.round(np.arange(clips) * (room / (clips - 1))).astype(int)
    height, width = video.frames.shape[1:3]
    scale = 256 / min(height, width)
    size = (int(width * scale + 0.5), int(height * scale + 0.5))
    mean = torch.tensor([123.675, 116.28, 103.53]).view(3, 1, 1, 1)
    std = torch.tensor([58.395, 57.12, 57.375]).view(3, 1, 1, 1)
    views = []
    for start in starts:
        numbers = [(start + 16 * frame) % count for frame in range(4)]
        pictures = [
            cv2.resize(video.frames[n], size, interpolation=cv2.INTER_LINEAR) for n in numbers
        ]
        clip = (torch.from_numpy(np.stack(pictures)).permute(3, 0, 1, 2).float() - mean) / std
        down, right = (size[1] - 256) // 2, (size[0] - 256) // 2
        for top, left in ((0, 0), (2 * down, 2 * right), (down, right)):
            views.append(clip[..., top : top + 256, left : left + 256])
    return torch.stack(views)


def tsn(video: Decoded, protocol: Protocol, _: ModuleType) -> torch.Tensor:
    """The middle frames of segments, resized by Pillow, the centre of each."""
    tick = len(video.frames) / protocol.clips
    height, width = video.frames.shape[1:3]
    short = min(height, width)
    size = (256 * width // short, 256 * height // short)
    mean = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
    std = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
    views = []
    for segment in range(protocol.clips):
        picture = Image.fromarray(video.frames[int(tick / 2 + tick * segment)])
        picture = picture.resize(size, Image.Resampling.BILINEAR)
        left, top = round((size[0] - 224) / 2), round((size[1] - 224) / 2)
        pixels = np.array(picture)[top : top + 224, left : left + 224]
        views.append((torch.from_numpy(pixels).permute(2, 0, 1) / 255 - mean) / std)
    return torch.stack(views)[:, :, None]


def torchvision(video: Decoded, protocol: Protocol, _: ModuleType) -> torch.Tensor | None:
    """Its own sampler, which leaves out short videos, and the weights' own transforms."""
    if len(video.frames) * 15 / video.rate < 17:
        return None
    transforms = get_weight("R3D_18_Weights.KINETICS400_V1").transforms()
    every = torch.from_numpy(video.frames).permute(0, 3, 1, 2)
    clips = _their_clips(len(video.frames), float(video.rate), 16, 15.0, 5)
    return torch.stack([transforms(every[clip]) for clip in clips])


def pytorchvideo(video: Decoded, protocol: Protocol, own: ModuleType) -> torch.Tensor | None:
    """Its own sampler, decoder and functions.

    Of AVI files with B-frames it shows frames in an order that is not that of display.
    """
    if video.path.suffix == ".avi":
        return None
    with video.path.open("rb") as file:
        opened = EncodedVideoPyAV(file, decode_audio=False)
        views = [
            view
            for window in _windows(protocol, opened.duration)
            for view in _their_views(opened.get_clip(*window)["video"], protocol, own)
        ]
        opened.close()
    return torch.stack(views)


class Origin(NamedTuple):
    """How a preset's views are made by its origin.

    Attributes:
        views: `(video, protocol, pytorchvideo's functions)` to `[V, 3, T, S, S]`; None for a video
            of which it makes none, or others.
        protocol: The preset; with fewer views where the origin is slow.
        tolerance: How near logits must be.
    """

    views: Callable[[Decoded, Protocol, ModuleType], torch.Tensor | None]
    protocol: Protocol
    tolerance: float


ORIGINS = (
    Origin(common, PRESETS["common-112"].with_views(3, 3), 1e-4),
    Origin(pytorchvideo, PRESETS["pytorchvideo-4x12-160"].with_views(3, 1), 1e-4),
    # Bytes that are rounded may be one level off here and there.
    Origin(torchvision, PRESETS["torchvision-16x2-112"], 5e-3),
    Origin(mmaction2, PRESETS["mmaction2-4x16-256"].with_views(3, 3), 1e-4),
    # Pillow's resize is met to one level everywhere.
    Origin(tsn, PRESETS["tsn-25x1-224"].with_views(6, 1), 5e-2),
)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Threads that wait for work take the processor from those that decode."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def files() -> list[Decoded]:
    return [decoded(path) for path in sorted(REAL_VIDEOS.iterdir()) if path.suffix != ".md"]


def chosen_label(scores: np.ndarray, wanted: int, tolerance: float) -> tuple[int, int]:
    """A class and its place: the first (0), one of the first five (1), or the last (2).

    Where those that are wanted are too near to others to be sure of, the next is taken.
    """
    order = np.argsort(-scores)
    sorted_scores = scores[order]
    ahead = sorted_scores[:-1] - sorted_scores[1:]
    if wanted == 0 and ahead[0] > tolerance:
        return int(order[0]), 0
    inside = [
        place
        for place in range(1, 5)
        if ahead[place - 1] > tolerance and sorted_scores[place] - sorted_scores[5] > tolerance
    ]
    if wanted < 2 and inside:
        return int(order[inside[0]]), inside[0]
    last = NAMED - 1
    assert sorted_scores[4] - sorted_scores[last] > tolerance
    return int(order[last]), last


@pytest.mark.parametrize(
    "origin",
    [
        pytest.param(
            origin,
            id=origin.protocol.name,
            marks=[pytest.mark.slow] if origin.views in (pytorchvideo, mmaction2) else [],
        )
        for origin in ORIGINS
    ],
)
def test_real_files_give_what_the_origin_gives(
    origin: Origin,
    files: list[Decoded],
    theirs: ModuleType,  # noqa: F811
    tmp_path: Path,
) -> None:
    protocol = origin.protocol
    known: dict[str, tuple[int, int, np.ndarray]] = {}
    lines = ["label,youtube_id,time_start,time_end,split"]
    (tmp_path / "val").mkdir()
    for number, video in enumerate(files):
        views = origin.views(video, protocol, theirs)
        if views is None:
            continue
        logits = block_means(views).double()
        scores = logits.softmax(dim=1) if protocol.aggregation == "softmax" else logits
        label, place = chosen_label(scores.mean(dim=0).numpy(), number % 3, origin.tolerance)
        stem = f"{number:011d}_000000_000010"
        known[stem] = (label, place, logits.float().numpy())
        shutil.copyfile(video.path, tmp_path / "val" / f"{stem}{video.path.suffix}")
        lines.append(f'"{class_names("kinetics400")[label]}",{number:011d},0,10,val')
    (tmp_path / "val.csv").write_text("".join(f"{line}\n" for line in lines))

    kept = tmp_path / "kept"
    split = catalog.get("kinetics400").load(tmp_path, None)
    accuracy = evaluate(block_means, split, Evaluation(protocol), Sink(kept))

    rows = [row for path in sorted(kept.glob("shard-*")) for row in pq.read_table(path).to_pylist()]
    for stem, (label, _, logits) in known.items():
        of_video = [row for row in rows if row["video"] == stem]
        assert [row["view"] for row in of_video] == list(range(protocol.views))
        assert {row["label"] for row in of_video} == {label}
        found = np.array([row["logits"] for row in of_video])
        np.testing.assert_allclose(found, logits, rtol=0, atol=origin.tolerance)
    places = [place for _, place, _ in known.values()]
    assert (accuracy.scored, accuracy.unreadable) == (len(known), ())
    assert accuracy.top1 == sum(place < 1 for place in places) / len(places)
    assert accuracy.top5 == sum(place < 5 for place in places) / len(places)
