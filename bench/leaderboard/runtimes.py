"""Networks by runtime: what each gains over eager PyTorch, and what it costs in outputs.

A network's rows in several runtimes, precisions and modes become one line, and each way to run it
a group of columns. Eager PyTorch in fp32 is the first of them, with which the others are compared.
"""

import math
import statistics
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec

from ..measure.columns import rough_mark
from ..measure.lost_accuracy import legend, points_lost
from ..records.case import CALIBRATION_CLIPS, Case
from ..records.case_names import names_of
from ..records.results import SCORE_NAMES
from .leaderboard import Board, Row
from .means import shown
from .rank_changes import ratio_of


class Way(NamedTuple):
    """The settings that say how a network runs; the network's outputs should be the same."""

    runtime: str
    provider: str | None
    hint: str | None
    precision: str
    calibration: int | None
    mode: str

    @property
    def name(self) -> str:
        """The runtime, and what is not usual: `torch`, `openvino int8`, `torch compile`."""
        usual = self.calibration in (None, CALIBRATION_CLIPS)
        clips = None if usual else f"{self.calibration} clips"
        mode = None if self.mode == "eager" else self.mode
        precision = None if self.precision == "fp32" else self.precision
        parts = (self.runtime, self.provider, self.hint, precision, clips, mode)
        return " ".join(str(part) for part in parts if part)


EAGER = Way("torch", None, None, "fp32", None, "eager")


def way_of(case: Case) -> Way:
    """Return how a case runs; a stream of frames is another input, not another way."""
    mode = "eager" if case.mode == "stream" else case.mode
    return Way(case.runtime, case.provider, case.hint, case.precision, case.calibration, mode)


class InRuntime(msgspec.Struct, frozen=True, kw_only=True):
    """A network as one runtime runs it.

    Attributes:
        way: Name of the runtime, with the precision and the mode that are not usual.
        latency_s, latency_interval_s: Time of a forward, without optical flow; None: not measured.
        is_rough: The latency was disturbed, or has a wide interval.
        speed_up: Time in eager PyTorch over this time; None for eager PyTorch itself, and where a
            time is not known.
        speed_up_interval: Its 95 % interval, from those of both times.
        drift: Largest logit difference from eager fp32; None where it is not finite or not known.
        logit_spread: Standard deviation of eager fp32's logits over the classes.
        flips, drift_clips: Clips whose top-1 class is another one, and how many were compared;
            None: the drift was not measured.
        score: Top-1 (hit@1, mAP) of a trained network as a fraction; None: not measured.
        score_change: That less eager PyTorch's, as a fraction.
        loses: It loses more points than `lost_accuracy.POINTS`.
        size_bytes: Size of the exported network on disk; None in torch.
        error: Reason why the case failed.
        record: Id of its record.
    """

    way: str
    latency_s: float | None = None
    latency_interval_s: tuple[float, float] | None = None
    is_rough: bool = False
    speed_up: float | None = None
    speed_up_interval: tuple[float, float] | None = None
    drift: float | None = None
    logit_spread: float | None = None
    flips: int | None = None
    drift_clips: int | None = None
    score: float | None = None
    score_change: float | None = None
    loses: bool = False
    size_bytes: int | None = None
    error: str | None = None
    record: str

    @property
    def lacks_drift(self) -> bool:
        """It has a time, and nobody knows how far its outputs are off."""
        return self.way != EAGER.name and self.latency_s is not None and self.flips is None


class Network(msgspec.Struct, frozen=True, kw_only=True):
    """A network in all runtimes.

    Attributes:
        name: Its name, with the settings that tell it from others of the table.
        model, weights: Its names.
        trained: It has weights, so that it has an accuracy to lose.
        cells: What each way of the table gives; None: not measured in it.
    """

    name: str
    model: str
    weights: str
    trained: bool
    cells: tuple[InRuntime | None, ...]

    @property
    def eager(self) -> InRuntime | None:
        """It in eager PyTorch."""
        return self.cells[0]

    @property
    def fastest(self) -> InRuntime | None:
        """The way with the least time that keeps its accuracy; None if none was timed."""
        known = [each for each in self.cells if each is not None and each.latency_s is not None]
        return min(
            (each for each in known if not each.loses),
            key=lambda each: each.latency_s or 0.0,
            default=None,
        )


