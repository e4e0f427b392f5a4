"""One latency from those of several processes, and its interval over them.

A process has its own luck: the layout of its memory, the pages that the system gives it, the core
that it runs on. All samples of one process share it, so an interval over them is too narrow.
"""

import math
import statistics
from collections.abc import Sequence
from itertools import accumulate, chain, islice
from typing import Any

import msgspec

from ..records.latency import Latency, half_width
from ..records.results import GpuConditions, Spread
from ..statistics.intervals import log_mean_interval
from .block_watch import quiet_reference_s
from .sampling import LEAST_BLOCKS, undisturbed

NARROW = {"cpu": 0.05, "cuda": 0.01}
"""Half width of an interval over processes that is narrow enough, as a share of the median. Each
further process takes seconds to start, and processes on a CPU differ by some per cent."""
LAUNCH_BOUND = 1.1
"""Wall over device time above which the GPU waits for the host."""
MOST_OF_A_BLOCK = 0.9
"""A block that waited for a processor for more than this share of its time counts as if it had
waited for this share: of what is left, little is known."""
FOLLOWS_MEMORY = 0.4
"""Change of a forward's time with that of a large copy, both as logarithms, over the processes of a
run: 0.2 to 0.4 of 32 networks. From run to run it is 0.3 to 1.0, but of smaller changes."""
DRIFT = 0.03
"""Standard deviation of the logarithm of a latency on a CPU from run to run within an hour, beyond
what its processes show: clocks, and other users of the same cores and caches, which no counter
shows. It was chosen on one hour of runs (`results/coverage_before.jsonl.gz`), for 95 % of their
intervals to hold the median of all, and tried on another (`results/coverage.jsonl.gz`)."""


def over_processes(
    parts: Sequence[Latency], wanted: int, tolerance: float, quiet_s: float | None = None
) -> Latency:
    """Return the latency of a case from that of each of its processes.

    The fastest reference kernel of all processes says which blocks were disturbed. A process with
    too few others doesn't count, unless fewer than two do: then all count.

    Args:
        parts: One of each process; what is said once (build time, drift) is the last one's.
        wanted: Number of undisturbed processes that are wanted, if so many were measured.
        tolerance: Half width of the interval that is narrow enough, as a share of the median.
        quiet_s: The longest time of the reference kernel on an undisturbed machine, in seconds, if
            other cases have shown it.
    """
    if len(parts) == 1:
        return parts[0]
    quiet_s = quiet_of(parts, quiet_s)
    filtered = [without_disturbed(part, quiet_s) for part in parts]
    fit = [part for part in filtered if not part.disturbed]
    counting, left_out = fit, [part for part in filtered if part.disturbed]
    if len(fit) < 2:
        counting, left_out = filtered, []
    disturbed = len(fit) < min(wanted, len(parts))  # those that failed were not disturbed
    whole = _joined(counting, parts[-1])
    medians_s = whole.process_medians_s
    median_s = statistics.median(medians_s)
    narrow = is_narrow(log_mean_interval(medians_s), tolerance)  # drift isn't less with more
    return msgspec.structs.replace(
        whole,
        median_s=median_s,
        interval_s=_interval_s(whole, slowdown(whole, quiet_s) if disturbed else 1.0),
        converged=not disturbed and narrow,
        disturbed=disturbed,
        discarded_s=(*whole.discarded_s, *_chained([part.samples_s for part in left_out])),
        discarded_loads=(
            *whole.discarded_loads,
            *_chained([part.loads or () for part in left_out]),
        ),
        others=tuple(dict.fromkeys(name for part in parts for name in part.others)),
        warmup_calls=sum(part.warmup_calls for part in parts),
        warm=all(part.warm for part in parts),
        gpu=joined_conditions([part.gpu for part in parts if part.gpu is not None]),
        **_walls(whole, median_s),
    )


def _interval_s(whole: Latency, slowed: float) -> tuple[float, float] | None:
    """Return the interval over the processes, which reaches down to the undisturbed machine.

    Args:
        whole: The blocks of all processes that count.
        slowed: How many times as long the forwards took as undisturbed ones.
    """
    on_cpu = any(load.reference_s is not None for load in whole.loads or ())
    shared = math.hypot(FOLLOWS_MEMORY * memory_spread(whole), DRIFT if on_cpu else 0.0)
    interval_s = log_mean_interval(whole.process_medians_s, shared=shared)
    return None if interval_s is None else (interval_s[0] / slowed, interval_s[1])


def slowdown(latency: Latency, quiet_s: float | None) -> float:
    """Return how many times as long as on the undisturbed machine a forward took, at least 1.

    It is the median over the blocks of what the reference kernel tells, and of what the share of
    time without a processor does, whichever is more.

    Args:
        latency: The latency, with what the machine did during its blocks.
        quiet_s: The reference kernel's time on the undisturbed machine, in seconds.
    """
    by_block = [
        max(
            load.reference_s / quiet_s if load.reference_s and quiet_s else 1.0,
            1.0 / (1 - min(load.waited_share or 0.0, MOST_OF_A_BLOCK)),
        )
        for load in latency.loads or ()
    ]
    return statistics.median(by_block) if by_block else 1.0


def memory_spread(latency: Latency) -> float:
    """Return the standard deviation of the logarithm of the copy's time over the processes.

    A process's time is the median over its blocks. It is 0 if it wasn't timed.
    """
    times_s = iter([load.memory_s for load in latency.loads or ()])
    by_process = (list(islice(times_s, count)) for count in latency.blocks_of_processes)
    known = [[each for each in times if each] for times in by_process]
    logs = [math.log(statistics.median(times)) for times in known if times]
    return statistics.stdev(logs) if len(logs) > 1 else 0.0


