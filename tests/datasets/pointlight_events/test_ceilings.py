"""What one can reach without seeing, without order, and with it; scores above that fail."""

import itertools

import numpy as np
import pytest

from kinobench.datasets.pointlight_events.ceilings import (
    THRESHOLDS,
    blind_ceiling,
    ceilings,
    opposites_in_reach,
    order_ceiling,
)
from kinobench.datasets.pointlight_events.settings import FPS, PURPOSE, changed
from kinobench.datasets.truth import Event, EventTruth

from ...fakes.event_luck import OPPOSITE, drawn_truth, other_directions, other_times
from ...fakes.event_metrics import Detection, average_precision, mean_ap, tiou

RULES = tuple(THRESHOLDS)
DRAWS = 49


@pytest.fixture(scope="module")
def truth() -> EventTruth:
    return drawn_truth(0, 40)


def score(detections: list[Detection], truth: EventTruth, rule: str) -> float:
    return mean_ap(detections, truth, 6, rule, THRESHOLDS[rule])


def segment_of(event: Event) -> tuple[float, float]:
    return event.start_s, event.end_s


# The metric of these tests


def test_the_metric_gives_what_is_computed_by_hand() -> None:
    assert tiou((0, 2), (1, 3)) == pytest.approx(1 / 3)
    # Precisions 1, 1/2, 2/3, 1/2, 3/5 at hits 1, 3 and 5 of 4 events.
    hits = [True, False, True, False, True]
    assert average_precision(hits, 4, "thumos14") == pytest.approx((1 + 2 / 3 + 3 / 5) / 4)
    assert average_precision([False, True, True], 2, "activitynet") == pytest.approx(2 / 3)
    assert average_precision([False, True, True], 2, "thumos14") == pytest.approx(
        (1 / 2 + 2 / 3) / 2
    )


# Blind


def test_the_stated_ceilings() -> None:
    assert ceilings("activitynet") == pytest.approx((0.01847, 0.5), abs=1e-5)
    assert ceilings("thumos14") == pytest.approx((0.05253, 0.53019), abs=1e-5)
    assert "at most 2 % from one frame" in PURPOSE and "50 % from frames without" in PURPOSE


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.75])
def test_no_segment_is_an_event_of_a_class_with_more_than_the_stated_probability(
    threshold: float,
) -> None:
    """Segments anywhere in 6,000 videos, a class each; the error is three standard ones."""
    videos = drawn_truth(1, 1000).videos.values()
    ceiling, found = blind_ceiling(threshold), []
    for frames in (16, 32, 48, 64, 96):
        hits = tries = 0
        for video in videos:
            assert video.duration_s is not None
            # One in each quarter of the video: far from the ends, and near them.
            starts = np.linspace(8, video.duration_s * FPS - 8 - frames, 5) // 1 / FPS
            for start, event in itertools.product(starts, video.events):
                hits += tiou((start, start + frames / FPS), segment_of(event)) >= threshold
            tries += 6 * len(starts)
        found.append(hits / tries)
        assert hits / tries <= ceiling + 3 * np.sqrt(ceiling / tries)
    assert max(found) > 0.6 * ceiling  # the bound isn't far off


def tiled(truth: EventTruth, frames: int, apart: float) -> list[Detection]:
    """Segments of one length all over each video, with every class: all that one can do blind."""
    found = []
    for name, video in truth.videos.items():
        assert video.duration_s is not None
        room = video.duration_s - 1 - frames / FPS
        for start in 0.5 + np.linspace(0, room, 1 + round(room * FPS / frames / apart)):
            found += [Detection(name, c, start, start + frames / FPS, 0.5) for c in range(6)]
    return found


@pytest.mark.parametrize(("rule", "reached"), [("activitynet", 0.0067), ("thumos14", 0.0296)])
def test_a_predictor_that_sees_nothing_stays_below_its_ceiling(rule: str, reached: float) -> None:
    truth = drawn_truth(2, 150)
    apart = 0.5 if rule == "activitynet" else 0.8
    found = score(tiled(truth, 48, apart), truth, rule)
    assert found < ceilings(rule).blind
    assert found == pytest.approx(reached, rel=0.35)


def known(truth: EventTruth, share: float, labels: int = 1) -> list[Detection]:
    """Detections that know that share of the events, with their class and as many wrong ones."""
    generator = np.random.default_rng(4)
    return [
        Detection(name, (event.label + more) % 6, event.start_s, event.end_s, generator.random())
        for name, video in truth.videos.items()
        for event in video.events
        if generator.random() < share
        for more in range(labels)
    ]


