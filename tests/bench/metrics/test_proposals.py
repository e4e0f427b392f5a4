"""AR@AN: mmaction2's values, the official rounding, and a count from the definition."""

import numpy as np
import pytest

from kinobench.bench.metrics.instances import Segments
from kinobench.bench.metrics.proposals import ProposalScores, score_proposals
from kinobench.datasets.errors import KinobenchError

from ...fakes.segments import detections, instances, overlap

TWO = instances((0, 0, 0, 1), (0, 0, 1, 2), (1, 0, 0, 1), (1, 0, 1, 2))
"""Two videos with two instances each, as in mmaction2's test."""


def test_trap_8_the_areas_of_mmaction2() -> None:
    # open-mmlab/mmaction2 tests/evaluation/metrics/test_metric_utils.py
    half = score_proposals(
        TWO,
        detections((0, 0, 0, 1, 1), (0, 0, 1, 2, 1), (1, 0, 0, 1, 1), (1, 0, 1, 2, 1)),
        videos=2,
    )
    assert half.recall.tolist() == [[0.0] * 49 + [0.5] * 50 + [1.0]] * 10
    np.testing.assert_allclose(half.a_video, np.arange(0.02, 2.02, 0.02))
    assert half.area == pytest.approx(0.255, abs=1e-15)
    missed = score_proposals(
        TWO,
        detections(
            (0, 0, 10, 11, 0.6), (0, 0, 11, 12, 0.4), (1, 0, 10, 11, 0.6), (1, 0, 11, 12, 0)
        ),
        videos=2,
    )
    assert missed.average_recall.tolist() == [0] * 100
    assert missed.area == 0
    ranked = detections(*((0, 0, at, at + 1, 1 / (at + 1)) for at in range(100)))
    first = score_proposals(instances((0, 0, 0, 1)), ranked, videos=1)
    assert first.average_recall.tolist() == [1] * 100
    np.testing.assert_allclose(first.a_video, np.arange(1, 101))
    assert first.area == pytest.approx(0.99, abs=1e-15)


def test_the_number_of_proposals_is_a_percentage_of_those_of_each_video() -> None:
    # Video 0 has one proposal, which needs 100 %; video 1 has four, of which the first needs 25 %.
    truth = instances((0, 0, 0, 10), (1, 0, 0, 10))
    found = detections(
        (0, 0, 0, 10, 0.9), (1, 0, 0, 10, 0.8), *((1, 0, 50, 60, 0.7 - n / 10) for n in range(3))
    )
    scores = score_proposals(truth, found, videos=2)
    assert scores.average_recall.tolist() == [0] * 24 + [0.5] * 75 + [1]
    assert scores.a_video[-1] == 2.5


def test_recall_is_averaged_over_the_overlaps() -> None:
    scores = score_proposals(instances((0, 0, 0, 100)), detections((0, 0, 0, 72, 1)), videos=1)
    assert scores.recall[:, -1].tolist() == [1] * 5 + [0] * 5
    assert scores.average_recall[-1] == 0.5
    exactly = score_proposals(
        instances((0, 0, 0, 4)), detections((0, 0, 0, 2, 1)), videos=1, thresholds=(0.5,)
    )
    assert exactly.average_recall[-1] == 1


def test_a_tie_of_scores_is_decided_by_the_start() -> None:
    found = detections((0, 0, 30, 40, 0.5), (0, 0, 0, 10, 0.5))
    early = score_proposals(instances((0, 0, 0, 10)), found, videos=1)
    late = score_proposals(instances((0, 0, 30, 40)), found, videos=1)
    assert early.average_recall.tolist() == [0] * 49 + [1] * 51
    assert late.average_recall.tolist() == [0] * 99 + [1]