def quiet_of(parts: Sequence[Latency], at_most_s: float | None = None) -> float | None:
    """Return the reference kernel's time on the undisturbed machine, over all processes, in s.

    Args:
        parts: Latencies of processes.
        at_most_s: A time that it doesn't exceed, if that is known.
    """
    loads = [load for part in parts for load in (*(part.loads or ()), *part.discarded_loads)]
    known = (quiet_reference_s(loads), at_most_s)
    return min((each for each in known if each is not None), default=None)


def sampled_s(parts: Sequence[Latency]) -> float:
    """Return the time of all samples, those of disturbed blocks too, in seconds."""
    return sum(sum(block) for part in parts for block in (*part.samples_s, *part.discarded_s))


def is_fit(part: Latency, quiet_s: float | None) -> bool:
    """Return whether one process has enough undisturbed blocks to count."""
    return not without_disturbed(part, quiet_s).disturbed


def without_disturbed(part: Latency, quiet_s: float | None) -> Latency:
    """Return one process's latency of its undisturbed blocks; if they are too few, of all.

    Args:
        part: The latency of one process.
        quiet_s: The reference kernel's time on the undisturbed machine, in seconds.
    """
    if part.loads is None:  # nothing is known that would disturb it
        return part
    fit = undisturbed(part.loads, part.threads, quiet_s)
    if sum(fit) < min(LEAST_BLOCKS, len(fit)):
        return msgspec.structs.replace(part, disturbed=True)
    places = [place for place, counts in enumerate(fit) if counts]
    rest = [place for place, counts in enumerate(fit) if not counts]
    return msgspec.structs.replace(
        part,
        disturbed=False,
        samples_s=_at(part.samples_s, places),
        loads=_at(part.loads, places),
        cpu_s=_at(part.cpu_s, places),
        wall_samples_s=_at(part.wall_samples_s, places),
        blocks_of_processes=(len(places),),
        discarded_s=(*part.discarded_s, *(part.samples_s[place] for place in rest)),
        discarded_loads=(*part.discarded_loads, *(part.loads[place] for place in rest)),
    )


def is_narrow(interval_s: tuple[float, float] | None, tolerance: float) -> bool:
    """Return whether an interval reaches a share of its middle to a side, and no more."""
    if interval_s is None:
        return False
    low_s, high_s = interval_s
    return half_width(low_s, high_s) <= tolerance


def _at(values: Sequence[Any] | None, places: Sequence[int]) -> Any:
    return None if values is None else tuple(values[place] for place in places)


def _joined(parts: Sequence[Latency], last: Latency) -> Latency:
    """Return the last process's latency with the blocks of all that count."""
    return msgspec.structs.replace(
        last,
        samples_s=_chained([part.samples_s for part in parts]),
        blocks_of_processes=tuple(len(part.samples_s) for part in parts),
        loads=_chained([part.loads or () for part in parts]),
        discarded_s=_chained([part.discarded_s for part in parts]),
        discarded_loads=_chained([part.discarded_loads for part in parts]),
        cpu_s=_chained_or_none([part.cpu_s for part in parts]),
        wall_samples_s=_chained_or_none([part.wall_samples_s for part in parts]),
        host_gaps=_most([part.host_gaps for part in parts]),
    )


def _chained(each: Sequence[tuple[Any, ...]]) -> tuple[Any, ...]:
    return tuple(chain.from_iterable(each))


def _chained_or_none(each: Sequence[tuple[Any, ...] | None]) -> tuple[Any, ...] | None:
    present = [values for values in each if values is not None]
    return _chained(present) if len(present) == len(each) else None


def _most(answers: Sequence[bool | None]) -> bool | None:
    known = [answer for answer in answers if answer is not None]
    return sum(known) > len(known) / 2 if known else None


def _walls(whole: Latency, time_s: float) -> dict[str, Any]:
    """Return what follows from the wall times of a GPU's forwards."""
    if whole.wall_samples_s is None:
        return {}
    by_block = [statistics.median(block) for block in whole.wall_samples_s]
    ends = list(accumulate(whole.blocks_of_processes))
    walls_s = [
        statistics.median(by_block[begin:end]) for begin, end in zip([0, *ends], ends, strict=False)
    ]
    wall_s = statistics.median(walls_s)
    return {
        "wall_median_s": wall_s,
        "wall_interval_s": log_mean_interval(walls_s),
        "launch_bound": None if whole.host_gaps else wall_s / time_s > LAUNCH_BOUND,
    }


def joined_conditions(every: Sequence[GpuConditions]) -> GpuConditions | None:
    """Return the state of the GPU over several processes; None if there are none."""
    if not every:
        return None
    return GpuConditions(
        looks=sum(each.looks for each in every),
        sm_clock_hz=_spread([each.sm_clock_hz for each in every]),
        temperature_c=_spread([each.temperature_c for each in every]),
        power_w=_spread([each.power_w for each in every]),
        limits=_names([each.limits for each in every]),
        discarded_blocks=sum(each.discarded_blocks for each in every),
        kept_slowed=any(each.kept_slowed for each in every),
        intruders=_names([each.intruders for each in every]),
        missing={what: why for each in every for what, why in each.missing.items()},
    )


def _spread(every: Sequence[Spread | None]) -> Spread | None:
    """Return the spread over several: the median is that of their medians."""
    known = [each for each in every if each is not None]
    if not known:
        return None
    return Spread(
        least=min(each.least for each in known),
        median=statistics.median(each.median for each in known),
        most=max(each.most for each in known),
    )


def _names(every: Sequence[tuple[str, ...] | None]) -> tuple[str, ...] | None:
    known = [each for each in every if each is not None]
    return tuple(dict.fromkeys(chain.from_iterable(known))) if known else None
