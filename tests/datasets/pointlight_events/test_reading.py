"""What is in the files, through the decoder: all of it in order, and nothing in one frame."""

from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
import pytest
from scipy import stats

from kinobench.datasets.pointlight_events import load
from kinobench.datasets.pointlight_events.annotation import read_annotation, spans_of
from kinobench.datasets.pointlight_events.ceilings import THRESHOLDS, ceilings
from kinobench.datasets.pointlight_events.scene import draw_scene, pictures
from kinobench.datasets.pointlight_events.settings import FPS, USUAL
from kinobench.datasets.pointlight_events.spans import Span
from kinobench.datasets.truth import EventTruth

from ...fakes.event_luck import CLASSES, other_times
from ...fakes.event_metrics import Detection, mean_ap
from ...fakes.event_reader import decoded, read_events
from ...fakes.media import REPOSITORY

STEP = 4
"""Frames between two that the single-frame classifier sees."""


class Watched(NamedTuple):
    """A video: its name, frames `[frames, H, W]` and spans."""

    name: str
    luma: np.ndarray
    spans: tuple[Span, ...]

    @property
    def labels(self) -> np.ndarray:
        """The class of each frame, or 6 if nothing happens, `[frames]`."""
        states = [span.state for span in self.spans for _ in range(span.first, span.stop)]
        return np.array([CLASSES.index(each) if each in CLASSES else 6 for each in states])


@pytest.fixture(scope="module")
def watched(made_events: Path) -> dict[str, list[Watched]]:
    entries = read_annotation(made_events)
    return {
        name: [
            Watched(video.id, decoded(video.path), spans_of(entries[video.id]))
            for video in load(made_events, name).videos
        ]
        for name in ("train", "test")
    }


@pytest.fixture(scope="module")
def truth(made_events: Path) -> EventTruth:
    found = load(made_events, "test").truth
    assert isinstance(found, EventTruth)
    return found


def score(detections: list[Detection], truth: EventTruth, rule: str) -> float:
    return mean_ap(detections, truth, 6, rule, THRESHOLDS[rule])


# Ordered frames


def test_one_who_follows_the_dots_in_order_reaches_all(
    watched: dict[str, list[Watched]], truth: EventTruth
) -> None:
    detections = [
        Detection(video.name, CLASSES.index(motion), first / FPS, stop / FPS, 1.0)
        for video in watched["test"]
        for motion, first, stop in read_events(video.luma)
    ]
    assert len(detections) == sum(len(video.events) for video in truth.videos.values())
    assert all(score(detections, truth, rule) == 1 for rule in THRESHOLDS)


# The files


def test_the_files_are_h264_of_key_frames_at_sixteen_frames_a_second(
    made_events: Path, truth: EventTruth
) -> None:
    for video in load(made_events).videos[:3]:
        with av.open(str(video.path)) as container:
            stream = container.streams.video[0]
            codec = stream.codec_context
            assert (codec.name, codec.width, codec.height) == ("h264", 64, 64)
            assert (codec.pix_fmt, codec.color_range, codec.has_b_frames) == ("yuv420p", 1, False)
            assert stream.average_rate == FPS
            assert stream.frames / FPS == truth.videos[video.id].duration_s
            frames = list(container.decode(video=0))
        assert [frame.time for frame in frames] == [n / FPS for n in range(len(frames))]
        assert all(frame.key_frame for frame in frames)


def test_a_frame_is_coded_by_itself_and_close_to_what_was_drawn(
    watched: dict[str, list[Watched]],
) -> None:
    video = watched["test"][0]
    drawn = pictures(draw_scene(np.random.default_rng([0, 0, 0]), USUAL))
    error = np.abs(video.luma.astype(int) - drawn)
    assert error.mean() < 1 and error.max() < 16
    for state, first, stop in video.spans:
        if state == "Still":
            assert (video.luma[first:stop] == video.luma[first]).all()


def within_and_without(values: list[np.ndarray], watched: list[Watched]) -> float:
    """The p-value of a t-test: are values of frames in events like those of others?

    Frames of one video are alike, so each video is one difference of two means.
    """
    differences = [
        of_video[video.labels < 6].mean() - of_video[video.labels == 6].mean()
        for of_video, video in zip(values, watched, strict=True)
    ]
    return float(stats.ttest_1samp(differences, 0).pvalue)


def test_frames_of_events_take_as_many_bytes_as_others(
    made_events: Path, watched: dict[str, list[Watched]]
) -> None:
    videos = [video for name in ("train", "test") for video in watched[name]]
    sizes = []
    for video in videos:
        with av.open(str(made_events / "videos" / f"{video.name}.mp4")) as container:
            packets = [packet.size for packet in container.demux(video=0) if packet.size]
        sizes.append(np.array(packets) / np.mean(packets))
    assert within_and_without(sizes, videos) > 0.01
    larger = [
        size * np.where(video.labels < 6, 1.1, 1) for size, video in zip(sizes, videos, strict=True)
    ]
    assert within_and_without(larger, videos) < 0.01


# One frame


