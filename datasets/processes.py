"""Processes that work for this one: how many, and how they end."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import wait


@contextmanager
def interrupts_held_back() -> Iterator[None]:
    """Start processes that leave Ctrl-C to this one, which receives it after they have started."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    from multiprocessing import resource_tracker  # of POSIX alone

    # When it starts, with the first process, it lets the signal through again.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def end_with_parent() -> None:
    """End this process when the one that started it is killed; otherwise it would wait forever."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    watched = parent.sentinel

    def watch() -> None:
        wait([watched])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def usable_processors() -> int:
    """Return how many logical processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
