"""Trees like Linux's powercap, with counters that a test sets."""

from pathlib import Path

from .kernel_tree import tree

RANGE_UJ = 65_532_610_987
"""Of AMD's counters, the smallest there is."""


def powercap(root: Path, zones: dict[str, str]) -> Path:
    """Write zones by their names, such as `intel-rapl:0` for `package-0`, with counters at 0."""
    files = {}
    for zone, name in zones.items():
        folder = f"sys/class/powercap/{zone}"
        files[f"{folder}/name"] = name
        files[f"{folder}/energy_uj"] = "0"
        files[f"{folder}/max_energy_range_uj"] = str(RANGE_UJ)
    return tree(root, files)


def set_uj(root: Path, zone: str, uj: int) -> None:
    """Let a counter show a number, in one step, as the kernel does."""
    path = root / "sys/class/powercap" / zone / "energy_uj"
    new = path.with_suffix(".new")
    new.write_text(f"{uj}\n")
    new.replace(path)
