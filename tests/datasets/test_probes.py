"""Probes: what a clip is without its order, its motion or its detail."""

import numpy as np
import pytest

from kinobench.datasets.names import PROBES, Probe
from kinobench.datasets.video.clips import Clips
from kinobench.datasets.views.probes import BLUR, BlurredFrames, probed


def made_clips(frames: int = 8, clips: int = 2, size: int = 64) -> Clips:
    draw = np.random.default_rng(0)
    pictures = draw.integers(0, 256, (frames + clips - 1, size, size, 3), np.uint8)
    places = tuple(tuple(range(start, start + frames)) for start in range(clips))
    return Clips(pictures, places, tuple(range(len(pictures))))


@pytest.mark.parametrize(
    ("probe", "first"),
    [
        (None, (0, 1, 2, 3, 4, 5, 6, 7)),
        ("reversed", (7, 6, 5, 4, 3, 2, 1, 0)),
        ("frozen", (4,) * 8),
        ("first-frame", (0,) * 8),
        ("subsampled", (0, 0, 2, 2, 4, 4, 6, 6)),
        ("blurred", (0, 1, 2, 3, 4, 5, 6, 7)),
    ],
)
def test_the_frames_of_a_probed_clip_are_these(probe: Probe | None, first: tuple[int, ...]) -> None:
    found = probed(made_clips(), probe, "v1")
    assert found.places == (first, tuple(place + 1 for place in first))


def test_a_shuffled_clip_has_the_same_frames_in_an_order_that_the_video_alone_tells() -> None:
    clips = made_clips(frames=16)
    one, again, other = (probed(clips, "shuffled", video) for video in ("v1", "v1", "v2"))
    assert one.places == again.places != other.places
    for before, after in zip(clips.places, one.places, strict=True):
        assert sorted(after) == list(before) and list(after) != list(before)
    first, second = one.places
    assert [place - 1 for place in second] != list(first)  # each clip has an order of its own


def test_shuffled_orders_are_uniform() -> None:
    clips = made_clips(frames=3, clips=1)
    orders = [probed(clips, "shuffled", f"v{number}").places[0] for number in range(1200)]
    counts = [orders.count(order) for order in set(orders)]
    assert len(counts) == 6 and min(counts) > 150 and max(counts) < 250  # 200, 4 deviations


def test_a_blurred_frame_keeps_its_mean_and_loses_its_detail() -> None:
    clips = made_clips()
    found = np.empty_like(clips.frames)
    store = BlurredFrames(found)
    for place, frame in enumerate(clips.frames):
        store[place] = frame
    assert found.shape == clips.frames.shape and found.dtype == np.uint8
    assert abs(found.mean() - clips.frames.mean()) < 1
    # White noise under a Gaussian of s pixels keeps 1 / (2 s sqrt(pi)) of its deviation.
    sigma = BLUR * 64
    kept = found[:, 16:-16, 16:-16].std() / clips.frames[:, 16:-16, 16:-16].std()
    assert kept == pytest.approx(1 / (2 * sigma * np.sqrt(np.pi)), rel=0.1)


def test_probes_leave_the_decoded_frames_as_they_are() -> None:
    clips = made_clips()
    before = clips.frames.copy()
    for probe in PROBES:
        probed(clips, probe, "v1")
    store = BlurredFrames(np.empty_like(clips.frames))
    for place, frame in enumerate(clips.frames):
        store[place] = frame
    assert np.array_equal(clips.frames, before)
