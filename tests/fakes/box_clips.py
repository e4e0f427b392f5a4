"""The boxes of a generated pointlight-boxes with the frames around them, as decoded."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kinobench.datasets.pointlight_boxes import load
from kinobench.datasets.pointlight_boxes.clouds import BoxPx
from kinobench.datasets.truth import BoxTruth
from kinobench.datasets.video.clips import open_video


class Clip(NamedTuple):
    """A second of a video around a box.

    Attributes:
        luma: `[30, 96, 96]`; the key frame is that of number 15.
        box: The box, px.
        labels: Its labels.
    """

    luma: np.ndarray
    box: BoxPx
    labels: tuple[int, ...]


def truth_of(root: Path, split: str) -> BoxTruth:
    """Return the boxes of a split."""
    truth = load(root, split).truth
    assert isinstance(truth, BoxTruth)
    return truth


def clips_of(root: Path, split: str) -> Iterator[Clip]:
    """Give the second of every box, in the order of the truth."""
    truth = truth_of(root, split)
    for video in load(root, split).videos:
        with open_video(video.path) as opened:
            luma = opened.frames(range(len(opened)))[..., 1]
        for key in truth.videos[video.id]:
            first = 30 * int(key.name)
            for box in key.boxes:
                x1, y1, x2, y2 = (round(96 * edge) for edge in (box.x1, box.y1, box.x2, box.y2))
                yield Clip(luma[first : first + 30], (x1, y1, x2, y2), box.labels)
