"""Energy counters in made-up trees like /sys/class/powercap."""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from kinobench.bench.machine import rapl
from kinobench.bench.machine.rapl import Rapl, RaplError, counted_domains, find_domains

from ...fakes.kernel_tree import tree
from ...fakes.powercap_tree import RANGE_UJ, powercap, set_uj

TWO_SOCKETS = {
    "intel-rapl:0": "package-0",
    "intel-rapl:0:0": "dram",
    "intel-rapl:1": "package-1",
    "intel-rapl:1:0": "dram",
}
LAPTOP = {
    "intel-rapl:0": "package-0",
    "intel-rapl:0:0": "core",
    "intel-rapl:0:1": "uncore",
    "intel-rapl:0:2": "dram",
    "intel-rapl:1": "psys",
    "intel-rapl-mmio:0": "package-0",
    "intel-rapl-mmio:0:0": "dram",
}
TWO_DIES = {
    "intel-rapl:0": "package-0-die-0",
    "intel-rapl:0:0": "core",
    "intel-rapl:1": "package-0-die-1",
    "intel-rapl:1:0": "core",
}


@pytest.fixture(autouse=True)
def on_linux(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")


@pytest.mark.parametrize(
    ("zones", "counted"),
    [
        (TWO_SOCKETS, ("package-0", "package-1", "package-0/dram", "package-1/dram")),
        (LAPTOP, ("package-0", "package-0/dram")),
        ({"intel-rapl-mmio:0": "package-0"}, ("package-0",)),
        ({"intel-rapl:0": "package-0", "intel-rapl:1": "package-0"}, ("package-0",)),
    ],
    ids=[
        "two sockets",
        "core, uncore and psys are in or around a package, mmio is the same again",
        "mmio alone",
        "one name twice",
    ],
)
def test_packages_and_their_memory_are_counted_once(
    tmp_path: Path, zones: dict[str, str], counted: tuple[str, ...]
) -> None:
    root = powercap(tmp_path, zones)
    assert tuple(domain.name for domain in find_domains(root)) == counted


@pytest.mark.parametrize(
    ("second_uj", "counted"),
    [
        (7_000_000_000, ("package-0-die-0",)),
        (7_000_900_000, ("package-0-die-0",)),
        (7_001_100_000, ("package-0-die-0", "package-0-die-1")),
        (3_000_000, ("package-0-die-0", "package-0-die-1")),
    ],
)
def test_two_dies_that_show_the_counter_of_their_socket_are_counted_once(
    tmp_path: Path, second_uj: int, counted: tuple[str, ...]
) -> None:
    root = powercap(tmp_path, TWO_DIES)
    set_uj(root, "intel-rapl:0", 7_000_000_000)
    set_uj(root, "intel-rapl:1", second_uj)
    assert counted_domains(root) == counted


def test_two_dies_show_one_counter_although_it_starts_over_between_their_readings(
    tmp_path: Path,
) -> None:
    root = powercap(tmp_path, TWO_DIES)
    set_uj(root, "intel-rapl:0", RANGE_UJ - 100_000)
    set_uj(root, "intel-rapl:1", 100_000)
    assert counted_domains(root) == ("package-0-die-0",)


def test_two_sockets_are_two_although_their_counters_agree(tmp_path: Path) -> None:
    root = powercap(tmp_path, {"intel-rapl:0": "package-0", "intel-rapl:1": "package-1"})
    assert counted_domains(root) == ("package-0", "package-1")


def test_ten_packages_are_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    root = powercap(tmp_path, {f"intel-rapl:{n}": f"package-{n}" for n in range(11)})
    assert counted_domains(root)[-2:] == ("package-9", "package-10")


def test_joules_are_microjoules_since_the_first_reading(tmp_path: Path) -> None:
    root = powercap(tmp_path, TWO_SOCKETS)
    counter = Rapl(root)
    set_uj(root, "intel-rapl:0", 3_500_000)
    set_uj(root, "intel-rapl:1:0", 250_000)
    assert counter.joules() == {
        "package-0": 3.5,
        "package-1": 0.0,
        "package-0/dram": 0.0,
        "package-1/dram": 0.25,
    }


def test_a_counter_that_started_over_goes_on_in_joules(tmp_path: Path) -> None:
    root = powercap(tmp_path, {"intel-rapl:0": "package-0"})
    set_uj(root, "intel-rapl:0", RANGE_UJ - 1_000_000)
    counter = Rapl(root)
    set_uj(root, "intel-rapl:0", 500_000)
    assert counter.joules() == {"package-0": 1.5}
    # Twice around: each time read at 40 % and 80 % of its range.
    for part in (0.4, 0.8, 0.1, 0.4, 0.8, 0.1):
        set_uj(root, "intel-rapl:0", round(part * RANGE_UJ))
        joules = counter.joules()
    assert joules["package-0"] == pytest.approx(1.5 - 0.5 + 2.1 * RANGE_UJ / 1e6)


def test_a_counter_that_was_set_to_zero_is_not_taken_for_one_that_started_over(
    tmp_path: Path,
) -> None:
    root = powercap(tmp_path, {"intel-rapl:0": "package-0"})
    set_uj(root, "intel-rapl:0", 2_000_000)
    counter = Rapl(root)
    set_uj(root, "intel-rapl:0", 1_000)
    with pytest.raises(RaplError, match=r"energy_uj went back from 2000000 to 1000: .* suspend"):
        counter.joules()


def until(reached: Callable[[], bool]) -> None:
    for _ in range(20_000):
        if reached():
            return
        time.sleep(0.001)
    pytest.fail("the thread read nothing in 20 s")


def test_a_thread_reads_while_a_forward_takes_long(tmp_path: Path) -> None:
    root = powercap(tmp_path, {"intel-rapl:0": "package-0"})
    counter = Rapl(root)
    with counter.kept_up(every_s=0.001):
        # Whoever reads only at the end finds 10 % of the range, and not 110 %.
        for part in (0.45, 0.9, 0.1):
            uj = round(part * RANGE_UJ)
            set_uj(root, "intel-rapl:0", uj)
            until(lambda uj=uj: counter._last_uj["package-0"] == uj)  # type: ignore[misc]
    assert counter.joules()["package-0"] == pytest.approx(1.1 * RANGE_UJ / 1e6)


def test_a_failure_in_that_thread_is_raised_to_the_next_who_asks(tmp_path: Path) -> None:
    root = powercap(tmp_path, {"intel-rapl:0": "package-0"})
    counter = Rapl(root)
    with counter.kept_up(every_s=0.001):
        (root / "sys/class/powercap/intel-rapl:0/energy_uj").write_text("many\n")
        until(lambda: counter._failed is not None)
    set_uj(root, "intel-rapl:0", 1_000_000)
    with pytest.raises(RaplError, match=r"energy_uj can't be read .*many"):
        counter.joules()


@pytest.mark.parametrize("zone", ["intel-rapl:0", "intel-rapl:1", "intel-rapl:1:0"])
def test_one_counter_that_root_alone_may_read_is_reported_with_the_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    root = powercap(tmp_path, TWO_SOCKETS)
    read_text = Path.read_text

    def refused(path: Path) -> str:  # root, as whom tests may run, reads everything
        if path.parent.name == zone and path.name == "energy_uj":
            raise PermissionError(13, "Permission denied", str(path))
        return read_text(path)

    monkeypatch.setattr(Path, "read_text", refused)
    with pytest.raises(RaplError) as caught:
        Rapl(root)
    folder = root / "sys/class/powercap"
    assert f"{folder}/{zone}/energy_uj can be read by root alone" in str(caught.value)
    assert f"`sudo chmod a+r {folder}/intel-rapl:*/energy_uj`" in str(caught.value)


def test_a_counter_without_a_range_is_refused(tmp_path: Path) -> None:
    root = powercap(tmp_path, {"intel-rapl:0": "package-0"})
    (root / "sys/class/powercap/intel-rapl:0/max_energy_range_uj").unlink()
    with pytest.raises(RaplError, match="max_energy_range_uj has no number"):
        Rapl(root)


def test_counters_that_a_container_hides_are_reported(tmp_path: Path) -> None:
    folder = tmp_path / "sys/class/powercap"
    folder.mkdir(parents=True)
    (folder / "intel-rapl:0").symlink_to("../../devices/virtual/powercap/intel-rapl:0")
    with pytest.raises(RaplError, match=r"containers hide them: .* --privileged"):
        find_domains(tmp_path)


@pytest.mark.parametrize(
    ("platform", "cpuinfo", "reason"),
    [
        ("linux", "flags : fpu", "try `sudo modprobe intel_rapl_msr`"),
        ("linux", "flags : fpu hypervisor", "a virtual machine doesn't see its host's counters"),
        ("darwin", "", "macOS gives the processor's energy to root alone"),
        ("win32", "", "win32 has no counter"),
    ],
)
def test_a_machine_without_counters_has_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: str, cpuinfo: str, reason: str
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    tree(tmp_path, {"proc/cpuinfo": cpuinfo})
    with pytest.raises(RaplError) as caught:
        rapl.counted_domains(tmp_path)
    assert reason in str(caught.value)