def features(luma: np.ndarray) -> np.ndarray:
    """Pixels, histogram and spectrum of frames: `[frames, features]`."""
    pictures = luma.astype(np.float64)
    count = len(pictures)
    blocks = pictures.reshape(count, 8, 8, 8, 8).mean((2, 4)).reshape(count, -1)
    ranks = np.sort(pictures.reshape(count, -1), axis=1)[:, ::64]
    spectrum = np.log1p(np.abs(np.fft.rfft2(pictures))[:, :8, :8]).reshape(count, -1)
    return np.concatenate([blocks, ranks, spectrum], axis=1)


def learned(train: list[Watched], test: list[Watched]) -> list[np.ndarray]:
    """Scores `[frames, 7]` of test videos by a ridge regression on single frames."""
    seen = np.concatenate([features(video.luma[::STEP]) for video in train])
    labels = np.concatenate([video.labels[::STEP] for video in train])
    mean, spread = seen.mean(0), seen.std(0) + 1e-6
    seen = (seen - mean) / spread
    target = np.eye(7)[labels] - np.eye(7)[labels].mean(0)
    weights = np.linalg.solve(
        seen.T @ seen + 0.05 * len(seen) * np.eye(seen.shape[1]), seen.T @ target
    )
    return [(features(video.luma) - mean) / spread @ weights for video in test]


def grouped(scores: list[np.ndarray], watched: list[Watched]) -> list[Detection]:
    """Runs of frames whose score of a class is among the highest, as detections of it."""
    found = []
    for label in range(6):
        for level in (0.5, 0.7, 0.85):
            least = np.quantile(np.concatenate([each[:, label] for each in scores]), level)
            for of_video, video in zip(scores, watched, strict=True):
                over = np.concatenate([[0], (of_video[:, label] > least).astype(int), [0]])
                edges = np.flatnonzero(np.diff(over)).reshape(-1, 2)
                found += [
                    Detection(video.name, label, a / FPS, b / FPS, of_video[a:b, label].mean())
                    for a, b in edges
                    if b - a >= FPS
                ]
    return found


def test_one_frame_teaches_neither_the_class_nor_whether_anything_happens(
    watched: dict[str, list[Watched]], truth: EventTruth
) -> None:
    scores = learned(watched["train"], watched["test"])
    happening = [-of_video[:, 6] for of_video in scores]
    assert within_and_without(happening, watched["test"]) > 0.01
    right = [
        (of_video[:, :6].argmax(1) == video.labels)[video.labels < 6].mean()
        for of_video, video in zip(scores, watched["test"], strict=True)
    ]
    assert stats.ttest_1samp(right, 1 / 6).pvalue > 0.01
    detections = grouped(scores, watched["test"])
    for rule in THRESHOLDS:
        lucky = [score(detections, other, rule) for other in other_times(truth, 19)]
        assert score(detections, truth, rule) <= max(*lucky, ceilings(rule).blind)


def test_dots_that_shine_in_events_would_be_found_in_one_frame(
    watched: dict[str, list[Watched]], truth: EventTruth
) -> None:
    leaky = {
        name: [
            video._replace(
                luma=np.where(video.labels[:, None, None] < 6, video.luma // 2, video.luma)
            )
            for video in videos
        ]
        for name, videos in watched.items()
    }
    scores = learned(leaky["train"], leaky["test"])
    assert within_and_without([-each[:, 6] for each in scores], leaky["test"]) < 0.01


# Networks


def slid(name: str, videos: list[Watched]) -> list[Detection]:
    """What a network that was trained on pointlight finds: windows, joined where anything moves."""
    import torch
    from safetensors.torch import load_file

    from kinobench.zoo import registry

    network = registry.get(name).build(8, 16, 64).eval()
    weights = REPOSITORY / "zoo" / "weights" / "pointlight" / f"{name}.safetensors"
    network.load_state_dict(load_file(weights))
    found = []
    for video in videos:
        light = ((video.luma.astype(np.float32) - 16) / 219).clip(0, 1)
        clips = torch.from_numpy((light - 0.45) / 0.225).unfold(0, 16, STEP).movedim(-1, 1)
        with torch.inference_mode():
            scores = torch.cat(
                [
                    network(part[:, None].expand(-1, 3, -1, -1, -1).contiguous()).softmax(1)
                    for part in clips.split(32)
                ]
            ).numpy()
        moving = np.concatenate([[0], (scores[:, 6:].sum(1) < 0.5).astype(int), [0]])
        for a, b in np.flatnonzero(np.diff(moving)).reshape(-1, 2):
            start, end = (a * STEP + 8) / FPS, ((b - 1) * STEP + 8) / FPS + STEP / FPS
            means = scores[a:b].mean(0)
            found += [Detection(video.name, c, start, end, means[c]) for c in range(6)]
    return found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "least", "most"),
    [("c3d_tiny", 0.8, 1), ("tsn_tiny", 0, 0.5), ("single_frame_tiny", 0, 0.0473)],
)
def test_networks_that_see_order_are_above_the_ceiling_of_those_that_do_not(
    watched: dict[str, list[Watched]], truth: EventTruth, name: str, least: float, most: float
) -> None:
    found = mean_ap(slid(name, watched["test"]), truth, 6, "activitynet", [0.5])
    assert least <= found <= most
