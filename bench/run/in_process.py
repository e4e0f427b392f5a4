"""A worker that is the calling process, for a network that exists only there."""

from collections.abc import Iterator

from ..records.job import Event, Job
from .process import Worker


class InThisProcess(Worker):
    """Measures a case here; torch's settings are put back, and no time limit can end it."""

    def __init__(self) -> None:
        """Start nothing."""

    def __exit__(self, *_: object) -> None:
        """Leave the process as it is."""

    def events(self, job: Job) -> Iterator[Event]:
        """Measure the case and yield what was found."""
        from ..network.jit_warnings import jit_unmentioned
        from ..network.settings import settings_restored
        from .worker import measure_case

        found: list[Event] = []
        with settings_restored(), jit_unmentioned():
            measure_case(job, found.append)
        return iter(found)

    def end(self) -> None:
        """Do nothing: this process goes on."""

    def last_messages(self) -> str | None:
        """Return None: what the network printed is on the screen."""
        return None
