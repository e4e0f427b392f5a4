"""The rules of detection: what counts as a hit and what a mean is, by whose evaluator.

Each is written from the source that it names. Where a source breaks ties as its sort leaves them,
here nothing is left to a sort; see `box_matching.py` and `tube_map.py`.
"""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from ....datasets.errors import KinobenchError, UnknownNameError

Match = Literal["best alone", "best free"]
"""Which true instance a detection may hit: the one of highest overlap, so that it is a false
positive if another detection has taken that; or that of the highest overlap among those still
free."""

Area = Literal["interpolated", "trapezoid"]
"""How the area under precision and recall is computed: see `average_precision` and
`trapezoid_precision`."""

MeanOver = Literal["with truth", "with truth and detections", "all scored"]
"""The classes of a mean; one without truth that belongs to it counts as 0."""


class FrameRule(Struct, frozen=True, kw_only=True):
    """How a frame mAP is computed.

    Attributes:
        name: As it stands on records.
        source: Where the rule is defined.
        thresholds: Intersections over union from which on a detection may be a hit.
        strict: Whether it has to be above the threshold.
        pixel: What is added to each width and height: 1 where x2 and y2 are the last pixels inside,
            for which boxes have to be in pixels; 0 where the edges are lines.
        match: Which true box a detection may hit.
        area: How the area under precision and recall is computed.
        mean_over: The classes of the mean.
        cap: Number of detections of a frame that count, the best over all scored classes; None for
            all of them.
        decimals: Digits that scores and boxes of detections are rounded to; None for no rounding.
        flat_counts: Whether a detection without area, or with exchanged edges, is a false positive;
            if not, it is left out (after the cap).
        empty_counts: Whether detections in frames without a true box of a scored class are false
            positives; if not, they are left out.
    """

    name: str
    source: str
    thresholds: tuple[float, ...] = (0.5,)
    strict: bool = False
    pixel: float = 0.0
    match: Match = "best alone"
    area: Area = "interpolated"
    mean_over: MeanOver = "with truth"
    cap: int | None = None
    decimals: int | None = None
    flat_counts: bool = True
    empty_counts: bool = True

    def with_cap(self, cap: int | None) -> "FrameRule":
        """Return the rule with another number of detections a frame, which its name says."""
        if cap is not None and cap < 1:
            raise KinobenchError(f"a cap of {cap} detections a frame: give 1 or more, or none.")
        number = "no cap" if cap is None else f"a cap of {cap}"
        return self if cap == self.cap else replace(self, name=f"{self.name}, {number}", cap=cap)


class TubeRule(Struct, frozen=True, kw_only=True):
    """How a video (tube) mAP is computed.

    Attributes:
        name: As it stands on records.
        source: Where the rule is defined.
        thresholds: Spatio-temporal intersections over union that are reported one by one.
        averages: Name -> the thresholds over which the mAP is averaged.
        headline: The threshold, or the name of the average, that stands for the whole.
        strict: Whether a hit has to be above the threshold.
        pixel: As in `FrameRule`.
        frame: What is added to each length in frames; see `tube_iou`.
        one_frame_counts: Whether tubes that share one frame overlap; see `tube_iou`.
        match: Which true tube a detection may hit.
        area: How the area under precision and recall is computed.
        mean_over: The classes of the mean.
    """

    name: str
    source: str
    thresholds: tuple[float, ...]
    averages: tuple[tuple[str, tuple[float, ...]], ...]
    headline: str
    strict: bool = False
    pixel: float = 0.0
    frame: int = 0
    one_frame_counts: bool = True
    match: Match = "best alone"
    area: Area = "interpolated"
    mean_over: MeanOver = "with truth"


def _steps(first: int, last: int, step: int) -> tuple[float, ...]:
    """Return thresholds in hundredths, both ends included."""
    return tuple(number / 100 for number in range(first, last + 1, step))


