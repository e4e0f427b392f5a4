"""Columns and figures of localization and detection."""

from collections.abc import Callable, Sequence

from ..records.record import Record
from ..records.task_results import TaskScore
from ..text.units import milliseconds, percent_with_interval, scaled
from .columns import LOWER_BOUND, NOTHING, rough_mark, uncounted
from .measurement import Cell, Column, Figure

_Score = Callable[[Record], TaskScore | None]


def localization_of(record: Record) -> TaskScore | None:
    """Return the score of localization."""
    return record.localization


def detection_of(record: Record) -> TaskScore | None:
    """Return the score of detection."""
    return record.detection


def window_step_s(record: Record) -> float | None:
    """Return the seconds of video that each further window adds; None if it isn't known."""
    if record.localization is not None:
        return record.localization.step_s
    case = record.case
    if case.step is None or case.protocol.fps is None:
        return None
    return case.step / case.protocol.fps


def macs_per_s(record: Record) -> float | None:
    """Return the MACs for a second of video: those of a forward over the time that it covers."""
    step_s = window_step_s(record)
    return None if record.cost is None or not step_s else _over(record.cost.macs, record, step_s)


def time_per_s(record: Record) -> float | None:
    """Return the seconds of computing for a second of video."""
    step_s = window_step_s(record)
    return (
        None
        if record.latency is None or not step_s
        else _over(record.latency.reached_s, record, step_s)
    )


def _over(total: float, record: Record, step_s: float) -> float:
    return total / (record.case.batch * step_s)


def _gmacs_per_s(record: Record) -> Cell:
    macs = macs_per_s(record)
    bound = LOWER_BOUND if macs is not None and uncounted(record) else ""
    return bound + scaled(macs, 1e9, 3), ""


def _ms_per_s(record: Record) -> Cell:
    found = time_per_s(record)
    if found is None:
        return NOTHING
    return rough_mark(record) + milliseconds(found, None)[0], ""


def _map(score_of: _Score) -> Callable[[Record], Cell]:
    def cell(record: Record) -> Cell:
        score = score_of(record)
        return NOTHING if score is None else percent_with_interval(score.map, score.interval)

    return cell


def _rules(score_of: _Score, what: str) -> Callable[[Sequence[Record]], str]:
    def line(records: Sequence[Record]) -> str:
        found = [score for score in map(score_of, records) if score is not None]
        rules = dict.fromkeys(f"{each.rule} ({_thresholds(each)})" for each in found)
        return (
            f"{what}: mean average precision by the rule {', '.join(rules)}; its interval is by a "
            "bootstrap of videos."
        )

    return line


def _thresholds(score: TaskScore) -> str:
    first, *_, last = (*score.thresholds, *score.thresholds[-1:])
    return f"overlap {first:g}" if first == last else f"mean over overlaps {first:g} to {last:g}"


def scored(score_of: _Score) -> Callable[[Record], Sequence[str]]:
    """Return what gives a line on videos that were not scored."""

    def lines(record: Record) -> Sequence[str]:
        score = score_of(record)
        if score is None or score.scored == score.expected:
            return ()
        return (f": {score.scored} of {score.expected} videos scored.",)

    return lines


def _end_to_end(score_of: _Score) -> Callable[[Record], Cell]:
    def cell(record: Record) -> Cell:
        score = score_of(record)
        return NOTHING if score is None else (milliseconds(score.end_to_end_s, None)[0], "")

    return cell


LOCALIZATION = (
    Column(
        name="segment mAP",
        unit="%",
        cell=_map(localization_of),
        footnote=_rules(localization_of, "segment mAP"),
    ),
    Column(
        name="GMACs/s",
        cell=_gmacs_per_s,
        footnote="GMACs/s, ms/s: arithmetic and time for a second of video: windows through the "
        "backbone and the head.",
    ),
    Column(name="ms/s", cell=_ms_per_s),
    Column(
        name="from file, ms/s",
        cell=_end_to_end(localization_of),
        shown=lambda records: any(record.localization for record in records),
        footnote="from file: time for a second of video from the file to its segments, features "
        "that were kept aside.",
    ),
)
DETECTION = (
    Column(
        name="box mAP",
        unit="%",
        cell=_map(detection_of),
        footnote=_rules(detection_of, "box mAP"),
    ),
    Column(
        name="from file, ms/key frame",
        cell=_end_to_end(detection_of),
        shown=lambda records: any(record.detection for record in records),
        footnote="from file: time for a key frame from the file to the scores of its boxes.",
    ),
)


def _figure(name: str, label: str, score_of: _Score) -> Figure:
    return Figure(
        name=f"{name}_percent",
        short=name,
        label=label,
        unit="%",
        scale=1e-2,
        read=lambda record: getattr(score_of(record), "map", None),
        interval=lambda record: getattr(score_of(record), "interval", None),
        better="more",
        column=label,
    )


LOCALIZATION_FIGURES = (
    _figure("segment_map", "segment mAP", localization_of),
    Figure(
        name="gmacs_per_s",
        label="arithmetic for a second of video",
        unit="GMACs",
        scale=1e9,
        read=macs_per_s,
        better="less",
        column="GMACs/s",
    ),
    Figure(
        name="ms_per_s",
        label="time for a second of video",
        unit="ms",
        scale=1e-3,
        read=time_per_s,
        better="less",
        column="ms/s",
    ),
)
DETECTION_FIGURES = (_figure("box_map", "box mAP", detection_of),)