class Mean(msgspec.Struct, frozen=True, kw_only=True):
    """The geometric mean of a way's speed-ups.

    Attributes:
        way: The way.
        speed_up: The mean; None without any network.
        networks: Networks that it is of.
        slower: Networks among them that are slower than in eager PyTorch.
    """

    way: str
    speed_up: float | None
    networks: int
    slower: int


class RuntimeTable(msgspec.Struct, frozen=True, kw_only=True):
    """The networks of a board by runtime.

    Attributes:
        title: The board's.
        score_name: What the accuracy is called.
        ways: Names of the ways, eager PyTorch first.
        networks: The networks, the fastest in eager PyTorch first.
        means: The mean of each way over all its networks, in the order of `ways`; that of eager
            PyTorch is of no use and is left out.
        common: The same over the networks that all ways have.
        notes: What a reader must know.
    """

    title: str
    score_name: str
    ways: tuple[str, ...]
    networks: tuple[Network, ...]
    means: tuple[Mean, ...]
    common: tuple[Mean, ...]
    notes: tuple[str, ...]


def runtime_tables(boards: Iterable[Board]) -> list[RuntimeTable]:
    """Return a table for each board that has a network in eager PyTorch and in another way."""
    tables = (runtime_table(board) for board in shown(boards))
    return [table for table in tables if table is not None]


def runtime_table(board: Board) -> RuntimeTable | None:
    """Return a board by runtime; None if no network runs in eager PyTorch and in another way."""
    grouped: dict[tuple[Any, ...], dict[Way, Row]] = {}
    for row in board.rows:
        if row.splits or row.record.case.probe is not None:
            continue
        grouped.setdefault(_network_of(row), {})[way_of(row.record.case)] = row
    by_way = {key: rows for key, rows in grouped.items() if EAGER in rows and len(rows) > 1}
    if not by_way:
        return None
    ways = [EAGER, *sorted({way for rows in by_way.values() for way in rows} - {EAGER}, key=_order)]
    names = names_of([rows[EAGER].record.case for rows in by_way.values()])
    networks = [
        _network(name, rows, ways) for name, rows in zip(names, by_way.values(), strict=True)
    ]
    networks.sort(key=lambda each: (_eager_s(each), each.name))
    in_all = [each for each in networks if all(map(_has_speed_up, each.cells[1:]))]
    alone = len(grouped) - len(by_way)
    return RuntimeTable(
        title=board.title,
        score_name=SCORE_NAMES[board.scoring][0],
        ways=tuple(way.name for way in ways),
        networks=tuple(networks),
        means=_means(networks, ways),
        common=_means(in_all, ways),
        notes=tuple(
            _notes(
                networks,
                alone,
                SCORE_NAMES[board.scoring][0],
                has_flow=any(_flow(rows) for rows in by_way.values()),
            )
        ),
    )


def _network_of(row: Row) -> tuple[Any, ...]:
    case = row.record.case
    settings = (case.batch, case.threads, case.classes, case.eval_batch, case.flow, case.decoder)
    of_task = (case.step, case.boxes, case.proposals)
    return (case.model, case.weights, *settings, *of_task, case.cold_l2, case.mode == "stream")


def _order(way: Way) -> tuple[Any, ...]:
    from ..records.case import Runtime

    known = Runtime.__args__  # type: ignore[attr-defined]
    return (known.index(way.runtime), way.precision != "fp32", way.name)


def _flow(rows: dict[Way, Row]) -> bool:
    return rows[EAGER].record.case.flow is not None


def _eager_s(network: Network) -> float:
    eager = network.eager
    return math.inf if eager is None or eager.latency_s is None else eager.latency_s


def _network(name: str, rows: dict[Way, Row], ways: Sequence[Way]) -> Network:
    eager = rows[EAGER]
    return Network(
        name=name,
        model=eager.record.case.model,
        weights=eager.weights,
        trained=eager.record.case.weights is not None,
        cells=tuple(_cell(way, rows[way], eager) if way in rows else None for way in ways),
    )


