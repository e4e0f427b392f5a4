"""The environment variables that limit the threads of numeric libraries."""

from .variables import THREADS


def thread_variables(threads: int) -> dict[str, str]:
    """Return the variables for a process whose operators use so many threads.

    Libraries read them when they load: set them before the process starts.
    """
    return {name: str(threads) for name in THREADS}
