"""The modules among which a network's cost is divided."""

from collections.abc import Mapping

MOST_BARS = 40
"""Modules that a page shows; what is left over is one more."""


def bars_of(macs_by_module: Mapping[str, int], depth: int) -> list[tuple[str, int]]:
    """Return the modules of the deepest shown level, and their MACs, in the network's order.

    A module is left out if modules inside it are shown and have all of its MACs, and if it has
    none. What a module does besides them is shown under its own name.

    Args:
        macs_by_module: MACs by the name of the module; that of the whole network is empty.
        depth: Levels of modules.
    """
    shown = {
        name: macs
        for name, macs in macs_by_module.items()
        if name and macs and name.count(".") < depth
    }
    found = []
    for name, macs in shown.items():
        inside = sum(each for other, each in shown.items() if other.rpartition(".")[0] == name)
        if macs > inside:
            found.append((name, macs - inside))
    rest = macs_by_module.get("", 0) - sum(macs for _, macs in found)
    if rest > 0:
        found.append(("(outside any module)", rest))
    if len(found) <= MOST_BARS:
        return found
    kept = sorted(found, key=lambda each: each[1])[-MOST_BARS:]
    left = len(found) - MOST_BARS
    others = sum(macs for _, macs in found) - sum(macs for _, macs in kept)
    return [*(each for each in found if each in kept), (f"({left} more)", others)]


def amount(macs: int) -> str:
    """Return a count of MACs with three digits and its unit: `1.09 G`."""
    for unit, name in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if macs >= unit:
            decimals = 2 - len(str(int(macs / unit))) + 1
            return f"{macs / unit:.{max(0, decimals)}f} {name}"
    return str(macs)
