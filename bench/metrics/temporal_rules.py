"""The rules by which localization is scored: one entry each, by the name of its origin."""

from typing import Literal

import msgspec
import numpy as np

from ...datasets.errors import UnknownNameError
from .segment_iou import Union

Matching = Literal["best free", "best alone", "by truth"]
"""Who takes which instance, within a video and a class.

- `best free`: each detection, the highest score first, takes the instance that it overlaps most of
  those that are free and reach the threshold.
- `best alone`: each detection looks at the instance that it overlaps most; if a detection of a
  higher score has it, it is a false positive.
- `by truth`: each instance, in the order of the file, takes the detection that overlaps it most of
  those that are free; of several alike, the one with the highest score.
"""

WithoutTruth = Literal["refuse", "refuse detections", "leave out"]
"""What happens to a class without an instance.

It is an error, or it is one where there are detections of it, or these are left out. It never
counts in the mean.
"""


class TemporalRule(msgspec.Struct, frozen=True, kw_only=True):
    """How detections in time are matched and scored.

    Attributes:
        name: The name that stands on a record.
        source: Where the rule is defined.
        thresholds: The overlaps that are scored.
        averaged: Those of them whose mean is the printed average.
        strict: Whether the overlap must exceed a threshold, not only reach it.
        matching: Who takes which instance.
        union: How the union is computed.
        interpolated: Whether the precision is interpolated.
        ignores: Whether detections that overlap an ignored span, and hit nothing, don't count.
        turns: Whether a detection that ends before it begins is turned around. If not, it overlaps
            nothing: a false positive.
        without_truth: What happens to a class without an instance.
        same_within_s: Instances of one class whose starts and ends differ by this at most, in
            seconds, are counted once, and those without a length not at all; None keeps all.
    """

    name: str
    source: str
    thresholds: tuple[float, ...]
    averaged: tuple[float, ...]
    strict: bool = False
    matching: Matching = "best free"
    union: Union = "lengths"
    interpolated: bool = True
    ignores: bool = False
    turns: bool = False
    without_truth: WithoutTruth = "refuse detections"
    same_within_s: float | None = None


# As the evaluator has them: the ninth is 0.8999999999999999.
_ACTIVITYNET = tuple(np.linspace(0.5, 0.95, 10).tolist())
_THUMOS14 = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
_LOW = (0.1, 0.2, 0.3, 0.4, 0.5)

TEMPORAL_RULES: dict[str, TemporalRule] = {
    rule.name: rule
    for rule in (
        TemporalRule(
            name="activitynet",
            source="activitynet/ActivityNet Evaluation/eval_detection.py",
            thresholds=_ACTIVITYNET,
            averaged=_ACTIVITYNET,
        ),
        TemporalRule(
            name="thumos14",
            source="THUMOS14 TH14evalDet_Updated.m (in sunnyxiaohu/R-C3D.pytorch)",
            thresholds=_THUMOS14,
            averaged=_THUMOS14[2:],
            strict=True,
            matching="by truth",
            union="hull",
            interpolated=False,
            ignores=True,
            turns=True,
            without_truth="refuse",
        ),
        TemporalRule(
            name="opentad",
            source="sming256/OpenTAD opentad/evaluations/mAP.py, configs of THUMOS14",
            thresholds=_THUMOS14[2:],
            averaged=_THUMOS14[2:],
            without_truth="leave out",
            same_within_s=1e-3,
        ),
        TemporalRule(
            name="opentad-activitynet",
            source="sming256/OpenTAD opentad/evaluations/mAP.py, configs of ActivityNet",
            thresholds=(0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95),
            averaged=(0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95),
            without_truth="leave out",
            same_within_s=1e-3,
        ),
        TemporalRule(
            name="epic-kitchens",
            source="sming256/OpenTAD opentad/evaluations/mAP_epic.py",
            thresholds=_LOW,
            averaged=_LOW,
            without_truth="leave out",
        ),
    )
}


def temporal_rule(name: str) -> TemporalRule:
    """Return the rule of a name.

    Raises:
        UnknownNameError: There is none.
    """
    if name not in TEMPORAL_RULES:
        raise UnknownNameError("rule of localization", name, TEMPORAL_RULES)
    return TEMPORAL_RULES[name]
