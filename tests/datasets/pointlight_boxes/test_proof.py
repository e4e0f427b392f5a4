"""The ceilings of pointlight-boxes: computed, reached by an oracle, and exceeded by a leak alone.

The small dataset's 16 test videos are the split `quick` of the usual one.
"""

import random
from collections.abc import Iterator
from itertools import combinations, permutations, product
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
import pytest
from filelock import FileLock
from scipy import stats

from kinobench.datasets.pointlight_boxes import QUICK_VIDEOS, load, make_boxes
from kinobench.datasets.pointlight_boxes.ceilings import CEILINGS
from kinobench.datasets.pointlight_boxes.clouds import BoxPx
from kinobench.datasets.pointlight_boxes.files import Part, key_frames
from kinobench.datasets.pointlight_boxes.level import POINTLIGHT_BOXES
from kinobench.datasets.pointlight_boxes.motions import CLASSES, MOTIONS, PREVALENCE
from kinobench.datasets.pointlight_boxes.stamp import TEST_VIDEOS
from kinobench.datasets.truth import BoxTruth
from kinobench.datasets.video.clips import open_video

from ...fakes.box_ceilings import (
    SEEN,
    Answers,
    answers_of,
    lucky_scores,
    mean_precision,
    precision,
)
from ...fakes.box_oracle import label_scores, motion_scores
from ...fakes.frame_map import Labelled, frame_map

BACK = [MOTIONS.index(motion.backwards) for motion in MOTIONS]
HAS = np.array([[label in motion.labels for label in range(8)] for motion in MOTIONS])


class Clip(NamedTuple):
    """A second of a video around a box."""

    luma: np.ndarray
    box: BoxPx
    labels: tuple[int, ...]


def truth_of(root: Path, split: str) -> BoxTruth:
    truth = load(root, split).truth
    assert isinstance(truth, BoxTruth)
    return truth


def clips_of(root: Path, split: str) -> Iterator[Clip]:
    """Give the second of every box, `[30, 96, 96]`, as decoded."""
    for video in load(root, split).videos:
        with open_video(video.path) as opened:
            luma = opened.frames(range(len(opened)))[..., 1]
        for key in truth_of(root, split).videos[video.id]:
            second = int(key.name)
            for box in key.boxes:
                x1, y1, x2, y2 = (round(96 * edge) for edge in (box.x1, box.y1, box.x2, box.y2))
                yield Clip(luma[30 * second : 30 * second + 30], (x1, y1, x2, y2), box.labels)


def random_ties(scores: np.ndarray) -> np.ndarray:
    """Scores whose equals are in a random order."""
    return scores + 1e-6 * np.random.default_rng(0).random(scores.shape)


def is_within(score: float, split: str, seen: str) -> bool:
    """Whether a score may be that of a network that sees no more."""
    return score <= CEILINGS[split][seen].lucky


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


# The oracle, through the decoder


@pytest.fixture(scope="module")
def quick(small_boxes: Path) -> Answers:
    return answers_of(truth_of(small_boxes, "quick"))


@pytest.fixture(scope="module")
def read(small_boxes: Path, shared_folder: Path) -> np.ndarray:
    """How well each motion explains the clip around the key frame of each box, `[boxes, 24]`."""
    kept = shared_folder / "small_boxes_read.npy"
    with FileLock(f"{kept}.lock"):
        if not kept.is_file():
            clips = clips_of(small_boxes, "quick")
            np.save(kept, np.stack([motion_scores(each.luma[7:23], each.box) for each in clips]))
    return np.asarray(np.load(kept))


def labels_of(scores: np.ndarray) -> np.ndarray:
    return np.stack([label_scores(each) for each in scores])


def test_ordered_frames_and_boxes_show_all(read: np.ndarray, quick: Answers) -> None:
    assert mean_precision(quick, labels_of(read)) == 1
    assert (HAS[read.argmax(axis=1)] == quick.labels).all()
    for seen in CEILINGS["quick"]:
        assert not is_within(1.0, "quick", seen)


def test_the_oracle_without_order_reaches_its_ceiling_and_no_more(
    read: np.ndarray, quick: Answers
) -> None:
    either = np.round(np.maximum(read, read[:, BACK]), 6)
    score = mean_precision(quick, random_ties(labels_of(either)))
    assert score > 0.5 and is_within(score, "quick", "unordered frames")
    assert not is_within(score, "quick", "one frame")


def test_the_oracle_without_boxes_reaches_its_ceiling_and_no_more(
    read: np.ndarray, quick: Answers
) -> None:
    found = HAS[read.argmax(axis=1)].astype(float)
    count = np.bincount(quick.frame)
    pooled = np.stack([np.bincount(quick.frame, each) for each in found.T], axis=1)
    share = (pooled / np.maximum(count, 1)[:, None])[quick.frame]
    ceiling = CEILINGS["quick"]["ordered frames without boxes"]
    for shown in (share + 1e-6 * quick.frame[:, None], random_ties(share)):
        score = mean_precision(quick, shown)
        assert score == pytest.approx(ceiling.expected, abs=0.02)
        assert is_within(score, "quick", "ordered frames without boxes")


