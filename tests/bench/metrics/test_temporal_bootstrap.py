"""The bootstrap of localization's mAP against datasets in which videos really are repeated."""

import numpy as np
import pytest

from kinobench.bench.metrics.bootstrap import drawn_videos
from kinobench.bench.metrics.instances import Segments
from kinobench.bench.metrics.temporal import averaged_columns, score_matched, score_segments
from kinobench.bench.metrics.temporal_bootstrap import (
    bootstrap_segments,
    compare_segments,
    resampled_segments,
)
from kinobench.bench.metrics.temporal_matching import MatchedSegments, match_segments
from kinobench.bench.metrics.temporal_rules import TEMPORAL_RULES, TemporalRule
from kinobench.datasets.errors import KinobenchError

from ...fakes.segments import detections, instances, random_problem

ACTIVITYNET, THUMOS14 = TEMPORAL_RULES["activitynet"], TEMPORAL_RULES["thumos14"]
MOST = 20
"""More than the copies of a video in any draw here."""


def copies(segments: Segments, times: np.ndarray) -> Segments:
    """Segments of a dataset in which each video stands as often as drawn, as videos of their own.

    Copy number c of video v becomes video v MOST + c, so that copies follow each other.
    """
    often = times[segments.video]
    row = np.repeat(np.arange(len(often)), often)
    copy = np.arange(len(row)) - np.repeat(np.cumsum(often) - often, often)
    copied = Segments(*(column[row] for column in segments if column is not None))
    return copied._replace(video=copied.video * MOST + copy)


def problem(generator: np.random.Generator) -> tuple[Segments, Segments, Segments]:
    """A random problem whose scores are tied between videos, but not within one.

    Copies of a detection stand next to each other by definition. Where a video has detections of
    one score, those of its copies would alternate in a list of more videos.
    """
    truth, found, spans = random_problem(generator, videos=6, classes=3)
    assert found.score is not None
    order = np.lexsort((found.score, found.video))
    score = np.empty(len(order))
    first = np.searchsorted(found.video[order], found.video[order])
    score[order] = (np.arange(len(order)) - first) / 40
    return truth, found._replace(score=score), spans


@pytest.mark.parametrize("rule", [ACTIVITYNET, THUMOS14], ids=lambda rule: rule.name)
def test_each_draw_equals_the_score_of_really_copied_videos(rule: TemporalRule) -> None:
    generator = np.random.default_rng(5)
    without = 0
    for _ in range(12):
        truth, found, spans = problem(generator)
        matched = matched_with(truth, found, rule, spans)
        drawn = resampled_segments(matched, draws=25, seed=9)
        weights = drawn_videos(6, draws=25, seed=9)
        for draw in range(25):
            times = weights[:, draw]
            explicit = score_segments(
                *(copies(truth, times), copies(found, times)),
                videos=6 * MOST,
                classes=3,
                rule=rule,
                ignored=copies(spans, times),
                leave_out=True,
            )
            np.testing.assert_allclose(drawn[:, draw], explicit.by_threshold, atol=1e-9)
            without += len(np.unique(truth.label)) > np.count_nonzero(explicit.instances)
    assert without > 20  # draws that leave a class without an instance


def matched_with(
    truth: Segments, found: Segments, rule: TemporalRule, spans: Segments | None = None
) -> MatchedSegments:
    return match_segments(
        truth, found, videos=6, classes=3, rule=rule, ignored=spans, leave_out=True
    )


def test_the_interval_is_that_of_explicit_draws() -> None:
    truth, found = many_videos(6, 3)
    matched = matched_with(truth, found, ACTIVITYNET)
    intervals = bootstrap_segments(matched, draws=80, seed=2)
    weights = drawn_videos(6, draws=80, seed=2)
    explicit = np.array(
        [
            score_segments(
                *(copies(truth, times), copies(found, times)),
                videos=6 * MOST,
                classes=3,
                rule=ACTIVITYNET,
            ).average
            for times in weights.T
        ],
        float,
    )
    assert intervals is not None
    np.testing.assert_allclose(intervals.average.draws, explicit, atol=1e-9)
    score = score_matched(matched).average
    half = 1.959964 * explicit.std(ddof=1)
    assert intervals.average.interval == pytest.approx((score - half, score + half))
    ordered = np.sort(explicit)  # 81 times 2.5 % is 2.025: the second from either end
    assert intervals.average.percentiles == pytest.approx((ordered[1], ordered[-2]))
    assert len(intervals.by_threshold) == 10
    assert intervals.by_threshold[0].interval is not None


def test_the_interval_of_a_class_is_that_of_the_class_alone() -> None:
    truth, found = many_videos(6, 3)
    intervals = bootstrap_segments(matched_with(truth, found, ACTIVITYNET), draws=60, seed=4)
    assert intervals is not None
    assert sorted(intervals.by_class) == np.unique(truth.label).tolist()
    for label, of_class in intervals.by_class.items():
        alone = (
            Segments(*(None if each is None else each[part.label == label] for each in part))
            for part in (truth, found)
        )
        expected = bootstrap_segments(matched_with(*alone, ACTIVITYNET), draws=60, seed=4)
        assert expected is not None and expected.average.interval is not None
        assert of_class.interval == pytest.approx(expected.average.interval)