def _cell(way: Way, row: Row, eager: Row) -> InRuntime:
    record = row.record
    drift = record.drift
    is_eager = row is eager
    speed_up, interval = (None, None) if is_eager else _speed_up(eager, row)
    score, of_eager = _score(row), _score(eager)
    change = None if is_eager or score is None or of_eager is None else score - of_eager
    time_s, ends_s = _time(row)
    return InRuntime(
        way=way.name,
        latency_s=time_s,
        latency_interval_s=ends_s,
        is_rough=bool(rough_mark(record)),
        speed_up=speed_up,
        speed_up_interval=interval,
        drift=None if drift is None else drift.largest_logit_difference,
        logit_spread=None if drift is None else drift.logit_spread,
        flips=None if drift is None else drift.top1_flips,
        drift_clips=None if drift is None else drift.clips,
        score=score,
        score_change=change,
        loses=not is_eager and points_lost(of_eager, score) is not None,
        size_bytes=None if record.export is None else record.export.size_bytes,
        error=row.error,
        record=record.id,
    )


def _time(row: Row) -> tuple[float | None, tuple[float, float] | None]:
    """Return the time of a forward that a user can reach, and its interval; no optical flow."""
    latency = row.record.latency
    if latency is None:
        return None, None
    return latency.reached_s, (
        latency.wall_interval_s if latency.launch_bound else latency.interval_s
    )


def _score(row: Row) -> float | None:
    accuracy = row.record.accuracy
    return accuracy.score if accuracy is not None and row.is_trained else None


def _speed_up(eager: Row, row: Row) -> tuple[float | None, tuple[float, float] | None]:
    (before, ends_before), (after, ends_after) = _time(eager), _time(row)
    if before is None or after is None:
        return None, None
    if ends_before is None or ends_after is None:
        return before / after, None
    found = ratio_of(after, before, ends_after, ends_before)
    if found is None or found.interval is None:
        return before / after, None
    low, high = found.interval
    return before / after, (math.exp(low), math.exp(high))


def _has_speed_up(cell: InRuntime | None) -> bool:
    return cell is not None and cell.speed_up is not None


def _means(networks: Sequence[Network], ways: Sequence[Way]) -> tuple[Mean, ...]:
    found = []
    for place, way in enumerate(ways[1:], 1):
        cells = [network.cells[place] for network in networks]
        ups = [each.speed_up for each in cells if each is not None and each.speed_up is not None]
        found.append(
            Mean(
                way=way.name,
                speed_up=statistics.geometric_mean(ups) if ups else None,
                networks=len(ups),
                slower=sum(each < 1 for each in ups),
            )
        )
    return tuple(found)


def _notes(
    networks: Sequence[Network], alone: int, score_name: str, *, has_flow: bool
) -> Iterable[str]:
    """Yield what is missing or lost, by name."""
    cells = [(network, each) for network in networks for each in network.cells if each is not None]
    lost = [f"{network.name} in {each.way}" for network, each in cells if each.loses]
    if lost:
        yield legend(score_name, lost)
    lacking = [f"{network.name} in {each.way}" for network, each in cells if each.lacks_drift]
    if lacking:
        yield f"drift was not measured: {_few(lacking)}."
    unscored = [
        f"{network.name} in {each.way}"
        for network, each in cells
        if network.trained and each.error is None and each.score is None
    ]
    if unscored:
        yield f"accuracy was not measured: {_few(unscored)}."
    untrained = [network.name for network in networks if not network.trained]
    if untrained:
        yield f"untrained, so without an accuracy to lose: {_few(untrained)}."
    for network, each in cells:
        if each.error is not None:
            yield f"{network.name} in {each.way} failed: {each.error}"
    if has_flow:
        yield "optical flow is in no time here: no runtime computes it."
    if alone:
        yield (
            f"left out: {alone} that {'was' if alone == 1 else 'were'} not measured both in eager "
            "PyTorch (fp32) and in another runtime, with the same other settings."
        )


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - 12} more" if len(names) > 12 else ""
    return "; ".join(names[:12]) + more
