"""What a file of results says: predictions as columns, as they are written."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class FoundSegments(NamedTuple):
    """Predicted events, in the order of the file; all columns have one length.

    Attributes:
        video: Ids of the videos, as written.
        label: Names or numbers of the classes, as written.
        start_s, end_s: Seconds; a segment may end before it begins.
        score: Confidences, all finite.
        named: Ids of all videos that the file names, those without predictions too.
        notes: What was passed over, counted.
    """

    video: list[str]
    label: list[str]
    start_s: Floats
    end_s: Floats
    score: Floats
    named: tuple[str, ...]
    notes: tuple[str, ...] = ()


class FoundBoxes(NamedTuple):
    """Predicted boxes with one label each, in the order of the file.

    Attributes:
        video: Ids of the videos; numbers of them, as text, where `by_number`.
        frame: Names of the key frames.
        label: Labels, from 0.
        box: `[N, 4]`: x1, y1, x2, y2, as shares of the frame, or in pixels where `by_number`.
        score: Confidences, all finite.
        by_number: True of MultiSports's array, which numbers the videos of the test split.
        notes: What was passed over, counted.
    """

    video: list[str]
    frame: list[str]
    label: Ints
    box: Floats
    score: Floats
    by_number: bool = False
    notes: tuple[str, ...] = ()


class FoundTubes(NamedTuple):
    """Predicted tubes, in the order of the file.

    Attributes:
        video: Ids of the videos.
        label: Labels, from 0.
        first: Numbers of the first frames, from 0.
        boxes: For each tube `[frames, 4]`: x1, y1, x2, y2 in pixels.
        box_score: For each tube `[frames]`; None where the boxes have no scores of their own.
        score: Confidences, all finite.
        notes: What was passed over, counted.
    """

    video: list[str]
    label: Ints
    first: Ints
    boxes: list[Floats]
    box_score: list[Floats] | None
    score: Floats
    notes: tuple[str, ...] = ()


Found = FoundSegments | FoundBoxes | FoundTubes
