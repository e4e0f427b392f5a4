"""How far networks move from eager PyTorch to the runtime in which each is fastest."""

from typing import NamedTuple

from .runtimes import InRuntime, Network, RuntimeTable


class Gain(NamedTuple):
    """A network in eager PyTorch and where it is fastest: milliseconds and percent."""

    network: Network
    before: InRuntime
    after: InRuntime

    @property
    def begin(self) -> tuple[float, float]:
        """Its point in eager PyTorch."""
        return _point(self.before)

    @property
    def end(self) -> tuple[float, float]:
        """Its point where it is fastest."""
        return _point(self.after)


def _point(cell: InRuntime) -> tuple[float, float]:
    assert cell.latency_s is not None and cell.score is not None
    return 1e3 * cell.latency_s, 100 * cell.score


def _is_known(cell: InRuntime | None) -> bool:
    return cell is not None and cell.latency_s is not None and cell.score is not None


def gains_of(table: RuntimeTable) -> list[Gain]:
    """Return the trained networks that were timed and scored in eager PyTorch and another way.

    The fastest way is the fastest of those that were scored and keep the accuracy: eager PyTorch
    itself, where no other is faster.
    """
    found = []
    for network in table.networks:
        eager = network.eager
        known = [each for each in network.cells if each is not None and _is_known(each)]
        kept = [each for each in known if not each.loses]
        if eager is None or eager not in kept or len(known) < 2:
            continue
        found.append(Gain(network, eager, min(kept, key=lambda each: each.latency_s or 0.0)))
    return found
