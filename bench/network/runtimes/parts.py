"""What of a network is exported as one file: all of it, or the two kinds of a stream's steps."""

from collections.abc import Sequence
from typing import NamedTuple, cast

import torch
from torch import nn
from torch.utils._pytree import tree_flatten

from ....zoo.spec import BOXES_PER_CLIP, Input, Streaming
from ...cost.random_inputs import random_inputs
from ...records.case import Case
from ..dtypes import dtype_of
from ..inputs import Inputs
from .errors import ExportError
from .pure import FirstStep, NextStep, Pure, names_of


class Part(NamedTuple):
    """What is exported as one file: a network, or a step of it.

    Attributes:
        name: `forward`, `first step` or `next step`.
        module: It, as a module that gives tensors.
        inputs: Arguments of the shapes that the file takes.
        names: Names of its inputs and of its outputs in the file.
    """

    name: str
    module: nn.Module
    inputs: Inputs
    names: tuple[Sequence[str], Sequence[str]]


def parts_of(module: nn.Module, case: Case, kinds: tuple[Input, ...], batch: int) -> list[Part]:
    """Return what is exported: the network, or in mode `stream` the two kinds of its steps.

    Args:
        module: The network in eval mode, on the CPU, in the type of its arguments.
        case: Its case.
        kinds: Its inputs.
        batch: Clips in a forward.

    Raises:
        ExportError: The state of a stream isn't made of tensors alone.
    """
    protocol, model = case.protocol, case.model
    generator = torch.Generator().manual_seed(0)
    drawn = random_inputs(
        kinds, batch, protocol.frames, protocol.size, generator, case.boxes or BOXES_PER_CLIP
    )
    inputs = tuple(
        each if kind == "boxes" else each.to(dtype_of(case))
        for kind, each in zip(kinds, drawn, strict=True)
    )
    if case.mode != "stream":
        names = (names_of(kinds), ["logits"])
        return [Part("forward", Pure(module, model).eval(), inputs, names)]
    frame = inputs[0][:, :, 0]
    with torch.no_grad():
        _, state = cast(Streaming, module).step(frame.clone(), None)
    tensors, spec = tree_flatten(state)
    _refuse_other_state(tensors, model)
    states = [f"state_{number}" for number in range(len(tensors))]
    after = ["logits", *(f"next_{name}" for name in states)]
    first = FirstStep(module).eval()
    following = NextStep(module, spec).eval()
    return [
        Part("first step", first, (frame,), (["frame"], after)),
        Part("next step", following, (frame, *tensors), (["frame", *states], after)),
    ]


def _refuse_other_state(state: Sequence[object], model: str) -> None:
    """Raise ExportError unless a stream's state is made of tensors alone."""
    for each in state:
        if not isinstance(each, torch.Tensor):
            raise ExportError(
                f"{model} can't be exported as a stream: its state holds a {type(each).__name__}, "
                "and an exported step takes tensors alone",
                "keep it in a tensor, or measure with --runtime torch",
            )
