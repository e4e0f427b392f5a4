"""What the files of pointlight-boxes show: an oracle reaches each ceiling, a leak exceeds one.

The small dataset's 16 test videos are the split `quick` of the usual one.
"""

from itertools import product
from pathlib import Path

import av
import numpy as np
import pytest
from filelock import FileLock
from scipy import stats

from kinobench.datasets.pointlight_boxes import load, make_boxes
from kinobench.datasets.pointlight_boxes.ceilings import CEILINGS
from kinobench.datasets.pointlight_boxes.motions import CLASSES, MOTIONS

from ...fakes.box_ceilings import Answers, answers_of, mean_precision
from ...fakes.box_clips import Clip, clips_of, truth_of
from ...fakes.box_oracle import label_scores, motion_scores

BACK = [MOTIONS.index(motion.backwards) for motion in MOTIONS]
HAS = np.array([[label in motion.labels for label in range(8)] for motion in MOTIONS])


def random_ties(scores: np.ndarray) -> np.ndarray:
    """Scores whose equals are in a random order."""
    return scores + 1e-6 * np.random.default_rng(0).random(scores.shape)


def is_within(score: float, split: str, seen: str) -> bool:
    """Whether a score may be that of a network that sees no more."""
    return score <= CEILINGS[split][seen].lucky


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


def seen_between_frames(clip: Clip, *, ordered: bool) -> np.ndarray:
    """How much of a box's nine parts is displaced by up to 2 px from one frame to the next."""
    luma = clip.luma[7:23].astype(np.float32)
    luma -= np.median(luma)
    x1, y1, x2, y2 = clip.box
    wide = np.pad(luma / luma.max(), ((0, 0), (2, 2), (2, 2)))
    here = wide[:, y1 + 2 : y2 + 2, x1 + 2 : x2 + 2]
    parts = np.zeros((5, 5, 9))
    for down, across in product(range(5), repeat=2):
        there = wide[:, y1 + down : y2 + down, x1 + across : x2 + across]
        both = (here[:-1] * there[1:]).sum(0)
        if not ordered:  # the same whichever of two neighbouring frames is the first
            both += (here[1:] * there[:-1]).sum(0)
        rows = np.array_split(both, 3)
        parts[down, across] = [part.sum() for row in rows for part in np.array_split(row, 3, 1)]
    return np.append((parts / (parts.sum((0, 1)) + 1e-6)).ravel(), 1)


@pytest.mark.slow
def test_ordered_frames_teach_the_labels_and_unordered_ones_half_of_them(tmp_path: Path) -> None:
    root = make_boxes(tmp_path / "made", processes=None)
    answers = {split: answers_of(truth_of(root, split)) for split in ("train", "test")}
    clips = {split: list(clips_of(root, split)) for split in answers}
    scores = {}
    for ordered in (True, False):
        seen = {
            split: np.array([seen_between_frames(each, ordered=ordered) for each in of_split])
            for split, of_split in clips.items()
        }
        square = seen["train"].T @ seen["train"] + np.eye(226)
        weights = np.linalg.solve(square, seen["train"].T @ answers["train"].labels.astype(float))
        scores[ordered] = mean_precision(answers["test"], seen["test"] @ weights)
    assert scores[True] > 0.98
    assert scores[False] > 0.45 and is_within(scores[False], "test", "unordered frames")


@pytest.mark.slow
def test_the_oracle_reads_all_of_the_usual_test_split(tmp_path: Path) -> None:
    root = make_boxes(tmp_path / "made", train=0, processes=None)
    clips = clips_of(root, "test")
    scores = labels_of(np.stack([motion_scores(each.luma[7:23], each.box) for each in clips]))
    answers = answers_of(truth_of(root, "test"))
    assert mean_precision(answers, scores) > 0.999
    assert least_pvalue(key_bytes(root)) > 0.01
