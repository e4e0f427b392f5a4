"""What a network computes: the logits of one seeded clip, in eager fp32 on the CPU."""

import math
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

import torch
from torch import nn

from ...zoo import registry
from ...zoo.spec import Input
from ..cost.random_inputs import random_inputs
from ..cost.seeds import seeded
from ..cost.shape import Shape
from ..records.case import Case
from ..records.computed import Computed
from .build import build_network
from .digest import network_digest
from .outputs import logits_of
from .settings import settings_restored

MOST_VALUES = 1024
"""Values that are kept of a clip, evenly spaced; classifiers of the zoo have fewer classes."""
SEED = 0
"""Seed of the clip, and of whatever the network draws in its forward."""


def computed_by(module: nn.Module, kinds: Sequence[Input], frames: int, size: int) -> Computed:
    """Run one clip through a module in eval mode, on the CPU and in fp32.

    All generators are afterwards as before.

    Args:
        module: The network as it was built and loaded.
        kinds: Its inputs, in order.
        frames: Frames of the clip.
        size: Height and width of the clip.

    Raises:
        Exception: Whatever the network raises.
    """
    inputs = random_inputs(kinds, 1, frames, size, torch.Generator().manual_seed(SEED))
    with torch.inference_mode(), seeded(SEED):
        return computed_of(logits_of(module(*inputs)))


def computed_of(logits: torch.Tensor) -> Computed:
    """Return the logits of the first clip; `logits: [B, classes]`."""
    first = logits[0].float().cpu().reshape(-1)
    step = -(-len(first) // MOST_VALUES)  # a localizer has a score for each candidate and class
    kept = first[::step].tolist()
    return Computed(logits=tuple(each if math.isfinite(each) else None for each in kept))


class Identity(NamedTuple):
    """What a case's network is.

    Attributes:
        weights: Digest of the checkpoint file; None for an untrained network.
        network: See `network_digest`.
        computes: What it computes; None if it fails on the CPU.
    """

    weights: str | None
    network: str
    computes: Computed | None


def identity_of(case: Case) -> Identity:
    """Build a case's network, and find out what it is; torch's settings are afterwards as before.

    Raises:
        KinobenchError: The network or its weights are not there, or don't fit.
        Exception: Whatever the builder raises.
    """
    protocol, kinds = case.protocol, registry.get(case.model).inputs
    with settings_restored():
        shape = Shape(protocol.frames, protocol.size, case.classes)
        module, weights, _ = build_network(case.model, shape, case.weights)
        computes = None
        with suppress(Exception):  # the case itself may run elsewhere; where it can't, it says why
            computes = computed_by(module, kinds, protocol.frames, protocol.size)
        return Identity(weights, network_digest(module), computes)
