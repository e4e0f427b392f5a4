"""Of segments that overlap the best stay, exactly as the definition says."""

import math

import numpy as np
import pytest

from kinobench.datasets.errors import KinobenchError
from kinobench.zoo.localizers.suppression import Suppression, nms, overlaps, soft_nms, suppress


def iou(a, b):
    both = max(0.0, min(a[1], b[1]) - max(a[0], b[0]))
    either = (a[1] - a[0]) + (b[1] - b[0]) - both
    return both / either if either > 0 else 0.0


def better(segments, scores, left):
    """Return the best of some, by the order that the documentation gives."""
    return min(left, key=lambda i: (-scores[i], segments[i][0], segments[i][1], i))


def slow_nms(segments, scores, threshold):
    kept, left = [], list(range(len(scores)))
    while left:
        best = better(segments, scores, left)
        kept.append(best)
        left = [i for i in left if i != best and iou(segments[best], segments[i]) < threshold]
    return kept


def slow_soft_nms(segments, scores, sigma, threshold, least, wide, duration):
    scores, kept = list(scores), []
    left = [i for i, score in enumerate(scores) if score >= least]
    while left:
        best = better(segments, scores, left)
        kept.append((best, scores[best]))
        left.remove(best)
        bound = threshold
        if wide is not None:
            length = segments[best][1] - segments[best][0]
            bound = threshold + (wide - threshold) * length / duration
        for i in left:
            shared = iou(segments[best], segments[i])
            if shared > bound:
                scores[i] *= math.exp(-(shared**2) / sigma)
        left = [i for i in left if scores[i] >= least]
    return kept


def drawn(seed):
    """Return segments with many ties, equal ones and empty ones, and their scores."""
    generator = np.random.default_rng(seed)
    count = int(generator.integers(0, 25))
    start = generator.integers(0, 12, count) / 2
    segments = np.stack([start, start + generator.integers(0, 8, count) / 2], axis=1)
    return segments, generator.integers(1, 6, count) / 5


@pytest.mark.parametrize("seed", range(100))
def test_hard_suppression_is_that_of_the_definition(seed):
    segments, scores = drawn(seed)
    for threshold in (0.2, 0.5, 1.0):
        expected = slow_nms(segments.tolist(), scores.tolist(), threshold)
        assert nms(segments, scores, threshold).tolist() == expected
        assert nms(segments, scores, threshold, keep=3).tolist() == expected[:3]


@pytest.mark.parametrize("seed", range(100))
def test_soft_suppression_is_that_of_the_definition(seed):
    segments, scores = drawn(seed)
    for threshold, wide in ((0.0, None), (0.5, None), (0.3, 0.9)):
        expected = slow_soft_nms(
            segments.tolist(), scores.tolist(), 0.5, threshold, 0.15, wide, 10.0
        )
        which, fallen = soft_nms(
            segments, scores, 0.5, threshold=threshold, wide=wide, duration=10.0, least=0.15
        )
        assert which.tolist() == [index for index, _ in expected]
        assert fallen == pytest.approx([score for _, score in expected], abs=1e-12)


def test_the_overlap_of_halves_and_thirds():
    found = overlaps(np.array([0.0, 2.0]), np.array([[1.0, 3.0], [0, 2], [2, 4], [5, 5], [0, 1]]))
    assert found.tolist() == [1 / 3, 1, 0, 0, 0.5]


def test_a_score_falls_by_the_gaussian_of_the_overlap():
    which, fallen = soft_nms(np.array([[0.0, 2.0], [1.0, 3.0]]), np.array([0.9, 0.8]), 0.5)
    assert which.tolist() == [0, 1]
    assert fallen.tolist() == [0.9, pytest.approx(0.8 * math.exp(-(1 / 9) / 0.5))]


def test_classes_suppress_each_other_only_if_asked_to():
    segments, scores = np.array([[0.0, 2.0]]), np.array([[0.9, 0.8]])
    apart = suppress(segments, scores, Suppression(kind="hard", threshold=0.5))
    assert (apart.label.tolist(), apart.score.tolist()) == ([0, 1], [0.9, 0.8])
    together = suppress(segments, scores, Suppression(kind="hard", threshold=0.5, by_class=False))
    assert together.label.tolist() == [0]


def test_segments_end_with_the_video_and_empty_ones_are_left_out():
    segments = np.array([[-1.0, 2.0], [8.0, 12.0], [11.0, 13.0]])
    found = suppress(segments, np.array([[0.5], [0.7], [0.9]]), Suppression(), duration_s=10.0)
    assert found.start_s.tolist() == [8, 0] and found.end_s.tolist() == [10, 2]
    assert found.score.tolist() == [0.7, 0.5]


def test_all_stay_but_the_weakest_without_suppression():
    segments = np.array([[0.0, 2.0], [0.0, 2.0], [0.0, 3.0]])
    how = Suppression(kind="none", least=0.1, keep=2)
    found = suppress(segments, np.array([[0.3], [0.05], [0.4]]), how)
    assert found.score.tolist() == [0.4, 0.3]


def test_only_the_best_take_part_and_only_so_many_stay():
    segments = np.array([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]])
    scores = np.array([[0.3, 0.2], [0.9, 0.0], [0.4, 0.8]])
    assert suppress(segments, scores, Suppression(before=3)).score.tolist() == [0.9, 0.8, 0.4]
    assert suppress(segments, scores, Suppression(keep=2)).score.tolist() == [0.9, 0.8]


def test_nothing_found_gives_nothing():
    found = suppress(np.zeros((4, 2)), np.zeros((4, 3)), Suppression())
    assert [len(column) for column in found] == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("segments", "scores", "how", "complaint"),
    [
        (np.zeros((3, 2)), np.zeros((2, 4)), Suppression(), r"\(3, 2\) and scores \(2, 4\)"),
        (np.zeros((3, 2)), np.zeros(3), Suppression(), "don't go together"),
        (np.full((1, 2), np.nan), np.ones((1, 1)), Suppression(), "isn't finite"),
        (np.zeros((1, 2)), np.ones((1, 1)), Suppression(wide=0.9), "give duration_s"),
    ],
)
def test_what_cannot_be_suppressed_is_refused(segments, scores, how, complaint):
    with pytest.raises(KinobenchError, match=complaint):
        suppress(segments, scores, how)
