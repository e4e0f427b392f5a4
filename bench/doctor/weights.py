"""Checks of the weights: they are all that a second build needs, also from a file."""

import tempfile
from pathlib import Path

import torch
from torch import nn

from ...datasets.errors import KinobenchError
from ...zoo.checkpoints.load import load_checkpoint
from ...zoo.checkpoints.named import load_weights
from ..records.files import save_tensors
from .finding import Finding, failed, passed, skipped, warned
from .subject import SEED, Subject, difference, shown

_BEYOND = (
    "make what a network is a parameter or a buffer (register_buffer), or compute it from the "
    "builder's arguments"
)


def given(subject: Subject) -> Finding:
    """Check that the weights that were given load, all of them."""
    if subject.weights is None:
        return skipped("no weights were given: --weights FILE checks that they load")
    module = subject.build()
    try:
        digest, notes = load_weights(module, subject.architecture.name, subject.weights)
    except KinobenchError as error:
        parting = ". " if ". " in str(error) else "; "
        message, _, cure = str(error).partition(parting)
        return failed(message, cure or "give others, or leave them out")
    remarks = "".join(f"; {note}" for note in notes)
    return passed(f"{subject.weights} loads; its SHA-256 begins with {digest}{remarks}")


def second(subject: Subject) -> Finding:
    """Check that a second network with the first one's weights gives its logits to the bit."""
    other = subject.build(seed=SEED + 1)
    try:
        other.load_state_dict(subject.module.state_dict())
    except Exception as error:
        return failed(
            f"a second network can't take the first one's weights: {shown(error)}",
            "build the same layers each time, before the first forward",
        )
    return _compared(subject, other, "a second network with the first one's weights")


def saved(subject: Subject) -> Finding:
    """Check that weights that were saved and loaded again give the same logits to the bit."""
    state = subject.module.state_dict()
    others = [name for name, each in state.items() if not isinstance(each, torch.Tensor)]
    if others:
        return warned(
            f"its state dict has more than tensors: {', '.join(others[:3])}, which no file of "
            "weights can hold",
            "measure it as it is built; `fit` and --weights can't be used",
        )
    with tempfile.TemporaryDirectory(prefix="kinobench-") as folder:
        path = Path(folder) / "weights.safetensors"
        save_tensors(path, state, {})
        other = subject.build(seed=SEED + 1)
        try:
            load_checkpoint(other, path)
        except KinobenchError as error:
            return failed(f"its own weights don't load again: {error}", _BEYOND)
    return _compared(subject, other, "a network with weights from a file")


def _compared(subject: Subject, other: nn.Module, what: str) -> Finding:
    clip = subject.inputs(1)
    here, there = subject.run(clip), subject.run(clip, other)
    if torch.equal(here, there):
        return passed(f"{what} gives the same logits to the bit")
    share = difference(here, there)
    return failed(f"{what} gives other logits, by {share:.1e} of the largest", _BEYOND)
