"""The best mAP on pointlight-events of a predictor that doesn't see order, and the proofs.

All values are those of infinitely many videos; in a split of some dozens, luck adds to them. A
detection is a class, a segment of time and a score; AP is the mean precision over all recalls, of
detections by falling score, interpolated or not. So where no set of detections has a precision
above h, AP is at most h.

**A predictor that sees nothing** but a video's length. Events of each class begin at frame s with
the probability q(l) / (classes x mean cycle) for each length l, wherever they fit (timeline.py). So
the probability that a segment S meets an event of a class with tIoU >= t is at most the sum over l
of q(l) N(l) / (classes x mean cycle), where N(l) is the number of frames s for which [s, s + l)
does. With m the length of S, the overlap must be t (m + l) / (1 + t) or more: impossible if
t m > l or t l > m, and otherwise s is in an interval of the length w = (m + l) (1 - t) / (1 + t),
which has at most floor(w) + 1 whole numbers. `blind_ceiling` is the largest such sum over all m. A
second detection of an event counts as false, so there is no way to reach it; the best that is known
(segments of 3 s all over the video) reaches 0.7 % where it says 1.8 %, and 3.0 % where 5.3 %.

**A predictor that sees one frame** of a video. In every frame, whatever the spans of the video are,
the dots are independent and uniform (scene.py). So the frame is independent of the spans, and the
bound is the one above.

**A predictor that doesn't see which way time runs**: for a video that is played backwards it names
the same classes with the same scores, at the mirrored times. So does whatever scores each window by
its frames in any order, and joins the scores without regard to the direction of time: single
frames, pairs or sets of frames. (A network over the scores of many windows in their order sees
order, whatever each window shows.) A video played backwards is as probable as the video, with every
class exchanged for its opposite (timeline.py, dots.py). So of each event the class and its opposite
are as probable, given all that is seen. A detection that reaches one event alone is right with the
probability 1/2 at most, and AP is at most 1/2. Naming both classes of each event reaches it.

One detection may reach two events, of opposite classes, and be right either way, but only if t is
below 1/2: S overlaps events of the lengths a and b, g frames apart, with tIoU >= t if it has x
frames of one and y of the other, x >= t (a + g + y) and y >= t (b + g + x). The least such x is
t (a + g + t (b + g)) / (1 - t^2), and it must be a or less; so for y and b. Let r be the share of
events with an opposite one in such a reach, at most the sum over the next, the one after it, and so
on. Of all recalls up to r the precision may be 1, of a recall R above r it is at most
R / (2 R - r), and AP is at most r + (1 - r) / 2 + r / 4 log((2 - r) / r). `order_ceiling` is that.

**Ordered frames** show everything: all dots move alike from each frame to the next, or rest, or are
elsewhere. The best is 100 %; the tests have a reader of dots that reaches it on the decoded files.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..lists.class_names import class_names
from .settings import NAME, USUAL, Settings
from .timeline import Law, law_of

Floats = NDArray[np.float64]

THRESHOLDS = {
    "activitynet": tuple(round(0.5 + 0.05 * step, 2) for step in range(10)),
    "thumos14": (0.3, 0.4, 0.5, 0.6, 0.7),
}
"""The thresholds of tIoU that each rule's mAP is usually the mean over."""
_CELL = 0.05
"""Frames between the lengths of a segment that are tried; a bound holds for all in between."""


class Ceilings(NamedTuple):
    """The best mAP there is, as shares.

    Attributes:
        blind: Seeing nothing, or one frame of a video.
        order: Not seeing which way time runs.
    """

    blind: float
    order: float


def ceilings(rule: str, settings: Settings = USUAL) -> Ceilings:
    """Return upper bounds of the mAP under a rule, the mean over its usual thresholds.

    Args:
        rule: `activitynet` or `thumos14`.
        settings: The numbers that the videos are drawn by.

    Raises:
        KeyError: There is no such rule.
    """
    thresholds = THRESHOLDS[rule]
    blind = [blind_ceiling(threshold, settings) for threshold in thresholds]
    order = [order_ceiling(threshold, settings) for threshold in thresholds]
    return Ceilings(sum(blind) / len(blind), sum(order) / len(order))


def blind_ceiling(threshold: float, settings: Settings = USUAL) -> float:
    """Return an upper bound of the AP, at a threshold of tIoU, of one who sees nothing."""
    law = law_of(settings)
    rates = law.event_shares / law.cycle / len(class_names(NAME))
    shortest, longest = law.events[0] * threshold, law.events[-1] / threshold
    lengths = np.arange(shortest, longest + _CELL, _CELL)[:, None]
    reached = (threshold * law.events <= lengths + _CELL) & (threshold * lengths <= law.events)
    widths = (lengths + _CELL + law.events) * (1 - threshold) / (1 + threshold)
    hits = np.where(reached, np.floor(widths) + 1, 0) @ rates
    return float(hits.max())


def order_ceiling(threshold: float, settings: Settings = USUAL) -> float:
    """Return an upper bound of the AP, at a threshold, of one who can't see time's direction."""
    share = opposites_in_reach(threshold, settings)
    if share == 0:
        return 0.5
    return float(share + (1 - share) / 2 + share / 4 * np.log((2 - share) / share))


def opposites_in_reach(threshold: float, settings: Settings = USUAL) -> float:
    """Return the share of events that a detection may reach together with an opposite one.

    It is an upper bound: an event with two such neighbours counts twice.
    """
    law = law_of(settings)
    longest, shortest = int(law.events[-1]), int(law.events[0])
    most = int(longest * (1 - 2 * threshold) / threshold)
    fit = _places(law, law.lengths[1])
    apart = _shares(law.gaps, np.full(len(law.gaps), 1 / len(law.gaps)))
    cycle = np.convolve(apart, _shares(law.events, law.event_shares))
    pairs, least = 0.0, law.edge
    while least <= most:
        for gap in range(least, min(most, len(apart) - 1) + 1):
            pairs += apart[gap] * _pairs(law, threshold, gap, fit)
        apart, least = np.convolve(apart, cycle), least + law.edge + shortest
    events = float(law.event_shares @ fit[law.events])
    return min(1.0, 2 * pairs / len(class_names(NAME)) / events)


def _pairs(law: Law, threshold: float, gap: int, fit: Floats) -> float:
    """Return the number of places for two events so far apart that a detection reaches both."""
    one, other = law.events[:, None], law.events[None, :]
    least_one = threshold * (one + gap + threshold * (other + gap)) / (1 - threshold**2)
    reached = (one >= least_one) & (other >= least_one.T)
    places = fit[np.minimum(one + gap + other, len(fit) - 1)]
    return float(law.event_shares @ np.where(reached, places, 0) @ law.event_shares)


def _places(law: Law, longest: int) -> Floats:
    """Return, for each number of frames, the frames at which that many may begin in a video.

    The mean over the lengths of videos; 0 at the last, for what is in none.
    """
    frames = np.arange(law.lengths[0], law.lengths[1] + 1)
    long = np.arange(longest + 1)[:, None]
    places: Floats = np.clip(frames - 2 * law.edge - long + 1, 0, None).mean(axis=1)
    return places


def _shares(values: NDArray[np.int64], probabilities: Floats) -> Floats:
    """Return the probability of each number from 0 on."""
    shares = np.zeros(int(values[-1]) + 1)
    shares[values] = probabilities
    return shares
