"""Watches other work on the machine while times are taken that come in few samples, or in threads.

A latency's blocks are watched one by one; see `block_watch`. Here the work of the process itself
takes several processors, so that its threads wait for each other.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..machine.allocator import memory_kept
from ..machine.other_work import processors_time_s, sample_other_work

MOST_OTHERS = 0.05
"""Processor time of others, as a share of this process's own, that is worth a note."""


@contextmanager
def quiet_expected(note: Callable[[str], None]) -> Iterator[None]:
    """Keep memory while times are taken, and note afterwards what else ran.

    Args:
        note: Takes a remark for the reader of the times.
    """
    begin_s, own_s, all_s = time.perf_counter(), time.process_time(), processors_time_s()
    with memory_kept():
        yield
    seconds, now_s = time.perf_counter() - begin_s, processors_time_s()
    if all_s is None or now_s is None:
        return
    own = (time.process_time() - own_s) / seconds
    # The machine's time is in whole ticks, and may be less than this process's own.
    others = max(0.0, (now_s - all_s) / seconds - own)
    if others > MOST_OTHERS * own:
        note(
            f"disturbed: other work used {others:.2f} processors meanwhile, and this process "
            f"{own:.2f}{_names()}; measure it again while nothing else runs"
        )


def _names() -> str:
    busiest = sample_other_work().busiest[:3]
    return f" ({', '.join(f'{each.name}, pid {each.pid}' for each in busiest)})" if busiest else ""
