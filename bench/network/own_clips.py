"""Networks that write into their clips, as by `clip.sub_(mean)`: each forward needs its own."""

from collections.abc import Callable, Sequence
from typing import Any

import torch

from .inputs import Inputs

WRITES = (
    "input: the network writes into its clips, so each forward gets a copy; it isn't part of a "
    "latency, but of the time and the energy of many forwards"
)
"""The note on the record of such a network."""

LOOKED_AT = 8
"""Clips of a batch that are compared: a network that writes does so into every clip."""


class Witness:
    """The content of arguments before a forward, which shows whether it changed them."""

    def __init__(self, inputs: Inputs) -> None:
        """Copy the first clips."""
        self._inputs = inputs
        self._before = tuple(each[:LOOKED_AT].clone() for each in inputs)

    def changed(self) -> bool:
        """Return whether the arguments have other content now."""
        pairs = zip(self._inputs, self._before, strict=True)
        return not all(torch.equal(each[:LOOKED_AT], before) for each, before in pairs)


def copied(inputs: Inputs) -> Inputs:
    """Return copies of arguments, in their memory format."""
    return tuple(each.clone() for each in inputs)


def on_copies(forward: Callable[..., Any]) -> Callable[..., Any]:
    """Return a forward that leaves its arguments as they are."""

    def of_copies(*inputs: torch.Tensor) -> Any:
        return forward(*copied(inputs))

    return of_copies


def leaving_clips(
    forward: Callable[..., Any], inputs: Sequence[torch.Tensor]
) -> Callable[..., Any]:
    """Return the forward, or if it writes into its arguments, one that works on copies.

    Args:
        forward: It is run once.
        inputs: Random arguments of it, such as `clip: [1, 3, T, H, W]`.
    """
    given = tuple(inputs)
    witness = Witness(given)
    forward(*given)
    return on_copies(forward) if witness.changed() else forward