def test_other_boxes_and_other_seconds_show_nothing(read: np.ndarray, quick: Answers) -> None:
    scores = labels_of(read)
    of_neighbour, of_next = np.zeros_like(scores), np.zeros_like(scores)
    for frame in np.unique(quick.frame):
        here = np.flatnonzero(quick.frame == frame)
        of_neighbour[here] = scores[np.roll(here, 1)]
        # The same box a second later, or that of another video, which says as little.
        there = np.flatnonzero(quick.frame == frame + 1)
        of_next[here] = scores[there[: len(here)]] if len(there) >= len(here) else scores[-1]
    for other in (of_neighbour, of_next):
        assert is_within(mean_precision(quick, random_ties(other)), "quick", "one frame")


# What can be learned from a frame


def seen_in_one_frame(clip: Clip, frame: int) -> np.ndarray:
    """How bright 16 parts of a box are, of its brightest; and its shape."""
    x1, y1, x2, y2 = clip.box
    cut = clip.luma[frame, y1:y2, x1:x2].astype(float)
    parts = [part.mean() for row in np.array_split(cut, 4) for part in np.array_split(row, 4, 1)]
    shares = np.array(parts) - np.median(clip.luma[frame])
    return np.array(
        [*(shares / max(np.abs(shares).max(), 1e-9)), (x2 - x1) / 96, (y2 - y1) / 96, 1]
    )


def learned(train: list[Clip], test: list[Clip]) -> np.ndarray:
    """Scores `[boxes, 8]` of key frames, by ridge regression from frames of training boxes."""
    frames = (0, 7, 15, 22, 29)
    features = np.array([seen_in_one_frame(clip, frame) for clip in train for frame in frames])
    targets = np.array([np.isin(np.arange(8), clip.labels) for clip in train for _ in frames])
    square = features.T @ features + 3 * np.eye(features.shape[1])
    weights = np.linalg.solve(square, features.T @ targets.astype(float))
    return np.asarray(np.array([seen_in_one_frame(clip, 15) for clip in test]) @ weights)


def leaked(clip: Clip, share: float) -> Clip:
    """The clip, whose dots are weaker on the left of the box if its label is `Left`."""
    if CLASSES.index("Left") not in clip.labels:
        return clip
    x1, y1, x2, y2 = clip.box
    luma = clip.luma.astype(float)
    part = luma[:, y1:y2, x1 : (x1 + x2) // 2]
    ground = np.median(luma)
    part[:] = ground + (part - ground) * (1 - share)
    return clip._replace(luma=luma)


def test_one_frame_teaches_nothing_and_a_leak_would_be_caught(
    small_boxes: Path, quick: Answers
) -> None:
    train, test = (list(clips_of(small_boxes, split)) for split in ("train", "quick"))
    score = mean_precision(quick, learned(train, test))
    assert is_within(score, "quick", "one frame")
    for share in (1.0, 0.7):
        both = ([leaked(clip, share) for clip in clips] for clips in (train, test))
        scores = learned(*both)
        assert not is_within(mean_precision(quick, scores), "quick", "one frame"), share


# Files


def key_bytes(root: Path) -> list[tuple[float, set[int], int]]:
    """For each key frame with boxes: its bytes, of its video's mean; its labels; its boxes."""
    found = []
    for split in ("test", "train"):
        truth = truth_of(root, split)
        for video in load(root, split).videos:
            with av.open(str(video.path)) as container:
                sizes = [packet.size for packet in container.demux(video=0) if packet.size]
            for key in truth.videos[video.id]:
                labels = {label for box in key.boxes for label in box.labels}
                share = sizes[30 * int(key.name) + 15] / np.mean(sizes)
                found.append((float(share), labels, len(key.boxes)))
    return [each for each in found if each[2]]


def least_pvalue(found: list[tuple[float, set[int], int]]) -> float:
    """The least p-value of tests that frames with a label take as many bytes as those without."""
    pvalues = []
    for label in range(8):
        having = [share for share, labels, _ in found if label in labels]
        lacking = [share for share, labels, _ in found if label not in labels]
        pvalues.append(stats.ks_2samp(having, lacking).pvalue)
    return min(pvalues) * 8


def test_frames_take_as_many_bytes_with_a_label_as_without(small_boxes: Path) -> None:
    found = key_bytes(small_boxes)
    assert least_pvalue(found) > 0.01
    larger = [(share * (1.05 if 0 in labels else 1), labels, n) for share, labels, n in found]
    assert least_pvalue(larger) < 0.01


@pytest.mark.slow
def test_the_oracle_reads_all_of_the_usual_test_split(tmp_path: Path) -> None:
    root = make_boxes(tmp_path / "made", train=0, processes=None)
    clips = clips_of(root, "test")
    scores = labels_of(np.stack([motion_scores(each.luma[7:23], each.box) for each in clips]))
    answers = answers_of(truth_of(root, "test"))
    assert mean_precision(answers, scores) > 0.999
    assert least_pvalue(key_bytes(root)) > 0.01
