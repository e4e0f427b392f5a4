"""One fork server for all that a process of tests measures: each case still has a fresh process.

A command starts a process for each case, or forks it where it has several cases. Either way it
imports torch first, which takes seconds. Tests of what is measured, and not of how its process
begins, fork all of theirs from one server. `tests/bench/run/test_fork_server.py` tests that a
forked process measures what a fresh one does.
"""

import os
import sys
from collections.abc import Sequence

from kinobench.bench.records.case import Case
from kinobench.bench.run import process
from kinobench.bench.run.fork_server import ForkServer, may_fork

_WORKER = """
import os, sys
from kinobench.bench.run import fork_server_process, worker

begin = worker.main

def begin_where_the_command_is(model):
    os.chdir(os.readlink("/proc/{command}/cwd"))
    begin(model)

worker.main = begin_where_the_command_is
from kinobench.bench.cli import main
main()
"""


class _Shared(ForkServer):
    """A fork server that outlives the command, as its folder does not."""

    def close(self) -> None:
        """Leave it to the next command."""

    def end(self) -> None:
        """End it, as a command of its own would."""
        super().close()


SERVERS = 3
"""So many are kept, each with torch in its memory: the oldest ends for another."""

_servers: dict[tuple[tuple[str, str], ...], _Shared] = {}


def shared_servers_for(cases: Sequence[Case], count: int) -> list[ForkServer]:
    """Return fork servers for the cases, as a run asks for them: one and the same each time."""
    found = _shared_server_for(cases)
    return [] if found is None else [found] * count


def _shared_server_for(cases: Sequence[Case]) -> ForkServer | None:
    """Return the fork server of the environment that the cases need."""
    if not may_fork() or any(case.device != "cpu" for case in cases):
        return None
    if any(case.threads != cases[0].threads for case in cases):
        return None
    variables = process._environment(cases[0])
    # A worker reads neither of the first two; torch sets the third where a test compiles.
    for name in ("PYTEST_CURRENT_TEST", "COLUMNS", "TORCHINDUCTOR_CACHE_DIR"):
        variables.pop(name, None)
    key = tuple(sorted(variables.items()))
    if key not in _servers:
        if len(_servers) == SERVERS:
            _servers.pop(next(iter(_servers))).end()
        command = [sys.executable, "-c", _WORKER.replace("{command}", str(os.getpid())), "worker"]
        _servers[key] = _Shared(command, cases[0].model, variables)
    return _servers[key]
