"""What a metric takes: ground truth and predictions as columns of numbers.

Videos, key frames and classes are numbered from 0; who calls keeps the names.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class Segments(NamedTuple):
    """Events, true or predicted; all columns `[N]`.

    Attributes:
        video, label: Numbers.
        start_s, end_s: Seconds.
        score: Confidences, of predictions alone.
    """

    video: Ints
    label: Ints
    start_s: Floats
    end_s: Floats
    score: Floats | None = None


class Boxes(NamedTuple):
    """Boxes with one label each, true or predicted; columns `[N]` but for `box`.

    Attributes:
        frame: Number of the key frame among those of all videos.
        label: Number of the class.
        box: `[N, 4]`: x1, y1, x2, y2.
        score: Confidences, of predictions alone.
    """

    frame: Ints
    label: Ints
    box: Floats
    score: Floats | None = None


class Tubes(NamedTuple):
    """Tubes, true or predicted: the boxes of all of them in one array.

    Attributes:
        video, label: Numbers, `[N]`.
        offset: Where the boxes of each begin in `box`, `[N + 1]`.
        frame: Number of the frame in its video of each box, `[boxes]`, rising in each tube.
        box: `[boxes, 4]`: x1, y1, x2, y2.
        box_score: Confidence of each box, `[boxes]`; None where they have none of their own.
        score: Confidences of the tubes, of predictions alone, `[N]`.
    """

    video: Ints
    label: Ints
    offset: Ints
    frame: Ints
    box: Floats
    box_score: Floats | None = None
    score: Floats | None = None
