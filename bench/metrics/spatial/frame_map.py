"""Frame mAP: boxes on key frames, each frame by itself."""

from collections.abc import Collection
from typing import NamedTuple

import numpy as np

from ....datasets.errors import KinobenchError
from ..bootstrap import DRAWS, SEED
from ..instances import Boxes, Ints
from .box_matching import LeftOut, MatchedBoxes, match_boxes
from .class_means import ByClass, MeanScore, by_class, mean_scores
from .drawn_means import Ranked
from .rules import FrameRule


class BoxScores(NamedTuple):
    """Frame mAP under a rule.

    Attributes:
        rule: Its name.
        map: The mAP at the rule's first threshold, from 0 to 1; None if there is no class to score.
        interval: Its 95 % interval over videos; None if it wasn't asked for or nothing varies.
        means: Threshold, such as `0.5` -> the mAP there.
        by_class: By class and threshold.
        left_out: Predictions that the rule leaves out.
    """

    rule: str
    map: float | None
    interval: tuple[float, float] | None
    means: dict[str, MeanScore]
    by_class: ByClass
    left_out: LeftOut


def score_boxes(
    truth: Boxes,
    found: Boxes,
    *,
    frames: int,
    classes: int,
    rule: FrameRule,
    scored: Collection[int] | None = None,
    excluded: Collection[int] = (),
    video_of_frame: Ints | None = None,
    draws: int = DRAWS,
) -> BoxScores:
    """Score predicted boxes.

    A frame without a true box counts: what is predicted there is false, unless the rule says
    otherwise.

    Args:
        truth: True boxes.
        found: Predicted boxes, with scores, in the same unit; pixels where the rule counts them.
        frames: Number of frames.
        classes: Number of classes.
        rule: The rule, of `FRAME_RULES`.
        scored: Classes that are scored; None for all.
        excluded: Frames that are left out, of truth and predictions.
        video_of_frame: `[frames]`: number of each frame's video; None for no interval.
        draws: Number of draws of the bootstrap over videos.

    Raises:
        KinobenchError: A number, a box or a score can't be.
    """
    matched = match_boxes(
        truth, found, frames=frames, classes=classes, rule=rule, scored=scored, excluded=excluded
    )
    return scores_of_boxes(matched, video_of_frame, draws=draws)


def scores_of_boxes(
    matched: MatchedBoxes, video_of_frame: Ints | None = None, *, draws: int = DRAWS
) -> BoxScores:
    """Score boxes that are matched already; see `score_boxes`."""
    rule = matched.rule
    if video_of_frame is None:
        video_of_frame, draws = np.zeros(matched.frames, np.int64), 0
    ranked = ranked_boxes(matched, video_of_frame)
    found = by_class(ranked, rule.thresholds, area=rule.area, mean_over=rule.mean_over)
    means = mean_scores(ranked, found, {}, area=rule.area, draws=draws, seed=SEED)
    first = means[f"{rule.thresholds[0]:g}"]
    return BoxScores(rule.name, first.map, first.interval, means, found, matched.left_out)


def ranked_boxes(matched: MatchedBoxes, video_of_frame: Ints) -> Ranked:
    """Return boxes that are matched already, by class and rank, with their videos.

    Raises:
        KinobenchError: There isn't one video for each frame.
    """
    video = video_of_frame
    if len(video) != matched.frames or (video < 0).any():
        raise KinobenchError(
            f"video_of_frame has {len(video)} numbers for {matched.frames} frames: give one "
            "from 0 for each."
        )
    return Ranked(
        matched.found.label,
        video[matched.found.frame],
        matched.instance >= 0,
        matched.truth.label,
        video[matched.truth.frame],
        matched.scored,
        int(video.max(initial=-1)) + 1,
    )
