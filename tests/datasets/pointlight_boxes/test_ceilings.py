"""The ceilings of pointlight-boxes are the best that is possible, and as large as printed."""

import random
from itertools import combinations, permutations, product
from pathlib import Path

import numpy as np
import pytest

from kinobench.datasets.pointlight_boxes import QUICK_VIDEOS
from kinobench.datasets.pointlight_boxes.ceilings import CEILINGS
from kinobench.datasets.pointlight_boxes.files import Part, key_frames
from kinobench.datasets.pointlight_boxes.level import POINTLIGHT_BOXES
from kinobench.datasets.pointlight_boxes.motions import MOTIONS, PREVALENCE
from kinobench.datasets.pointlight_boxes.stamp import TEST_VIDEOS
from kinobench.datasets.truth import BoxTruth

from ...fakes.box_ceilings import (
    SEEN,
    Answers,
    answers_of,
    lucky_scores,
    mean_precision,
    precision,
)
from ...fakes.box_clips import truth_of
from ...fakes.frame_map import Labelled, frame_map

HAS = np.array([[label in motion.labels for label in range(8)] for motion in MOTIONS])


# Metrics


def made_answers(generator: np.random.Generator, frames: int) -> Answers:
    number = np.repeat(np.arange(frames), generator.integers(1, 5, frames))
    return Answers(number, HAS[generator.integers(24, size=len(number))])


def test_the_order_of_given_boxes_has_the_frame_map_of_the_definition() -> None:
    generator = np.random.default_rng(5)
    for _ in range(10):
        answers = made_answers(generator, 8)
        scores = generator.integers(0, 6, answers.labels.shape) / 10 + generator.random(
            answers.labels.shape
        )
        edges = [(0.2 * place, 0.0, 0.2 * place + 0.15, 0.5) for place in range(5)]
        place = [number - list(answers.frame).index(f) for number, f in enumerate(answers.frame)]
        rows = [
            Labelled(int(frame), label, edges[place[number]], float(scores[number, label]))
            for number, frame in enumerate(answers.frame)
            for label in range(8)
        ]
        truth = [row for row, right in zip(rows, answers.labels.ravel(), strict=True) if right]
        assert frame_map(truth, rows) == pytest.approx(mean_precision(answers, scores))
        assert frame_map(truth, rows, cap=3) < frame_map(truth, rows)


def test_the_definition_by_hand() -> None:
    # Two positives, found at places 1 and 3: 1 and 2/3. Interpolated: of the later the best counts.
    assert precision(np.array([True, False, True])) == pytest.approx((1 + 2 / 3) / 2)
    assert precision(np.array([False, True, True])) == pytest.approx(2 / 3)
    box = (0.0, 0.0, 0.5, 0.5)
    near, far = (0.0, 0.0, 0.5, 0.26), (0.0, 0.0, 0.5, 0.24)
    truth = [Labelled("a", 0, box), Labelled("b", 0, box), Labelled("b", 1, box)]
    found = [Labelled("a", 0, near, 0.9), Labelled("a", 0, box, 0.8), Labelled("b", 0, far, 0.7)]
    # One of two is found, the second answer and the box that overlaps by 0.48 are wrong; no answer
    # for the other class, which counts as 0.
    assert frame_map(truth, found) == pytest.approx((0.5 + 0) / 2)


# Ceilings


def test_no_order_is_better_than_that_of_the_share() -> None:
    chances = (0.9, 0.6, 0.5, 0.2, 0.1)
    outcomes = [each for each in product((False, True), repeat=5) if any(each)]

    def expected(order: tuple[int, ...]) -> float:
        total = 0.0
        for outcome in outcomes:
            chance = np.prod([p if o else 1 - p for p, o in zip(chances, outcome, strict=True)])
            total += chance * precision(np.array(outcome)[list(order)])
        return float(total)

    values = {order: expected(order) for order in permutations(range(5))}
    assert max(values, key=lambda order: values[order]) == (0, 1, 2, 3, 4)


