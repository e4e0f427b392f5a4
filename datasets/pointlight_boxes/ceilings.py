"""The best frame mAP on pointlight-boxes of networks that see less than all, by the rule `ava`.

Boxes are given. Of all orders of boxes, that of the share of right ones among those that look the
same to the network is the best: if the labels of boxes are independent, exchanging neighbours of
which the first is less likely right raises the expected average precision. So:

- **One frame** shows nothing of a label (clouds.py), nor do other boxes, other seconds, places or
  sizes (scene.py): each label is in 5 of the 24 motions, whatever is seen. The best expected
  average precision is that of a random order at a prevalence of 5/24: 20.8 % of infinitely many
  boxes, more of few, the more so since AVA interpolates.
- **Unordered frames** show a motion or its reverse, no more: both are the same film. A label is
  certainly wrong, or as likely right as wrong: 50 % of infinitely many boxes. The boxes of a frame
  are linked, since all are reversed or none; by order of boxes that agree for sure a network may
  gain a point (the best of the orders that were tried, all others being worse).
- **Ordered frames without boxes**: a network that answers the same for all boxes of a frame may
  know which labels are in it, not where. Its best score is the share of the boxes that have the
  label (of all orders of frames none is better: tests/datasets/pointlight_boxes/test_proof.py).
- **All**: 100 %. An oracle that finds the dots in the decoded frames reaches it.

Each box has one motion, so a key frame has at most 32 answers, below AVA's limit of 50. False
boxes and second answers for one box only cost.
"""

from typing import NamedTuple


class Ceiling(NamedTuple):
    """The best frame mAP of a network that sees less than all, on one split of the usual dataset.

    Attributes:
        expected: On average over what it can't know; the Monte Carlo error is below 0.0005.
        lucky: What luck exceeds once in 1,000: a score above it shows that something gives labels
            away.
    """

    expected: float
    lucky: float


CEILINGS: dict[str, dict[str, Ceiling]] = {
    "test": {
        "one frame": Ceiling(0.2277, 0.242),
        "unordered frames": Ceiling(0.5447, 0.576),
        "ordered frames without boxes": Ceiling(0.6354, 0.644),
    },
    "quick": {
        "one frame": Ceiling(0.2536, 0.294),
        "unordered frames": Ceiling(0.5859, 0.666),
        "ordered frames without boxes": Ceiling(0.6297, 0.650),
    },
}
"""By split and by what is seen; tests/fakes/box_ceilings.py computes them."""
