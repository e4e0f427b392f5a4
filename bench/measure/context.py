"""The input of a measurement: the network of a case, its job, and the results so far."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec

from ...datasets.errors import KinobenchError
from ...datasets.sources.paths import path_of
from ...datasets.split import Split
from ..records.case import Case
from ..records.job import Budget, Emit, Event, Failed, Job, Measured, Note, Progress
from ..records.record import RESULT_FIELDS, Failure

if TYPE_CHECKING:
    from ..network.network import Network

Elsewhere = Callable[..., Any]
"""Returns a function that measures shards on a cluster; see `evaluation.case.score`."""


def _nowhere(*arguments: Any) -> Any:
    raise KinobenchError("a cluster can't be used here: leave it out")


class Current(msgspec.Struct, frozen=True, kw_only=True):
    """The measurement that reports.

    Attributes:
        name: Name of the measurement.
        about: The beginning of its notes.
        stage: Its name in the progress bar.
        results: Names of the results that it may report.
    """

    name: str
    about: str
    stage: str
    results: frozenset[str]


class Context:
    """The argument of a measurement's `run`.

    Attributes:
        job: The case, what is measured of it, and how.
        network: The case's network; a measurement that needs the device finds it placed there, in
            the case's precision and mode. It is left as it was found.
        found: The results so far, by name.
        on_cluster: Returns a function that measures shards on the job's cluster.
        failures: Failures that the case has once all measurements were tried.
    """

    network: "Network"

    def __init__(self, job: Job, emit: Emit, on_cluster: Elsewhere = _nowhere) -> None:
        """Begin with nothing found; `emit` takes each event as soon as it is known."""
        self.job = job
        self.on_cluster = on_cluster
        self.found: dict[str, Any] = {}
        self.failures: list[Failure] = []
        self._emit = emit
        self._current = _NOBODY

    @property
    def case(self) -> Case:
        """The case that is measured."""
        return self.job.case

    @property
    def budget(self) -> Budget:
        """Limits of the time of a latency; a measurement that samples should keep to them."""
        return self.job.budget

    @cached_property
    def split(self) -> Split:
        """The videos of the case's dataset.

        Raises:
            KinobenchError: They are not where they should be, or the case has no dataset.
        """
        from ...datasets import catalog

        if self.case.dataset is None:
            raise KinobenchError(f"{self.case.model}: the case has no dataset; give --dataset NAME")
        root = None if self.job.data_root is None else path_of(self.job.data_root)
        dataset = catalog.get(self.case.dataset)
        return catalog.load_split(dataset, root, self.case.split, self.job.own)

    def training(self) -> Split:
        """Return the training videos of the case's dataset, for a network that is quantised.

        Raises:
            KinobenchError: There are none; see `training_split`.
        """
        from ..network.calibration import training_split

        return training_split(self.case, self.job.data_root, self.job.own)

    def keep(self, **results: Any) -> None:
        """Report results by their names; they are safe from whatever happens afterwards.

        A name that was reported before is replaced, as by a sweep that goes on.

        Raises:
            ValueError: The measurement doesn't declare a result of that name.
        """
        for name in results:
            if name not in self._current.results:
                known = ", ".join(sorted(self._current.results))
                raise ValueError(
                    f"measurement {self._current.name!r} declares no result {name!r}, only {known}"
                )
        others = {name: value for name, value in results.items() if name not in RESULT_FIELDS}
        own = {name: value for name, value in results.items() if name in RESULT_FIELDS}
        self.found |= results
        self._emit(Measured(**own, measurements=_as_json(others)))

    def note(self, text: str, about: str = "") -> None:
        """Add a note to the record; it begins with `about`, or with the measurement's name."""
        self.emit(Note(text=f"{about or self._current.about}: {text}"))

    def notes(self, texts: Iterable[str]) -> None:
        """Add notes as they are: each has its own beginning."""
        for text in texts:
            self.emit(Note(text=text))

    def progress(self, done: int = 0, total: int = 0, stage: str = "") -> None:
        """Report progress; `total` is 0 if nothing is counted."""
        self.emit(Progress(stage=stage or self._current.stage, done=done, total=total))

    def fail_at_the_end(self, failure: Failure) -> None:
        """Fail the case once all other measurements were tried."""
        self.failures.append(failure)

    def emit(self, event: Event) -> None:
        """Report an event; its results count as found."""
        if isinstance(event, Measured):
            fields = {name: getattr(event, name) for name in RESULT_FIELDS}
            self.found |= {name: value for name, value in fields.items() if value is not None}
        self._emit(event)

    def end(self) -> None:
        """Report the failures that were kept for the end."""
        for failure in self.failures:
            self._emit(Failed(failure=failure))

    @contextmanager
    def measuring(self, current: Current) -> Iterator[None]:
        """Let a measurement report; notes and results are its own as long as the context lasts."""
        before, self._current = self._current, current
        try:
            yield
        finally:
            self._current = before


_NOBODY = Current(name="none", about="kinobench", stage="", results=frozenset())


def _as_json(results: dict[str, Any]) -> dict[str, msgspec.Raw]:
    return {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in results.items()}
