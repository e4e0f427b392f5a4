"""The table of measurements: name -> `Measurement`. A plug-in adds one by `register`.

A file that `--plugin` names calls `register`; an installed package offers a module that calls it by
an entry point of the group `kinobench.measurements`.
"""

import importlib
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib.metadata import entry_points
from typing import Any

from ...datasets.errors import KinobenchError, UnknownNameError, nearest_name, program
from ...datasets.names import Task
from ...datasets.their_errors import error_text
from ..records.case import Case
from ..records.job import Job
from ..records.record import RESULT_FIELDS
from ..text.toml import one_of
from .measurement import Measurement, Run
from .table import BUILT_IN

ENTRY_POINT_GROUP = "kinobench.measurements"

_measurements: dict[str, Measurement] = {each.name: each for each in BUILT_IN}
RESERVED = frozenset(
    {
        *("model", "weights", "runtime", "provider", "hint", "precision", "calibration", "mode"),
        *("flow", "batch", "threads", "classes"),
        *("eval_batch", "decoder", "probe", "cold_l2", "dataset", "split", "manifest"),
        *("protocol", "views", "device", "machine", "fingerprint", "torch", "commit", "run"),
        *("started", "trained", "failed", "params", "params_m", "rank"),
        *("step", "boxes", "proposals"),
    }
)
"""Names of what a leaderboard knows of a row besides the figures; see leaderboard/fields.py."""

_loaded: set[str] = set()
"""Entry points whose modules were imported."""


def register(measurement: Measurement) -> Measurement:
    """Add a measurement to the table, and return it.

    Raises:
        KinobenchError: Its name, or the name of a result, a value or a figure, is taken or has
            other characters than lower case letters, digits and `_`; or it follows from a
            measurement that isn't there.
    """
    name = measurement.name
    others = [each for each in _measurements.values() if each.name != name]
    if name in _measurements:
        raise KinobenchError(f"measurement {name!r} is taken; choose another name")
    for what in (name, *measurement.results, *_figure_names(measurement)):
        if not re.fullmatch(r"[a-z][a-z0-9_]*", what):
            raise KinobenchError(
                f"measurement {name!r}: {what!r}: a name has lower case letters, digits and _"
            )
    for kind, own, taken in (
        ("result", measurement.results, {*RESULT_FIELDS, *_of(others, "results")}),
        ("value", measurement.values, {*_of(others, "values")}),
        ("figure", _figure_names(measurement), {*RESERVED, *_figures_of(others)}),
    ):
        for twice in sorted(taken & set(own)):
            raise KinobenchError(
                f"measurement {name!r}: {kind} {twice!r} is taken; choose another name"
            )
    for value in measurement.values:
        if value != name and not value.startswith(f"{name}_"):
            raise KinobenchError(
                f"measurement {name!r}: value {value!r}: its name begins with {name}_"
            )
    for other in measurement.follows:
        if other not in _measurements:
            raise UnknownNameError("measurement", other, _measurements)
    _measurements[name] = measurement
    return measurement


def _figure_names(measurement: Measurement) -> tuple[str, ...]:
    return tuple(name for each in measurement.figures for name in (each.name, each.short) if name)


def _figures_of(measurements: Iterable[Measurement]) -> Iterator[str]:
    for each in measurements:
        yield from _figure_names(each)


def _of(measurements: Iterable[Measurement], field: str) -> Iterator[str]:
    for each in measurements:
        yield from getattr(each, field)


def every() -> tuple[Measurement, ...]:
    """Return all measurements, those of installed plug-ins too, in the order of the tables."""
    _load_installed_plugins()
    return tuple(_measurements.values())


def names() -> list[str]:
    """Return the names after `--measure`, in the order of the tables."""
    return [each.name for each in every() if not each.follows and not each.always]


def get(name: str) -> Measurement:
    """Return the measurement of that name.

    Raises:
        UnknownNameError: No measurement is named so; the message has the nearest name.
    """
    if name not in _measurements:
        _load_installed_plugins()
    if name not in _measurements:
        hint = f"`{program()} list measurements` shows all of them"
        raise UnknownNameError("measurement", name, names(), hint)
    return _measurements[name]


def check(name: str) -> None:
    """Raise a KinobenchError unless `--measure` may ask for that name."""
    found = _measurements.get(name)
    if found is None and name not in names():
        nearest = nearest_name(name, names())
        cure = f"; did you mean {nearest!r}?" if nearest else ""
        raise KinobenchError(f"choose {one_of(names())}{cure}")
    if found is not None and found.always:
        raise KinobenchError(
            f"{name} can't be asked for: it is on every record of a network that it applies to"
        )
    if found is not None and found.follows:
        raise KinobenchError(
            f"{name} can't be asked for: it is measured wherever {_and(found.follows)} "
            f"{'are' if len(found.follows) > 1 else 'is'}"
        )


def defaults(dataset: bool, task: Task = "classification") -> tuple[str, ...]:
    """Return what is measured where nobody says.

    Args:
        dataset: Whether the case has one.
        task: Task of the case.
    """
    return tuple(
        each.name
        for each in every()
        if each.default and task in each.tasks and (dataset or "dataset" not in each.needs)
    )


