"""The settings of an evaluation, and the places for its results."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch

from ...datasets.flow.cache import FlowCache
from ...datasets.names import DEFAULT_DECODER, DEFAULT_FLOW, Decoder, FlowMethod, Probe
from ...datasets.protocol import Protocol
from ...zoo.spec import Input
from ..network.network import Network
from ..records.case import LogitsType
from .guard import Guard

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Evaluation:
    """Settings that turn the videos of a split into logits.

    Attributes:
        protocol: Rule that cuts views, and makes one prediction of them.
        device: Device of the views.
        dtype: Type of the views' numbers.
        kinds: Inputs of the network, in their order.
        batch: Views in one forward; see `views_in_a_forward`.
        readers: Files that are decoded at the same time, and whose optical flow is computed.
        decoder: Library that decodes them.
        flow: Method of the optical flow.
        flow_cache: Store of the optical flow; None computes it each time.
        probe: Change to each video's clips; None leaves them as they are.
        repeatable: Keeps cuDNN from choosing algorithms by timing them, so that every run gives
            the same bits; that may take longer.
        guard: Reads the files.
    """

    protocol: Protocol
    device: torch.device = CPU
    dtype: torch.dtype = torch.float32
    kinds: tuple[Input, ...] = ("rgb",)
    batch: int = 8
    readers: int = 2
    decoder: Decoder = DEFAULT_DECODER
    flow: FlowMethod = DEFAULT_FLOW
    flow_cache: FlowCache | None = None
    probe: Probe | None = None
    repeatable: bool = True
    guard: Guard = field(default_factory=Guard)


def evaluation_of(
    network: Network,
    *,
    readers: int,
    flow_cache: FlowCache | None = None,
    guard: Guard | None = None,
) -> Evaluation:
    """Return the evaluation of a network's case.

    Args:
        network: Network, on its device and in its precision.
        readers: Files that are decoded at the same time.
        flow_cache: Store of the optical flow; None computes it each time.
        guard: Reads the files; None reads them without a limit.
    """
    case = network.case
    return Evaluation(
        case.protocol,
        device=network.device,
        dtype=network.dtype,
        kinds=network.kinds,
        batch=case.eval_batch,
        readers=readers,
        decoder=case.decoder,
        flow=case.flow or DEFAULT_FLOW,
        flow_cache=flow_cache,
        probe=case.probe,
        guard=guard or Guard(),
    )


def _ignore(*_: object) -> None:
    """Ignore a report."""


@dataclass(frozen=True)
class Sink:
    """Places for the results of an evaluation.

    Attributes:
        predictions: Folder for the shards; None keeps no shards.
        logits: Precision in which logits are stored, and scored.
        progress: Called with the number of videos done, and of all videos.
        note: Called with each remark that a reader of the result should know.
        case: Digest of the case, which each shard keeps; None where there is no case.
        weights: Digest of the checkpoint file, which each shard keeps; None where there is none.
    """

    predictions: Path | None = None
    logits: LogitsType = "float32"
    progress: Callable[[int, int], None] = _ignore
    note: Callable[[str], None] = _ignore
    case: str | None = None
    weights: str | None = None


KEEP_NOTHING = Sink()
"""The sink of an evaluation whose only result is its score."""
