"""Energy counters of the processors (RAPL), as Linux shows them in /sys/class/powercap.

Files and units are those of the kernel's Documentation/power/powercap/powercap.rst. Processors of
AMD appear under the same names as Intel's, with packages and cores alone.
"""

import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from ...datasets.errors import KinobenchError
from . import kernel_files
from .host import read_host
from .kernel_files import ROOT

_FOLDER = "sys/class/powercap"
_DRIVERS = ("intel-rapl", "intel-rapl-mmio")
"""Ways to the same counters, by registers of the processor and by memory: only one is read."""
_PACKAGE = re.compile(r"package-(\d+)(?:-die-\d+)?")
SAME_UJ = 1_000_000
"""Two dies whose counters are so close show one: the socket's. On AMD they may: two of a
Threadripper 1950X both said 68 W of a machine that took 125 W (mlco2/codecarbon,
docs/explanation/rapl.md). Two readings are some 50 us apart, and a counter ticks every ms, which is
1 J at 1 kW; counters of their own differ by what each counted since the system started."""
READ_EVERY_S = 5.0
"""The smallest range, 65 kJ, would take 13 kW to wrap around twice between two readings."""


class RaplError(KinobenchError):
    """There is no counter, or it can't be read; the message says why, and the cure."""


class Domain(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the machine with a counter.

    Attributes:
        name: `package-0` for a socket with its cores, caches and graphics, `package-0/dram` for
            its memory.
        folder: Folder of its files.
        range_uj: Highest value of its counter, after which comes 0, in microjoules.
    """

    name: str
    folder: Path
    range_uj: int


def find_domains(root: Path = ROOT) -> tuple[Domain, ...]:
    """Return the domains below `root` whose sum is the energy of processors and memory.

    Those are the packages, and the memory (`dram`), which no package includes. `core` and `uncore`
    are parts of a package, and `psys` includes everything: they are left out.

    Raises:
        RaplError: There are none, one of them has no range, or that of a die can't be read.
    """
    for driver in _DRIVERS:
        counted = _counted(_zones(root / _FOLDER, driver))
        if counted:
            return tuple(
                Domain(name=name, folder=folder, range_uj=_range_uj(folder))
                for name, folder in counted.items()
            )
    raise RaplError(_why_none(root))


def counted_domains(root: Path = ROOT) -> tuple[str, ...]:
    """Return the names of the domains, once each was read.

    Raises:
        RaplError: There are none, or one can't be read.
    """
    return tuple(Rapl(root).joules())


class Rapl:
    """Joules of each domain since this object was made, over any number of wrap-arounds."""

    def __init__(self, root: Path = ROOT) -> None:
        """Read every counter once.

        Raises:
            RaplError: There is none, or one can't be read.
        """
        self._domains = find_domains(root)
        self._last_uj = {domain.name: _energy_uj(domain.folder) for domain in self._domains}
        self._sum_uj = dict.fromkeys(self._last_uj, 0)
        self._lock = threading.Lock()
        self._failed: RaplError | None = None

    def joules(self) -> dict[str, float]:
        """Read every counter; return the joules by the domains' names.

        Raises:
            RaplError: One can't be read.
        """
        with self._lock:
            if self._failed is not None:
                raise self._failed
            for domain in self._domains:
                now_uj = _energy_uj(domain.folder)
                self._sum_uj[domain.name] += _passed_uj(domain, self._last_uj[domain.name], now_uj)
                self._last_uj[domain.name] = now_uj
            return {name: uj / 1e6 for name, uj in self._sum_uj.items()}

    @contextmanager
    def kept_up(self, every_s: float = READ_EVERY_S) -> Iterator[None]:
        """Read in a thread, so that no wrap-around is missed however long a forward takes."""
        ended = threading.Event()
        reader = threading.Thread(target=self._read_until, args=(ended, every_s), daemon=True)
        reader.start()
        try:
            yield
        finally:
            ended.set()
            reader.join()

    def _read_until(self, ended: threading.Event, every_s: float) -> None:
        while not ended.wait(every_s):
            try:
                self.joules()
            except RaplError as error:
                self._failed = error  # the next to ask gets it
                return


def _passed_uj(domain: Domain, before_uj: int, now_uj: int) -> int:
    """Return what a counter counted between two readings.

    Raises:
        RaplError: It went back without having been at its end.
    """
    if now_uj >= before_uj:
        return now_uj - before_uj
    # The step from the highest value to 0 is one unit of the counter, 61 uJ at most: left out.
    passed_uj = domain.range_uj - before_uj + now_uj
    if passed_uj > domain.range_uj / 2:
        raise RaplError(
            f"{domain.folder / 'energy_uj'} went back from {before_uj} to {now_uj}: it was set to "
            "0, as after a suspend; measure again"
        )
    return passed_uj


def _zones(folder: Path, driver: str) -> dict[str, Path]:
    """Return the zones and sub-zones by their numbers, such as `0` and `0:2`, in their order."""
    form = re.compile(rf"{driver}:(\d+(?::\d+)*)")
    found = {match[1]: path for path in _listed(folder) if (match := form.fullmatch(path.name))}
    return dict(sorted(found.items(), key=lambda each: [int(n) for n in each[0].split(":")]))


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _counted(zones: dict[str, Path]) -> dict[str, Path]:
    """Return the folders of the domains to add up, by their names."""
    names = {number: kernel_files.text(folder / "name") or "" for number, folder in zones.items()}
    packages: dict[str, str] = {}
    sockets: dict[str, list[Path]] = {}
    for number, name in names.items():
        match = _PACKAGE.fullmatch(name)
        if match is None or name in packages.values():
            continue
        dies = sockets.setdefault(match[1], [])
        if not any(_same_counter(zones[number], die) for die in dies):
            dies.append(zones[number])
            packages[number] = name
    memory = {
        number: f"{packages[above]}/dram"
        for number, name in names.items()
        if name == "dram" and (above := number.rpartition(":")[0]) in packages
    }
    return {name: zones[number] for number, name in (packages | memory).items()}


def _same_counter(one: Path, other: Path) -> bool:
    apart_uj = abs(_energy_uj(one) - _energy_uj(other))
    return min(apart_uj, _range_uj(one) - apart_uj) <= SAME_UJ  # one may have just started over


def _range_uj(folder: Path) -> int:
    range_uj = kernel_files.number(folder / "max_energy_range_uj")
    if not range_uj:
        raise RaplError(
            f"{folder / 'max_energy_range_uj'} has no number, so a counter that "
            "started over looks like one that went back"
        )
    return range_uj


def _energy_uj(folder: Path) -> int:
    path = folder / "energy_uj"
    try:
        return int(path.read_text())
    except PermissionError as error:
        every = folder.parent / f"{folder.name.partition(':')[0]}:*" / "energy_uj"
        raise RaplError(
            f"{path} can be read by root alone (CVE-2020-8694): `sudo chmod a+r {every}` opens it "
            "until the machine starts again (in a container: on its host)"
        ) from error
    except (OSError, ValueError) as error:
        raise RaplError(f"{path} can't be read ({error})") from error


def _why_none(root: Path) -> str:
    """Return the reason why no package has a counter."""
    if sys.platform == "darwin":
        return "macOS gives the processor's energy to root alone (powermetrics)"
    if sys.platform != "linux":
        return f"{sys.platform} has no counter that kinobench reads"
    if any(_zones(root / _FOLDER, driver) for driver in _DRIVERS):
        return (
            f"{root / _FOLDER} lists counters, but none that says it is a package's; containers "
            "hide them: measure outside, or start the container with --privileged"
        )
    if read_host(root).virtual_machine is not None:
        return "a virtual machine doesn't see its host's counters; measure on the host"
    return (
        f"no intel-rapl in {root / _FOLDER}: try `sudo modprobe intel_rapl_msr`; processors "
        "before Intel's Sandy Bridge and AMD's Zen, and those of others, have no counter"
    )
