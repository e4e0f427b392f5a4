"""A network that a runtime has loaded: what all runtimes look like from outside."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol, runtime_checkable

import torch

from ..inputs import Inputs


class Session(Protocol):
    """A loaded network, for arguments of one shape.

    Attributes:
        runs_on: What executes it, as the runtime says: providers or devices.
        arithmetic: The precision in which the runtime computes, as it says itself.
        threads: Threads of the runtime on the CPU; None on a GPU.
        streams: Requests that it works on at once; None where a runtime has no such thing.
    """

    runs_on: tuple[str, ...]
    arithmetic: str
    threads: int | None
    streams: int | None

    def __call__(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Arguments in the order of the export -> its outputs, the logits first.

        Outputs may lie in memory that the next call writes.
        """
        ...


class OperatorTimes(NamedTuple):
    """The times of a node of a loaded graph, as the runtime measured them.

    Attributes:
        name: Its name in the graph.
        kind: Its type, such as `Conv`.
        kernel: The code that computes it, as the runtime names it; empty where it doesn't.
        times_s: Seconds of each forward.
    """

    name: str
    kind: str
    kernel: str
    times_s: tuple[float, ...]


@runtime_checkable
class ShowsGraph(Protocol):
    """A session whose runtime says what it has made of the network."""

    def nodes(self) -> dict[str, int]:
        """Return how many nodes of each type the loaded graph has."""
        ...


def nodes_of(session: Session) -> dict[str, int] | None:
    """Return the nodes of a session's graph by type; None where the runtime doesn't say."""
    return (session.nodes() or None) if isinstance(session, ShowsGraph) else None


@runtime_checkable
class Captures(Protocol):
    """A session whose runtime captures a CUDA graph itself, in its first call."""

    captures: bool


@runtime_checkable
class Remarks(Protocol):
    """A session that has something to say to the reader of the record."""

    notes: tuple[str, ...]


def notes_of(session: Session) -> tuple[str, ...]:
    """Return what a session has to say to the reader of the record."""
    return session.notes if isinstance(session, Remarks) else ()


@runtime_checkable
class KnowsActivations(Protocol):
    """A session on a GPU that knows what a forward takes besides what torch's allocator gives."""

    @property
    def activation_bytes(self) -> int | None:
        """Bytes on the GPU."""
        ...


def activation_bytes_of(session: Session) -> int | None:
    """Return what a forward takes past torch's allocator on a GPU; None if unknown."""
    return session.activation_bytes if isinstance(session, KnowsActivations) else None


class Logits:
    """A forward `clips -> logits [B, classes]` of a session."""

    def __init__(self, session: Session) -> None:
        """Take a session whose first output is the logits."""
        self.session = session

    def __call__(self, *inputs: torch.Tensor) -> torch.Tensor:
        """Arguments of the exported shape -> logits `[B, classes]`."""
        return self.session(*inputs)[0]


class AnyBatch:
    """A forward of any number of clips, by a session that takes `batch` of them."""

    def __init__(self, session: Session, batch: int) -> None:
        """Take a session and its batch."""
        self._session, self._batch = session, batch

    def __call__(self, *inputs: torch.Tensor) -> torch.Tensor:
        """Arguments of any number of clips -> logits `[B, classes]`, in memory of their own.

        Places that are left in the last forward are filled with copies of its last clip.
        """
        if len(inputs[0]) == self._batch:
            return self._session(*inputs)[0].clone()
        parts = []
        for given in zip(*(each.split(self._batch) for each in inputs), strict=True):
            clips = len(given[0])
            full = given if clips == self._batch else _filled(given, self._batch)
            parts.append(self._session(*full)[0][:clips].clone())
        return parts[0] if len(parts) == 1 else torch.cat(parts)


def _filled(inputs: Sequence[torch.Tensor], batch: int) -> Inputs:
    missing = batch - len(inputs[0])
    return tuple(torch.cat([each, each[-1:].expand(missing, *each.shape[1:])]) for each in inputs)
