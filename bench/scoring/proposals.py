"""Scores of proposals: segments whose labels don't matter."""

import msgspec
import numpy as np

from ..metrics.proposals import score_proposals
from .result import Measured, Value, overlap_names
from .segment_problem import SegmentProblem

AR_AT_AN = "ar@an"
"""The rule's name: average recall against the average number of proposals."""
SHOWN = (1, 5, 10, 50, 100)
"""Numbers of proposals a video whose recall papers print."""
_NEAR = 1e-9


class ProposalRule(msgspec.Struct, frozen=True, kw_only=True):
    """How AR@AN is computed.

    Attributes:
        name: As it stands on records.
        source: Where the rule is defined.
        thresholds: Overlaps to reach, whose recalls are averaged.
        most_a_video: Number of proposals that are retrieved of a video, on average.
    """

    name: str
    source: str
    thresholds: tuple[float, ...]
    most_a_video: float


PROPOSAL_RULES = {
    AR_AT_AN: ProposalRule(
        name=AR_AT_AN,
        source="activitynet/ActivityNet Evaluation/eval_proposal.py, at most 100 a video",
        thresholds=tuple(np.linspace(0.5, 0.95, 10).tolist()),
        most_a_video=100,
    )
}


def measure_proposals(problem: SegmentProblem, rule: ProposalRule) -> Measured:
    """Score the proposals of the first file: the area under AR@AN, and the recall at some numbers.

    The recall between two numbers of proposals is interpolated; beyond the most that there are on
    average it isn't known.
    """
    scores = score_proposals(
        problem.truth,
        problem.found[0],
        videos=len(problem.videos),
        thresholds=rule.thresholds,
        most_a_video=rule.most_a_video,
    )
    most = float(scores.a_video[-1])
    known = scores.area is not None
    return Measured(
        rule=rule.name,
        source=rule.source,
        overlaps=overlap_names(rule.thresholds),
        value=0.0 if scores.area is None else scores.area,
        interval=None,
        values=tuple(
            Value(
                f"{each}",
                float(np.interp(each, scores.a_video, scores.average_recall))
                if known and scores.a_video[0] - _NEAR <= each <= most + _NEAR
                else None,
            )
            for each in SHOWN
        ),
        classes=(),
    )
