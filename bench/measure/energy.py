"""Energy: joules by the counter of the GPU or of the processors; no counter, no number."""

import time

import torch

from ..network.network import Network
from ..records.results import Energy
from .context import Context
from .energy_counters import Counter, CounterError, Window, counter_of, moment

WINDOW_S = 5.0
"""A GPU's counter ticks every 20 to 100 ms: a shorter window would be off by percents."""
IDLE_S = 2.0
LOOK_EVERY_S = 0.5
"""Between forwards: a look costs a millisecond or so, which is idle time."""
ATTEMPTS = 3
"""How often a window is measured that other work disturbs."""


def run(context: Context) -> None:
    """Measure the energy of a case."""
    energy, notes = measure_energy(context.network)
    if energy is not None:
        context.keep(energy=energy)
        if context.case.flow is not None:
            context.note("what the CPU takes for the optical flow is not in it")
    context.notes(notes)


def measure_energy(network: Network) -> tuple[Energy | None, list[str]]:
    """Run forwards over a window of at least five seconds; return joules, or why there are none."""
    try:
        energy, notes = _measured(network, counter_of(network.device))
    except CounterError as error:
        energy, notes = None, [str(error)]
    return energy, [f"energy: {note}" for note in notes]


def _measured(network: Network, counter: Counter) -> tuple[Energy | None, list[str]]:
    for _ in range(ATTEMPTS):
        idle, work, forwards = _windows(network, counter)
        disturbed = counter.disturbed(idle, work)
        if not disturbed:
            break
    else:
        return None, [disturbed]
    still = [name for name, j in work.joules.items() if j <= 0 and not name.endswith("/dram")]
    if still:
        which = f" of {', '.join(still)}" if len(work.joules) > 1 else ""
        return None, [f"{counter.about}{which} stands still"]
    return _energy(network, counter, idle, work, forwards), counter.remarks(idle, work)


def _windows(network: Network, counter: Counter) -> tuple[Window, Window, int]:
    """Return a window without work, one of forwards, and the number of those."""
    with torch.inference_mode():
        rotation = network.inputs(2)
        network.forward(*network.fresh(rotation[0]))
        counter.wait()
        time.sleep(counter.settle_s)
        begin = moment(counter)
        time.sleep(IDLE_S)
        idle = Window(begin, moment(counter))
        with counter.watching():
            forwards = 0
            begin = moment(counter)
            looked = begin.at_s
            while (now := time.perf_counter()) - begin.at_s < WINDOW_S:
                if now - looked >= LOOK_EVERY_S:
                    counter.look()
                    looked = now
                network.forward(*network.fresh(rotation[forwards % 2]))
                counter.wait()
                forwards += 1
            work = Window(begin, moment(counter))
            counter.look()
    return idle, work, forwards


def _energy(
    network: Network, counter: Counter, idle: Window, work: Window, forwards: int
) -> Energy:
    views = forwards * network.case.batch
    window_j = sum(work.joules.values())
    idle_w = sum(idle.joules.values()) / idle.seconds
    return Energy(
        window_s=work.seconds,
        window_j=window_j,
        idle_w=idle_w,
        forwards=forwards,
        j_per_clip=window_j / views,
        j_per_clip_above_idle=(window_j - idle_w * work.seconds) / views,
        counter=counter.name,
        domains=tuple(name for name, j in work.joules.items() if j > 0),
        other_processors=counter.other_processors(idle, work),
        gpu=counter.conditions(),
    )
