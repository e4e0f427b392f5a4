"""Energy: joules by the GPU's own counter; no counter, no number."""

import time
from collections.abc import Callable

import torch

from ..machine.nvml import nvml_device
from ..network.network import Network
from ..records.results import Energy
from .context import Context
from .gpu_watch import GpuWatch, watch_remarks

WINDOW_S = 5.0
"""The counter ticks every 20 to 100 ms: a shorter window would be off by percents."""
IDLE_S = 2.0
LOOK_EVERY_S = 0.5
"""Between forwards: a look costs a millisecond or so, which is idle time."""


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
    if network.device.type != "cuda":
        return None, ["energy: the CPU has no counter that kinobench reads"]
    import pynvml

    try:
        gpu = nvml_device()

        def joules() -> float:
            return pynvml.nvmlDeviceGetTotalEnergyConsumption(gpu) / 1e3

        joules()
        energy = _over_a_window(network, joules)
    except pynvml.NVMLError as error:
        return None, [f"energy: this GPU's counter can't be read ({error})"]
    if energy.window_j <= 0:
        return None, ["energy: this GPU's counter stands still"]
    assert energy.gpu is not None
    return energy, [f"energy: {remark}" for remark in watch_remarks(energy.gpu)]


def _over_a_window(network: Network, joules: Callable[[], float]) -> Energy:
    with torch.inference_mode():
        rotation = network.inputs(2)
        network.forward(*rotation[0])
        torch.cuda.synchronize()
        begin_j, begin = joules(), time.perf_counter()
        time.sleep(IDLE_S)
        idle_w = (joules() - begin_j) / (time.perf_counter() - begin)
        watch = GpuWatch()
        forwards = 0
        begin_j, begin = joules(), time.perf_counter()
        looked = begin
        while (now := time.perf_counter()) - begin < WINDOW_S:
            if now - looked >= LOOK_EVERY_S:
                watch.look()
                looked = now
            network.forward(*rotation[forwards % 2])
            torch.cuda.synchronize()
            forwards += 1
        window_s = time.perf_counter() - begin
        window_j = joules() - begin_j
        watch.look()
    views = forwards * network.case.batch
    return Energy(
        window_s=window_s,
        window_j=window_j,
        idle_w=idle_w,
        forwards=forwards,
        j_per_clip=window_j / views,
        j_per_clip_above_idle=(window_j - idle_w * window_s) / views,
        gpu=watch.conditions(),
    )
