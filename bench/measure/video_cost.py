"""The cost of a whole video, and the accuracy for it: readers, and columns of the tables."""

from collections.abc import Callable, Sequence

from ..records.reading import Reader, reader
from ..records.record import Record
from ..text.units import joules, milliseconds, scaled, significant
from .columns import LOWER_BOUND, NOTHING, rough_mark, uncounted
from .measurement import Cell, Column
from .whole_time import video_ends_s

UPPER_BOUND = "≤"


def video_macs(record: Record) -> float | None:
    """Return the MACs of all views of a video, without its optical flow, which has none."""
    if record.cost is None or record.case.mode == "stream":
        return None
    return record.cost.macs * record.case.protocol.views


def score_per(cost: Reader) -> Reader:
    """Return a reader of the score over a cost of a whole video; None of an untrained network."""

    def read(record: Record) -> float | None:
        accuracy, spent = record.accuracy, cost(record)
        if record.case.weights is None or accuracy is None or accuracy.score is None or not spent:
            return None
        return accuracy.score / float(spent)

    return read


def has_views(records: Sequence[Record]) -> bool:
    """Return whether a video has several views; of one view, its cost is that of a clip."""
    return any(record.case.protocol.views > 1 for record in records)


def _gmacs(record: Record) -> Cell:
    macs = video_macs(record)
    bound = LOWER_BOUND if macs is not None and uncounted(record) else ""
    return bound + scaled(macs, 1e9, 3), ""


def _time(record: Record) -> Cell:
    if record.video_s is None:
        return NOTHING
    value, interval = milliseconds(record.video_s, video_ends_s(record))
    return rough_mark(record) + value, interval


def _energy(record: Record) -> Cell:
    return joules(record.j_per_video), ""


def _points_per(
    cost: Reader, unit: float, mark: Callable[[Record], str]
) -> Callable[[Record], Cell]:
    per = score_per(cost)

    def cell(record: Record) -> Cell:
        found = per(record)
        return NOTHING if found is None else (mark(record) + significant(100 * found * unit), "")

    return cell


GMACS = Column(
    name="GMACs/video",
    cell=_gmacs,
    shown=has_views,
    footnote="GMACs/video: arithmetic of all views of a video.",
)
TIME = Column(
    name="time/video",
    unit="ms",
    cell=_time,
    shown=has_views,
    footnote="time/video: the forwards of all views of a video and the optical flow of its clips, "
    "one after the other; without reading the file.",
)
ENERGY = Column(
    name="energy/video",
    unit="J",
    cell=_energy,
    shown=has_views,
    footnote="energy/video: of the forwards of all views of a video, without optical flow.",
)
PER_COST = (
    Column(
        name="points/GMAC",
        cell=_points_per(video_macs, 1e9, lambda record: UPPER_BOUND if uncounted(record) else ""),
        derived=True,
        footnote="points/GMAC, points/ms, points/J: accuracy in percent for each GMAC, millisecond "
        "or joule of a whole video.",
    ),
    Column(
        name="points/ms",
        cell=_points_per(reader("video_s"), 1e-3, rough_mark),
        derived=True,
    ),
    Column(
        name="points/J",
        cell=_points_per(reader("j_per_video"), 1.0, lambda record: ""),
        derived=True,
    ),
)
