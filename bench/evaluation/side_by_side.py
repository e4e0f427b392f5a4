"""Shards measured side by side in threads, if one forward leaves processors idle."""

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import partial
from typing import TypeVar

from .shards import Shard

Found = TypeVar("Found")
Measure = Callable[[Sequence[Shard], Callable[[int], None]], Iterator[Found]]
"""Called with shards, and with a function that takes the number of their videos that are done."""


class _Ended:
    """The end of a thread's results, and the error that ended it, if one did."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


class _StoppedError(Exception):
    """Nobody waits for the thread's results any more."""


def side_by_side(
    measures: Sequence[Measure[Found]], shards: Sequence[Shard], progress: Callable[[int], None]
) -> Iterator[Found]:
    """Yield the results of several threads, as they come; each thread measures every n-th shard.

    The result of a shard depends on the shard alone, so that it is the same in any thread.

    Args:
        measures: Each is called once, in a thread of its own.
        shards: All shards to measure.
        progress: Called with the number of videos done, in all threads together.

    Raises:
        BaseException: A thread raises it; the others end after their current video.
    """
    results: queue.Queue[Found | _Ended] = queue.Queue(maxsize=len(measures))
    count = _Count(len(measures), progress)
    threads = [
        threading.Thread(
            target=_run,
            args=(measure, shards[number :: len(measures)], partial(count.report, number), results),
            name=f"shards {number}",
            daemon=True,
        )
        for number, measure in enumerate(measures)
    ]
    for thread in threads:
        thread.start()
    running = len(threads)
    try:
        while running:
            found = results.get()
            if not isinstance(found, _Ended):
                yield found
                continue
            running -= 1
            if found.error is not None:
                raise found.error
    finally:
        count.stopped.set()
        while running:  # a thread may be waiting to put a result
            running -= isinstance(results.get(), _Ended)
        for thread in threads:
            thread.join()


class _Count:
    """The number of videos done in all threads together.

    Attributes:
        stopped: Ends each thread at its next report.
    """

    def __init__(self, threads: int, progress: Callable[[int], None]) -> None:
        self.stopped = threading.Event()
        self._progress = progress
        self._lock = threading.Lock()
        self._done = [0] * threads

    def report(self, number: int, videos: int) -> None:
        """Take the number of videos that a thread has done."""
        if self.stopped.is_set():
            raise _StoppedError
        with self._lock:
            self._done[number] = videos
            self._progress(sum(self._done))


def _run(
    measure: Measure[Found],
    shards: Sequence[Shard],
    progress: Callable[[int], None],
    results: "queue.Queue[Found | _Ended]",
) -> None:
    """Put the results of a thread into the queue, and then its end."""
    error: BaseException | None = None
    try:
        with closing(measure(shards, progress)) as found:  # type: ignore[type-var]
            for each in found:
                results.put(each)
    except _StoppedError:
        pass
    except BaseException as raised:
        error = raised
    results.put(_Ended(error))
