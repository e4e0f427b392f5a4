"""When the motions of a video begin and end: the law of pointlight-events, and drawing from it.

A video is a row of spans, each of whole frames: gaps and events in turn, a gap first and last. An
event is one of six motions; a gap is cut in pieces that are still and that flicker in turn.

**The law.** Events are a stationary renewal process. The length of an event has the probability
q(l), proportional to 1/l (as many short ones as long ones, by the logarithm), that of a gap is
uniform, p(g); a cycle is both. The first event begins at the earliest frame that it may, plus x
with the probability P(cycle > x) / mean cycle, as if the process had run forever; event follows gap
follows event, and the first event that would end too late, and all after it, are left out. Classes
are drawn uniformly, each by itself, and know nothing of the times.

**Every event has the same rate.** A stationary renewal process begins a cycle at each frame with
the same probability, 1 / mean cycle. An event that fits is never left out for another's sake: those
before it end earlier. So an event of l frames begins at frame s with the probability
q(l) / mean cycle, for all s from the first to the last at which it fits. Neither the place in a
video nor its length says where events are.

**The law is the same backwards.** With v(g) = P(cycle > g - least gap), the probability of a row of
spans is v(first gap) q(l1) p(g1) q(l2) ... q(ln) v(last gap) / mean cycle: the first gap is drawn
so, and v(last gap) is the probability that the next cycle doesn't fit. Read from its end it is the
same product. A gap's pieces are cut uniformly, and the first of them is still or flickers with the
probability 1/2, so the last one is too.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..lists.class_names import class_names
from ..pointlight.options import Range
from .settings import FPS, LEAST_PIECE, NAME, Settings
from .spans import FLICKER, STILL, Span

MOST_PIECES = 3
"""Pieces that a gap is cut in at most."""

Floats = NDArray[np.float64]


class Law(NamedTuple):
    """Lengths that a timeline is drawn by, in frames.

    Attributes:
        lengths: The shortest and the longest video.
        events: Possible lengths of an event, ascending.
        event_shares: Their probabilities.
        gaps: Possible lengths of a gap between events, ascending; all are as probable.
    """

    lengths: tuple[int, int]
    events: NDArray[np.int64]
    event_shares: Floats
    gaps: NDArray[np.int64]

    @property
    def edge(self) -> int:
        """Frames before the first event may begin, and after the last one has ended."""
        return int(self.gaps[0])

    @property
    def cycle(self) -> float:
        """Frames from one event's beginning to the next one's, in the mean."""
        return float(self.events @ self.event_shares + self.gaps.mean())


@cache
def law_of(settings: Settings) -> Law:
    """Return the lengths of events and gaps in frames."""
    events = np.arange(*_frames(settings.event))
    gaps = np.arange(*_frames(settings.gap))
    lowest, stop = _frames(settings.length)
    shares = 1 / events
    return Law((lowest, stop - 1), events, shares / shares.sum(), gaps)


def _frames(seconds: Range) -> tuple[int, int]:
    """Return the least number of frames, and the most plus one."""
    low, high = (round(second * FPS) for second in seconds)
    return low, high + 1


@cache
def _delays(settings: Settings) -> Floats:
    """Return the probabilities of 0, 1, ... frames before the first event may begin and does."""
    law = law_of(settings)
    events, gaps = np.zeros(law.events[-1] + 1), np.zeros(law.gaps[-1] + 1)
    events[law.events] = law.event_shares
    gaps[law.gaps] = 1 / len(law.gaps)
    longer = 1 - np.cumsum(np.convolve(events, gaps))
    tail = np.clip(longer[:-1], 0, None)
    shares: Floats = tail / tail.sum()
    return shares


def draw_timeline(
    generator: np.random.Generator, settings: Settings, frames: int | None = None
) -> tuple[Span, ...]:
    """Draw the spans of a video, in order, from frame 0 to its last.

    Args:
        generator: Draws the numbers.
        settings: The lengths of videos, events and gaps.
        frames: Frames of the video; None: they are drawn first.
    """
    law, classes = law_of(settings), class_names(NAME)
    if frames is None:
        frames = int(generator.integers(*law.lengths, endpoint=True))
    delays = _delays(settings)
    spans: list[Span] = []
    end = 0
    first = law.edge + int(generator.choice(len(delays), p=delays))
    while True:
        stop = first + int(generator.choice(law.events, p=law.event_shares))
        if stop > frames - law.edge:
            break
        spans += _gap(generator, end, first)
        spans.append(Span(classes[generator.integers(len(classes))], first, stop))
        end = stop
        first = stop + int(generator.choice(law.gaps))
    return (*spans, *_gap(generator, end, frames))


def _gap(generator: np.random.Generator, first: int, stop: int) -> list[Span]:
    """Cut a gap in pieces that are still and that flicker in turn."""
    frames = stop - first
    pieces = int(generator.integers(1, min(MOST_PIECES, frames // LEAST_PIECE), endpoint=True))
    # All ways to share out what is left when each piece has its least are as probable.
    spare = frames - pieces * LEAST_PIECE
    bars = np.sort(generator.choice(spare + pieces - 1, pieces - 1, replace=False))
    cuts = bars - np.arange(pieces - 1) + LEAST_PIECE * np.arange(1, pieces)
    ends = [first, *(first + int(cut) for cut in cuts), stop]
    states = (STILL, FLICKER) if generator.integers(2) == 0 else (FLICKER, STILL)
    return [Span(states[piece % 2], ends[piece], ends[piece + 1]) for piece in range(pieces)]