# Until April 2020 the script took a file of frames to exclude and counted what is found in all
# others; since then it leaves out frames that the annotation doesn't list. Both are `excluded`.
_AVA = FrameRule(
    name="ava",
    source="activitynet/ActivityNet Evaluation/get_ava_performance.py",
    cap=50,
    flat_counts=False,
)
_ACT = FrameRule(
    name="ucf101-24",
    source="vkalogeiton/caffe (branch act-detector) act-detector-scripts/ACT.py, frameAP",
    pixel=1.0,
    match="best free",
    area="trapezoid",
)

FRAME_RULES: Mapping[str, FrameRule] = {
    rule.name: rule
    for rule in (
        _AVA,
        # It also counts the true boxes of excluded frames as missed; here these are left out.
        replace(
            _AVA,
            name="ava-mmaction2",
            source="open-mmlab/mmaction2 1.2.0 mmaction/evaluation/functional/ava_utils.py",
            cap=None,
            decimals=4,
            flat_counts=True,
            empty_counts=False,
            mean_over="with truth and detections",
        ),
        # It also matches detections in the order of its list of boxes; here the best comes first.
        replace(
            _AVA,
            name="ava-pyslowfast",
            source="facebookresearch/SlowFast slowfast/utils/ava_eval_helper.py",
            cap=None,
        ),
        replace(_ACT, name="frame", source=f"{_ACT.source}, without its pixel", pixel=0.0),
        _ACT,
        FrameRule(
            name="multisports", source="MCG-NJU/MultiSports evaluate_multisports.py, frameAP"
        ),
    )
}
"""Rules of frame mAP. `frame` takes boxes in any unit, `ucf101-24` in pixels."""

TUBE_RULES: Mapping[str, TubeRule] = {
    rule.name: rule
    for rule in (
        # The suppression at 0.3 that videoAP begins with is left to whoever makes the tubes. The
        # script divides by 0 for a class without truth.
        TubeRule(
            name="ucf101-24",
            source="vkalogeiton/caffe (branch act-detector) act-detector-scripts/ACT.py, videoAP",
            thresholds=(0.2, 0.5, 0.75),
            averages=(("0.5:0.95", _steps(50, 95, 5)),),
            headline="0.5",
            pixel=1.0,
            frame=1,
            match="best free",
            area="trapezoid",
        ),
        # The script adds 1 to the four numbers x, y, width and height of detected boxes, which are
        # zero-based there and one-based in its annotation; here both come in one unit.
        TubeRule(
            name="ucf101-24-gurkirt",
            source="gurkirt/realtime-action-detection online-tubes/eval/get_PR_curve.m",
            thresholds=(0.2, 0.5, 0.75),
            averages=(("0.5:0.95", _steps(50, 95, 5)),),
            headline="0.5",
            strict=True,
            frame=1,
            one_frame_counts=False,
            match="best free",
            mean_over="all scored",
        ),
        TubeRule(
            name="multisports",
            source="MCG-NJU/MultiSports evaluate_multisports.py, videoAP and videoAP_all",
            thresholds=(0.2, 0.5),
            averages=(
                ("0.05:0.45", _steps(5, 45, 5)),
                ("0.1:0.9", _steps(10, 90, 10)),
                ("0.5:0.95", _steps(50, 95, 5)),
            ),
            headline="0.5",
        ),
    )
}
"""Rules of video mAP. Both of UCF101-24 take boxes in pixels."""


def frame_rule(name: str) -> FrameRule:
    """Return the rule of a frame mAP; an unknown name gets an error with the nearest."""
    if name not in FRAME_RULES:
        raise UnknownNameError("rule of frame mAP", name, FRAME_RULES)
    return FRAME_RULES[name]


def tube_rule(name: str) -> TubeRule:
    """Return the rule of a video mAP; an unknown name gets an error with the nearest."""
    if name not in TUBE_RULES:
        raise UnknownNameError("rule of video mAP", name, TUBE_RULES)
    return TUBE_RULES[name]
