"""Published numbers next to measured ones, each pair with a verdict. Pure: no file, no torch.

A number is *reproduced* if it is the printed one in all digits (costs and parameters), or if its
95 % interval has a number that is printed so (accuracies and speeds), and if nothing else differs
from what was printed: weights, clip, views, protocol, videos, classes, device. An accuracy can only
be reproduced with the checkpoint that it was printed of, by the protocol of that test.
"""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Literal

import msgspec

from ...zoo.checkpoints.named import find_weights
from ...zoo.tables.published import published
from ...zoo.tables.published_speeds import Speed, published_speeds
from ...zoo.tables.rows import Published, Weights
from ...zoo.tables.sources import url_of
from ..cost.conventions import COUNTED_BY_LAYER, counted_as
from ..measure import registry
from ..records.record import Record
from .printed_digits import GIGA, MEGA, is_printed, meets
from .published_conditions import (
    Condition,
    dataset_of,
    of_checkpoint,
    of_machine,
    of_shape,
    of_stride,
    of_videos,
    of_views,
)

Quantity = Literal["top-1", "top-5", "GMACs", "params", "speed"]
QUANTITIES: tuple[Quantity, ...] = ("top-1", "top-5", "GMACs", "params", "speed")
Verdict = Literal[
    "reproduced", "agrees, other conditions", "differs, known reason", "differs", "not compared"
]
Ends = tuple[float, float]


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """A printed number, and the one measured here.

    Attributes:
        quantity: What they are of.
        unit: Their unit: `%`, `G`, `M`, `ms`, `clips/s` or `videos/s`.
        printed: The printed number, with all printed digits.
        here: The measured one; None if the record can't give it under the source's convention.
        ends: Its 95 % interval; None of a count.
        verdict: `reproduced`; `agrees, other conditions`: the numbers agree, but are not of the
            same thing, so that nothing is reproduced; `differs, known reason`; `differs`; or `not
            compared`.
        conditions: What differs but for the number, or is unknown.
        reason: Reason for the difference in the table of printed numbers itself.
        variant: Name of the network or weights in the source.
        note: A caution for comparing the printed number.
        source, url, evidence: The source, its address, and its kind; see `Published`.
    """

    quantity: Quantity
    unit: str
    printed: Decimal
    here: float | None
    ends: Ends | None = None
    verdict: Verdict
    conditions: tuple[Condition, ...] = ()
    reason: str | None = None
    variant: str | None
    note: str | None = None
    source: str
    url: str
    evidence: str

    @property
    def difference(self) -> float | None:
        """The number here minus the printed one, in their unit."""
        return None if self.here is None else self.here - float(self.printed)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why they differ, or why it can't be said: in words."""
        own = () if self.reason is None else (self.reason,)
        return (*own, *(each.text for each in self.conditions))


def compare_record(record: Record) -> list[Comparison]:
    """Compare a record with all that was printed of its network.

    Accuracies are those of the record's dataset; a network without trained weights has none. What
    the record lacks is left out.
    """
    return [*_accuracies(record), *_costs(record), *_params(record), *_speeds(record)]


def closest(comparisons: Iterable[Comparison]) -> list[Comparison]:
    """Return for each quantity the comparison in whose conditions least differs."""
    found: dict[Quantity, Comparison] = {}
    for each in comparisons:
        best = found.get(each.quantity)
        if best is None or _distance(each) < _distance(best):
            found[each.quantity] = each
    return [found[name] for name in QUANTITIES if name in found]


def _distance(each: Comparison) -> tuple[bool, int]:
    return each.verdict == "not compared", len(each.conditions)


def verdict_of(
    agrees: bool | None, conditions: Sequence[Condition], reason: str | None = None
) -> Verdict:
    """Return the verdict on two numbers.

    Args:
        agrees: Whether they agree; None if they can't be compared.
        conditions: What else differs, or is unknown.
        reason: The known reason for just this difference.
    """
    if agrees is None:
        return "not compared"
    if agrees:
        return "agrees, other conditions" if conditions else "reproduced"
    is_known = reason is not None or any(each.reason for each in conditions)
    return "differs, known reason" if is_known else "differs"


def _accuracies(record: Record) -> Iterator[Comparison]:
    case, accuracy = record.case, record.accuracy
    if case.weights is None or case.probe is not None or accuracy is None:
        return
    if accuracy.scoring != "top-k" or case.dataset is None:
        return
    entry = find_weights(case.model, case.weights)
    if entry is not None:
        on = entry.classes or entry.name.partition("_")[0]
        if on == case.dataset:
            found = [*of_checkpoint(case, entry), *of_videos(record, on)]
            yield from _scores(record, entry, found)
    for row in published(case.model):
        if dataset_of(row.dataset) != case.dataset or is_of(row, entry):
            continue
        found = [Condition("weights", f"the weights here are {case.weights}")]
        found += [*of_shape(case, row.frames, row.size), *of_stride(case, row.stride)]
        found += [*of_views(case, row.views, row.frames), *of_videos(record, row.dataset)]
        yield from _scores(record, row, found)