def made_up(generator: np.random.Generator, videos: int = 60, classes: int = 20) -> MatchedSegments:
    """Detections around instances, and others of any class; a video's scores are high or low."""
    label = generator.integers(0, classes, videos)
    video = np.repeat(np.arange(videos), generator.integers(1, 4, videos))
    start = generator.uniform(0, 200, len(video))
    truth = Segments(video, label[video], start, start + 20)
    near = np.repeat(np.arange(len(video)), 4)
    anywhere = generator.integers(0, videos, 10 * videos)
    begin = np.concatenate(
        [start[near] + generator.normal(0, 5, len(near)), generator.uniform(0, 200, len(anywhere))]
    )
    of = np.concatenate([video[near], anywhere])
    named = np.concatenate([label[video[near]], generator.integers(0, classes, len(anywhere))])
    score = generator.random(len(of)) * generator.uniform(0.5, 1, videos)[of]
    score[: len(near)] += 0.3 * generator.random(len(near))
    found = Segments(of, named, begin, begin + 20, score)
    return match_segments(
        *(truth, found),
        videos=videos,
        classes=classes,
        rule=ACTIVITYNET,
        thresholds=(0.5,),
        leave_out=True,
    )


def test_the_interval_covers_the_expected_score_around_which_the_draws_do_not_lie() -> None:
    generator = np.random.default_rng(0)
    expected = np.mean([score_matched(made_up(generator)).average for _ in range(200)])
    covered, above = [], []
    for number in range(80):
        matched = made_up(generator)
        found = bootstrap_segments(matched, draws=100, seed=number)
        assert found is not None
        assert found.average.interval is not None
        low, high = found.average.interval
        covered.append(low <= expected <= high)
        draws = found.average.draws
        above.append((draws.mean() - score_matched(matched).average) / draws.std())
    assert 0.88 <= np.mean(covered) <= 0.99
    assert np.mean(above) > 0.4  # spreads of the draws


def test_the_same_seed_draws_the_same() -> None:
    truth, found, _ = problem(np.random.default_rng(1))
    matched = matched_with(truth, found, ACTIVITYNET)
    np.testing.assert_array_equal(
        resampled_segments(matched, draws=20), resampled_segments(matched, draws=20)
    )


def many_videos(noise_s: float, seed: int) -> tuple[Segments, Segments]:
    """Six videos with four instances of one class each, and a detection near each."""
    generator = np.random.default_rng(seed)
    truth = instances(*((v, 0, 50 * n, 50 * n + 20) for v in range(6) for n in range(4)))
    shift = generator.normal(0, noise_s, len(truth.video))
    found = truth._replace(
        start_s=truth.start_s + shift,
        end_s=truth.end_s + shift,
        score=generator.random(len(truth.video)),
    )
    return truth, found


def test_a_clear_difference_is_significant_and_none_is_not() -> None:
    truth, good = many_videos(1, 0)
    _, bad = many_videos(8, 1)
    better, worse = (matched_with(truth, each, ACTIVITYNET) for each in (good, bad))
    found = compare_segments(worse, better)
    assert found is not None
    scores = [score_matched(each).average for each in (worse, better)]
    assert found.difference == pytest.approx(scores[1] - scores[0])
    assert found.interval is not None
    assert 0 < found.interval[0] < found.difference < found.interval[1]
    assert found.p < 0.01
    same = compare_segments(better, better)
    assert same is not None
    assert (same.difference, same.interval, same.p) == (0, None, 1)


def test_both_sides_are_drawn_alike() -> None:
    truth, good = many_videos(1, 0)
    _, bad = many_videos(8, 1)
    better, worse = (matched_with(truth, each, ACTIVITYNET) for each in (good, bad))
    found = compare_segments(worse, better, draws=40)
    columns = averaged_columns(worse)
    draws = [resampled_segments(each, draws=40)[columns].mean(axis=0) for each in (worse, better)]
    spread = (draws[1] - draws[0]).std(ddof=1)
    assert found is not None
    assert found.interval is not None
    assert found.interval[1] - found.interval[0] == pytest.approx(2 * 1.959964 * spread)


def test_other_instances_or_rules_do_not_compare() -> None:
    truth, found = many_videos(1, 0)
    first = matched_with(truth, found, ACTIVITYNET)
    other = matched_with(truth._replace(end_s=truth.end_s + 1), found, ACTIVITYNET)
    for second in (other, matched_with(truth, found, TEMPORAL_RULES["opentad"])):
        with pytest.raises(KinobenchError, match="match both with the same ones"):
            compare_segments(first, second)


def test_without_an_instance_there_is_nothing_to_draw() -> None:
    nothing = matched_with(instances(), detections(), ACTIVITYNET)
    assert bootstrap_segments(nothing) is None
    assert compare_segments(nothing, nothing) is None