def test_percentages_are_cut_off_as_the_evaluator_computes_them() -> None:
    # 0.29 times 100 is 28.999999999999996 there: 28 proposals, so the 29th is not retrieved.
    found = detections(*((0, 0, 10 * at, 10 * at + 1, -at) for at in range(100)))
    scores = score_proposals(instances((0, 0, 280, 281)), found, videos=1)
    assert scores.average_recall[27:30].tolist() == [0, 0, 1]


def official(
    truth: Segments, found: Segments, thresholds: np.ndarray, most: float | None
) -> ProposalScores:
    """The evaluator's definition, with loops over videos, percentages and instances."""
    assert found.score is not None
    shown = sorted(set(truth.video.tolist()))
    total = len(found.video)
    most = total / len(shown) if most is None else most
    ratio = most * float(len(shown)) / total
    of_videos = []
    for video in shown:
        rows = sorted(
            np.flatnonzero(found.video == video),
            key=lambda row: (-found.score[row], found.start_s[row], found.end_s[row]),
        )
        kept = rows[: min(int(len(rows) * ratio), len(rows))]
        own = np.flatnonzero(truth.video == video)
        of_videos.append(
            [
                [
                    overlap(
                        (truth.start_s[one], truth.end_s[one]),
                        (found.start_s[row], found.end_s[row]),
                    )
                    for row in kept
                ]
                for one in own
            ]
        )
    retrieved = sum(len(overlaps[0]) for overlaps in of_videos)
    if not retrieved:
        return ProposalScores(
            thresholds, np.zeros((len(thresholds), 100)), np.zeros(100), np.zeros(100), None
        )
    share = np.arange(1, 101) / 100.0 * (most * float(len(shown)) / retrieved)
    recall = np.zeros((len(thresholds), 100))
    for number, threshold in enumerate(thresholds):
        for step in range(100):
            hit = 0
            for overlaps in of_videos:
                size = len(overlaps[0])
                among = min(int(size * share[step]), size)
                hit += sum(any(v >= threshold for v in row[:among]) for row in overlaps)
            recall[number, step] = hit / len(truth.video)
    a_video = share * (retrieved / len(shown))
    average = recall.mean(axis=0)
    steps = np.diff(a_video) * (average[1:] + average[:-1]) / 2
    return ProposalScores(thresholds, recall, average, a_video, float(steps.sum() / a_video[-1]))


@pytest.mark.parametrize("most", [None, 4.0, 5.5, 100.0])
def test_it_equals_the_definition(most: float | None) -> None:
    generator = np.random.default_rng(1)
    for _ in range(15):
        count = int(generator.integers(4, 12))
        start = generator.integers(0, 9, count).astype(float)
        truth = Segments(generator.integers(0, 3, count), np.zeros(count, int), start, start + 4)
        number = int(generator.integers(20, 60))
        begin = generator.integers(0, 9, number).astype(float)
        found = Segments(
            np.arange(number) % 5,  # two videos have no instance
            np.zeros(number, int),
            begin,
            begin + generator.integers(2, 6, number),
            generator.integers(0, 5, number).astype(float),
        )
        scores = score_proposals(
            truth, found, videos=5, thresholds=(0.3, 0.5, 0.8), most_a_video=most
        )
        expected = official(truth, found, np.array([0.3, 0.5, 0.8]), most)
        np.testing.assert_allclose(scores.recall, expected.recall, atol=1e-12)
        np.testing.assert_allclose(scores.a_video, expected.a_video)
        assert scores.area == pytest.approx(expected.area)


def test_without_a_proposal_there_is_no_area() -> None:
    scores = score_proposals(TWO, detections(), videos=2)
    assert scores.area is None
    assert scores.recall.max() == 0


def test_what_cannot_be_scored_is_refused() -> None:
    with pytest.raises(KinobenchError, match="no instance to recall"):
        score_proposals(instances(), detections(), videos=1)
    with pytest.raises(KinobenchError, match="most_a_video 0"):
        score_proposals(TWO, detections(), videos=2, most_a_video=0)