def test_no_order_of_frames_is_better_than_that_of_the_share() -> None:
    """For a network without boxes: the boxes of a frame follow each other in a random order."""
    drawn = random.Random(1)
    kinds = [(right, boxes) for boxes in (2, 3, 4) for right in range(1, boxes + 1)]
    patterns = {
        (right, boxes): [
            np.isin(np.arange(boxes), each) for each in combinations(range(boxes), right)
        ]
        for right, boxes in kinds
    }

    def expected(order: tuple[tuple[int, int], ...]) -> float:
        inner = product(*(patterns[frame] for frame in order))
        return float(np.mean([precision(np.concatenate(each)) for each in inner]))

    for _ in range(25):
        frames = [drawn.choice(kinds) for _ in range(3)]
        values = {order: expected(order) for order in set(permutations(frames))}
        shares = {order: [right / boxes for right, boxes in order] for order in values}
        by_share = [o for o in values if shares[o] == sorted(shares[o], reverse=True)]
        assert max(values[order] for order in by_share) == pytest.approx(max(values.values()))


def test_the_one_frame_ceiling_goes_to_the_prevalence_with_many_boxes() -> None:
    scores = lucky_scores(made_answers(np.random.default_rng(0), 20000), "one frame", 3)
    assert scores.mean() == pytest.approx(PREVALENCE, abs=0.004)
    scores = lucky_scores(
        made_answers(np.random.default_rng(0), 20000), "unordered frames of each box", 3
    )
    assert scores.mean() == pytest.approx(0.5, abs=0.01)


def check_ceilings(answers: Answers, split: str, draws: int) -> None:
    found = {seen: lucky_scores(answers, seen, draws, seed=7) for seen in SEEN}
    for seen, (expected, lucky) in CEILINGS[split].items():
        scores = found[seen]
        error = scores.std() / np.sqrt(draws)
        assert scores.mean() == pytest.approx(expected, abs=4 * error + 5e-4), seen
        assert np.quantile(scores, 0.99) <= lucky, seen
    each = found["unordered frames of each box"]
    assert each.mean() < CEILINGS[split]["unordered frames"].expected
    assert np.quantile(each, 0.99) <= CEILINGS[split]["unordered frames"].lucky


def test_the_ceilings_of_quick_are_those_that_are_printed(small_boxes: Path) -> None:
    check_ceilings(answers_of(truth_of(small_boxes, "quick")), "quick", 300)


def usual_answers(folder: Path, videos: int) -> Answers:
    """The truth of the first test videos of the usual dataset, none of which is written."""
    part = Part(folder, POINTLIGHT_BOXES, [0, 0], range(videos), 0)
    truth = {part.id_of(video): key_frames(part, video) for video in part.videos}
    return answers_of(BoxTruth(rule="ava", videos=truth))


def test_the_ceilings_of_test_are_those_that_are_printed(tmp_path: Path) -> None:
    answers = usual_answers(tmp_path, TEST_VIDEOS)
    assert len(answers.frame) == 845
    check_ceilings(answers, "test", 100)


@pytest.mark.parametrize(("split", "most"), [("test", 0.025), ("quick", 0.07)])
def test_the_interval_of_a_split_is_as_narrow_as_its_size_promises(
    tmp_path: Path, split: str, most: float
) -> None:
    answers = usual_answers(tmp_path, TEST_VIDEOS if split == "test" else QUICK_VIDEOS)
    generator = np.random.default_rng(3)
    scores = answers.labels + 0.6 * generator.standard_normal(answers.labels.shape)
    video = answers.frame // 4
    boxes = [np.flatnonzero(video == number) for number in range(video.max() + 1)]
    drawn = []
    for _ in range(100):
        chosen = np.concatenate([boxes[n] for n in generator.integers(len(boxes), size=len(boxes))])
        part = Answers(answers.frame[chosen], answers.labels[chosen])
        drawn.append(mean_precision(part, scores[chosen]))
    low, high = np.quantile(drawn, [0.025, 0.975])
    assert 0.005 < (high - low) / 2 < most
