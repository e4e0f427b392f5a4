"""The processes of a run's cases, some of which load their libraries ahead."""

from collections.abc import Sequence

from ..records.job import Budget
from .planned import Planned
from .process import Worker, fork_servers_for

AHEAD = 2
"""Fresh processes for parts of latencies that load ahead, next to that of the case itself."""


class Workers:
    """The processes of cases; the next one may load its libraries while a case reads videos.

    Processes that one fork server has forked share its luck: the processes of one latency are
    those of different servers, or fresh ones.
    """

    def __init__(self, planned: Sequence[Planned], budget: Budget) -> None:
        """Start the fork servers, if there may be any, and no process yet."""
        self._cases = [entry.case for entry in planned]
        self._ready: dict[int, Worker] = {}
        timed = any("latency" in entry.measures for entry in planned)
        self._servers = fork_servers_for(self._cases, budget.processes if timed else 1)
        self._given: set[int] = set()
        self._ahead: dict[tuple[int, int], Worker] = {}
        if self._servers:  # it takes seconds: time to load what the tables will need
            from ..leaderboard import ranking, render  # noqa: F401

    def start(self, number: int) -> None:
        """Start the process of a case, unless it is started or there is no such case."""
        if number < len(self._cases) and number not in self._ready and number not in self._given:
            self._ready[number] = self._made(number, 0)

    def take(self, number: int) -> Worker:
        """Return the process of a case, which the caller ends."""
        self.start(number)
        self._given.add(number)
        return self._ready.pop(number)

    def another(self, number: int) -> Worker:
        """Return one more process of a case, in place of one that died."""
        return self._made(number, 0)

    def load(self, due: Sequence[tuple[int, int]]) -> None:
        """Load what the next parts need, each a case and a process of it, in the background.

        Without servers the first of them are started, so that they load side by side.
        """
        for number, process in due if self._servers else due[:AHEAD]:
            if process + 1 < len(self._servers):
                self._servers[process + 1].load(self._cases[number].model)
            elif (number, process) not in self._ahead:
                self._ahead[number, process] = self._made(number, process + 1)

    def part(self, number: int, process: int) -> Worker:
        """Return a process for a part of a case's latency, once nothing loads any more."""
        worker = self._ahead.pop((number, process), None) or self._made(number, process + 1)
        try:
            for server in self._servers:
                server.wait_until_loaded()
            for each in (*self._ready.values(), *self._ahead.values(), worker):
                each.wait_until_loaded()
        except BaseException:  # an interrupt reaches the command alone
            worker.__exit__()
            raise
        return worker

    def _made(self, number: int, server: int) -> Worker:
        """Start a process of a case: that server's, or a fresh one if there is no such server."""
        has_server = server < len(self._servers)
        return Worker(self._cases[number], self._servers[server] if has_server else None)

    def close(self) -> None:
        """End the processes that nobody took, and the fork servers."""
        for worker in (*self._ready.values(), *self._ahead.values()):
            worker.end()
        for server in self._servers:
            server.close()
