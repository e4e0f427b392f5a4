"""A measurement that doesn't come with kinobench: how much repeated forwards differ in time."""

import statistics
import time

import msgspec

from kinobench.bench.measure.context import Context
from kinobench.bench.measure.measurement import Column, Figure, Measurement
from kinobench.bench.measure.registry import register
from kinobench.bench.records.record import Record
from kinobench.bench.text.units import percent

FORWARDS = 12


class Jitter(msgspec.Struct, frozen=True, kw_only=True):
    """Times of forwards, one after the other, in seconds."""

    samples_s: tuple[float, ...]

    @property
    def share(self) -> float:
        """The standard deviation over the mean."""
        return statistics.stdev(self.samples_s) / statistics.fmean(self.samples_s)


def run(context: Context) -> None:
    """Time forwards of the case's network."""
    ((*inputs,),) = context.network.inputs(1)
    samples = []
    for done in range(FORWARDS):
        begin = time.perf_counter()
        context.network.forward(*inputs)
        samples.append(time.perf_counter() - begin)
        context.progress(done + 1, FORWARDS)
    context.keep(jitter=Jitter(samples_s=tuple(samples)))
    context.note(f"of {FORWARDS} forwards")


def share(record: Record) -> float | None:
    """Return the spread of a record; None if it was not measured."""
    jitter = record.result("jitter", Jitter)
    return None if jitter is None else jitter.share


register(
    Measurement(
        name="jitter",
        summary="spread of the times of repeated forwards",
        run=f"{__name__}:run",
        results={"jitter": Jitter},
        columns=(
            Column(
                name="jitter",
                unit="%",
                cell=lambda record: (percent(share(record)), ""),
                footnote="jitter: standard deviation of the times of forwards over their mean.",
            ),
        ),
        values={"jitter_share": share},
        figures=(
            Figure(
                name="jitter_percent",
                short="jitter",
                label="jitter",
                unit="%",
                scale=1e-2,
                read=share,
                better="less",
                column="jitter",
            ),
        ),
        shown_in_cells=("jitter: of 12 forwards",),
    )
)
