"""Shards measured side by side in threads, where one forward leaves processors idle."""

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import TypeVar

from .shards import Shard

Found = TypeVar("Found")
Measure = Callable[[Sequence[Shard], Callable[[int], None]], Iterator[Found]]
"""Called with shards, and what to call with the number of their videos that are done."""


class _Ended:
    """A lane's last word: the error that ended it, if one did."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


def side_by_side(
    lanes: Sequence[Measure[Found]], shards: Sequence[Shard], progress: Callable[[int], None]
) -> Iterator[Found]:
    """Yield what the lanes find, as it comes; each measures every n-th shard.

    What is measured of a shard depends on the shard alone, so that it is the same in any lane.

    Args:
        lanes: Each is called once, in a thread of its own.
        shards: All that are to be measured.
        progress: Called with the number of videos done, in all lanes together.

    Raises:
        BaseException: What a lane raises; the others end after the video in hand.
    """
    results: queue.Queue[Found | _Ended] = queue.Queue(maxsize=len(lanes))
    given_up = threading.Event()
    counted = threading.Lock()
    done = [0] * len(lanes)

    def run(number: int) -> None:
        def count(videos: int) -> None:
            if given_up.is_set():
                raise _GivenUpError
            with counted:
                done[number] = videos
                progress(sum(done))

        error: BaseException | None = None
        try:
            with closing(lanes[number](shards[number :: len(lanes)], count)) as found:  # type: ignore[type-var]
                for each in found:
                    results.put(each)
        except _GivenUpError:
            pass
        except BaseException as raised:
            error = raised
        results.put(_Ended(error))

    threads = [
        threading.Thread(target=run, args=(number,), name=f"lane {number}", daemon=True)
        for number in range(len(lanes))
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
        given_up.set()
        while running:  # lanes that wait to hand something over
            running -= isinstance(results.get(), _Ended)
        for thread in threads:
            thread.join()


class _GivenUpError(Exception):
    """Nobody waits for the lane any more."""
