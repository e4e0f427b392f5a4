"""The best frame mAP that a network can reach on pointlight-boxes which sees less than all of it.

Boxes are given, so each is right for its labels or wrong, and a score is the order of the boxes.
The best order is that of the share of right ones among boxes that look the same to the network:
exchanging two neighbours of which the first is less likely right raises the expected average
precision, if the labels are independent. The order within such a group is luck, and drawn here.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kinobench.datasets.pointlight_boxes.motions import CLASSES, OPPOSITES
from kinobench.datasets.truth import BoxTruth

_OPPOSITE = [CLASSES.index(OPPOSITES[name]) for name in CLASSES]


class Answers(NamedTuple):
    """The boxes of a truth: the number of their frame, `[boxes]`, and labels, `[boxes, 8]`."""

    frame: NDArray[np.int64]
    labels: NDArray[np.bool_]


def answers_of(truth: BoxTruth) -> Answers:
    """Return the boxes of a truth."""
    frames = [key for video in truth.videos.values() for key in video]
    number = [place for place, key in enumerate(frames) for _ in key.boxes]
    boxes = [box for key in frames for box in key.boxes]
    labels = np.array([[label in box.labels for label in range(len(CLASSES))] for box in boxes])
    return Answers(np.array(number), labels)


def precision(is_right: NDArray[np.bool_]) -> float:
    """Interpolated average precision of boxes in the order of their scores."""
    precisions = np.cumsum(is_right) / np.arange(1, len(is_right) + 1)
    best = np.maximum.accumulate(precisions[::-1])[::-1]
    return float(best[is_right].mean())


def mean_precision(answers: Answers, scores: NDArray[np.float64]) -> float:
    """Frame mAP of scores `[boxes, 8]`, where each box is given once; equal ones in their order."""
    found = [
        precision(answers.labels[np.argsort(-scores[:, label], kind="stable"), label])
        for label in range(len(CLASSES))
        if answers.labels[:, label].any()
    ]
    return float(np.mean(found))


Draw = tuple[Answers, NDArray[np.float64]]
"""Answers, which may be others that look the same, and scores `[boxes, 8]` for them."""


def from_one_frame(answers: Answers, generator: np.random.Generator) -> Draw:
    """Draw what one frame, other boxes or other seconds say of each label: nothing."""
    return answers, generator.random(answers.labels.shape)


def from_unordered_boxes(answers: Answers, generator: np.random.Generator) -> Draw:
    """Draw what each box's unordered frames say at best: a label or its opposite, which is luck.

    One guess a box, as a network has that guesses the direction of time: luck is in all its labels.
    """
    opposite = answers.labels[:, _OPPOSITE]
    guess = generator.random((len(opposite), 1)) - 0.5
    return answers, np.where(answers.labels, 1 + guess, np.where(opposite, 1 - guess, 0))


def from_unordered_frames(answers: Answers, generator: np.random.Generator) -> Draw:
    """Draw what unordered whole frames say: as the former, but the boxes of a frame are linked.

    Either all labels of a frame are the true ones, or all are their opposites. So of two boxes the
    network knows whether they agree, and of all orders that were tried this one gains most by it:
    first the boxes of a frame that are most, of frames with many first; last the others.
    """
    frames = int(answers.frame.max()) + 1
    is_reversed = (generator.random(frames) < 0.5)[answers.frame]
    opposite = answers.labels[:, _OPPOSITE]
    seen = Answers(answers.frame, np.where(is_reversed[:, None], opposite, answers.labels))
    scores = np.zeros(answers.labels.shape)
    among = generator.random(frames)[answers.frame]
    for label in range(len(CLASSES)):
        same, other = answers.labels[:, label], opposite[:, label]
        most, least = (
            np.bincount(answers.frame, each, frames)[answers.frame] for each in (same, other)
        )
        is_most = np.where(most >= least, same, other)
        scores[:, label] = (same | other) * (
            1 + 100 * is_most + np.maximum(most, least) + among / 2
        )
    return seen, scores


def without_boxes(answers: Answers, generator: np.random.Generator) -> Draw:
    """Draw what a network says at best that answers the same for all boxes of a frame: a share."""
    count = np.bincount(answers.frame)
    sums = [np.bincount(answers.frame, column) for column in answers.labels.T]
    share = np.stack(sums, axis=1) / np.maximum(count, 1)[:, None]
    # Boxes of one share are in random order, whatever their frame: it is luck that interpolation
    # rewards, and more than that of the frames alone.
    return answers, share[answers.frame] + 1e-6 * generator.random(answers.labels.shape)


SEEN: dict[str, Callable[[Answers, np.random.Generator], Draw]] = {
    "one frame": from_one_frame,
    "unordered frames of each box": from_unordered_boxes,
    "unordered frames": from_unordered_frames,
    "ordered frames without boxes": without_boxes,
}


def lucky_scores(answers: Answers, seen: str, draws: int, seed: int = 0) -> NDArray[np.float64]:
    """Return frame mAPs `[draws]` of the best network that sees so much; the rest is luck."""
    generator = np.random.default_rng(seed)
    return np.array([mean_precision(*SEEN[seen](answers, generator)) for _ in range(draws)])
