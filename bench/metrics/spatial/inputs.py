"""What can't be among boxes and tubes, and what tubes have if their boxes are looked at."""

from collections.abc import Collection

import numpy as np

from ....datasets.errors import KinobenchError
from ..average_precision import Flags
from ..instances import Boxes, Floats, Ints, Tubes


def members(numbers: Collection[int] | None, count: int, kind: str) -> Flags:
    """Return which of `count` numbers belong to a collection: `[count]`; None for all of them.

    Args:
        numbers: The collection.
        count: How many numbers there are, from 0.
        kind: What they are, for the message.

    Raises:
        KinobenchError: A number that can't be.
    """
    if numbers is None:
        return np.ones(count, bool)
    inside = np.zeros(count, bool)
    listed = np.fromiter(numbers, np.int64, len(numbers))
    _check_numbers("entry", kind, listed, count)
    inside[listed] = True
    return inside


def check_unit(rule: str, pixel: float, box: Floats) -> None:
    """Check that true boxes are in pixels where a rule counts these.

    Raises:
        KinobenchError: They are shares of the frame, of which the rule would make nonsense.
    """
    if pixel and len(box) and box.max() <= 1:
        raise KinobenchError(
            f"the rule {rule!r} adds {pixel:g} pixel to each width and height, but no true box "
            f"reaches beyond {box.max():g}: give boxes in pixels, not in shares of the frame."
        )


def check_boxes(
    kind: str, boxes: Boxes, *, frames: int, classes: int, exchanged: bool = False
) -> None:
    """Check that boxes are such.

    Args:
        kind: `true` or `predicted`, for the message.
        boxes: The boxes.
        frames: Number of frames.
        classes: Number of classes.
        exchanged: Whether a box may have exchanged edges, because the rule leaves it out.

    Raises:
        KinobenchError: It quotes the first row that isn't a box.
    """
    count = len(boxes.frame)
    lengths = {len(boxes.label), len(boxes.box), count if boxes.score is None else len(boxes.score)}
    if lengths != {count}:
        raise KinobenchError(f"the columns of the {kind} boxes differ in length.")
    _check_edges(kind, boxes.box, exchanged)
    _check_numbers(f"{kind} box", "frame", boxes.frame, frames)
    _check_numbers(f"{kind} box", "class", boxes.label, classes)
    _check_finite(f"{kind} box", boxes.score)


def check_tubes(kind: str, tubes: Tubes, *, videos: int, classes: int) -> None:
    """Check that tubes are such.

    Args:
        kind: `true` or `predicted`, for the message.
        tubes: The tubes.
        videos: Number of videos.
        classes: Number of classes.

    Raises:
        KinobenchError: It quotes the first row that isn't a tube, or a box.
    """
    count, boxes = len(tubes.video), len(tubes.frame)
    scores = count if tubes.score is None else len(tubes.score)
    box_scores = boxes if tubes.box_score is None else len(tubes.box_score)
    if {len(tubes.label), scores, len(tubes.offset) - 1} != {count} or box_scores != boxes:
        raise KinobenchError(f"the columns of the {kind} tubes differ in length.")
    lengths = np.diff(tubes.offset)
    if tubes.offset[0] != 0 or tubes.offset[-1] != boxes or (lengths < 1).any():
        raise KinobenchError(
            f"the offsets of the {kind} tubes don't part {boxes} boxes into tubes of one or more: "
            "begin with 0, rise, and end with the number of boxes."
        )
    _check_edges(kind, tubes.box, False)
    _check_numbers(f"{kind} tube", "video", tubes.video, videos)
    _check_numbers(f"{kind} tube", "class", tubes.label, classes)
    _check_finite(f"{kind} tube", tubes.score)
    _check_finite(f"box of {kind} tubes", tubes.box_score)
    falling = np.diff(tubes.frame) <= 0
    falling[tubes.offset[1:-1] - 1] = False
    row = _first(np.concatenate([tubes.frame < 0, falling]))
    if row is not None:
        box = row if row < boxes else row - boxes + 1
        tube = int(np.searchsorted(tubes.offset, box, side="right")) - 1
        raise KinobenchError(
            f"{kind} tube {tube} has frame {tubes.frame[box]} as number "
            f"{box - tubes.offset[tube]}: give its frames, from 0, in rising order, each once."
        )


def tube_scores(tubes: Tubes) -> Floats:
    """Return the scores of tubes: their own, or the means of their boxes' scores: `[N]`."""
    if tubes.score is not None:
        return tubes.score
    if tubes.box_score is None:
        raise KinobenchError("the predicted tubes have no scores: give one for each, or each box.")
    if not len(tubes.video):
        return np.zeros(0)
    total: Floats = np.add.reduceat(tubes.box_score, tubes.offset[:-1])
    return total / np.diff(tubes.offset)


def boxes_of_tubes(tubes: Tubes, first_frame: Ints) -> Boxes:
    """Return all boxes of tubes, for a frame mAP.

    Each box has its own score where there is one, else its tube's.

    Args:
        tubes: Tubes, true or predicted.
        first_frame: `[videos + 1]`: the number of each video's first frame among those of all, and
            how many these are together.

    Raises:
        KinobenchError: A tube reaches beyond its video's end.
    """
    lengths = np.diff(tubes.offset)
    video = np.repeat(tubes.video, lengths)
    row = _first(tubes.frame >= np.diff(first_frame)[video])
    if row is not None:
        raise KinobenchError(
            f"a tube has a box in frame {tubes.frame[row]} of video {video[row]}, which has "
            f"{np.diff(first_frame)[video[row]]} frames, from 0."
        )
    score = tubes.box_score
    if score is None and tubes.score is not None:
        score = np.repeat(tubes.score, lengths)
    return Boxes(
        first_frame[video] + tubes.frame, np.repeat(tubes.label, lengths), tubes.box, score
    )


def _check_edges(kind: str, box: Floats, exchanged: bool) -> None:
    if box.ndim != 2 or box.shape[1] != 4:
        raise KinobenchError(f"the {kind} boxes have the shape {box.shape}: give [N, 4].")
    good = np.isfinite(box).all(axis=1)
    if not exchanged:
        good &= (box[:, 2:] >= box[:, :2]).all(axis=1)
    row = _first(~np.asarray(good, bool))
    if row is not None:
        raise KinobenchError(
            f"{kind} box {row} is {box[row].tolist()}: give x1, y1, x2, y2 with x1 <= x2 and "
            "y1 <= y2."
        )


def _check_numbers(what: str, name: str, column: Ints, limit: int) -> None:
    row = _first((column < 0) | (column >= limit))
    if row is not None:
        raise KinobenchError(f"{what} {row} is of {name} {column[row]}: there are {limit}, from 0.")


def _check_finite(what: str, score: Floats | None) -> None:
    if score is not None:
        row = _first(~np.isfinite(score))
        if row is not None:
            raise KinobenchError(f"{what} {row} has the score {score[row]}: give a finite number.")


def _first(wrong: Flags) -> int | None:
    return int(wrong.argmax()) if wrong.any() else None
