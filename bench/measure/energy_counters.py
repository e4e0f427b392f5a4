"""The counters of energy behind one face: a GPU's, by NVML, and the processors', by RAPL."""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NamedTuple, Protocol

import torch

from ...datasets.errors import KinobenchError
from ..machine.kernel_files import ROOT
from ..machine.nvml import nvml_device
from ..machine.other_work import processors_time_s, sample_other_work
from ..machine.rapl import Rapl, RaplError
from ..records.results import GpuConditions
from .gpu_watch import GpuWatch, watch_remarks

OTHER_WORK = 0.05
"""Share of this process's processor time that others may use. A processor's power above idle
follows the time that it works, so about this share of those joules may be somebody else's."""


class CounterError(KinobenchError):
    """There is no counter, or it can't be read; the message says why."""


class Moment(NamedTuple):
    """What the clocks and the counters showed at a moment.

    Attributes:
        at_s: The time.
        joules: Joules by domain, since a moment of the counter's choice.
        own_s: Processor time of this process.
        all_s: Processor time of the whole machine; None if it isn't known.
    """

    at_s: float
    joules: dict[str, float]
    own_s: float
    all_s: float | None


class Window(NamedTuple):
    """The time between two moments."""

    begin: Moment
    end: Moment

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.end.at_s - self.begin.at_s

    @property
    def joules(self) -> dict[str, float]:
        """Joules of each domain in it."""
        return {name: j - self.begin.joules[name] for name, j in self.end.joules.items()}

    @property
    def own_processors(self) -> float:
        """Mean number of processors that this process used."""
        return (self.end.own_s - self.begin.own_s) / self.seconds

    @property
    def other_processors(self) -> float | None:
        """Mean number of processors that all others used; None if it isn't known."""
        if self.begin.all_s is None or self.end.all_s is None:
            return None
        # The machine's time is in whole ticks, and may be less than this process's own.
        return max(0.0, (self.end.all_s - self.begin.all_s) / self.seconds - self.own_processors)


class Counter(Protocol):
    """A counter of joules, and what is known of the device that it counts.

    Attributes:
        name: Its name in records.
        about: Its name in notes.
        settle_s: Time until the device is idle after a forward.
    """

    name: str
    about: str
    settle_s: float

    def joules(self) -> dict[str, float]:
        """Return the joules of each domain since some moment; raises CounterError."""

    def wait(self) -> None:
        """Wait for the end of the forwards."""

    def watching(self) -> AbstractContextManager[None]:
        """Watch the device as long as the context lasts."""

    def look(self) -> None:
        """Look at the device, between two forwards."""

    def conditions(self) -> GpuConditions | None:
        """Return what was seen of a GPU."""

    def other_processors(self, idle: Window, work: Window) -> float | None:
        """Return the mean number of processors of other work, which the counter counts too."""

    def disturbed(self, idle: Window, work: Window) -> str:
        """Return what makes the joules wrong; empty if nothing does."""

    def remarks(self, idle: Window, work: Window) -> list[str]:
        """Return what a reader of the joules must know."""


class GpuCounter:
    """NVML's counter of torch's GPU, which it has for itself."""

    name, about, settle_s = "NVML", "this GPU's counter", 0.0

    def __init__(self) -> None:
        """Find it.

        Raises:
            CounterError: The driver does not answer.
        """
        import pynvml

        self._nvml = pynvml
        self._watch: GpuWatch | None = None
        try:
            self._gpu = nvml_device()
        except pynvml.NVMLError as error:
            raise self._unreadable(error) from error

    def joules(self) -> dict[str, float]:
        """See `Counter`."""
        try:
            return {"gpu": self._nvml.nvmlDeviceGetTotalEnergyConsumption(self._gpu) / 1e3}
        except self._nvml.NVMLError as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: Exception) -> CounterError:
        return CounterError(f"this GPU's counter can't be read ({error})")

    def wait(self) -> None:
        """See `Counter`."""
        torch.cuda.synchronize()

    @contextmanager
    def watching(self) -> Iterator[None]:
        """See `Counter`."""
        self._watch = GpuWatch()
        yield

    def look(self) -> None:
        """See `Counter`."""
        if self._watch is not None:
            self._watch.look()

    def conditions(self) -> GpuConditions | None:
        """See `Counter`."""
        return None if self._watch is None else self._watch.conditions()

    def other_processors(self, idle: Window, work: Window) -> None:
        """Return None: work on the processors isn't in a GPU's joules."""

    def disturbed(self, idle: Window, work: Window) -> str:
        """Return nothing: what was seen of the GPU is a remark."""
        return ""

    def remarks(self, idle: Window, work: Window) -> list[str]:
        """See `Counter`."""
        seen = self.conditions()
        return [] if seen is None else watch_remarks(seen)


class CpuCounter:
    """RAPL's counters of all processors and their memory, whoever uses them."""

    name, about = "RAPL", "the CPU's counter"
    settle_s = 0.5
    """Threads of OpenMP may wait for more work without sleeping, LLVM's for 0.2 s."""

    def __init__(self, root: Path = ROOT) -> None:
        """Find them below `root`.

        Raises:
            CounterError: There are none, or one can't be read.
        """
        try:
            self._rapl = Rapl(root)
        except RaplError as error:
            raise CounterError(str(error)) from error

    def joules(self) -> dict[str, float]:
        """See `Counter`."""
        try:
            return self._rapl.joules()
        except RaplError as error:
            raise CounterError(str(error)) from error

    def wait(self) -> None:
        """Return at once: a forward on the CPU has ended when it returns."""

    @contextmanager
    def watching(self) -> Iterator[None]:
        """See `Counter`."""
        with self._rapl.kept_up():
            yield

    def look(self) -> None:
        """Do nothing: a look would be work of its own."""

    def conditions(self) -> None:
        """Return None: there is no GPU."""

    def other_processors(self, idle: Window, work: Window) -> float | None:
        """Return the larger of both windows': in the idle one it makes the idle power wrong."""
        others = [each.other_processors for each in (idle, work)]
        known = [each for each in others if each is not None]
        return max(known) if len(known) == len(others) else None

    def disturbed(self, idle: Window, work: Window) -> str:
        """See `Counter`."""
        others = self.other_processors(idle, work)
        if others is None or others <= OTHER_WORK * work.own_processors:
            return ""
        busiest = ", ".join(
            f"{each.name} (pid {each.pid}) {each.processors:.0%}"
            for each in sample_other_work().busiest
        )
        return (
            f"other work used {others:.2f} processors next to the {work.own_processors:.2f} of the "
            f"forwards, and the counter counts both (busy now: {busiest or 'nothing'}); stop it "
            "and measure again"
        )

    def remarks(self, idle: Window, work: Window) -> list[str]:
        """See `Counter`."""
        found = []
        if self.other_processors(idle, work) is None:
            found.append("not watched: other work, which is counted too (no /proc/stat)")
        packages = [name for name, j in work.joules.items() if j > 0 and "/" not in name]
        if any(work.joules.get(f"{name}/dram", 0) <= 0 for name in packages):
            found.append("memory is not in it: this processor has no counter for it")
        return found


def counter_of(device: torch.device) -> Counter:
    """Return the counter of a network's device.

    Raises:
        CounterError: It has none, or none that can be read.
    """
    return GpuCounter() if device.type == "cuda" else CpuCounter()


def moment(counter: Counter) -> Moment:
    """Read the counter and the clocks.

    Raises:
        CounterError: The counter can't be read.
    """
    joules = counter.joules()
    return Moment(time.perf_counter(), joules, time.process_time(), processors_time_s())
