"""When events happen: the law of the timelines, exactly where it can be computed, else by draws."""

import itertools
from collections import Counter

import numpy as np
import pytest
from scipy import stats

from kinobench.datasets.lists.class_names import class_names
from kinobench.datasets.pointlight_events.settings import LEAST_PIECE, USUAL, changed
from kinobench.datasets.pointlight_events.spans import Span
from kinobench.datasets.pointlight_events.timeline import (
    MOST_PIECES,
    _delays,
    draw_timeline,
    law_of,
)

CLASSES = class_names("pointlight-events")
LAW = law_of(USUAL)
SIGNIFICANCE = 1e-3


@pytest.fixture(scope="module")
def drawn() -> list[tuple[Span, ...]]:
    generator = np.random.default_rng(2026)
    return [draw_timeline(generator, USUAL) for _ in range(3000)]


def gaps_of(spans: tuple[Span, ...]) -> list[list[Span]]:
    """The pieces of each gap, the first and the last included."""
    gaps: list[list[Span]] = [[]]
    for span in spans:
        if span.is_event:
            gaps.append([])
        else:
            gaps[-1].append(span)
    return gaps


def shares(values: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    found = np.zeros(values.max() + 1)
    found[values] = probabilities
    return found


def begins(delays: np.ndarray, frames: int) -> np.ndarray:
    """The probability that an event begins so many frames after the first one may."""
    gap = shares(LAW.gaps, np.full(len(LAW.gaps), 1 / len(LAW.gaps)))
    cycle = np.convolve(shares(LAW.events, LAW.event_shares), gap)
    rates = np.zeros(frames)
    for frame in range(frames):
        first = delays[frame] if frame < len(delays) else 0.0
        since = np.arange(1, min(frame, len(cycle) - 1) + 1)
        rates[frame] = first + cycle[since] @ rates[frame - since]
    return rates


def test_the_lengths_are_those_that_are_stated() -> None:
    assert (LAW.events[0], LAW.events[-1]) == (16, 96)
    assert (LAW.gaps[0], LAW.gaps[-1], LAW.edge) == (8, 88, 8)
    assert LAW.lengths == (320, 960)
    assert LAW.event_shares[0] / LAW.event_shares[16] == pytest.approx(2)  # 32 frames to 16
    assert LAW.cycle == pytest.approx(48 + 81 / np.sum(1 / np.arange(16, 97)))


def test_an_event_begins_at_every_frame_with_the_same_probability() -> None:
    rates = begins(_delays(USUAL), 900)
    np.testing.assert_allclose(rates, 1 / LAW.cycle, rtol=1e-9)


def test_a_first_gap_like_the_others_would_show_where_events_are() -> None:
    naive = shares(LAW.gaps, np.full(len(LAW.gaps), 1 / len(LAW.gaps)))[LAW.edge :]
    rates = begins(naive, 900)
    assert rates.max() > 1.2 * rates.min()


def test_the_timelines_have_the_parts_that_are_stated(drawn: list[tuple[Span, ...]]) -> None:
    for spans in drawn:
        assert spans[0].first == 0 and 320 <= spans[-1].stop <= 960
        assert [span.first for span in spans[1:]] == [span.stop for span in spans[:-1]]
        events = [span for span in spans if span.is_event]
        assert len(events) >= 2
        assert {span.state for span in events} <= set(CLASSES)
        assert all(16 <= span.stop - span.first <= 96 for span in events)
        gaps = gaps_of(spans)
        assert len(gaps) == len(events) + 1
        for gap in gaps:
            assert 1 <= len(gap) <= MOST_PIECES
            assert all(piece.stop - piece.first >= LEAST_PIECE for piece in gap)
            assert all(a.state != b.state for a, b in itertools.pairwise(gap))
        inner = [gap[-1].stop - gap[0].first for gap in gaps[1:-1]]
        assert all(8 <= length <= 88 for length in inner)
        assert min(gaps[0][-1].stop, gaps[-1][-1].stop - gaps[-1][0].first) >= 8


def test_events_are_anywhere_in_a_video_and_of_the_stated_lengths(
    drawn: list[tuple[Span, ...]],
) -> None:
    generator = np.random.default_rng(0)
    places, lengths = [], Counter[int]()
    expected = np.zeros(97)
    for spans in drawn:
        frames = spans[-1].stop
        expected[LAW.events] += LAW.event_shares * (frames - 16 - LAW.events + 1) / LAW.cycle
        for _, first, stop in filter(lambda span: span.is_event, spans):
            room = frames - 16 - (stop - first) + 1
            places.append((first - 8 + generator.random()) / room)
            lengths[stop - first] += 1
    assert stats.kstest(places, "uniform").pvalue > SIGNIFICANCE
    counts = np.array([lengths[length] for length in LAW.events])
    assert counts.sum() == pytest.approx(expected.sum(), abs=4 * np.sqrt(expected.sum()))
    wanted = expected[LAW.events] * counts.sum() / expected.sum()
    assert stats.chisquare(counts, wanted).pvalue > SIGNIFICANCE


def test_classes_are_uniform_and_know_nothing_of_their_neighbours(
    drawn: list[tuple[Span, ...]],
) -> None:
    pairs = np.zeros((6, 6))
    for spans in drawn:
        labels = [CLASSES.index(span.state) for span in spans if span.is_event]
        np.add.at(pairs, (labels[:-1], labels[1:]), 1)
    assert stats.chisquare(pairs.ravel()).pvalue > SIGNIFICANCE


def features(spans: tuple[Span, ...]) -> dict[str, float]:
    """What a timeline's beginning is like."""
    first, second = [span for span in spans if span.is_event][:2]
    gaps = gaps_of(spans)
    return {
        "first gap": first.first,
        "first event": first.stop - first.first,
        "second gap": second.first - first.stop,
        "first piece": gaps[0][0].stop,
        "pieces": len(gaps[0]),
        "flickers": gaps[0][0].state == "Flicker",
        "flickers before": gaps[0][-1].state == "Flicker",
    }


def mirrored(spans: tuple[Span, ...]) -> tuple[Span, ...]:
    frames = spans[-1].stop
    return tuple(Span(s.state, frames - s.stop, frames - s.first) for s in reversed(spans))


def test_the_timelines_are_as_probable_backwards(drawn: list[tuple[Span, ...]]) -> None:
    # One half as they are and the other backwards: the two samples are independent.
    ahead = [features(spans) for spans in drawn[::2]]
    behind = [features(mirrored(spans)) for spans in drawn[1::2]]
    for name in ahead[0]:
        one, other = ([each[name] for each in half] for half in (ahead, behind))
        assert stats.ks_2samp(one, other).pvalue > SIGNIFICANCE, name


def test_a_video_that_ended_with_its_last_event_would_be_seen_backwards(
    drawn: list[tuple[Span, ...]],
) -> None:
    cut = [spans[: 1 + max(i for i, s in enumerate(spans) if s.is_event)] for spans in drawn]
    ends = [spans[-1].stop for spans in cut]
    behind = [end - max(s.stop for s in spans) for spans, end in zip(cut, ends, strict=True)]
    ahead = [features(spans)["first gap"] for spans in drawn]
    assert stats.ks_2samp(ahead, behind).pvalue < 1e-6


def test_what_is_between_events_rests_as_long_as_it_flickers(
    drawn: list[tuple[Span, ...]],
) -> None:
    frames = Counter[str]()
    for spans in drawn:
        for state, first, stop in spans:
            frames[state] += stop - first
    share = {state: count / frames.total() for state, count in frames.items()}
    assert share["Still"] == pytest.approx(share["Flicker"], abs=0.01)
    assert sum(share[name] for name in CLASSES) == pytest.approx(0.43, abs=0.02)


def test_a_length_can_be_given() -> None:
    generator = np.random.default_rng(1)
    assert draw_timeline(generator, USUAL, 400)[-1].stop == 400


def test_other_settings_give_other_lengths() -> None:
    law = law_of(changed(["event=1", "gap=2..3", "length=30"]))
    assert law.events.tolist() == [16] and law.lengths == (480, 480)
    assert (law.edge, law.gaps[-1], law.cycle) == (32, 48, 56)
