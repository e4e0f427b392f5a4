"""The state of a training: one safetensors file, replaced as a whole after every epoch."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from safetensors import safe_open

from ...datasets.errors import KinobenchError, reason_of
from ...datasets.files import check_regular
from ..records.computed import Computed
from ..records.files import save_tensors
from ..records.fitted_weights import Epoch

if TYPE_CHECKING:
    import torch
    from torch import nn


def write(
    path: Path,
    training: str,
    computes: Computed | None,
    network: "nn.Module",
    average: "nn.Module",
    optimizer: "torch.optim.Optimizer",
    curve: list[Epoch],
) -> None:
    """Keep everything that the next epoch needs.

    Args:
        path: The file.
        training: The digest of what is trained; see `Training.digest`.
        computes: What the network computed before the training; None if that isn't known.
        network: The network whose weights are kept.
        average: The average of the weights.
        optimizer: The optimizer whose moments are kept.
        curve: The epochs so far.

    Raises:
        KinobenchError: It can't be written.
    """
    entries = {f"network.{name}": entry for name, entry in network.state_dict().items()}
    entries |= {f"average.{name}": entry for name, entry in average.state_dict().items()}
    for number, moments in optimizer.state_dict()["state"].items():
        entries |= {f"optimizer.{number}.{name}": entry for name, entry in moments.items()}
    metadata = {"order": training, "curve": msgspec.json.encode(curve).decode()}
    metadata["computes"] = msgspec.json.encode(computes).decode()
    save_tensors(path, entries, metadata, own=True)


def read(
    path: Path,
    training: str,
    computes: Computed | None,
    network: "nn.Module",
    average: "nn.Module",
    optimizer: "torch.optim.Optimizer",
) -> list[Epoch]:
    """Put everything back, and return the epochs so far.

    A checkpoint of an earlier version doesn't say what the network computed; it is taken as it is.

    Raises:
        KinobenchError: The file is damaged, or of another training, or of a network of the same
            name that computed something else.
    """
    with _readable(path):
        check_regular(path)
        with safe_open(str(path), framework="pt") as file:
            metadata = file.metadata() or {}
            entries = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    theirs = metadata.get("order")
    if theirs != training:
        raise KinobenchError(
            f"the checkpoint {path} is of another training ({theirs}, not {training}); remove it "
            "to start again"
        )
    state: dict[int, dict[str, torch.Tensor]] = {}
    with _readable(path):
        curve = msgspec.json.decode(metadata["curve"], type=list[Epoch])
        before = msgspec.json.decode(metadata.get("computes", "null"), type=Computed | None)
        for name, entry in _below("optimizer.", entries).items():
            number, _, moment = name.partition(".")
            state.setdefault(int(number), {})[moment] = entry
    if before is not None and computes is not None and not before.agrees(computes):
        raise KinobenchError(
            f"the checkpoint {path} is of a network that computed something else before it was "
            "trained: its code, or a file that it reads, has changed since; undo that, or give "
            "--fresh to start again"
        )
    try:
        network.load_state_dict(_below("network.", entries))
        average.load_state_dict(_below("average.", entries))
        optimizer.load_state_dict(optimizer.state_dict() | {"state": state})
    except (RuntimeError, ValueError) as error:  # the network's code was changed in between
        raise KinobenchError(
            f"the checkpoint {path} doesn't fit the network any more ({error}); remove it to start "
            "again"
        ) from error
    return curve


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turn whatever a damaged checkpoint makes a library raise into an error that says the cure."""
    try:
        yield
    except MemoryError:
        raise
    except Exception as error:
        what = reason_of(error) if isinstance(error, OSError) else str(error)
        raise KinobenchError(
            f"the checkpoint {path} can't be read ({what}); remove it to start again"
        ) from error


def _below(prefix: str, entries: "dict[str, torch.Tensor]") -> "dict[str, torch.Tensor]":
    return {
        name.removeprefix(prefix): entry
        for name, entry in entries.items()
        if name.startswith(prefix)
    }
