"""All measurements of a case, one after the other, on one network."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..records.case import Case
from ..records.job import Built, Progress
from . import registry
from .context import Context, Current
from .measurement import Measurement

if TYPE_CHECKING:
    from ..network.network import Network


def measure_all(context: Context, build: "Callable[[Case], Network]") -> None:
    """Check, build the network, and run what the job asks for.

    Args:
        context: Its `emit` gets every result as soon as it is there.
        build: Makes the case's network; it is placed on its device here.
    """
    job = context.job
    chosen = registry.chosen(job.measures, job.case)
    if job.is_part:
        chosen = [each for each in chosen if not each.follows]
    for measurement in chosen:
        if measurement.check is not None:
            with context.measuring(current(measurement)):
                registry.resolved(measurement.check, measurement.name)(context)
    context.emit(Progress(stage="building"))
    network = context.network = build(job.case)
    context.emit(Built(params=network.params, weights_digest=network.weights_digest))
    context.notes(network.notes)
    noted = len(network.notes)
    needs = {need for measurement in chosen for need in measurement.needs}
    for measurement in chosen:
        if "device" not in measurement.needs:
            _run(measurement, context)
    on_device = registry.needs_device(job)
    if "digest" in needs:
        network.identify(at_first_forward=on_device)
    if on_device:
        placed = [each for each in chosen if "device" in each.needs and not each.always]
        network.settle(
            reference="reference" in needs and not job.is_part,
            to_classify=all("classify" in each.needs for each in placed),
        )
    context.notes(network.notes[noted:])
    for measurement in chosen:
        if "device" in measurement.needs:
            _run(measurement, context)
    context.end()


def _run(measurement: Measurement, context: Context) -> None:
    """Run a measurement, unless what it follows from gave no result."""
    for followed in measurement.follows:
        if context.found.keys().isdisjoint(registry.get(followed).results):
            return
    with context.measuring(current(measurement)):
        context.progress()
        registry.runs(measurement)(context)


def current(measurement: Measurement) -> Current:
    """Return what a context must know of a measurement: it may complete what it follows from."""
    completed = (registry.get(name).results for name in measurement.follows)
    return Current(
        name=measurement.name,
        about=measurement.about or measurement.name,
        stage=measurement.stage or measurement.name,
        results=frozenset([*measurement.results, *(each for names in completed for each in names)]),
    )