def test_one_who_sees_a_tenth_of_the_events_is_above_what_luck_gives_the_blind(
    truth: EventTruth,
) -> None:
    seen, rule = known(truth, 0.1), "activitynet"
    lucky = [score(seen, other, rule) for other in other_times(truth, DRAWS)]
    assert score(seen, truth, rule) > max(max(lucky), ceilings(rule).blind)


# Without order


def both_ways(truth: EventTruth) -> list[Detection]:
    """All that one knows who sees everything but the direction of time: two classes an event."""
    return [
        Detection(name, label, event.start_s, event.end_s, 0.5)
        for name, video in truth.videos.items()
        for event in video.events
        for label in (event.label, OPPOSITE[event.label])
    ]


@pytest.mark.parametrize("rule", RULES)
def test_without_order_the_most_is_a_half_and_it_is_reached(rule: str) -> None:
    truth = drawn_truth(5, 400)
    found = [score(both_ways(each), each, rule) for each in other_directions(truth, 3)]
    # 400 videos, each of which may as well run backwards: the standard error is below 2 points.
    assert np.mean(found) == pytest.approx(0.5, abs=0.03)


def test_one_who_guesses_one_of_two_directions_reaches_a_quarter() -> None:
    truth = drawn_truth(5, 400)
    guessed = [
        Detection(name, min(event.label, OPPOSITE[event.label]), event.start_s, event.end_s, 0.5)
        for name, video in truth.videos.items()
        for event in video.events
    ]
    for rule in RULES:
        assert score(guessed, truth, rule) == pytest.approx(0.25, abs=0.04)


def in_reach(one: tuple[float, float], other: tuple[float, float], threshold: float) -> bool:
    """Whether some segment reaches both, by trying all between them, of whole frames."""
    starts = np.arange(one[0], one[1], 1 / FPS)
    return any(
        tiou((start, end), one) >= threshold and tiou((start, end), other) >= threshold
        for start in starts
        for end in np.arange(other[0] + 1 / FPS, other[1] + 1e-9, 1 / FPS)
    )


def test_events_that_one_detection_reaches_are_counted() -> None:
    assert opposites_in_reach(0.5) == 0 and order_ceiling(0.5) == order_ceiling(0.95) == 0.5
    truth = drawn_truth(6, 60)
    threshold, reached, events = 0.3, 0.0, 0
    for video in truth.videos.values():
        events += len(video.events)
        for one, other in itertools.combinations(video.events, 2):
            far = other.start_s - one.end_s > 128 / FPS
            if not far and in_reach(segment_of(one), segment_of(other), threshold):
                reached += 2 / 6  # for each of the two, the other is its opposite
    # Whole frames reach a little less than any; some 80 of 370 pairs: the error is 20 %.
    assert reached / events == pytest.approx(opposites_in_reach(threshold), rel=0.25)


def test_segments_over_two_opposite_events_gain_what_the_ceiling_allows() -> None:
    truth, threshold = drawn_truth(7, 300), 0.3
    sure = []
    for name, video in truth.videos.items():
        for one, other in itertools.pairwise(video.events):
            segment = (one.start_s, other.end_s)
            if other.label == OPPOSITE[one.label] and all(
                tiou(segment, segment_of(each)) > threshold for each in (one, other)
            ):
                sure += [Detection(name, e.label, *segment, 0.9) for e in (one, other)]
    detections = [*both_ways(truth), *sure]
    found = mean_ap(detections, truth, 6, "activitynet", [threshold])
    assert 0.51 < found < order_ceiling(threshold)


def rank_of(detections: list[Detection], truth: EventTruth, rule: str) -> float:
    """The share of truths with other directions, and the real one, that score as well or better."""
    real = score(detections, truth, rule)
    others = [score(detections, other, rule) for other in other_directions(truth, DRAWS)]
    return (1 + sum(other >= real for other in others)) / (1 + len(others))


def test_a_score_above_the_ceiling_fails_and_one_at_it_passes() -> None:
    truth, rule = drawn_truth(8, 30), "activitynet"
    generator = np.random.default_rng(1)
    blind_to_order = both_ways(truth)
    assert rank_of(blind_to_order, truth, rule) > 0.02
    seeing = []
    for right, wrong in zip(blind_to_order[::2], blind_to_order[1::2], strict=True):
        likely = right if generator.random() < 0.75 else wrong
        seeing += [right, wrong, likely._replace(score=0.9)]
    assert rank_of(seeing, truth, rule) <= 0.02
    assert score(seeing, truth, rule) > ceilings(rule).order


def test_other_settings_have_ceilings_of_their_own() -> None:
    easier = changed(["event=6", "gap=0.5..1"])
    assert blind_ceiling(0.5, easier) > 2 * blind_ceiling(0.5)
    with pytest.raises(KeyError):
        ceilings("ava")