def is_of(row: Published, entry: Weights | None) -> bool:
    """Return whether a row prints the accuracy of a checkpoint, which has a line of its own."""
    return (
        entry is not None
        and row.top1 == entry.top1
        and row.source.partition("@")[0] == entry.source.partition("@")[0]
    )


def _scores(
    record: Record, printed: Published | Weights, conditions: Sequence[Condition]
) -> Iterator[Comparison]:
    accuracy = record.accuracy
    assert accuracy is not None
    if isinstance(printed, Published):
        variant, note, evidence = printed.variant, printed.note, str(printed.evidence)
    else:
        variant, note, evidence = f"weights {printed.name}", printed.notes, "primary-repo"
    for quantity, number, share, interval in (
        ("top-1", printed.top1, accuracy.top1, accuracy.interval_top1),
        ("top-5", printed.top5, accuracy.top5, accuracy.interval_top5),
    ):
        if number is None or share is None:
            continue
        ends = None if interval is None else (100 * interval[0], 100 * interval[1])
        agrees = meets(number, ends or (100 * share, 100 * share))
        yield Comparison(
            quantity=quantity,  # type: ignore[arg-type]
            unit="%",
            printed=number,
            here=100 * share,
            ends=ends,
            verdict=verdict_of(agrees, conditions),
            conditions=tuple(conditions),
            variant=variant,
            note=note,
            source=printed.source,
            url=url_of(printed.source),
            evidence=evidence,
        )


def _costs(record: Record) -> Iterator[Comparison]:
    case, cost = record.case, record.cost
    if cost is None or case.mode == "stream":
        return
    for row in published(case.model):
        if row.gmacs is None:
            continue
        conditions = of_shape(case, row.frames, row.size, row.classes)
        macs = None
        if row.convention in COUNTED_BY_LAYER:
            text = f"counted as {row.convention}: `verify {case.model}` counts so"
            conditions.append(Condition("", text))
        else:
            macs = counted_as(row.convention, cost)
        if row.convention is None:
            conditions.append(Condition("", "the source doesn't say what it counts"))
        if cost.uncounted:
            conditions.append(Condition("", "some operators here can't be counted"))
        reason = row.cost_reason if macs is not None and macs == row.macs_here else None
        yield _count("GMACs", row, row.gmacs, macs, GIGA, conditions, reason)


def _params(record: Record) -> Iterator[Comparison]:
    case, params = record.case, record.params
    if params is None:
        return
    for row in published(case.model):
        if row.mparams is None:
            continue
        conditions = of_shape(case, row.frames, row.size, row.classes)
        here = None if row.params_convention else params
        if here is None:
            text = f"printed without biases and normalisations: `verify {case.model}` counts so"
            conditions.append(Condition("", text))
        reason = row.params_reason if here is not None and here == row.params_here else None
        yield _count("params", row, row.mparams, here, MEGA, conditions, reason)


def _count(
    quantity: Quantity,
    row: Published,
    printed: Decimal,
    here: int | None,
    unit: int,
    conditions: Sequence[Condition],
    reason: str | None,
) -> Comparison:
    return Comparison(
        quantity=quantity,
        unit="G" if unit == GIGA else "M",
        printed=printed,
        here=None if here is None else here / 10**unit,
        verdict=verdict_of(is_printed(here, printed, unit), conditions, reason),
        conditions=tuple(conditions),
        reason=reason,
        variant=row.variant,
        note=row.note,
        source=row.source,
        url=url_of(row.source),
        evidence=row.evidence,
    )


def _speeds(record: Record) -> Iterator[Comparison]:
    case = record.case
    if record.latency is None or case.mode == "stream":
        return
    for speed in published_speeds(case.model):
        here, ends = _measured(record, speed)
        if here is None or ends is None:
            continue
        conditions = [*of_machine(record, speed), *of_shape(case, speed.frames, speed.size)]
        if speed.unit == "videos/s":
            conditions += of_views(case, speed.views, speed.frames)
        yield Comparison(
            quantity="speed",
            unit=speed.unit,
            printed=speed.value,
            here=here,
            ends=ends,
            verdict=verdict_of(meets(speed.value, ends), conditions),
            conditions=tuple(conditions),
            variant=speed.variant,
            note=speed.note,
            source=speed.source,
            url=url_of(speed.source),
            evidence=speed.evidence,
        )


def _measured(record: Record, speed: Speed) -> tuple[float | None, Ends | None]:
    """Return the measured number in the unit of a printed speed, and its interval."""
    figure = next(
        each
        for one in registry.every()
        for each in one.figures
        if each.name == _FIGURES[speed.unit]
    )
    value, ends = figure.value(record), figure.ends(record)
    if not value or ends is None or min(ends) <= 0:
        return None, None
    if speed.unit == "videos/s":  # of the time of a video
        return 1e3 / value, (1e3 / ends[1], 1e3 / ends[0])
    return value, ends


_FIGURES = {"ms": "latency_ms", "clips/s": "clips_per_s", "videos/s": "video_ms"}
"""The figures by which speeds are measured, by the units of printed ones."""
