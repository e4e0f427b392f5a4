"""What is behind a score of localization: lengths of what was found, and false positives."""

import numpy as np

from ..metrics.action_lengths import BUCKETS, LENGTH_LIMITS_S, lengths_s, score_buckets
from ..metrics.false_positives import KINDS, analyse_false_positives
from ..metrics.instances import Segments
from ..metrics.temporal_matching import NOBODY, MatchedSegments
from ..metrics.temporal_rules import TemporalRule
from .result import OfError, OfGroup, number

ERRORS_AT = 0.5
"""The overlap at which false positives are told apart, or the nearest that the rule has."""


def by_length(pairs: MatchedSegments) -> tuple[OfGroup, ...]:
    """Return what was found of the instances of each length; DETAD's limits (`action_lengths`).

    `found` is the share of the instances that a detection takes at the lowest overlap.
    """
    long = "activitynet" in pairs.rule.name
    limits = LENGTH_LIMITS_S["activitynet" if long else "thumos14"]
    lengths = lengths_s(pairs)
    scores = score_buckets(pairs, lengths, limits)
    taken = pairs.taken[:, int(np.argmin(pairs.thresholds))]
    hit = np.zeros(len(lengths), bool)
    hit[taken[taken != NOBODY]] = True
    groups = []
    for place, name in enumerate(BUCKETS):
        low, high = limits[place], limits[place + 1]
        inside = (lengths <= high) & ((lengths > low) | ((place == 0) & (lengths == low)))
        span = f"over {low:g} s" if np.isinf(high) else f"up to {high:g} s"
        groups.append(
            OfGroup(
                name=f"{name}, {span}",
                instances=int(scores.instances[place]),
                found=float(hit[inside].mean()) if inside.any() else None,
                value=number(float(scores.average[place])),
            )
        )
    return tuple(groups)


def false_positives(
    truth: Segments,
    found: Segments,
    ignored: Segments | None,
    *,
    videos: int,
    classes: int,
    rule: TemporalRule,
) -> tuple[tuple[OfError, ...], str]:
    """Return the false positives by kind, and the overlap at which they are told apart.

    Each class's best detections are looked at, ten times as many as it has instances; see
    `analyse_false_positives`, also for the arguments.
    """
    analysed = analyse_false_positives(
        truth,
        found,
        videos=videos,
        classes=classes,
        rule=rule,
        ignored=ignored,
        leave_out=True,
    )
    column = int(np.argmin(np.abs(analysed.thresholds - ERRORS_AT)))
    counts, shares = analysed.counts.sum(axis=0)[:, column], analysed.shares[:, column]
    errors = tuple(
        OfError(
            kind=kind,
            count=int(counts[place]),
            share=number(float(shares[place])),
            gain=analysed.gains.get(kind),
        )
        for place, kind in enumerate(KINDS)
        if place
    )
    return errors, f"{analysed.thresholds[column]:g}"
