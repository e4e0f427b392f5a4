"""Checks of the forward: what it gives, and that nothing but the clip decides it."""

from contextlib import suppress

import torch
from torch import nn

from ...datasets.errors import KinobenchError
from ..cost.seeds import seed_all
from ..network.outputs import described
from .building import made_in_forward, names_in
from .finding import Finding, failed, passed, warned
from .subject import Subject, difference, shown

_DROPOUT = nn.modules.dropout._DropoutNd
_NORM = nn.modules.batchnorm._NormBase


def output(subject: Subject) -> Finding:
    """Check that a clip gives finite logits `[1, classes]`, and that all layers were there."""
    module, classes = subject.module, subject.shape.classes
    before = names_in(module)
    try:
        with torch.inference_mode():
            given = module(*subject.inputs(1))
    except Exception as error:
        return failed(f"its forward fails: {shown(error)}", _cure_of(subject))
    late = made_in_forward(module, before)
    if late:
        return failed(
            f"its forward makes layers, which have no weights before it: {', '.join(late[:3])}",
            "make them in __init__, or let torch find their sizes: nn.LazyLinear",
        )
    try:
        logits = subject.run(subject.inputs(1))
    except KinobenchError as error:
        message, _, cure = str(error).partition("; ")
        return failed(message, cure)
    if tuple(logits.shape) != (1, classes):
        return failed(
            f"one clip gives {list(logits.shape)}, not [1, {classes}]",
            "return one row of `num_classes` logits for each clip of the batch",
        )
    if not bool(logits.isfinite().all()):
        return failed(
            "the logits of a random clip have NaN or infinity",
            "look for a division by zero, a logarithm or a square root without a floor",
        )
    form = "logits" if isinstance(given, torch.Tensor) else f"{described(given)}: its logits"
    return passed(f"{form} [1, {classes}], finite")


def _cure_of(subject: Subject) -> str:
    """Return what to do where a forward fails: it may take the frames before the colours."""
    given = subject.inputs(1)
    called = " and ".join(
        f"{kind} {list(each.shape)}"
        for kind, each in zip(subject.architecture.inputs, given, strict=True)
    )
    with suppress(Exception):
        subject.run((given[0].transpose(1, 2), *given[1:]))
        return (
            f"it is called with {called}: [B, 3, T, H, W]; it takes [B, T, 3, H, W], so begin its "
            "forward with clip = clip.transpose(1, 2)"
        )
    return (
        f"it is called with {called}: correct the forward, or give the clip that it takes: "
        "--frames, --size"
    )


def batch(subject: Subject) -> Finding:
    """Check that a batch of two gives what two batches of one give, and not the same twice."""
    given, classes = subject.inputs(2), subject.shape.classes
    together = subject.run(given)
    alone = torch.cat([subject.run(tuple(each[at : at + 1] for each in given)) for at in (0, 1)])
    if tuple(together.shape) != (2, classes):
        return failed(
            f"two clips give {list(together.shape)}, not [2, {classes}]",
            "take the batch's size from the clip: clip.shape[0]",
        )
    if not bool(together.isfinite().all()):
        return failed("the logits of two clips have NaN or infinity", "look for what is not finite")
    if not subject.agree(together, alone):
        share = difference(together, alone)
        return failed(
            f"in a batch of two a clip has other logits, by {share:.1e} of the largest",
            "let nothing go over the batch: no normalisation in train mode, no softmax or mean "
            "over dim 0, no reshape that mixes clips, and no one scale for all",
        )
    if difference(together[0], together[1]) <= subject.tolerance:
        return warned(
            "two different clips have the same logits",
            "see whether the clip reaches the head: the first layer may be cut off, or scaled by 0",
        )
    return passed("a batch of two gives what two batches of one give")


def deterministic(subject: Subject) -> Finding:
    """Check that eval mode draws nothing: two forwards of a clip under two seeds are equal."""
    given, module = subject.inputs(2), subject.module
    training = [
        name or "the network"
        for name, layer in module.named_modules()
        if layer.training and isinstance(layer, _DROPOUT | _NORM)
    ]
    seed_all(2)
    first = subject.run(given)
    seed_all(3)
    second = subject.run(given)
    cure = "let train() and eval() reach every layer; call F.dropout with training=self.training"
    if training:
        listed = ", ".join(training[:3]) + (", ..." if len(training) > 3 else "")
        return failed(f"in eval mode these stay in train mode: {listed}", cure)
    if not torch.equal(first, second):
        share = f"by {difference(first, second):.1e} of the largest logit"
        seed_all(2)
        if torch.equal(first, subject.run(given)):
            return failed(
                f"in eval mode another seed gives a clip other logits, {share}",
                f"{cure}; draw nothing in eval mode",
            )
        return warned(
            f"in eval mode two forwards of one clip differ, {share}, under one seed as well",
            "see check 'state'",
        )
    return passed("in eval mode a clip always gives the same logits, whatever the seed")


def written_input(subject: Subject) -> Finding:
    """Check that the forward doesn't write to its input."""
    given = subject.inputs(2)
    before = [each.clone() for each in given]
    with torch.inference_mode():
        subject.module(*given)
    if all(map(torch.equal, given, before)):
        return passed("the inputs are not written to")
    return warned(
        "the forward writes to its input",
        "kinobench gives each forward its own clip; others may not: write x = x - mean, not "
        "x.sub_(mean)",
    )


def state(subject: Subject) -> Finding:
    """Check that a forward leaves nothing behind that changes the next one."""
    module, kept = subject.module, subject.inputs(1)
    before = {name: each.clone() for name, each in module.state_dict().items() if _is_plain(each)}
    logits = []
    for given in (kept, subject.inputs(1, seed=4), kept):
        seed_all(2)  # what it draws is no state
        logits.append(subject.run(given))
    first, _, again = logits
    after = module.state_dict()
    changed = [name for name, each in before.items() if not torch.equal(each, after[name])]
    cure = (
        "keep nothing from one forward to the next, or start from nothing in each; such a network "
        "is evaluated in order, on one thread"
    )
    if not torch.equal(first, again):
        what = f" (it changes {', '.join(changed[:3])})" if changed else ""
        return warned(f"a clip has other logits after another one{what}", cure)
    if changed:
        return warned(f"a forward in eval mode changes {', '.join(changed[:3])}", cure)
    return passed("one forward doesn't change the next")


def _is_plain(entry: object) -> bool:
    return isinstance(entry, torch.Tensor)
