"""Dots that rest, flicker and move in turn: one frame shows nothing, backwards is as probable."""

import numpy as np
import pytest
from scipy import stats

from kinobench.datasets.pointlight_events.scene import Scene, draw_scene, pictures, place_dots
from kinobench.datasets.pointlight_events.settings import USUAL, changed
from kinobench.datasets.pointlight_events.spans import Span

from ...fakes.event_luck import CLASSES, OPPOSITE
from ...fakes.event_reader import read_events

SIDE = USUAL.size
SHORT = changed(["length=20"])
SIGNIFICANCE = 0.01
STATES = ("Still", "Flicker", "Left", "Up", "Swirl")
"""The others are these backwards."""


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    return [draw_scene(np.random.default_rng([5, number]), SHORT) for number in range(250)]


def dots_in(scenes: list[Scene], state: str, place: float) -> np.ndarray:
    """The dots `[dots, 2]` in one frame of each video: of its first span in a state, so far in."""
    found = []
    for scene in scenes:
        span = next((span for span in scene.spans[1:] if span.state == state), None)
        if span is not None:
            frame = span.first + round(place * (span.stop - 1 - span.first))
            found.append(scene.positions_px[frame] % SIDE)
    return np.concatenate(found)


@pytest.mark.parametrize("state", STATES)
def test_dots_are_uniform_in_the_first_middle_and_last_frame_of_every_state(
    scenes: list[Scene], state: str
) -> None:
    tests = len(STATES) * 3 * 3
    for place in (0, 0.5, 1):
        sample = dots_in(scenes, state, place)
        for axis in (0, 1):
            found = stats.kstest(sample[:, axis], "uniform", (0, SIDE)).pvalue
            assert found > SIGNIFICANCE / tests, (place, axis)
        # Uniform along each axis is not yet uniform in the square.
        cells, _, _ = np.histogram2d(*sample.T, bins=6, range=[[0, SIDE]] * 2)
        assert stats.chisquare(cells.ravel()).pvalue > SIGNIFICANCE / tests


def test_dots_that_gather_in_an_event_would_be_caught(scenes: list[Scene]) -> None:
    sample = dots_in(scenes, "Swirl", 1)
    gathered = np.where(np.arange(len(sample)) % 6 == 0, sample[:, 0] / 2, sample[:, 0])
    found = stats.kstest(gathered, "uniform", (0, SIDE)).pvalue
    assert found < SIGNIFICANCE / (len(STATES) * 9)


def test_dots_of_one_frame_know_nothing_of_each_other(scenes: list[Scene]) -> None:
    pairs = []
    for scene in scenes:
        event = next(span for span in scene.spans if span.is_event)
        one, other = scene.positions_px[event.stop - 1][:2] % SIDE
        pairs.append((other - one) % SIDE)
    for axis in (0, 1):
        distance = np.array(pairs)[:, axis]
        assert stats.kstest(distance, "uniform", (0, SIDE)).pvalue > SIGNIFICANCE / 2


def test_as_many_dots_are_in_every_frame_and_their_number_says_nothing_of_the_times(
    scenes: list[Scene],
) -> None:
    dots = [scene.positions_px.shape[1] for scene in scenes]
    inside = [sum(s.stop - s.first for s in scene.spans if s.is_event) for scene in scenes]
    light = [scene.contrast_luma for scene in scenes]
    for looks in (dots, light):
        assert stats.spearmanr(looks, inside).pvalue > SIGNIFICANCE
    assert set(dots) == set(range(3, 25))


SPANS = (
    Span("Still", 0, 10),
    Span("Left", 10, 30),
    Span("Still", 30, 40),
    Span("Flicker", 40, 50),
    Span("Swirl", 50, 70),
    Span("Flicker", 70, 80),
)


def test_a_motion_begins_where_the_dots_rest_and_they_rest_where_it_ends() -> None:
    track = place_dots(np.random.default_rng(1), USUAL, SPANS, 5)
    steps = np.diff(track, axis=0)
    steps -= SIDE * np.rint(steps / SIDE)
    length = np.hypot(steps[..., 0], steps[..., 1])
    still = [*range(9), 9, 29, *range(30, 39)]  # the steps into and out of the motion too
    assert length[still].max() < 1e-9
    moving = steps[10:29]
    np.testing.assert_allclose(moving[..., 1], 0, atol=1e-9)
    assert np.ptp(moving[..., 0]) < 1e-9 and -3 <= moving[0, 0, 0] <= -1
    assert np.median(length[39:50]) > 10  # into the flicker, in it, and out of it
    assert 0 < length[50:69].max() < 5.5
    assert np.median(length[69:]) > 10
    with pytest.raises(ValueError, match="no state 'Sideways'"):
        place_dots(np.random.default_rng(1), USUAL, [Span("Sideways", 0, 5)], 3)


def test_each_motion_has_a_speed_and_a_flow_of_its_own() -> None:
    spans = [Span("Right", 0, 20), Span("Still", 20, 30), Span("Right", 30, 50)]
    track = place_dots(np.random.default_rng(3), USUAL, spans, 3)
    first, second = track[1] - track[0], track[31] - track[30]
    assert abs(first[0, 0] - second[0, 0]) > 0.01


def test_a_video_backwards_shows_the_opposite_of_each_event_at_the_mirrored_time(
    scenes: list[Scene],
) -> None:
    for scene in scenes[:6]:
        luma = pictures(scene)
        frames = len(luma)
        events = [tuple(span) for span in scene.spans if span.is_event]
        assert [tuple(each) for each in read_events(luma)] == events
        opposite = [
            (CLASSES[OPPOSITE[CLASSES.index(state)]], frames - stop, frames - first)
            for state, first, stop in reversed(events)
        ]
        assert [tuple(each) for each in read_events(luma[::-1])] == opposite
