"""Weights that `fit` made: a safetensors file that says what they were trained on, and how."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from safetensors import safe_open

from ...datasets.errors import KinobenchError
from ...datasets.split import Scoring
from ...zoo.checkpoints.files import reading_weights
from ...zoo.checkpoints.named import resolve_weights, without_part
from .computed import Computed

if TYPE_CHECKING:
    import torch


class Epoch(msgspec.Struct, frozen=True, kw_only=True):
    """A point of a learning curve.

    Attributes:
        epoch: Number of the epoch, from 1.
        step: Steps so far, all epochs together.
        learning_rate: Learning rate of its last step.
        loss: Mean over its clips, label smoothing included, each before the step that it is of.
        top1: The share of its clips (of a network that is trained per frame: frames) that were
            right, the same.
        seconds: Seconds that it took.
    """

    epoch: int
    step: int
    learning_rate: float
    loss: float
    top1: float
    seconds: float


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """The checkpoint that a training starts from.

    Attributes:
        weights: Its name or path, as it was given.
        digest: The digest of its file.
        new_head: Names of the entries that were not taken from it, sorted; empty if all were.
    """

    weights: str
    digest: str
    new_head: tuple[str, ...] = ()

    @property
    def decisive(self) -> tuple[str, str | None, tuple[str, ...]]:
        """Everything that decides the first weights, wherever the file is."""
        return self.digest, without_part(self.weights)[1], self.new_head


class Fitted(msgspec.Struct, frozen=True, kw_only=True):
    """The description of weights that their file has.

    Attributes:
        classes: The names, in the order of the outputs.
        manifest: Digest of the ids and labels that it was trained on.
        protocol_digest: Digest of the protocol of its clips.
        recipe, recipe_digest: The numbers, as the TOML file has them, and their digest.
        top1: Top-1 of the weights of this file on `scored_on`; None if it was not measured, or if
            the scoring is another.
        scoring, score: How `scored_on` is scored, if not by top-1, and hit@1 or mAP.
        curve: The learning curve.
        computes: What the network computed before it was trained; None if that isn't known, as of
            weights of earlier versions.
        start: The checkpoint that they started from; None for random weights.
        step: Frames from one window to the next, of a network that localizes; None for others.
        backbone: The checkpoint of its backbone, which learnt nothing; None for random weights.
    """

    model: str
    dataset: str
    split: str
    manifest: str
    classes: tuple[str, ...]
    protocol: str
    protocol_digest: str
    recipe: dict[str, Any]  # plain, so that a later kinobench with more numbers can read it
    recipe_digest: str
    seed: int
    epochs: int
    torch: str
    kinobench_commit: str | None
    top1: float | None = None
    scored_on: str | None = None
    scoring: Scoring = "top-k"
    score: float | None = None
    curve: tuple[Epoch, ...] = ()
    computes: Computed | None = None
    start: Start | None = None
    step: int | None = None
    backbone: Start | None = None


def write_fitted(path: Path, state: "dict[str, torch.Tensor]", fitted: Fitted) -> None:
    """Write the weights.

    Args:
        path: The file.
        state: Tensors by the names of the network's own parameters.
        fitted: Description of the weights.

    Raises:
        KinobenchError: It can't be written.
    """
    from .files import save_tensors

    save_tensors(path, state, {"kinobench": msgspec.json.encode(fitted).decode()})


def in_half(state: "dict[str, torch.Tensor]") -> "dict[str, torch.Tensor]":
    """Return weights whose floating-point numbers are float16, in half of the space."""
    import torch

    return {
        name: entry.to(torch.float16) if entry.is_floating_point() else entry
        for name, entry in state.items()
    }


def read_fitted(path: Path) -> Fitted | None:
    """Return what a file says of its weights; None where `fit` didn't write it.

    Raises:
        KinobenchError: It can't be read, or is damaged.
    """
    if path.suffix != ".safetensors":
        return None
    with reading_weights(path):
        with safe_open(str(path), framework="numpy") as file:  # the header alone: no torch for it
            found = (file.metadata() or {}).get("kinobench")
        return None if found is None else msgspec.json.decode(found, type=Fitted)


def shapes_in(path: Path) -> dict[str, tuple[int, ...]]:
    """Return the shapes of a safetensors file's entries by their names.

    Raises:
        KinobenchError: It can't be read.
    """
    with reading_weights(path), safe_open(str(path), framework="numpy") as file:
        return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118


def fitted_header(model: str, weights: str | None) -> Fitted | None:
    """Return what weights say of themselves; None where `fit` didn't make them, or none are here.

    Raises:
        KinobenchError: Their file can't be read.
    """
    if weights is None:
        return None
    try:
        path = resolve_weights(model, weights)
    except KinobenchError:  # published, and still to be fetched
        return None
    return read_fitted(path)
