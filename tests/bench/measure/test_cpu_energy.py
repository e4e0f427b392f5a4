"""Joules by made-up RAPL counters, on a made-up clock: 30 W idle, 130 W at work, and 5 W of memory.

A forward takes 0.5 s on two processors.
"""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

import kinobench
from kinobench.bench.machine.other_work import Busy
from kinobench.bench.measure import energy, energy_counters
from kinobench.bench.measure.energy import ATTEMPTS, measure_energy
from kinobench.bench.measure.energy_counters import OTHER_WORK, CpuCounter

from ...fakes.powercap_tree import RANGE_UJ, powercap, set_uj

BATCH, FORWARD_S, OWN = 4, 0.5, 2.0
IDLE_W = {"package-0": 20.0, "package-1": 10.0, "dram": 5.0}
WORK_W = {"package-0": 110.0, "package-1": 20.0, "dram": 5.0}
ZONES = {"intel-rapl:0": "package-0", "intel-rapl:0:0": "dram", "intel-rapl:1": "package-1"}


class Machine:
    """A clock that moves only by forwards and sleeps, and counters that follow it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.now_s, self.own_s, self.all_s = 100.0, 7.0, 1000.0
        self.zones = dict(ZONES)
        self.uj = dict.fromkeys(ZONES, RANGE_UJ - 300_000_000)  # 300 J before it starts over
        self.others: Callable[[float], float] = lambda now_s: 0.02
        self.stat = True
        self.still: set[str] = set()
        self.fails_from_s = float("inf")

    def place(self) -> None:
        powercap(self.root, self.zones)
        self.pass_time(0.0, IDLE_W, 0.0)

    def pass_time(self, seconds: float, watts: dict[str, float], own: float) -> None:
        self.all_s += seconds * (own + self.others(self.now_s))
        self.now_s += seconds
        self.own_s += seconds * own
        for zone, name in self.zones.items():
            if name not in self.still:
                self.uj[zone] = (self.uj[zone] + round(1e6 * seconds * watts[name])) % RANGE_UJ
            set_uj(self.root, zone, self.uj[zone])
        if self.now_s > self.fails_from_s:
            (self.root / "sys/class/powercap/intel-rapl:1/energy_uj").write_text("")


class Network:
    """Stands in for a placed network."""

    def __init__(self, machine: Machine) -> None:
        self.device = torch.device("cpu")
        self.case = SimpleNamespace(batch=BATCH)
        self.machine = machine
        self.forwards = 0

    def fresh(self, inputs: tuple[torch.Tensor]) -> tuple[torch.Tensor]:
        return inputs

    def inputs(self, count: int) -> list[tuple[torch.Tensor]]:
        return [(torch.zeros(BATCH, 3, 2, 2, 2),) for _ in range(count)]

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        self.forwards += 1
        self.machine.pass_time(FORWARD_S, WORK_W, OWN)
        return clip


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine(tmp_path)
    clock = SimpleNamespace(
        perf_counter=lambda: machine.now_s,
        process_time=lambda: machine.own_s,
        sleep=lambda seconds: machine.pass_time(seconds, IDLE_W, 0.0),
    )
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(energy, "time", clock)
    monkeypatch.setattr(energy_counters, "time", clock)
    monkeypatch.setattr(
        energy_counters, "processors_time_s", lambda: machine.all_s if machine.stat else None
    )
    busy = Busy(name="backup", pid=7, processors=0.9)
    monkeypatch.setattr(
        energy_counters, "sample_other_work", lambda: SimpleNamespace(busiest=(busy,))
    )
    monkeypatch.setattr(energy_counters, "CpuCounter", partial(CpuCounter, tmp_path))
    return machine


def asked(machine: Machine) -> tuple[Any, list[str]]:
    machine.place()
    return measure_energy(Network(machine))  # type: ignore[arg-type]


def test_joules_of_packages_and_memory_are_added_up_and_shared_by_the_clips(
    machine: Machine,
) -> None:
    found, notes = asked(machine)
    # 10 forwards of 0.5 s fill 5 s: 135 W for 5 s over 10 x 4 clips; the counter started over.
    assert found.forwards == 10 and found.window_s == pytest.approx(5.0)
    assert machine.uj["intel-rapl:0"] < 400_000_000
    assert found.window_j == pytest.approx(675.0)
    assert found.j_per_clip == pytest.approx(16.875)
    assert (found.counter, found.gpu) == ("RAPL", None)
    assert found.domains == ("package-0", "package-1", "package-0/dram")
    assert notes == ["energy: memory is not in it: this processor has no counter for it"]


def test_idle_power_is_that_of_the_machine_at_rest(machine: Machine) -> None:
    found, _ = asked(machine)
    assert found.idle_w == pytest.approx(35.0)
    assert found.j_per_clip_above_idle == pytest.approx(100.0 * 5.0 / 40)


def test_every_socket_with_its_memory_leaves_nothing_to_note(machine: Machine) -> None:
    machine.zones |= {"intel-rapl:1:0": "dram"}
    machine.uj |= {"intel-rapl:1:0": 0}
    found, notes = asked(machine)
    assert found.window_j == pytest.approx(700.0) and notes == []


def test_memory_that_stands_still_is_not_in_the_domains(machine: Machine) -> None:
    machine.still = {"dram"}
    found, notes = asked(machine)
    assert found.domains == ("package-0", "package-1")
    assert notes == ["energy: memory is not in it: this processor has no counter for it"]


def test_a_package_that_stands_still_gives_no_number(machine: Machine) -> None:
    machine.still = {"package-1"}
    found, notes = asked(machine)
    assert found is None and notes == ["energy: the CPU's counter of package-1 stands still"]


def test_a_little_other_work_is_recorded(machine: Machine) -> None:
    found, _ = asked(machine)
    assert found.other_processors == pytest.approx(0.02)


@pytest.mark.parametrize(("others", "kept"), [(0.99, True), (1.01, False)])
def test_other_work_beyond_a_share_of_the_forwards_own_discards_the_joules(
    machine: Machine, others: float, kept: bool
) -> None:
    machine.others = lambda now_s: others * OTHER_WORK * OWN
    found, notes = asked(machine)
    assert (found is not None) == kept
    if not kept:
        assert notes == [
            "energy: other work used 0.10 processors next to the 2.00 of the forwards, and the "
            "counter counts both (busy now: backup (pid 7) 90%); stop it and measure again"
        ]


def test_other_work_in_the_idle_window_alone_discards_them_too(machine: Machine) -> None:
    # A forward of 0.5 s, 0.5 s to settle, and 2 s idle: from 101.0 s to 103.0 s, then 5 s.
    period_s = 0.5 + 0.5 + 2.0 + 5.0
    machine.others = lambda now_s: 1.0 * (1.0 <= (now_s - 100.0) % period_s < 3.0)
    found, _ = asked(machine)
    assert found is None


def test_a_window_is_measured_again_after_other_work_has_ended(machine: Machine) -> None:
    machine.others = lambda now_s: 1.0 * (now_s < 105.0)
    machine.place()
    network = Network(machine)
    found, _ = measure_energy(network)  # type: ignore[arg-type]
    assert found is not None and found.window_j == pytest.approx(675.0)
    assert network.forwards == 2 * 11 and ATTEMPTS == 3


def test_where_other_work_cannot_be_seen_a_note_says_so(machine: Machine) -> None:
    machine.stat = False
    found, notes = asked(machine)
    assert found.other_processors is None
    assert notes[0].startswith("energy: not watched: other work")


def test_a_counter_that_fails_on_the_way_gives_no_number(machine: Machine) -> None:
    machine.fails_from_s = 105.0
    found, notes = asked(machine)
    assert found is None
    assert notes[0].startswith("energy: ") and "intel-rapl:1/energy_uj can't be read" in notes[0]


def test_a_machine_without_a_counter_runs_no_forward_and_says_why(machine: Machine) -> None:
    network = Network(machine)
    found, notes = measure_energy(network)  # type: ignore[arg-type]
    assert found is None and network.forwards == 0
    assert notes[0].startswith("energy: no intel-rapl in ")


class Heater(torch.nn.Module):
    """Takes exactly 3 J a forward, by a made-up counter."""

    def __init__(self, root: Path) -> None:
        super().__init__()
        self.root, self.uj = root, 0
        self.weight = torch.nn.Parameter(torch.ones(3, 5))

    def __deepcopy__(self, memo: Any) -> "Heater":
        return Heater(self.root)

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        self.uj += 3_000_000
        set_uj(self.root, "intel-rapl:0", self.uj)
        return clip.mean((2, 3, 4)) @ self.weight


def test_a_whole_case_on_a_cpu_has_its_joules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = powercap(tmp_path, {"intel-rapl:0": "package-0"})
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(energy, "WINDOW_S", 0.05)
    monkeypatch.setattr(energy, "IDLE_S", 0.01)
    monkeypatch.setattr(CpuCounter, "settle_s", 0.0)
    monkeypatch.setattr(energy_counters, "processors_time_s", lambda: None)
    monkeypatch.setattr(energy_counters, "CpuCounter", partial(CpuCounter, root))
    record = kinobench.measure(
        Heater(root), protocol="pointlight", classes=5, measure=["energy"], batch=2
    )
    assert record.energy is not None and record.energy.forwards >= 1
    assert record.energy.j_per_clip == record.energy.j_per_clip_above_idle == 1.5
    assert record.j_per_video == 1.5 * record.case.protocol.views
    assert record.energy.domains == ("package-0",)
    assert "energy: memory is not in it: this processor has no counter for it" in record.notes
