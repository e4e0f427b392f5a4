"""Average precision as the area under straight lines between the points of the curve."""

import numpy as np

from ..average_precision import Flags


def trapezoid_precision(hits: Flags, positives: int) -> float:
    """Return the area under the polygon of recall and precision; NaN without a positive.

    The curve begins at recall 0 with precision 1 and has a point after each detection
    (`pr_to_ap` of ACT: vkalogeiton/caffe, branch act-detector, `ACT_utils.py`). Precision isn't
    interpolated, and nothing is added after the last point.

    Args:
        hits: `[N]`: whether each detection is a true positive, in the order of their rank.
        positives: Number of true instances of the class.
    """
    if positives == 0:
        return float("nan")
    places = np.flatnonzero(hits)
    true = np.arange(1, len(places) + 1)
    after = true / (places + 1)
    before = np.divide(true - 1, places, out=np.ones(len(places)), where=places > 0)
    return float((before + after).sum() / 2 / positives)