def chosen(measures: Iterable[str], case: Case) -> list[Measurement]:
    """Return what is to be run for a case, in order: what is asked for, and what follows from it.

    Measurements that need a dataset are left out for a case without one.
    """
    asked = set(measures)
    found = [get(name) for name in asked]
    found += [each for each in every() if each.follows and asked.issuperset(each.follows)]
    if any("device" in each.needs for each in found):
        found += [each for each in every() if each.always]
    return sorted(
        (
            each
            for each in found
            if each.applies(case)
            and case.task in each.tasks
            and (case.dataset is not None or "dataset" not in each.needs)
        ),
        key=lambda each: (each.place_in(case), each.name),
    )


def from_on(name: str, measures: Iterable[str], case: Case) -> tuple[str, ...]:
    """Return those of what is asked for that come no sooner than one of them."""
    first = get(name).place_in(case)
    return tuple(each for each in measures if get(each).place_in(case) >= first)


def reads_videos(measures: Iterable[str]) -> bool:
    """Return whether one of the measurements reads a dataset's videos."""
    return any("dataset" in get(name).needs for name in measures)


def run_network(measures: Iterable[str]) -> bool:
    """Return whether one of the measurements runs the network, in its precision and mode."""
    return any("device" in get(name).needs for name in measures)


def keeps_predictions(name: str) -> bool:
    """Return whether a measurement keeps predictions in the folder of results."""
    return name in _measurements and _measurements[name].keeps_predictions


def needs_own_process(name: str) -> bool:
    """Return whether a measurement needs a process in which nothing else runs."""
    return "own process" in get(name).needs


def on_cluster_alone(measures: Iterable[str]) -> bool:
    """Return whether a cluster measures all that needs a device."""
    found = [get(name) for name in measures]
    away = [each for each in found if each.on_cluster]
    return bool(away) and all("device" not in each.needs for each in found if each not in away)


def needs_device(job: Job) -> bool:
    """Return whether the process of the case must run the network itself."""
    return job.cluster is None or not on_cluster_alone(job.measures)


def absences(measures: Iterable[str], case: Case) -> list[str]:
    """Return the notes on what was not asked for, and on what needs a dataset and has none."""
    asked = set(measures)
    notes = [
        each.absence
        for each in every()
        if each.absence
        and case.task in each.tasks
        and not each.always
        and not asked.issuperset(each.follows or (each.name,))
    ]
    if case.dataset is None:
        without = (each for each in every() if "dataset" in each.needs)
        notes += [f"{each.name}: no dataset" for each in without if each.name in asked]
    return notes


def runs(measurement: Measurement) -> Run:
    """Return the function that measures; its module is imported now."""
    return resolved(measurement.run, measurement.name)


def resolved(place: str | Run, name: str) -> Run:
    """Import a function that a measurement names.

    Raises:
        KinobenchError: It is not where the measurement says.
    """
    if not isinstance(place, str):
        return place
    module, _, function = place.partition(":")
    try:
        found: Run = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise KinobenchError(
            f"measurement {name!r}: {place!r} can't be imported: {error}"
        ) from error
    return found


def described() -> list[dict[str, Any]]:
    """Return a line for each measurement, as `list measurements` and the documentation have it."""
    return [
        {
            "name": each.name,
            "measures": each.summary,
            "needs": _and([need for need in each.needs if need in ("device", "dataset")]) or None,
            "measured": _when(each),
            "results": ", ".join(each.results),
            "columns": ", ".join(column.head for column in each.columns) or None,
        }
        for each in every()
    ]


def _when(measurement: Measurement) -> str:
    if measurement.always:
        return "always, where it applies"
    if measurement.follows:
        return f"with {_and(measurement.follows)}"
    return "by default" if measurement.default else "if asked for"


def help_text() -> str:
    """Return what `--measure` takes and its default, for `--help`."""
    usual = [get(name) for name in defaults(dataset=True)]
    always = [each.name for each in usual if "dataset" not in each.needs]
    with_dataset = [each.name for each in usual if "dataset" in each.needs]
    return (
        f"Measurements: {', '.join(names())}; separate several by commas. (default: "
        f"{', '.join(always)}, and {_and(with_dataset)} where there is a dataset)"
    )


def _and(names: Sequence[str]) -> str:
    *before, last = names or ("",)
    return f"{', '.join(before)} and {last}" if before else last


@cache
def _load_installed_plugins() -> None:
    """Import the modules that installed packages offer under the entry point group."""
    for point in entry_points(group=ENTRY_POINT_GROUP):
        if point.value in _loaded:
            continue
        before = dict(_measurements)
        try:
            point.load()
        except (Exception, SystemExit) as error:
            _measurements.clear()  # the next call imports it once more, and fails the same way
            _measurements.update(before)
            raise KinobenchError(
                f"the installed plug-in {point.name!r} = {point.value!r} fails: "
                f"{error_text(error)}; repair or uninstall it"
            ) from error
        _loaded.add(point.value)
