"""Stored predictions of detection on key frames: each box, what happens in it, what was found."""

from collections import defaultdict
from typing import NamedTuple

import msgspec
import numpy as np

from ..metrics.instances import Boxes
from ..metrics.spatial.box_matching import MatchedBoxes, match_boxes
from ..metrics.spatial.rules import frame_rule
from .score import BoxTask, boxes_of
from .shown import Cut, cut_of, spaced
from .stored import StoredTask

MOST_BOXES = 30
"""Boxes of a key frame that are shown: the true ones, then those with the highest scores."""

Corners = tuple[float, float, float, float]


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """A class of a box, true or predicted.

    Attributes:
        name: Its name.
        hit: Whether a shown prediction finds it; of a prediction, whether it is right.
        score: Confidence, of predictions alone.
    """

    name: str
    hit: bool
    score: float | None = None


class ShownBox(msgspec.Struct, frozen=True, kw_only=True):
    """A box, true or predicted or both.

    Attributes:
        corners: x1, y1, x2, y2 as shares of the frame.
        is_true: Whether it is annotated.
        truths: Its true classes.
        found: Its predicted classes above the cut, the highest score first.
    """

    corners: Corners
    is_true: bool
    truths: tuple[Said, ...]
    found: tuple[Said, ...]


class ShownFrame(msgspec.Struct, frozen=True, kw_only=True):
    """A key frame.

    Attributes:
        video, name: Id of its video, and its own name.
        time_s: Seconds from the video's beginning.
        size: Width and height of the video in pixels; None if that isn't known.
        boxes: Its boxes; `left_out` more are above the cut.
    """

    video: str
    name: str
    time_s: float
    size: tuple[int, int] | None
    boxes: tuple[ShownBox, ...]
    left_out: int = 0


class KeyFrames(msgspec.Struct, frozen=True, kw_only=True):
    """Some key frames of a network.

    Attributes:
        cut: Which predictions are shown; None if there is none.
        frames: Key frames with true boxes, evenly spaced in the order of the split.
        of: Number of key frames that were scored.
    """

    cut: Cut | None
    frames: tuple[ShownFrame, ...]
    of: int


class _Row(NamedTuple):
    """A prediction of a frame."""

    corners: Corners
    said: Said


def matched_boxes(task: StoredTask) -> tuple[BoxTask, MatchedBoxes]:
    """Match the stored boxes under the rule of their truth."""
    truth = task.truth.boxes
    assert truth is not None
    given = boxes_of(truth, task.scored, task.columns)
    matched = match_boxes(
        given.truth,
        given.found,
        frames=len(given.frames),
        classes=len(task.truth.classes),
        rule=frame_rule(truth.rule),
        scored=truth.scored,
    )
    return given, matched


def key_frames_of(task: StoredTask) -> KeyFrames:
    """Return a few key frames with their boxes."""
    given, matched = matched_boxes(task)
    scores, instance = matched.found.score, matched.instance[0]
    assert scores is not None
    hits = instance >= 0
    cut = cut_of(scores, hits, len(matched.truth.label), float(matched.rule.thresholds[0]))
    shown = scores >= cut.score if cut is not None else np.zeros(0, bool)
    found_truths = np.zeros(len(matched.truth.label), bool)
    found_truths[instance[shown & hits]] = True
    chosen = spaced(np.unique(given.truth.frame).tolist())
    frames = tuple(
        _frame(
            task,
            given.frames[number],
            _truths(task, matched.truth, found_truths, number),
            _predictions(task, matched.found, hits, np.flatnonzero(shown), number),
        )
        for number in chosen
    )
    return KeyFrames(cut=cut, frames=frames, of=len(given.frames))


def _truths(
    task: StoredTask, truth: Boxes, found: np.ndarray, frame: int
) -> dict[Corners, list[Said]]:
    said = defaultdict(list)
    for row in np.flatnonzero(truth.frame == frame):
        name = task.truth.classes[truth.label[row]]
        said[_corners(truth.box[row])].append(Said(name=name, hit=bool(found[row])))
    return said


def _predictions(
    task: StoredTask, found: Boxes, hits: np.ndarray, shown: np.ndarray, frame: int
) -> list[_Row]:
    """Return the shown predictions of a frame, the highest score first."""
    assert found.score is not None
    rows = shown[found.frame[shown] == frame]
    ordered = rows[np.argsort(-found.score[rows], kind="stable")]
    names = task.truth.classes
    return [
        _Row(
            _corners(found.box[row]),
            Said(name=names[found.label[row]], hit=bool(hits[row]), score=float(found.score[row])),
        )
        for row in ordered
    ]


def _frame(
    task: StoredTask,
    which: tuple[str, str],
    truths: dict[Corners, list[Said]],
    found: list[_Row],
) -> ShownFrame:
    assert task.truth.boxes is not None
    video, name = which
    key = next(each for each in task.truth.boxes.videos[video] if each.name == name)
    annotated = dict.fromkeys((box.x1, box.y1, box.x2, box.y2) for box in key.boxes)
    said = defaultdict(list)
    for corners, each in found:
        said[_nearest(corners, annotated)].append(each)
    drawn = list(dict.fromkeys([*annotated, *said]))
    return ShownFrame(
        video=video,
        name=name,
        time_s=key.time_s,
        size=task.sizes.get(video),
        boxes=tuple(
            ShownBox(
                corners=corners,
                is_true=corners in annotated,
                truths=tuple(truths.get(corners, ())),
                found=tuple(said.get(corners, ())),
            )
            for corners in drawn[:MOST_BOXES]
        ),
        left_out=max(0, len(drawn) - MOST_BOXES),
    )


_SAME = 2e-3
"""Predictions for true boxes have their corners, which some rules round to three digits."""


def _nearest(corners: Corners, annotated: dict[Corners, None]) -> Corners:
    """Return the annotated box that this one is, or itself."""
    same = (
        each
        for each in annotated
        if max(abs(a - b) for a, b in zip(each, corners, strict=True)) < _SAME
    )
    return next(same, corners)


def _corners(box: np.ndarray) -> Corners:
    x1, y1, x2, y2 = box.tolist()
    return x1, y1, x2, y2
